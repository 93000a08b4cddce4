# The dense product: c = base + scale * (a . b), in blocks of registers.
#
# Each element is one chain of multiply-adds over k, in order, DEPTH steps at a time, whatever
# block it falls into: neither tiling nor threads can change its bits.
#
# What is walked along with a stride is packed first, where it is used often enough: a panel of
# b (DEPTH rows of one block's width), and strips of six rows of a transposed a.

cdef extern from *:
    """
    #define DEPTH 256        // steps over k between two looks at c
    #define STRIP_ROWS 6     // rows of a register block
    #define PACKED_ROWS 72   // rows of a that are packed at once
    #define PANEL 64         // elements of the widest panel of b
    #define ROWS_FOR_PACKING 24  // rows of a from which packing b pays
    """
    enum:
        DEPTH
        STRIP_ROWS
        PACKED_ROWS
        PANEL
        ROWS_FOR_PACKING


cdef inline void product_block(
    int rows, int vectors, bint half, Py_ssize_t depth,
    const real* a, Py_ssize_t a_row, Py_ssize_t a_step, const real* b, Py_ssize_t ld_b,
    real scale, const real* base, Py_ssize_t ld_base, real* c, Py_ssize_t ld_c,
) noexcept nogil:
    """rows x vectors (and a half) sums in registers; all three are constants once inlined."""
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
    for k in range(depth):
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
) noexcept nogil:
    """m rows, a panel wide: strips of six rows, then what is left by two and one."""
    cdef Py_ssize_t i = 0
    cdef const real* strip = a
    while i + STRIP_ROWS <= m:
        product_block(STRIP_ROWS, vectors, half, depth, strip, a_row, a_step, b, ld_b,
                      scale, base + i * ld_base, ld_base, c + i * ld_c, ld_c)
        i += STRIP_ROWS
        strip += a_strip
    while i + 2 <= m:
        product_block(2, vectors, half, depth, strip, a_row, a_step, b, ld_b,
                      scale, base + i * ld_base, ld_base, c + i * ld_c, ld_c)
        i += 2
        strip += 2 * a_row
    if i < m:
        product_block(1, vectors, half, depth, strip, a_row, a_step, b, ld_b,
                      scale, base + i * ld_base, ld_base, c + i * ld_c, ld_c)


cdef inline void product_panel(
    Py_ssize_t vectors, bint half, Py_ssize_t m, Py_ssize_t depth,
    const real* a, Py_ssize_t a_row, Py_ssize_t a_step, Py_ssize_t a_strip, const real* b, Py_ssize_t ld_b,
    real scale, const real* base, Py_ssize_t ld_base, real* c, Py_ssize_t ld_c,
) noexcept nogil:
    """A panel of so many vectors (where half, half of the last is enough)."""
    if BLOCK_VECTORS >= 4 and vectors == 4 and half:
        product_rows(3, HAS_HALF, m, depth, a, a_row, a_step, a_strip, b, ld_b, scale, base, ld_base, c, ld_c)
    elif BLOCK_VECTORS >= 4 and vectors == 4:
        product_rows(4, False, m, depth, a, a_row, a_step, a_strip, b, ld_b, scale, base, ld_base, c, ld_c)
    elif BLOCK_VECTORS >= 4 and vectors == 3:
        product_rows(3, False, m, depth, a, a_row, a_step, a_strip, b, ld_b, scale, base, ld_base, c, ld_c)
    elif vectors == 2:
        product_rows(2, False, m, depth, a, a_row, a_step, a_strip, b, ld_b, scale, base, ld_base, c, ld_c)
    else:
        product_rows(1, False, m, depth, a, a_row, a_step, a_strip, b, ld_b, scale, base, ld_base, c, ld_c)


cdef inline void pack_strips(
    Py_ssize_t m, Py_ssize_t depth, const real* a, Py_ssize_t ld, real* out
) noexcept nogil:
    """m rows of a transposed a (a[i + k * ld]) as strips: six rows of one k side by side."""
    cdef Py_ssize_t k, i, s
    for k in range(depth):
        for s in range(m // STRIP_ROWS):
            for i in range(STRIP_ROWS):
                out[(s * depth + k) * STRIP_ROWS + i] = a[k * ld + s * STRIP_ROWS + i]
        s = m // STRIP_ROWS
        for i in range(m - s * STRIP_ROWS):
            out[(s * depth + k) * STRIP_ROWS + i] = a[k * ld + s * STRIP_ROWS + i]


cdef inline void pack_panel(Py_ssize_t vectors, Py_ssize_t depth, const real* b, Py_ssize_t ld, real* out) noexcept nogil:
    """`depth` rows of b, so many vectors wide, one behind the other."""
    cdef Py_ssize_t k, j, lanes = sizeof(vec[real]) // sizeof(real)
    for k in range(depth):
        for j in range(vectors):
            vstore(out + (k * vectors + j) * lanes, vload(b + k * ld + j * lanes))


cdef inline void product_slab(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t depth,
    const real* a, Py_ssize_t a_row, Py_ssize_t a_step, Py_ssize_t a_strip, const real* b, Py_ssize_t ld_b,
    real scale, const real* base, Py_ssize_t ld_base, real* c, Py_ssize_t ld_c,
) noexcept nogil:
    """At most DEPTH steps over k, panel by panel."""
    cdef real packed[DEPTH * PANEL]
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t left = (n + lanes - 1) // lanes
    cdef bint half = HAS_HALF and 0 < n % lanes <= lanes // 2
    cdef bint pack = left > BLOCK_VECTORS and m >= ROWS_FOR_PACKING and depth > 128
    cdef Py_ssize_t vectors, shift = 0
    while left > 0:
        vectors = min(BLOCK_VECTORS, left)
        if pack:
            pack_panel(vectors, depth, b + shift, ld_b, packed)
            product_panel(vectors, half and left == vectors, m, depth, a, a_row, a_step, a_strip,
                          <const real*>packed, vectors * lanes, scale, base + shift, ld_base, c + shift, ld_c)
        else:
            product_panel(vectors, half and left == vectors, m, depth, a, a_row, a_step, a_strip,
                          b + shift, ld_b, scale, base + shift, ld_base, c + shift, ld_c)
        left -= vectors
        shift += vectors * lanes


cdef inline void product_packed(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t depth, const real* a, Py_ssize_t ld_a, const real* b, Py_ssize_t ld_b,
    real scale, const real* base, Py_ssize_t ld_base, real* c, Py_ssize_t ld_c,
) noexcept nogil:
    """As product_slab, with a transposed a, whose rows are packed."""
    cdef real packed[DEPTH * PACKED_ROWS]
    cdef Py_ssize_t i = 0, rows
    while i < m:
        rows = min(PACKED_ROWS, m - i)
        pack_strips(rows, depth, a + i, ld_a, packed)
        product_slab(rows, n, depth, <const real*>packed, 1, STRIP_ROWS, depth * STRIP_ROWS, b, ld_b,
                     scale, base + i * ld_base, ld_base, c + i * ld_c, ld_c)
        i += rows


cdef void product(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t depth,
    const real* a, Py_ssize_t a_row, Py_ssize_t a_step, const real* b, Py_ssize_t ld_b,
    real scale, const real* base, Py_ssize_t ld_base, real* c, Py_ssize_t ld_c,
) noexcept nogil:
    """c (m, n) = base (m, n) + scale * a (m, depth) . b (depth, n).

    a[i, k] stands at a[i * a_row + k * a_step], so that a transpose costs
    nothing; ld_base = 0 repeats one row (a bias). Columns go in whole vectors:
    rows of b and base may be read, and rows of c are written, up to one vector
    less one element past n.
    """
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t k = 0, steps
    while k < depth:
        steps = min(DEPTH, depth - k)
        if a_row == 1 and m >= STRIP_ROWS and n > BLOCK_VECTORS * lanes:
            product_packed(m, n, steps, a + k * a_step, a_step, b + k * ld_b, ld_b,
                           scale, base, ld_base, c, ld_c)
        else:
            product_slab(m, n, steps, a + k * a_step, a_row, a_step, STRIP_ROWS * a_row, b + k * ld_b, ld_b,
                         scale, base, ld_base, c, ld_c)
        # The next steps add to what these have left.
        base = c
        ld_base = ld_c
        k += steps
