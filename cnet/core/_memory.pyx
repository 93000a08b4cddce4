# cython: language_level=3
"""Memory that lives as long as one Python object, aligned for vectors."""
from libc.stdlib cimport free, malloc, realloc
from libc.stdint cimport uintptr_t
from libc.string cimport memset

# Blocks begin on a cache line, and one may read or write a whole vector that
# begins on a block's last element.
cdef enum:
    ALIGNMENT = 64


cdef class Memory:
    """Blocks that are freed together with this object."""

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.count):
            free(self.blocks[i])
        free(self.blocks)

    cdef void* allocate(self, Py_ssize_t size) except NULL:
        """A block of `size` bytes, not initialised."""
        cdef void** blocks
        cdef void* block
        if size < 0:
            raise MemoryError("the sizes are too large for this machine")
        blocks = <void**>realloc(self.blocks, (self.count + 1) * sizeof(void*))
        if blocks is NULL:
            raise MemoryError()
        self.blocks = blocks
        block = malloc(size + 2 * ALIGNMENT)
        if block is NULL:
            raise MemoryError(f"no memory for {size} bytes")
        self.blocks[self.count] = block
        self.count += 1
        return <void*>((<uintptr_t>block + ALIGNMENT - 1) & ~<uintptr_t>(ALIGNMENT - 1))

    cdef void* allocate_zeroed(self, Py_ssize_t size) except NULL:
        """A block of `size` bytes, all zero, and the vector after it too."""
        cdef void* block = self.allocate(size)
        memset(block, 0, size + ALIGNMENT)
        return block

    cdef void* allocate_for(self, Py_ssize_t size, bint zeroed) except NULL:
        """A block of `size` bytes, zero or not initialised."""
        return self.allocate_zeroed(size) if zeroed else self.allocate(size)
