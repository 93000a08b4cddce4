# cython: language_level=3
from libc.stdint cimport int64_t

from ._network cimport Network
from .jobs cimport FitJob
from .stack cimport real

cdef class OptimizerState:
    cdef readonly str name
    cdef public int64_t steps
    cdef readonly tuple arrays
    @staticmethod
    cdef OptimizerState of(Network net, str name)

cdef int load_state(OptimizerState state, FitJob[real]* job) except -1
cdef void store_state(OptimizerState state, FitJob[real]* job) noexcept
