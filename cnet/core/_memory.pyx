# cython: language_level=3
"""Memory that lives as long as one Python object, aligned for vectors."""
from libc.stdlib cimport free, malloc, realloc
from libc.stdint cimport uintptr_t
from libc.string cimport memset

cdef extern from *:
    """
    // A single prediction takes a dozen small pieces: all of them from one block. The address sanitizer should see each.
    #if defined(__has_feature)
    #if __has_feature(address_sanitizer)
    #define CNET_SHARED_BLOCK 0
    #endif
    #endif
    #if defined(__SANITIZE_ADDRESS__)
    #define CNET_SHARED_BLOCK 0
    #elif !defined(CNET_SHARED_BLOCK)
    #define CNET_SHARED_BLOCK 16384
    #endif
    """
    enum: CNET_SHARED_BLOCK

# Pieces begin on a cache line, and one may read or write a whole vector that
# begins on a piece's last element.
cdef enum:
    ALIGNMENT = 64
    BLOCKS_AT_ONCE = 8


cdef class Memory:
    """Pieces of memory that are freed together with this object."""

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.count):
            free(self.blocks[i])
        free(self.blocks)

    cdef void* block(self, Py_ssize_t size) except NULL:
        """`size` bytes from a cache line on, in a block of their own."""
        cdef void** blocks
        cdef void* block
        if self.count % BLOCKS_AT_ONCE == 0:
            blocks = <void**>realloc(self.blocks, (self.count + BLOCKS_AT_ONCE) * sizeof(void*))
            if blocks is NULL:
                raise MemoryError()
            self.blocks = blocks
        block = malloc(size + ALIGNMENT)
        if block is NULL:
            raise MemoryError(f"no memory for {size} bytes")
        self.blocks[self.count] = block
        self.count += 1
        return <void*>((<uintptr_t>block + ALIGNMENT - 1) & ~<uintptr_t>(ALIGNMENT - 1))

    cdef void* allocate(self, Py_ssize_t size) except NULL:
        """A piece of `size` bytes, not initialised."""
        cdef Py_ssize_t taken
        cdef void* piece
        if size < 0:
            raise MemoryError("the sizes are too large for this machine")
        if size > CNET_SHARED_BLOCK // 4:
            return self.block(size + ALIGNMENT)
        taken = (size + 2 * ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
        if taken > self.left:
            self.room = <char*>self.block(CNET_SHARED_BLOCK)
            self.left = CNET_SHARED_BLOCK
        piece = self.room
        self.room += taken
        self.left -= taken
        return piece

    cdef void* allocate_zeroed(self, Py_ssize_t size) except NULL:
        """A piece of `size` bytes, all zero, and the vector after it too."""
        cdef void* piece = self.allocate(size)
        memset(piece, 0, size + ALIGNMENT)
        return piece

    cdef void* allocate_for(self, Py_ssize_t size, bint zeroed) except NULL:
        """A piece of `size` bytes, zero or not initialised."""
        return self.allocate_zeroed(size) if zeroed else self.allocate(size)
