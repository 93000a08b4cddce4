# cython: language_level=3

cpdef object as_array(object x, str name)
cpdef object real_array(object x, str name)
cpdef object native(object array, object dtype)
cdef str shape_hint(object x, str name, tuple shape, Py_ssize_t n_in)
cdef int refuse_labels(object t, object array) except -1
cdef int refuse_index(object labels, Py_ssize_t i, Py_ssize_t n_out) except -1
cdef int refuse_row(Py_ssize_t i, Py_ssize_t n_out) except -1
