# cython: language_level=3
from libc.string cimport memcpy

from .structs cimport real

# Which elements: see `elements`.
cdef enum:
    FLOATS = 0
    INTEGERS = 1
    BYTES = 2

# Where an array's elements are, how many, and the size of one in bytes; a matrix's rows and columns.
cdef struct Elements:
    void* data
    Py_ssize_t size, itemsize, rows, columns

cdef Elements elements(object array, int kind, Py_ssize_t itemsize, int ndim, bint writable) except *
cdef void* data_of(object array) except NULL
cdef tuple empty_like(tuple arrays)
cpdef object as_array(object x, str name)
cpdef object real_array(object x, str name)
cpdef object native(object array, object dtype)
cdef str shape_hint(object x, str name, tuple shape, Py_ssize_t n_in)
cdef int refuse_labels(object t, object array) except -1
cdef int refuse_index(object labels, Py_ssize_t i, Py_ssize_t n_out) except -1
cdef int refuse_row(Py_ssize_t i, Py_ssize_t n_out) except -1


cdef inline void copy_rows(
    Py_ssize_t rows, Py_ssize_t n, const real* source, Py_ssize_t ld, real* out, Py_ssize_t ld_out
) noexcept nogil:
    """`rows` times n elements, to and from rows that are further apart."""
    cdef Py_ssize_t i
    for i in range(rows):
        memcpy(out + i * ld_out, source + i * ld, n * sizeof(real))
