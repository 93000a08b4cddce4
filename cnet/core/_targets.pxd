# cython: language_level=3
from libc.stdint cimport int32_t

from ._memory cimport Memory
from .structs cimport Layers, Targets, real

cpdef object as_targets(object t)
cdef int32_t* parse_labels(
    object t, bint single, Py_ssize_t n_rows, Py_ssize_t n_out, Memory memory
) except NULL
cdef Targets[real] parse_targets(
    object t, bint single, Py_ssize_t n_rows, const Layers[real]* net, double smoothing, Memory memory
) except *
cdef double* parse_weights(object weight, Py_ssize_t n_rows, Memory memory) except? NULL
cdef double sum_of_weights(const double* weight, Py_ssize_t n_rows) noexcept
