# Bitmaps of sparse inputs, transposed: from a word for each row to a word for each column.


cdef inline void swap_bits(int width, int distance, uint64_t low, uint64_t* word) noexcept nogil:
    """In blocks of 2 width x 2 width bits, swap the two blocks off the diagonal.

    Rows that are `width` apart stand `distance` words apart, in runs of `distance`.
    """
    cdef int i, k, block
    cdef uint64_t t
    for block in range(CNET_TILE // (2 * distance)):
        k = 2 * distance * block
        for i in range(k, k + distance):
            t = ((word[i] >> width) ^ word[i + distance]) & low
            word[i + distance] ^= t
            word[i] ^= t << width


cdef inline void transpose_bits(const uint64_t* row, uint64_t* column) noexcept nogil:
    """Bit j of row i to bit i of column j, which stands at column[place_of(j)].

    The columns stand in the order 0, 8, 16, ... 1, 9, ...: so the last three of the six steps
    work on runs of eight words too, as vectors. (There are faster instructions from AVX2 on.)
    """
    cdef uint64_t word[CNET_TILE]
    cdef int i
    if HAS_BYTE_MASKS:
        transpose_by_bytes(row, column)
        return
    memcpy(word, row, sizeof(word))
    swap_bits(32, 32, 0x00000000FFFFFFFFu, word)
    swap_bits(16, 16, 0x0000FFFF0000FFFFu, word)
    swap_bits(8, 8, 0x00FF00FF00FF00FFu, word)
    for i in range(CNET_TILE):
        column[place_of(i)] = word[i]
    swap_bits(4, 32, 0x0F0F0F0F0F0F0F0Fu, column)
    swap_bits(2, 16, 0x3333333333333333u, column)
    swap_bits(1, 8, 0x5555555555555555u, column)


# From a column's word to that of its right neighbour, if the column is even.
cdef enum:
    NEIGHBOUR = 8


cdef inline Py_ssize_t place_of(Py_ssize_t column) noexcept nogil:
    return (column & 7) * 8 + (column >> 3)
