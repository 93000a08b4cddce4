# cython: language_level=3
from cpython.buffer cimport Py_buffer
from libc.stdint cimport int32_t

from ._memory cimport Memory
from .structs cimport Inputs, Layers, Targets, real

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

cdef int source_of(const Py_buffer* view) noexcept
cpdef object as_inputs(object x, object dtype)
cpdef object as_targets(object t)
cdef bint unlike(const Inputs* x, Py_ssize_t n_rows, int trained_on) noexcept nogil
cdef Batch parse_inputs(object x, Py_ssize_t n_in, object dtype)
cdef Batch parse_training_inputs(object x, Py_ssize_t n_in, object dtype, Py_ssize_t batch_size, bint shuffle)
cdef int32_t* parse_labels(
    object t, bint single, Py_ssize_t n_rows, Py_ssize_t n_out, Memory memory
) except NULL
cdef Targets[real] parse_targets(
    object t, bint single, Py_ssize_t n_rows, const Layers[real]* net, double smoothing, Memory memory
) except *
cdef double* parse_weights(object weight, Py_ssize_t n_rows, Memory memory) except? NULL
cdef double sum_of_weights(const double* weight, Py_ssize_t n_rows) noexcept
