# cython: language_level=3
from libc.stdint cimport int32_t, int64_t

from ._memory cimport Memory
from ._network cimport Network
from .structs cimport Differences, Inputs, KernelTable, Targets

ctypedef struct DifferenceJob:
    const KernelTable* kernels
    Differences block
    Py_ssize_t first, last      # inputs of this tick; the bias is input number I
    double* scratch             # of each thread, so many numbers
    Py_ssize_t scratch_size

cdef class CentralDifferences:
    cdef Memory memory
    cdef Network net
    cdef DifferenceJob job
    cdef Py_ssize_t capacity
    cdef int threads
    cdef double widest          # range of one hidden unit's weights
    cdef readonly tuple gradients
    cdef readonly double loss
    cdef readonly int64_t correct
    cdef int differentiate(self, const Inputs* x, const int32_t* labels, Py_ssize_t n_rows) except -1
    cdef int differentiate_block(self) except -1

cdef bint is_incremental(Network net, const Targets[double]* targets, object weight) except -1
cdef tuple plain_gradient(Network net, object x, object t, double h, int n_threads, object weight)
cdef list parameters_of(Network net)
