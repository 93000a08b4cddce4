# The dense product: c = base + scale * (a . b), in blocks of registers.
#
# Each element is one chain of multiply-adds over k, in order, whatever block it
# falls into: neither tiling nor threads can change its bits.

cdef inline void product_block(
    int rows, int vectors, Py_ssize_t depth,
    const real* a, Py_ssize_t a_row, Py_ssize_t a_step, const real* b, Py_ssize_t ld_b,
    real scale, const real* base, Py_ssize_t ld_base, real* c, Py_ssize_t ld_c,
) noexcept nogil:
    """rows x vectors sums in registers (both are constants once inlined)."""
    cdef vec[real] total[6][4]
    cdef vec[real] b_row[4]
    cdef vec[real] factor
    cdef Py_ssize_t k, lanes = sizeof(vec[real]) // sizeof(real)
    cdef int i, j
    for i in range(rows):
        for j in range(vectors):
            total[i][j] = vset(<real>0)
    for k in range(depth):
        for j in range(vectors):
            b_row[j] = vload(b + k * ld_b + j * lanes)
        for i in range(rows):
            factor = vset(a[i * a_row + k * a_step])
            for j in range(vectors):
                total[i][j] = vfma(factor, b_row[j], total[i][j])
    factor = vset(scale)
    for i in range(rows):
        for j in range(vectors):
            vstore(c + i * ld_c + j * lanes,
                   vfma(factor, total[i][j], vload(base + i * ld_base + j * lanes)))


cdef inline void product_rows(
    int vectors, Py_ssize_t m, Py_ssize_t depth,
    const real* a, Py_ssize_t a_row, Py_ssize_t a_step, const real* b, Py_ssize_t ld_b,
    real scale, const real* base, Py_ssize_t ld_base, real* c, Py_ssize_t ld_c,
) noexcept nogil:
    """m rows, `vectors` vectors wide: blocks of six rows, then of two and one."""
    cdef Py_ssize_t i = 0
    while i + 6 <= m:
        product_block(6, vectors, depth, a + i * a_row, a_row, a_step, b, ld_b,
                      scale, base + i * ld_base, ld_base, c + i * ld_c, ld_c)
        i += 6
    while i + 2 <= m:
        product_block(2, vectors, depth, a + i * a_row, a_row, a_step, b, ld_b,
                      scale, base + i * ld_base, ld_base, c + i * ld_c, ld_c)
        i += 2
    if i < m:
        product_block(1, vectors, depth, a + i * a_row, a_row, a_step, b, ld_b,
                      scale, base + i * ld_base, ld_base, c + i * ld_c, ld_c)


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
    cdef Py_ssize_t vectors = (n + lanes - 1) // lanes
    cdef Py_ssize_t j = 0, shift
    while j < vectors:
        shift = j * lanes
        if BLOCK_VECTORS >= 4 and vectors - j >= 4:
            product_rows(4, m, depth, a, a_row, a_step, b + shift, ld_b,
                         scale, base + shift, ld_base, c + shift, ld_c)
            j += 4
        elif BLOCK_VECTORS >= 4 and vectors - j == 3:
            product_rows(3, m, depth, a, a_row, a_step, b + shift, ld_b,
                         scale, base + shift, ld_base, c + shift, ld_c)
            j += 3
        elif vectors - j >= 2:
            product_rows(2, m, depth, a, a_row, a_step, b + shift, ld_b,
                         scale, base + shift, ld_base, c + shift, ld_c)
            j += 2
        else:
            product_rows(1, m, depth, a, a_row, a_step, b + shift, ld_b,
                         scale, base + shift, ld_base, c + shift, ld_c)
            j += 1
