# cython: language_level=3
from .jobs cimport BatchJob, FitJob
from .structs cimport real

cdef void apply_gradient(FitJob[real]* job, BatchJob[real]* batch, int thread, int threads) noexcept nogil
