# cython: language_level=3
cdef class Memory:
    cdef void** blocks
    cdef Py_ssize_t count
    cdef void* take(self, Py_ssize_t size) except NULL
    cdef void* take_zeroed(self, Py_ssize_t size) except NULL
    cdef void* take_for(self, Py_ssize_t size, bint zeroed) except NULL
