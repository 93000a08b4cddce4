# Panels of b and rows of a, copied for the dense product (product.pxi) so that they lie side by side, and when that pays.
#
# Counted and measured with AVX2 on Zen 3, whose nearest cache holds 32 kB: what a panel of 256 steps needs and does not
# leave to chance. Bits do not depend on it.

cdef extern from *:
    """
    // Rows that are packed side by side: whole blocks of each width that a packed product is cut into.
    #define STRIP (CNET_REGISTERS == 32 ? 6 : 12)
    #define PACKED_ROWS (CNET_ISA::NARROW_PANELS ? 144 : 72)  // rows of a that are packed at once, at most
    #define MANY_VECTORS 32  // columns from which so many are
    // The widest product whose rows are not packed: where vectors are short, each row serves few of them.
    #define VECTORS_FOR_STRIPS (CNET_ISA::NARROW_PANELS ? 8 : CNET_ISA::BLOCK_VECTORS)
    #define NEAR_BYTES 65536 // rows of a transposed a that lie near together in so many bytes are not packed
    #define ROWS_AHEAD 12    // how far ahead rows are asked for
    #define PANEL 24         // elements of the widest panel that is packed
    #define ROWS_FOR_PACKING 24  // rows of a from which packing a panel pays
    #define NEAR_ROW 128     // bytes; a panel of rows that are not longer is not packed
    #define FAR_ROW 1024     // bytes; rows that are longer lie on pages of their own
    static_assert(PACKED_ROWS % (2 * STRIP) == 0, "whole strips are packed");
    static_assert(CNET_ISA::BLOCK_VECTORS * CNET_VECTOR_BYTES / 4 <= PANEL || !CNET_ISA::NARROW_PANELS,
                  "a panel has room");
    """
    enum:
        STRIP
        PACKED_ROWS
        MANY_VECTORS
        VECTORS_FOR_STRIPS
        NEAR_BYTES
        ROWS_AHEAD
        PANEL
        ROWS_FOR_PACKING
        NEAR_ROW
        FAR_ROW


cdef inline bint packing_pays(Py_ssize_t m, Py_ssize_t depth, Py_ssize_t row) noexcept nogil:
    """Whether to pack panels of b, whose rows lie so many bytes apart, for m rows of a."""
    if not NARROW_PANELS or m < ROWS_FOR_PACKING or depth <= 32:
        return False
    if row > FAR_ROW or row % 512 == 0:
        # Many pages; or rows that compete for an eighth of the cache.
        return m >= 2 * ROWS_FOR_PACKING or depth > 128
    # Rows that share lines with columns beside the panel.
    return row > NEAR_ROW and depth > 128 and (m >= 2 * ROWS_FOR_PACKING or row <= 256)


cdef inline Py_ssize_t rows_packed(Py_ssize_t vectors) noexcept nogil:
    """Rows of a that are packed at once, for products of so many vectors."""
    return PACKED_ROWS if vectors >= MANY_VECTORS or not NARROW_PANELS else PACKED_ROWS // 2


cdef inline void pack_strips(
    Py_ssize_t m, Py_ssize_t depth, const real* a, Py_ssize_t ld, real* out
) noexcept nogil:
    """m rows of a transposed a (a[i + k * ld]) as strips: STRIP rows of one k side by side.

    The last strip holds the last rows, whatever the one before it holds.
    """
    cdef Py_ssize_t k, i, s, strips = m // STRIP
    cdef const real* row
    cdef real* to
    for k in range(depth):
        # The rows of a may lie pages apart, where no processor looks ahead by itself.
        i = 0
        while i < m:
            prefetch(a + min(k + ROWS_AHEAD, depth - 1) * ld + i)
            i += 64 // sizeof(real)
        row, to = a + k * ld, out + k * STRIP
        for s in range(strips):
            memcpy(to, row + s * STRIP, STRIP * sizeof(real))
            to += depth * STRIP
        if strips * STRIP < m:
            memcpy(to, row + m - STRIP, STRIP * sizeof(real))


cdef inline void pack_panel(Py_ssize_t vectors, Py_ssize_t depth, const real* b, Py_ssize_t ld, real* out) noexcept nogil:
    """`depth` rows of b, so many vectors wide, one behind the other."""
    cdef Py_ssize_t k, j, lanes = sizeof(vec[real]) // sizeof(real)
    for k in range(depth):
        for j in range(vectors):
            vstore(out + (k * vectors + j) * lanes, vload(b + k * ld + j * lanes))
