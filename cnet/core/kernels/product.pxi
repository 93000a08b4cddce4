# The dense product: c = base + scale * (a . b), in blocks of registers.
#
# Each element is one chain of multiply-adds over k, in order, DEPTH steps at a time, whatever
# block it falls into: neither tiling nor threads can change its bits.
#
# The columns are cut into panels of at most BLOCK_VECTORS vectors, the rows into blocks of BLOCK_ROWS. Rows that fill
# no block go into a smaller one, or into one that begins at rows which are done already and are not stored again.
#
# A panel of b (DEPTH rows of one block's width) is asked for while the one before it is used, and
# walked along where it stands; only where vectors are short, so that a row of it is a line or two of a page
# of its own, it is packed (packing.pxi). The rows of a transposed a are packed where they lie far apart and b has
# several panels, in strips of STRIP rows. Others go along all panels by so many that the second cache keeps them meanwhile.

cdef extern from *:
    """
    #define DEPTH 256        // steps over k between two looks at c
    // Rows of a block so many vectors wide: sums, a row of b and a factor fill the registers, and at least eight sums
    // hide the latency of a multiply-add.
    // Without instructions of three operands a product of two vectors takes a register more.
    #define BLOCK_ROWS(vectors) \
        ((vectors) == 1 ? 12 : (vectors) == 2 || CNET_REGISTERS == 32 ? 6 : CNET_VECTOR_BYTES == 16 ? 3 : 4)
    #define ROW_VECTORS 8    // vectors of a block of a single row
    #define SCRATCH (DEPTH * (PANEL + PACKED_ROWS))  // elements that packing takes
    #define ROWS_BYTES 196608 // of rows of a, beside panels of b, in the second cache (half a megabyte or more)
    #define STRIP_BYTES 12288 // of a strip, beside a panel of three vectors, in the first cache (32 kB or more)
    #define LONG_DEPTH 32    // steps in which c can come nearer, or a product be turned; in fewer, it only costs
    #define TURNED_COLUMNS 16  // most columns of a product that is turned
    #define TURNED_SUMS (TURNED_COLUMNS * CNET_VECTOR_BYTES)  // at most as many as four vectors of floats hold
    // One panel's product: see product().
    template <class T> struct Panel {
        ptrdiff_t m, depth, a_row, a_step, a_strip, ld_b, ld_base, ld_c, ld_ahead;
        const T *a, *a_end, *b, *base, *ahead;
        T *c;
        T scale;
    };
    """
    enum:
        DEPTH
        ROW_VECTORS
        SCRATCH
        ROWS_BYTES
        STRIP_BYTES
        LONG_DEPTH
        TURNED_COLUMNS
        TURNED_SUMS
    int BLOCK_ROWS(int) noexcept nogil
    cdef cppclass Panel[T]:
        # m rows, depth steps over k; the next panel, of which a line of each row is asked for.
        Py_ssize_t m, depth, a_row, a_step, a_strip, ld_b, ld_base, ld_c, ld_ahead
        const T* a
        # Behind the last row of a. (The last strip may repeat rows of the one before.)
        const T* a_end
        const T* b
        const T* base
        const T* ahead
        T* c
        T scale


cdef inline void product_block(
    int rows, int vectors, bint half, const Panel[real]* panel, const real* a, Py_ssize_t first, int skipped,
    const real* ahead, Py_ssize_t ld_ahead,
) noexcept nogil:
    """rows x vectors (and a half) sums in registers; all three are constants once inlined.

    They belong to rows of c from `first` on, of which some are done already: they are skipped. What joins later is asked for
    meanwhile: c, which is far away in large products, and a line of each of `depth` rows `ahead`.
    """
    cdef vec[real] total[12][ROW_VECTORS]
    cdef half_vec[real] rest[12]
    cdef vec[real] b_row[ROW_VECTORS]
    cdef half_vec[real] b_rest = hlow(vset(<real>0))
    cdef vec[real] factor
    cdef const real* rows_of_a[4]
    cdef const real* b = panel.b
    cdef const real* base
    cdef real* c
    cdef Py_ssize_t a_row = panel.a_row, a_step = panel.a_step, ld_b = panel.ld_b, ld_base = panel.ld_base
    cdef Py_ssize_t steps = panel.depth, lanes = sizeof(vec[real]) // sizeof(real)
    cdef int i, j
    # A pointer for each three rows: their distances are one and two times a_row, which an address can add.
    for i in range((rows + 2) // 3):
        rows_of_a[i] = opaque(a + 3 * i * a_row)
    for i in range(rows):
        for j in range(vectors):
            total[i][j] = vset(<real>0)
        if half:
            rest[i] = hlow(vset(<real>0))
    if ld_base and steps >= LONG_DEPTH:
        base = panel.base + first * ld_base
        for i in range(rows):
            for j in range(vectors):
                if j * <int>sizeof(vec[real]) % 64 == 0:
                    prefetch(base + i * ld_base + j * lanes)
    while steps > 0:
        if vectors >= BLOCK_VECTORS - 1 and vectors * <int>sizeof(vec[real]) >= 64:
            prefetch(ahead)
            ahead += ld_ahead
        for j in range(vectors):
            b_row[j] = vload(b + j * lanes)
        if half:
            b_rest = hload(b + vectors * lanes)
        b += ld_b
        for i in range(rows):
            factor = vset(rows_of_a[i // 3][i % 3 * a_row])
            for j in range(vectors):
                total[i][j] = vfma(factor, b_row[j], total[i][j])
            if half:
                rest[i] = hfma(hlow(factor), b_rest, rest[i])
        for i in range((rows + 2) // 3):
            rows_of_a[i] += a_step
        steps -= 1
    # Read again: in the loop above, the registers are needed for other things.
    panel = opaque(panel)
    base = panel.base + first * panel.ld_base
    c = panel.c + first * panel.ld_c
    factor = vset(panel.scale)
    for i in range(rows):
        if i >= skipped:
            for j in range(vectors):
                vstore(c + j * lanes, vfma(factor, total[i][j], vload(base + j * lanes)))
            if half:
                hstore(c + vectors * lanes, hfma(hlow(factor), rest[i], hload(base + vectors * lanes)))
        base += panel.ld_base
        c += panel.ld_c


cdef inline int rows_of_block(int most, Py_ssize_t left, Py_ssize_t m) noexcept nogil:
    """Rows of the next block where `left` of m rows are left: the fewest of `most`, 8, 4, 2 and 1 that take all of them.

    Or as many as there are.
    """
    if left >= most or m >= most and left > (8 if most > 8 else 4):
        return most
    if most > 8 and left > 4 and m >= 8:
        return 8
    if left > 2 and m >= 4:
        return 4
    return 2 if left > 1 else 1


cdef inline void product_rows(int vectors, bint half, const Panel[real]* panel) noexcept nogil:
    """All rows of a panel of so many vectors (and a half), block by block.

    The first blocks ask for the next panel, each for one line of its rows.
    """
    cdef int most = BLOCK_ROWS(vectors), rows, skipped
    cdef Py_ssize_t m = panel.m, whole = m // STRIP * STRIP, i = 0, ld_ahead = panel.ld_ahead
    cdef int lines = vectors * <int>sizeof(vec[real]) // 64
    cdef const real* ahead = panel.ahead
    cdef const real* a
    cdef bint in_strips
    while i < m:
        rows = rows_of_block(most, m - i, m)
        skipped = <int>max(0, rows - (m - i))
        in_strips = i < whole
        i -= skipped
        if in_strips:
            a = panel.a + i // STRIP * panel.a_strip + i % STRIP * panel.a_row
        else:
            a = panel.a_end - (m - i) * panel.a_row
        if rows == most:
            product_block(most, vectors, half, panel, a, i, skipped, ahead, ld_ahead)
        elif most > 8 and rows == 8:
            product_block(8, vectors, half, panel, a, i, skipped, ahead, ld_ahead)
        elif most > 4 and rows == 4:
            product_block(4, vectors, half, panel, a, i, skipped, ahead, ld_ahead)
        elif rows == 2:
            product_block(2, vectors, half, panel, a, i, skipped, ahead, ld_ahead)
        else:
            product_block(1, vectors, half, panel, a, i, skipped, ahead, ld_ahead)
        i += rows
        lines -= 1
        if lines > 0:
            ahead += 64 // sizeof(real)
        else:
            ahead, ld_ahead = panel.a, 0


# One function for each width: the slab's two callers share them.
cdef void product_1(const Panel[real]* panel) noexcept nogil:
    product_rows(1, False, panel)


cdef void product_2(const Panel[real]* panel) noexcept nogil:
    product_rows(2, False, panel)


cdef void product_3(const Panel[real]* panel) noexcept nogil:
    product_rows(3, False, panel)


cdef void product_3_half(const Panel[real]* panel) noexcept nogil:
    product_rows(3, HAS_HALF, panel)


cdef void product_4(const Panel[real]* panel) noexcept nogil:
    product_rows(4, False, panel)


cdef void product_row(const Panel[real]* panel) noexcept nogil:
    """A single row, ROW_VECTORS wide: so many sums hide the latency of a multiply-add."""
    product_block(1, ROW_VECTORS, False, panel, panel.a, 0, 0, panel.ahead, 0)


cdef inline Py_ssize_t vectors_of_panel(Py_ssize_t left, bint wide) noexcept nogil:
    """Vectors of the next panel: never a single one behind others, for which packed rows have too short blocks.

    Three, as long as there are any, are `wide`, two, as long as there are any, are not.
    """
    if left <= BLOCK_VECTORS:
        return left
    if BLOCK_VECTORS == 3:
        return 3 if left & 1 or wide and left != 4 else 2
    return BLOCK_VECTORS - 1 if left == BLOCK_VECTORS + 1 else BLOCK_VECTORS


cdef void product_slab(const Panel[real]* whole, Py_ssize_t n, real* packed) noexcept nogil:
    """At most DEPTH steps over k for n columns, panel by panel (packed: room for one, or NULL)."""
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t vectors, left = (n + lanes - 1) // lanes, shift = 0
    cdef bint half = HAS_HALF and 0 < n % lanes <= lanes // 2
    cdef bint wide = whole.a_row > 1 or whole.depth * STRIP * <Py_ssize_t>sizeof(real) <= STRIP_BYTES
    cdef bint pack = (packed is not NULL and left > BLOCK_VECTORS
                      and packing_pays(whole.m, whole.depth, whole.ld_b * <Py_ssize_t>sizeof(real)))
    cdef Panel[real] panel = whole[0]
    panel.ld_ahead = whole.ld_b if left > BLOCK_VECTORS else 0
    while left > 0:
        vectors = ROW_VECTORS if whole.m == 1 and left >= ROW_VECTORS else vectors_of_panel(left, wide)
        # The next panel, or the first one, which the next rows will take; a single panel is near already.
        panel.ahead = whole.b + (shift + vectors * lanes if left > vectors else 0)
        panel.b, panel.base, panel.c = whole.b + shift, whole.base + shift, whole.c + shift
        if pack:
            pack_panel(vectors, panel.depth, panel.b, whole.ld_b, packed)
            panel.b, panel.ld_b = packed, vectors * lanes
        if vectors == ROW_VECTORS:
            product_row(&panel)
        elif BLOCK_VECTORS >= 4 and vectors == 4 and half and left == 4:
            product_3_half(&panel)
        elif BLOCK_VECTORS >= 4 and vectors == 4:
            product_4(&panel)
        elif vectors == 3:
            product_3(&panel)
        elif vectors == 2:
            product_2(&panel)
        else:
            product_1(&panel)
        left -= vectors
        shift += vectors * lanes


cdef inline void product_packed(
    const Panel[real]* whole, Py_ssize_t n, const real* a, Py_ssize_t ld_a, real* scratch
) noexcept nogil:
    """As product_slab, with a transposed a, whose rows are packed."""
    cdef real* packed = scratch + DEPTH * PANEL
    cdef Py_ssize_t i = 0, m = whole.m, most = rows_packed(n // <Py_ssize_t>(sizeof(vec[real]) // sizeof(real)))
    cdef Panel[real] panel = whole[0]
    panel.a, panel.a_row, panel.a_step, panel.a_strip = packed, 1, STRIP, panel.depth * STRIP
    while i < m:
        panel.m = min(most, m - i)
        if 0 < m - i - panel.m < STRIP:
            # Enough rows stay for a strip.
            panel.m -= STRIP
        pack_strips(panel.m, panel.depth, a + i, ld_a, packed)
        panel.a_end = packed + (panel.m - 1) // STRIP * panel.a_strip + STRIP
        panel.base, panel.c = whole.base + i * whole.ld_base, whole.c + i * whole.ld_c
        product_slab(&panel, n, scratch)
        i += panel.m


cdef inline void product_rows_near(const Panel[real]* whole, Py_ssize_t n, real* scratch) noexcept nogil:
    """As product_slab, by so many rows at a time that they stay near while they go along all panels."""
    cdef Py_ssize_t i = 0, m = whole.m, most = m
    cdef Panel[real] panel = whole[0]
    if NARROW_PANELS:
        most = max(ROWS_FOR_PACKING, ROWS_BYTES // (panel.depth * <Py_ssize_t>sizeof(real)) // STRIP * STRIP)
    while i < m:
        # Up to half as many again at the end, rather than a few rows by themselves.
        panel.m = most if m - i >= most + most // 2 else m - i
        panel.a_end = panel.a + panel.m * panel.a_row
        product_slab(&panel, n, scratch)
        i += panel.m
        panel.a, panel.base, panel.c = panel.a_end, panel.base + panel.m * panel.ld_base, panel.c + panel.m * panel.ld_c


cdef inline bint worth_turning(Py_ssize_t m, Py_ssize_t n, Py_ssize_t depth, Py_ssize_t lanes) noexcept nogil:
    """Whether a transposed a should give the lanes, counting multiply-adds of vectors; its last rows go by eight."""
    if n > TURNED_COLUMNS or m < lanes or depth < LONG_DEPTH:
        return False
    return 5 * (n * (m // lanes) + (8 if m % lanes else 0)) < 4 * m * ((n + lanes - 1) // lanes)


cdef void product_turned(const Panel[real]* whole, Py_ssize_t n) noexcept nogil:
    """As product_slab for a transposed a and few columns, whose last vector would be empty for the most part.

    m, whole vectors, takes the columns' place: c^T = b^T . a, summed aside and then added to c.
    """
    cdef real sums[TURNED_SUMS]
    cdef real rows[TURNED_SUMS]
    cdef real minus_zeros[4 * CNET_MAX_LANES]
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t width = BLOCK_VECTORS * lanes, i = 0, j, r, columns
    cdef const real* base = whole.base
    cdef real* c = whole.c
    cdef vec[real] scale = vset(whole.scale)
    cdef Panel[real] panel = whole[0]
    # What lies behind the last column stays 0.
    memset(rows, 0, min(width, whole.m) * TURNED_COLUMNS * sizeof(real))
    # Added to a sum, they leave every bit.
    for j in range(width):
        minus_zeros[j] = -<real>0
    panel.m, panel.a, panel.a_row, panel.a_step, panel.a_strip = n, whole.b, 1, whole.ld_b, STRIP
    panel.a_end, panel.ld_b, panel.scale = panel.a + n, whole.a_step, 1
    panel.base, panel.ld_base, panel.c, panel.ld_c = minus_zeros, 0, sums, width
    while i < whole.m:
        columns = min(width, whole.m - i)
        panel.b = whole.a + i
        product_slab(&panel, columns, <real*>NULL)
        # All of them first: a vector cannot be loaded from elements that are still on their way to memory.
        for j in range(n):
            for r in range(columns):
                rows[r * TURNED_COLUMNS + j] = sums[j * width + r]
        for r in range(columns):
            j = 0
            while j < n:
                vstore(c + j, vfma(scale, vload(<const real*>rows + r * TURNED_COLUMNS + j), vload(base + j)))
                j += lanes
            c += whole.ld_c
            base += whole.ld_base
        i += columns


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
    cdef Py_ssize_t k = 0, lanes = sizeof(vec[real]) // sizeof(real)
    cdef Panel[real] panel
    panel.m, panel.a_row, panel.a_step, panel.a_strip = m, a_row, a_step, STRIP * a_row
    panel.ld_b, panel.base, panel.ld_base, panel.c, panel.ld_c, panel.scale = ld_b, base, ld_base, c, ld_c, scale
    while k < depth:
        panel.depth = min(DEPTH, depth - k)
        panel.b = b + k * ld_b
        if (scratch is not NULL and a_row == 1 and m >= STRIP and n > VECTORS_FOR_STRIPS * lanes
                and panel.depth * a_step * <Py_ssize_t>sizeof(real) > NEAR_BYTES):
            product_packed(&panel, n, a + k * a_step, a_step, scratch)
        else:
            panel.a, panel.m = a + k * a_step, m
            panel.base, panel.c = base, c
            if a_row == 1 and worth_turning(m, n, panel.depth, lanes):
                panel.m -= m % lanes
                product_turned(&panel, n)
                panel.a += panel.m
                panel.base += panel.m * panel.ld_base
                panel.c += panel.m * ld_c
                panel.m = m % lanes
            product_rows_near(&panel, n, scratch)
        # The next steps add to what these have left.
        base, panel.base, panel.ld_base, panel.c = c, c, ld_c, c
        k += panel.depth
