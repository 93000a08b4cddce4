# cython: language_level=3
from .stack cimport Stack

cdef class Network:
    cdef readonly tuple sizes
    cdef readonly str activation
    cdef readonly object dtype
    cdef readonly tuple weights
    cdef readonly tuple biases
    cdef readonly bint is_float32
    cdef readonly Py_ssize_t n_out
    cdef public str first_layer
    cdef Stack[float] stack32
    cdef Stack[double] stack64

cdef void* data_of(object array) except NULL
