# cython: language_level=3
from libc.stdint cimport int64_t

from ._network cimport Network
from .jobs cimport FitJob
from .structs cimport real

cdef class OptimizerState:
    cdef readonly str name
    cdef public int64_t steps
    cdef readonly tuple arrays
    cdef readonly tuple raw
    cdef readonly tuple average
    cdef bint belongs_to(self, Network net) except -1

    @staticmethod
    cdef OptimizerState of(Network net, str name, bint averaging)

cdef class TrainingState:
    cdef tuple parameters
    cdef OptimizerState state

cdef int load_state(OptimizerState state, Network net, FitJob[real]* job) except -1
cdef int store_state(OptimizerState state, FitJob[real]* job) except -1
