# cython: language_level=3
from libc.stdint cimport int64_t

from ._scan cimport FirstLayerShare
from .jobs cimport BatchJob
from .structs cimport Dropout, Inputs, SparseRows, real

cdef void backpropagate(BatchJob[real]* job, int thread, int threads) noexcept nogil
cdef void through_parts(
    BatchJob[real]* job, bint update, const Inputs* x, const SparseRows* next, Py_ssize_t next_rows,
    const Dropout[real]* dropout, const int64_t* after, Py_ssize_t n_after, const FirstLayerShare* share, int thread,
) noexcept nogil
cdef real* scratch_of(const BatchJob[real]* job, int thread) noexcept nogil
cdef void through_rows(BatchJob[real]* job, Py_ssize_t begin, Py_ssize_t end, int thread) noexcept nogil
cdef void into_dense_weights(BatchJob[real]* job, int thread, int threads) noexcept nogil
cdef double sum_losses(const double* margin, const double* total, Py_ssize_t rows) noexcept nogil
