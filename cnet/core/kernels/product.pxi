# The dense product: c = base + scale * (a . b), in blocks of registers.
#
# Each element is one chain of multiply-adds over k, in order, DEPTH steps at a time, whatever
# block it falls into: neither tiling nor threads can change its bits.
#
# A panel of b (DEPTH rows of one block's width) is asked for while the one before it is used, and
# walked along where it stands; only where vectors are short, so that a row of it is a single line of a page
# of its own, it is packed. The rows of a transposed a are packed always, in strips of six.

cdef extern from *:
    """
    #define DEPTH 256        // steps over k between two looks at c
    #define PACKED_ROWS 72   // rows of a that are packed at once
    #define PANEL 16         // elements of the widest panel that is packed
    #define ROWS_FOR_PACKING 24  // rows of a from which packing a panel pays
    static_assert(PACKED_ROWS % CNET_STRIP_ROWS == 0, "whole strips are packed");
    #define SCRATCH (DEPTH * (PANEL + PACKED_ROWS))  // elements that packing takes
    #define ROWS_AHEAD 12    // how far ahead rows are asked for
    """
    enum:
        DEPTH
        PACKED_ROWS
        PANEL
        ROWS_FOR_PACKING
        SCRATCH
        ROWS_AHEAD


cdef inline void product_block(
    int rows, int vectors, bint half, Py_ssize_t depth,
    const real* a, Py_ssize_t a_row, Py_ssize_t a_step, const real* b, Py_ssize_t ld_b,
    real scale, const real* base, Py_ssize_t ld_base, real* c, Py_ssize_t ld_c,
    const real* ahead, Py_ssize_t ld_ahead,
) noexcept nogil:
    """rows x vectors (and a half) sums in registers; all three are constants once inlined.

    What joins later is asked for meanwhile: c, which is far away in large products, and a line of
    each of `depth` rows `ahead`.
    """
    cdef vec[real] total[6][4]
    cdef half_vec[real] rest[6]
    cdef vec[real] b_row[4]
    cdef half_vec[real] b_rest = hlow(vset(<real>0))
    cdef vec[real] factor
    cdef Py_ssize_t k, lanes = sizeof(vec[real]) // sizeof(real)
    cdef int i, j
    for i in range(rows):
        for j in range(vectors):
            total[i][j] = vset(<real>0)
        if half:
            rest[i] = hlow(vset(<real>0))
    if ld_base:
        for i in range(rows):
            for j in range(vectors):
                prefetch(base + i * ld_base + j * lanes)
    for k in range(depth):
        if vectors == BLOCK_VECTORS and vectors * <int>sizeof(vec[real]) >= 64:
            prefetch(ahead + k * ld_ahead)
        for j in range(vectors):
            b_row[j] = vload(b + k * ld_b + j * lanes)
        if half:
            b_rest = hload(b + k * ld_b + vectors * lanes)
        for i in range(rows):
            factor = vset(a[i * a_row + k * a_step])
            for j in range(vectors):
                total[i][j] = vfma(factor, b_row[j], total[i][j])
            if half:
                rest[i] = hfma(hlow(factor), b_rest, rest[i])
    factor = vset(scale)
    for i in range(rows):
        for j in range(vectors):
            vstore(c + i * ld_c + j * lanes,
                   vfma(factor, total[i][j], vload(base + i * ld_base + j * lanes)))
        if half:
            hstore(c + i * ld_c + vectors * lanes,
                   hfma(hlow(factor), rest[i], hload(base + i * ld_base + vectors * lanes)))


cdef inline void product_rows(
    int vectors, bint half, Py_ssize_t m, Py_ssize_t depth,
    const real* a, Py_ssize_t a_row, Py_ssize_t a_step, Py_ssize_t a_strip, const real* b, Py_ssize_t ld_b,
    real scale, const real* base, Py_ssize_t ld_base, real* c, Py_ssize_t ld_c,
    const real* ahead, Py_ssize_t ld_ahead,
) noexcept nogil:
    """m rows, a panel wide: strips of six rows, then what is left by two and one.

    The first strips ask for the panel `ahead`, each for one line of its rows.
    """
    cdef Py_ssize_t i = 0, line = 64 // sizeof(real), lines = vectors * sizeof(vec[real]) // 64
    cdef const real* strip = a
    while i + CNET_STRIP_ROWS <= m:
        product_block(CNET_STRIP_ROWS, vectors, half, depth, strip, a_row, a_step, b, ld_b,
                      scale, base + i * ld_base, ld_base, c + i * ld_c, ld_c, ahead, ld_ahead)
        i += CNET_STRIP_ROWS
        strip += a_strip
        lines -= 1
        if lines > 0:
            ahead += line
        else:
            ahead, ld_ahead = strip, 0
    while i + 2 <= m:
        product_block(2, vectors, half, depth, strip, a_row, a_step, b, ld_b,
                      scale, base + i * ld_base, ld_base, c + i * ld_c, ld_c, ahead, ld_ahead)
        i += 2
        strip += 2 * a_row
        ld_ahead = 0
    if i < m:
        product_block(1, vectors, half, depth, strip, a_row, a_step, b, ld_b,
                      scale, base + i * ld_base, ld_base, c + i * ld_c, ld_c, ahead, ld_ahead)


cdef inline void product_panel(
    Py_ssize_t vectors, bint half, Py_ssize_t m, Py_ssize_t depth,
    const real* a, Py_ssize_t a_row, Py_ssize_t a_step, Py_ssize_t a_strip, const real* b, Py_ssize_t ld_b,
    real scale, const real* base, Py_ssize_t ld_base, real* c, Py_ssize_t ld_c,
    const real* ahead, Py_ssize_t ld_ahead,
) noexcept nogil:
    """A panel of so many vectors (where half, half of the last is enough)."""
    if BLOCK_VECTORS >= 4 and vectors == 4 and half:
        product_rows(3, HAS_HALF, m, depth, a, a_row, a_step, a_strip, b, ld_b, scale, base, ld_base, c, ld_c,
                     ahead, ld_ahead)
    elif BLOCK_VECTORS >= 4 and vectors == 4:
        product_rows(4, False, m, depth, a, a_row, a_step, a_strip, b, ld_b, scale, base, ld_base, c, ld_c,
                     ahead, ld_ahead)
    elif BLOCK_VECTORS >= 4 and vectors == 3:
        product_rows(3, False, m, depth, a, a_row, a_step, a_strip, b, ld_b, scale, base, ld_base, c, ld_c,
                     ahead, ld_ahead)
    elif vectors == 2:
        product_rows(2, False, m, depth, a, a_row, a_step, a_strip, b, ld_b, scale, base, ld_base, c, ld_c,
                     ahead, ld_ahead)
    else:
        product_rows(1, False, m, depth, a, a_row, a_step, a_strip, b, ld_b, scale, base, ld_base, c, ld_c,
                     ahead, ld_ahead)


cdef inline void pack_strips(
    Py_ssize_t m, Py_ssize_t depth, const real* a, Py_ssize_t ld, real* out
) noexcept nogil:
    """m rows of a transposed a (a[i + k * ld]) as strips: six rows of one k side by side."""
    cdef Py_ssize_t k, i, s
    cdef real* strip
    cdef const real* row
    for k in range(depth):
        # The rows of a may lie pages apart, where no processor looks ahead by itself.
        i = 0
        while i < m:
            prefetch(a + min(k + ROWS_AHEAD, depth - 1) * ld + i)
            i += 64 // sizeof(real)
        for s in range(m // CNET_STRIP_ROWS):
            # One by one: GCC makes a loop of six a string instruction, which took a tenth of a product's time.
            strip, row = out + (s * depth + k) * CNET_STRIP_ROWS, a + k * ld + s * CNET_STRIP_ROWS
            strip[0], strip[1], strip[2] = row[0], row[1], row[2]
            strip[3], strip[4], strip[5] = row[3], row[4], row[5]
        s = m // CNET_STRIP_ROWS
        for i in range(m - s * CNET_STRIP_ROWS):
            out[(s * depth + k) * CNET_STRIP_ROWS + i] = a[k * ld + s * CNET_STRIP_ROWS + i]


cdef inline void pack_panel(Py_ssize_t vectors, Py_ssize_t depth, const real* b, Py_ssize_t ld, real* out) noexcept nogil:
    """`depth` rows of b, so many vectors wide, one behind the other."""
    cdef Py_ssize_t k, j, lanes = sizeof(vec[real]) // sizeof(real)
    for k in range(depth):
        for j in range(vectors):
            vstore(out + (k * vectors + j) * lanes, vload(b + k * ld + j * lanes))


cdef inline void product_slab(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t depth,
    const real* a, Py_ssize_t a_row, Py_ssize_t a_step, Py_ssize_t a_strip, const real* b, Py_ssize_t ld_b,
    real scale, const real* base, Py_ssize_t ld_base, real* c, Py_ssize_t ld_c, real* packed,
) noexcept nogil:
    """At most DEPTH steps over k, panel by panel (packed: room for one, or NULL)."""
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t left = (n + lanes - 1) // lanes
    cdef bint half = HAS_HALF and 0 < n % lanes <= lanes // 2
    cdef bint pack = (NARROW_PANELS and packed is not NULL and left > BLOCK_VECTORS
                      and m >= ROWS_FOR_PACKING and depth > 128)
    cdef Py_ssize_t vectors, shift = 0
    cdef const real* ahead
    cdef Py_ssize_t ld_ahead = ld_b if left > BLOCK_VECTORS else 0
    while left > 0:
        vectors = min(BLOCK_VECTORS, left)
        # The next panel, or the first one, which the next rows will take; a single panel is near already.
        ahead = b + (shift + vectors * lanes if left > vectors else 0)
        # Two calls: a packed panel's row length is known to the compiler.
        if pack:
            pack_panel(vectors, depth, b + shift, ld_b, packed)
            product_panel(vectors, half and left == vectors, m, depth, a, a_row, a_step, a_strip,
                          <const real*>packed, vectors * lanes, scale, base + shift, ld_base,
                          c + shift, ld_c, ahead, ld_ahead)
        else:
            product_panel(vectors, half and left == vectors, m, depth, a, a_row, a_step, a_strip,
                          b + shift, ld_b, scale, base + shift, ld_base, c + shift, ld_c, ahead, ld_ahead)
        left -= vectors
        shift += vectors * lanes


cdef inline void product_packed(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t depth, const real* a, Py_ssize_t ld_a, const real* b, Py_ssize_t ld_b,
    real scale, const real* base, Py_ssize_t ld_base, real* c, Py_ssize_t ld_c, real* scratch,
) noexcept nogil:
    """As product_slab, with a transposed a, whose rows are packed."""
    cdef real* packed = scratch + DEPTH * PANEL
    cdef Py_ssize_t i = 0, rows
    while i < m:
        rows = min(PACKED_ROWS, m - i)
        pack_strips(rows, depth, a + i, ld_a, packed)
        product_slab(rows, n, depth, <const real*>packed, 1, CNET_STRIP_ROWS, depth * CNET_STRIP_ROWS, b, ld_b,
                     scale, base + i * ld_base, ld_base, c + i * ld_c, ld_c, scratch)
        i += rows


cdef void product(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t depth,
    const real* a, Py_ssize_t a_row, Py_ssize_t a_step, const real* b, Py_ssize_t ld_b,
    real scale, const real* base, Py_ssize_t ld_base, real* c, Py_ssize_t ld_c, real* scratch,
) noexcept nogil:
    """c (m, n) = base (m, n) + scale * a (m, depth) . b (depth, n).

    a[i, k] stands at a[i * a_row + k * a_step], so that a transpose costs
    nothing; ld_base = 0 repeats one row (a bias). Columns go in whole vectors:
    rows of b and base may be read, and rows of c are written, up to one vector
    less one element past n. `scratch` is this thread's room for SCRATCH elements
    (a stack may be too small for it), or NULL: nothing is packed then, with the same result.
    """
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t k = 0, steps
    while k < depth:
        steps = min(DEPTH, depth - k)
        if scratch is not NULL and a_row == 1 and m >= CNET_STRIP_ROWS and n > BLOCK_VECTORS * lanes:
            product_packed(m, n, steps, a + k * a_step, a_step, b + k * ld_b, ld_b,
                           scale, base, ld_base, c, ld_c, scratch)
        else:
            product_slab(m, n, steps, a + k * a_step, a_row, a_step, CNET_STRIP_ROWS * a_row, b + k * ld_b, ld_b,
                         scale, base, ld_base, c, ld_c, scratch)
        # The next steps add to what these have left.
        base = c
        ld_base = ld_c
        k += steps
