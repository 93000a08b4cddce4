# Products whose left factor has many zeros, as a hidden layer has after relu: what product() computes, to the bit.
#
# A bitmap tells which factors are not zero. Each element is the same chain of multiply-adds as in product(), in the
# same order, DEPTH steps at a time, without the steps that would add 0 to it: so which of the two is used changes no
# bit of a finite result. (Only a sum that has underflowed to -0 keeps its sign here.) Zero times a weight that is not
# finite is 0 here, and NaN there.
#
# A tile of 64 rows of b, CNET_ZEROS_VECTORS vectors wide, stays in the nearest cache while the rows of a pass. A
# factor costs as many loads as multiply-adds and one more, in a dense block half as many: it pays if a third of the
# factors are zero, on the processors that load two vectors in a cycle.

cdef extern from *:
    """
    // Rows of a whose sums wait in `scratch` while a tile is in use.
    #define ZEROS_ROWS 128
    static_assert((ZEROS_ROWS + CNET_TILE) * CNET_ZEROS_VECTORS * CNET_MAX_LANES <= SCRATCH,
                  "the sums and a tile have room in a thread's scratch");
    static_assert(DEPTH % CNET_TILE == 0, "a chain's part is made of whole tiles");

    static CNET_INLINE int count_bits(uint64_t m) {
    #if defined(__GNUC__) || defined(__clang__)
        return __builtin_popcountll(m);
    #else
        int n = 0;
        for (; m; m &= m - 1) n++;
        return n;
    #endif
    }
    """
    enum:
        ZEROS_ROWS
    int count_bits(uint64_t) noexcept nogil


cdef inline void nonzero_rows(
    bint first, bint last, Py_ssize_t m, const real* a, Py_ssize_t a_row, Py_ssize_t a_step,
    const uint64_t* mask, Py_ssize_t mask_row, const real* b, Py_ssize_t ld_b,
    real scale, const real* base, Py_ssize_t ld_base, real* c, Py_ssize_t ld_c, real* sums,
) noexcept nogil:
    """m rows by a tile of b: the first of a chain's part begins with 0, the last adds the sums to base."""
    cdef vec[real] total[CNET_ZEROS_VECTORS]
    cdef vec[real] factor
    cdef uint64_t bits
    cdef const real* row
    cdef Py_ssize_t i, k, lanes = sizeof(vec[real]) // sizeof(real)
    cdef int j
    for i in range(m):
        bits = mask[i * mask_row]
        for j in range(CNET_ZEROS_VECTORS):
            total[j] = vset(<real>0) if first else vload(<const real*>sums + j * lanes)
        while bits:
            k = count_trailing_zeros(bits)
            bits &= bits - 1
            factor = vset(a[k * a_step])
            row = opaque(b + k * ld_b)
            for j in range(CNET_ZEROS_VECTORS):
                total[j] = vfma(factor, vload(row + j * lanes), total[j])
        if last:
            factor = vset(scale)
            for j in range(CNET_ZEROS_VECTORS):
                vstore(c + j * lanes, vfma(factor, total[j], vload(base + j * lanes)))
        else:
            for j in range(CNET_ZEROS_VECTORS):
                vstore(sums + j * lanes, total[j])
        a += a_row
        base += ld_base
        c += ld_c
        sums += CNET_ZEROS_VECTORS * lanes


cdef inline void nonzero_panel(
    Py_ssize_t m, Py_ssize_t depth, const real* a, Py_ssize_t a_row, Py_ssize_t a_step,
    const uint64_t* mask, Py_ssize_t mask_row, Py_ssize_t mask_step, const real* b, Py_ssize_t ld_b,
    real scale, const real* base, Py_ssize_t ld_base, real* c, Py_ssize_t ld_c, real* sums,
) noexcept nogil:
    """m rows, at most ZEROS_ROWS, by a panel of b, tile by tile.

    A tile is copied where its rows would compete for a few lines of the nearest cache or its vectors lie across two of
    them (a network's own weights, which are not padded), if there are enough rows for it to pay.
    """
    cdef Py_ssize_t k = 0, i, width = CNET_ZEROS_VECTORS * (sizeof(vec[real]) // sizeof(real))
    cdef Py_ssize_t row = ld_b * <Py_ssize_t>sizeof(real)
    cdef bint copied = m >= CNET_TILE and (row % 1024 == 0 or (<uintptr_t>b | <uintptr_t>row) % sizeof(vec[real]) != 0)
    cdef real* copy = sums + ZEROS_ROWS * width
    cdef const real* tile
    cdef Py_ssize_t ld_tile = width if copied else ld_b
    cdef bint first, last
    while k < depth:
        first, last = k % DEPTH == 0, (k + CNET_TILE) % DEPTH == 0 or k + CNET_TILE >= depth
        if k == DEPTH:
            # The next steps add to what these have left.
            base, ld_base = c, ld_c
        tile = b + k * ld_b
        if copied:
            for i in range(min(<Py_ssize_t>CNET_TILE, depth - k)):
                memcpy(copy + i * width, tile + i * ld_b, width * sizeof(real))
            tile = <const real*>copy
        nonzero_rows(first, last, m, a + k * a_step, a_row, a_step, mask, mask_row, tile, ld_tile,
                     scale, base, ld_base, c, ld_c, sums)
        mask += mask_step
        k += CNET_TILE


cdef void nonzero_product(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t depth, const real* a, Py_ssize_t a_row, Py_ssize_t a_step,
    const uint64_t* mask, Py_ssize_t mask_row, Py_ssize_t mask_step, const real* b, Py_ssize_t ld_b,
    real scale, const real* base, Py_ssize_t ld_base, real* c, Py_ssize_t ld_c, real* scratch,
) noexcept nogil:
    """As product; bit k % 64 of mask[i * mask_row + k / 64 * mask_step] is set where a[i, k] is not zero.

    `scratch` must not be NULL. Columns that fill no panel are computed by product.
    """
    cdef Py_ssize_t i = 0, rows, j, width = CNET_ZEROS_VECTORS * (sizeof(vec[real]) // sizeof(real))
    while i < m:
        rows = min(<Py_ssize_t>ZEROS_ROWS, m - i)
        j = 0
        while j + width <= n:
            nonzero_panel(rows, depth, a + i * a_row, a_row, a_step, mask + i * mask_row, mask_row, mask_step,
                          b + j, ld_b, scale, base + i * ld_base + j, ld_base, c + i * ld_c + j, ld_c, scratch)
            j += width
        i += rows
    if j < n:
        product(m, n - j, depth, a, a_row, a_step, b + j, ld_b, scale, base + j, ld_base, c + j, ld_c, scratch)


cdef void find_nonzero(
    Py_ssize_t rows, Py_ssize_t n, const real* x, Py_ssize_t ld, uint64_t* mask, int32_t* count
) noexcept nogil:
    """Bitmaps of rows of n numbers, a row's words side by side, and how many are set (count: or NULL)."""
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t r, w, v, words = (n + CNET_TILE - 1) // CNET_TILE, vectors = (n + lanes - 1) // lanes
    cdef uint64_t bits, all_bits = 0xFFFFFFFFFFFFFFFFu
    cdef int32_t found
    for r in range(rows):
        found = 0
        for w in range(words):
            bits = 0
            for v in range(w * (CNET_TILE // lanes), min((w + 1) * (CNET_TILE // lanes), vectors)):
                bits |= nonzero_lanes(vload(x + r * ld + v * lanes)) << (v * lanes % CNET_TILE)
            if w == words - 1:
                bits &= all_bits >> (words * CNET_TILE - n)
            mask[r * words + w] = bits
            found += count_bits(bits)
        if count is not NULL:
            count[r] = found


cdef inline bint zeros_pay(const int32_t* count, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    """Whether a quarter of the numbers in rows of n, or more, are zero."""
    cdef int64_t total = 0
    cdef Py_ssize_t r
    for r in range(rows):
        total += count[r]
    return 4 * total <= 3 * rows * n


cdef inline void transposed_words(
    const uint64_t* nonzero, Py_ssize_t words, Py_ssize_t rows, Py_ssize_t word, uint64_t* columns
) noexcept nogil:
    """The bitmaps of 64 inputs: columns[64 * w + input] tells in which of the rows from 64 w on it is not zero."""
    cdef Py_ssize_t w, i, n
    cdef uint64_t row[CNET_TILE]
    cdef uint64_t column[CNET_TILE]
    for w in range((rows + CNET_TILE - 1) // CNET_TILE):
        n = min(<Py_ssize_t>CNET_TILE, rows - w * CNET_TILE)
        for i in range(CNET_TILE):
            row[i] = nonzero[(w * CNET_TILE + i) * words + word] if i < n else 0
        transpose_bits(<const uint64_t*>row, column)
        for i in range(CNET_TILE):
            columns[w * CNET_TILE + i] = column[place_of(i)]


cdef inline void weight_rows_over_zeros(
    const Workspace[real]* workspace, real* scratch, int l, const real* inputs, Py_ssize_t ld, const uint64_t* nonzero,
    Py_ssize_t words, Py_ssize_t n_out, Py_ssize_t rows, Py_ssize_t begin, Py_ssize_t end, real scale, const real* base,
    Py_ssize_t ld_base, real* out, Py_ssize_t ld_out,
) noexcept nogil:
    """weight_rows where many of the inputs are zero: 64 of them, a word of the rows' bitmaps, at a time."""
    cdef uint64_t columns[CNET_MAX_WORDS * CNET_TILE]
    cdef Py_ssize_t i = begin, last
    while i < end:
        last = min((i // CNET_TILE + 1) * CNET_TILE, end)
        transposed_words(nonzero, words, rows, i // CNET_TILE, columns)
        nonzero_product(last - i, n_out, rows, inputs + i, 1, ld,
                        <const uint64_t*>columns + i % CNET_TILE, 1, CNET_TILE,
                        <const real*>workspace.d[l], workspace.ld[l], scale, base + (i - begin) * ld_base, ld_base,
                        out + (i - begin) * ld_out, ld_out, scratch)
        i = last
