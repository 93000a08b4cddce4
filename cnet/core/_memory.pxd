# cython: language_level=3
cdef class Memory:
    cdef void** blocks
    cdef Py_ssize_t count
    cdef char* room
    cdef Py_ssize_t left
    cdef void* block(self, Py_ssize_t size) except NULL
    cdef void* allocate(self, Py_ssize_t size) except NULL
    cdef void* allocate_zeroed(self, Py_ssize_t size) except NULL
    cdef void* allocate_for(self, Py_ssize_t size, bint zeroed) except NULL
