# cython: language_level=3
from .jobs cimport BatchJob, FitJob
from .stack cimport real

cdef void apply_gradient(FitJob[real]* job, BatchJob[real]* batch, int me, int members) noexcept nogil
