# cython: language_level=3
from cpython.buffer cimport Py_buffer

from .structs cimport Inputs

# What a network was trained on: nothing known, bytes (value/255), numbers up to 1, larger numbers.
cdef enum:
    TRAINED_ON_UNKNOWN = 0
    TRAINED_ON_BYTES = 1
    TRAINED_ON_UNIT = 2
    TRAINED_ON_LARGE = 3

cdef class Batch:
    cdef Inputs rows
    cdef readonly Py_ssize_t n_rows
    cdef readonly bint single
    cdef Py_buffer view
    cdef bint held
    cdef object owner

cdef class CompressedRows:
    cdef Inputs rows
    cdef readonly tuple shape
    cdef tuple arrays

cpdef object as_inputs(object x, object dtype)
cdef bint unlike(const Inputs* x, Py_ssize_t n_rows, int trained_on) noexcept nogil
cdef Batch parse_inputs(object x, Py_ssize_t n_in, object dtype)
cdef Batch parse_rows(object x, Py_ssize_t n_in, object dtype)
cdef Batch parse_training_inputs(object x, Py_ssize_t n_in, object dtype, Py_ssize_t batch_size, bint shuffle)
