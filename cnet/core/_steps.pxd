# cython: language_level=3
from .jobs cimport BatchJob, FitJob
from .structs cimport real

cdef void prepare_steps(FitJob[real]* job, BatchJob[real]* batch) noexcept nogil
cdef void prepare_dropout(FitJob[real]* job, Py_ssize_t iteration) noexcept nogil
