# cython: language_level=3
from .stack cimport KernelTable

cdef const KernelTable* active() noexcept nogil
