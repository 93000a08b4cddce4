# cython: language_level=3
from .structs cimport KernelTable

cdef const KernelTable* active() noexcept nogil
