# cython: language_level=3
from libc.stdint cimport int64_t, uint32_t, uint64_t

from ._memory cimport Memory
from .jobs cimport Augmentation, BatchJob, FitJob
from .structs cimport real

cdef int set_up_augmentation(
    FitJob[real]* job, object augment, Py_ssize_t n_out, int threads, Memory memory
) except -1
cdef void make_rows(
    const Augmentation[real]* augmentation, BatchJob[real]* batch, const int64_t* index, uint64_t key, uint32_t epoch,
    Py_ssize_t first_place, Py_ssize_t begin, Py_ssize_t end, int thread,
) noexcept nogil
