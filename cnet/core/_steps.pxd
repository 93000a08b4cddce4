# cython: language_level=3
from ._network cimport Network
from .jobs cimport BatchJob, FitJob, FitNumbers
from .structs cimport real

cdef int read_numbers(FitNumbers* numbers, Network net, object options) except -1
cdef int set_up_dropout(FitJob[real]* job, object options) except -1
cdef void prepare_steps(FitJob[real]* job, BatchJob[real]* batch) noexcept nogil
cdef void share_penalty(FitJob[real]* job, BatchJob[real]* batch) noexcept nogil
cdef void square_rows(FitJob[real]* job, int thread, int threads) noexcept nogil
cdef double penalty_of(const FitJob[real]* job, const BatchJob[real]* batch) noexcept nogil
cdef void prepare_dropout(FitJob[real]* job, Py_ssize_t iteration) noexcept nogil
