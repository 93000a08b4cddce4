# The first layer over the inputs that are not zero.
#
# A tile of 64 columns and its rows of weights stay in the nearest cache while a batch
# passes. One word of a bitmap tells which of a row's 64 inputs are not zero; transposed over,
# 64 such words tell in which rows a column is not zero. So both products walk along set
# bits, sums in registers: forward over weight rows, backward over the batch's deltas.

# What a byte is worth: value/255.
cdef float PIXEL32[256]
cdef double PIXEL64[256]


cdef void fill_pixels() noexcept:
    # Filled at import, whatever the importing thread's control word is then.
    cdef IeeeFloats floats
    cdef int i
    floats.begin()
    for i in range(256):
        PIXEL32[i] = <float>i / <float>255
        PIXEL64[i] = i / 255.0


cdef inline real as_number(const cell* x, const real* of_type) noexcept nogil:
    if cell is uint8_t:
        if real is float:
            return PIXEL32[x[0]]
        else:
            return PIXEL64[x[0]]
    else:
        return <real>x[0]


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
    work on runs of eight words too, as vectors.
    """
    cdef uint64_t word[CNET_TILE]
    cdef int i
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


cdef inline void forward_block(
    int vectors, bint half, bint fresh, Py_ssize_t rows, const uint64_t* mask, const cell* x,
    const real* weight, Py_ssize_t ld_weight, real* sums, Py_ssize_t ld,
) noexcept nogil:
    """sums (rows, vectors) = (0 where fresh, else sums) + x (rows, 64) . weight (64, vectors)."""
    cdef vec[real] total[8]
    cdef half_vec[real] rest = hlow(vset(<real>0))
    cdef vec[real] factor
    cdef uint64_t bits
    cdef const real* row
    cdef Py_ssize_t r, lanes = sizeof(vec[real]) // sizeof(real)
    cdef int j, column
    for r in range(rows):
        bits = mask[r]
        if fresh:
            for j in range(vectors):
                total[j] = vset(<real>0)
            rest = hlow(vset(<real>0))
        elif bits == 0:
            continue
        else:
            for j in range(vectors):
                total[j] = vload(<const real*>sums + r * ld + j * lanes)
            if half:
                rest = hload(<const real*>sums + r * ld + vectors * lanes)
        while bits:
            column = count_trailing_zeros(bits)
            bits &= bits - 1
            factor = vset(as_number(x + r * CNET_TILE + column, weight))
            row = opaque(weight + column * ld_weight)
            for j in range(vectors):
                total[j] = vfma(factor, vload(row + j * lanes), total[j])
            if half:
                rest = hfma(hlow(factor), hload(row + vectors * lanes), rest)
        for j in range(vectors):
            vstore(sums + r * ld + j * lanes, total[j])
        if half:
            hstore(sums + r * ld + vectors * lanes, rest)


cdef inline void update_columns(
    int columns, int vectors, bint half, Py_ssize_t words, const uint64_t* mask, const cell* x,
    const real* d, Py_ssize_t ld, real scale, real* weight, Py_ssize_t ld_weight,
    bint first, bint last, real momentum, real* velocity,
) noexcept nogil:
    """weight (columns, vectors) += scale * sum over the rows of 64 words of x[row] * d[row].

    Of two neighbouring columns, the rows in which either is not zero are taken. With a velocity: it takes
    the sum (and first decays), and the weights take it at last.
    """
    cdef vec[real] total[2][8]
    cdef half_vec[real] rest[2]
    cdef vec[real] factor[2]
    cdef vec[real] delta
    cdef half_vec[real] delta_rest
    cdef uint64_t bits
    cdef const real* row
    cdef Py_ssize_t w, r, lanes = sizeof(vec[real]) // sizeof(real)
    cdef int c, j
    cdef real smallest = <real>FLT_MIN if real is float else <real>DBL_MIN
    for c in range(columns):
        for j in range(vectors):
            total[c][j] = vset(<real>0)
        rest[c] = hlow(vset(<real>0))
    for w in range(words):
        bits = mask[w * CNET_TILE]
        if columns == 2:
            bits |= mask[w * CNET_TILE + NEIGHBOUR]
        while bits:
            r = w * CNET_TILE + count_trailing_zeros(bits)
            bits &= bits - 1
            for c in range(columns):
                factor[c] = vset(as_number(x + r * CNET_TILE + c, d))
            row = opaque(d + r * ld)
            for j in range(vectors):
                delta = vload(row + j * lanes)
                if columns == 2:
                    delta = held(delta)
                for c in range(columns):
                    total[c][j] = vfma(factor[c], delta, total[c][j])
            if half:
                delta_rest = hload(row + vectors * lanes)
                for c in range(columns):
                    rest[c] = hfma(hlow(factor[c]), delta_rest, rest[c])
    for c in range(columns):
        if velocity is not NULL:
            factor[c] = vset(momentum if first else <real>1)
            for j in range(vectors):
                total[c][j] = without_denormals(
                    vfma(factor[c], vload(<const real*>velocity + j * lanes), total[c][j]))
                vstore(velocity + j * lanes, total[c][j])
            if half:
                rest[c] = hat_least(
                    hfma(hlow(factor[c]), hload(<const real*>velocity + vectors * lanes), rest[c]), smallest)
                hstore(velocity + vectors * lanes, rest[c])
            velocity += ld_weight
            if not last:
                continue
        factor[c] = vset(scale)
        for j in range(vectors):
            vstore(weight + j * lanes, vfma(factor[c], total[c][j], vload(<const real*>weight + j * lanes)))
        if half:
            hstore(weight + vectors * lanes,
                   hfma(hlow(factor[c]), rest[c], hload(<const real*>weight + vectors * lanes)))
        weight += ld_weight


cdef inline bint nothing_in(
    int columns, Py_ssize_t words, const uint64_t* mask
) noexcept nogil:
    """Whether one column, or two neighbours, are zero in all rows of so many words."""
    cdef uint64_t bits = mask[0]
    if words == 2:
        bits |= mask[CNET_TILE]
    if columns == 2:
        bits |= mask[NEIGHBOUR]
        if words == 2:
            bits |= mask[CNET_TILE + NEIGHBOUR]
    return bits == 0


cdef inline void update_some(
    int columns, int vectors, bint half, const FirstLayerPass[real]* p, Py_ssize_t c, Py_ssize_t word, Py_ssize_t words,
    bint last, const uint64_t* transposed, const cell* x, const real* d, real scale, real* weight, Py_ssize_t ld_weight,
    real* velocity,
) noexcept nogil:
    """Column c of a tile, or it and the next, by 64 `words` rows of deltas."""
    cdef const uint64_t* mask = transposed + word * CNET_TILE + place_of(c)
    if velocity is not NULL:
        velocity += c * ld_weight
    elif nothing_in(columns, words, mask):
        return
    update_columns(
        columns, vectors, half, words, mask, x + word * CNET_TILE * CNET_TILE + c,
        d + word * CNET_TILE * p.ld, p.ld, scale, weight + c * ld_weight, ld_weight, word == 0, last,
        p.step.momentum if velocity is not NULL else <real>0, velocity)


cdef inline void update_block(
    int vectors, bint half, const FirstLayerPass[real]* p, Py_ssize_t n, bint paired, const uint64_t* transposed,
    const cell* x, const real* d, real scale, real* weight, Py_ssize_t ld_weight, real* velocity,
) noexcept nogil:
    """weight (n, vectors) += scale * x^T . d, 128 rows of deltas (in the nearest cache) at a time; with a velocity: see
    update_columns."""
    cdef Py_ssize_t all_words = (p.old.rows + CNET_TILE - 1) // CNET_TILE
    cdef Py_ssize_t word = 0, words, c
    while word < all_words:
        words = min(2, all_words - word)
        c = 0
        if vectors <= PAIRED_VECTORS and paired:
            while c + 1 < n:
                update_some(2, vectors, half, p, c, word, words, word + words == all_words, transposed, x, d, scale,
                            weight, ld_weight, velocity)
                c += 2
        while c < n:
            update_some(1, vectors, half, p, c, word, words, word + words == all_words, transposed, x, d, scale,
                        weight, ld_weight, velocity)
            c += 1
        word += words


cdef inline void update_by_rows(
    int vectors, bint half, const FirstLayerPass[real]* p, const uint64_t* mask, const cell* x, const real* d,
    real scale,
    real* weights, Py_ssize_t ld_weight,
) noexcept nogil:
    """The same for a batch of few rows: one row's columns after the other's, in place.

    That stores a row of weights for each input that is not zero, but neither turns the bitmaps over
    nor visits the columns in which there is none.
    """
    cdef vec[real] factor
    cdef uint64_t bits
    cdef const real* delta
    cdef real* weight
    cdef Py_ssize_t r, lanes = sizeof(vec[real]) // sizeof(real)
    cdef int j, column
    for r in range(p.old.rows):
        bits = mask[r]
        delta = d + r * p.ld
        while bits:
            column = count_trailing_zeros(bits)
            bits &= bits - 1
            factor = vset(scale * as_number(x + r * CNET_TILE + column, delta))
            weight = weights + column * ld_weight
            for j in range(vectors):
                vstore(weight + j * lanes, vfma(factor, vload(delta + j * lanes),
                                                vload(<const real*>weight + j * lanes)))
            if half:
                hstore(weight + vectors * lanes, hfma(hlow(factor), hload(delta + vectors * lanes),
                                                      hload(<const real*>weight + vectors * lanes)))


cdef inline bint fused_momentum(const FirstLayerPass[real]* p) noexcept nogil:
    """Whether momentum's step is taken while a column's sum is in registers."""
    return p.step is not NULL and p.step.kind == CNET_MOMENTUM and is_plain(p.step) and p.input_scale == 1


cdef inline bint by_rows(const FirstLayerPass[real]* p) noexcept nogil:
    return p.old.rows <= FEW_ROWS and not fused_momentum(p)


cdef inline void step_tile(
    const FirstLayerPass[real]* p, Py_ssize_t vectors, Py_ssize_t first_column, Py_ssize_t n, Py_ssize_t shift
) noexcept nogil:
    """An optimizer's step on some columns of a tile's weights, whose gradient is known."""
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t width = vectors * lanes, ld = p.target.ld, at = first_column * ld + shift, c
    cdef real* state0 = p.state0.weight + at if p.state0 is not NULL else NULL
    cdef real* state1 = p.state1.weight + at if p.state1 is not NULL else NULL
    if width == ld:
        step(p.step, n * ld, p.gradient, p.target.weight + at, state0, state1)
        return
    for c in range(n):
        step(p.step, width, p.gradient + c * width, p.target.weight + at + c * ld,
             state0 + c * ld if state0 is not NULL else NULL, state1 + c * ld if state1 is not NULL else NULL)


cdef inline void tile_block(
    int vectors, bint half, const FirstLayerPass[real]* p, Py_ssize_t first_column, Py_ssize_t n, bint fresh,
    bint paired,
    const uint64_t* columns, const cell* old, const cell* next, const uint64_t* mask, real* sums, Py_ssize_t shift,
) noexcept nogil:
    """Some columns of a tile's weights: updated, then used."""
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t ld = p.target.ld if old is not NULL else 0
    cdef real* weight = p.target.weight + first_column * ld + shift if old is not NULL else NULL
    cdef real* velocity = NULL
    cdef real scale = p.scale
    cdef bint summed = old is not NULL and p.step is not NULL and not fused_momentum(p)
    if summed:
        weight, ld, scale = p.gradient, (vectors + half) * lanes, p.input_scale
        memset(weight, 0, n * ld * sizeof(real))
    elif old is not NULL and p.step is not NULL:
        velocity = p.state0.weight + first_column * ld + shift
        scale = <real>0 - p.step.rate
    if old is not NULL and by_rows(p):
        update_by_rows(vectors, half, p, columns, old, p.d + shift, scale, weight, ld)
    elif old is not NULL:
        update_block(vectors, half, p, n, paired, columns, old, p.d + shift, scale, weight, ld, velocity)
    if summed:
        step_tile(p, vectors + half, first_column, n, shift)
    if next is not NULL:
        forward_block(vectors, half, fresh, p.next.rows, mask, next, <const real*>p.layer.weight
                      + first_column * p.layer.ld + shift, p.layer.ld, sums + shift, p.ld)


cdef inline void tile_blocks(
    const FirstLayerPass[real]* p, Py_ssize_t n_out, Py_ssize_t first_column, Py_ssize_t n, bint fresh, bint paired,
    const uint64_t* columns, const cell* old, const cell* next, const uint64_t* mask, real* sums,
) noexcept nogil:
    """All columns of a tile's weights, a block of vectors at a time."""
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t left = (n_out + lanes - 1) // lanes
    cdef Py_ssize_t rest = n_out % lanes
    cdef bint half = HAS_HALF and 0 < rest <= lanes // 2
    cdef Py_ssize_t shift = 0
    while left > 0:
        if left == 4 and half:
            tile_block(3, HAS_HALF, p, first_column, n, fresh, paired, columns, old, next, mask, sums, shift)
        elif left == 3 and half:
            tile_block(2, HAS_HALF, p, first_column, n, fresh, paired, columns, old, next, mask, sums, shift)
        elif left == 2 and half:
            tile_block(1, HAS_HALF, p, first_column, n, fresh, paired, columns, old, next, mask, sums, shift)
        elif left >= 8 and SPARSE_VECTORS == 8:
            tile_block(8, False, p, first_column, n, fresh, paired, columns, old, next, mask, sums, shift)
        elif left == 7 and SPARSE_VECTORS == 8:
            tile_block(7, False, p, first_column, n, fresh, paired, columns, old, next, mask, sums, shift)
        elif left == 6 and SPARSE_VECTORS == 8:
            tile_block(6, False, p, first_column, n, fresh, paired, columns, old, next, mask, sums, shift)
        elif left == 5 and SPARSE_VECTORS == 8:
            tile_block(5, False, p, first_column, n, fresh, paired, columns, old, next, mask, sums, shift)
        elif left >= 4:
            tile_block(4, False, p, first_column, n, fresh, paired, columns, old, next, mask, sums, shift)
        elif left == 3:
            tile_block(3, False, p, first_column, n, fresh, paired, columns, old, next, mask, sums, shift)
        elif left == 2:
            tile_block(2, False, p, first_column, n, fresh, paired, columns, old, next, mask, sums, shift)
        else:
            tile_block(1, False, p, first_column, n, fresh, paired, columns, old, next, mask, sums, shift)
        shift += SPARSE_VECTORS * lanes
        left -= SPARSE_VECTORS


cdef inline void prefetch_numbers(Py_ssize_t n, const real* x) noexcept nogil:
    """Ask for what another processor has just written, all at once rather than line after line."""
    cdef Py_ssize_t i, line = 64 // sizeof(real)
    for i in range((n + line - 1) // line):
        prefetch(x + i * line)


cdef inline void first_layer_pass_as(const cell* of_type, const FirstLayerPass[real]* p, int part) noexcept nogil:
    cdef const Tiling* tiling = p.tiling
    cdef uint64_t transposed[CNET_MAX_WORDS * CNET_TILE]
    cdef const uint64_t* columns = NULL
    cdef Py_ssize_t tile, w, n, n_out, first_tile = tiling.part[part]
    cdef const cell* old = NULL
    cdef cell* next = NULL
    cdef uint64_t* mask = NULL
    cdef real* sums = NULL
    n_out = p.target.n_out if p.old is not NULL else p.layer.n_out
    if p.next is not NULL:
        sums = p.sums + part * p.next.capacity * p.ld
    if p.old is not NULL:
        prefetch_numbers(p.old.rows * p.ld, p.d)
    for tile in range(first_tile, tiling.part[part + 1]):
        n = tiling.start[tile + 1] - tiling.start[tile]
        if p.old is not NULL:
            old = <const cell*>p.old.values + tile * p.old.capacity * CNET_TILE
            columns = p.old.mask + tile * p.old.capacity
        if p.old is not NULL and not by_rows(p):
            columns = <const uint64_t*>transposed
            for w in range((p.old.rows + CNET_TILE - 1) // CNET_TILE):
                transpose_bits(p.old.mask + tile * p.old.capacity + w * CNET_TILE, transposed + w * CNET_TILE)
        if p.next is not NULL:
            next = <cell*>p.next.values + tile * p.next.capacity * CNET_TILE
            mask = p.next.mask + tile * p.next.capacity
            gather_tile(p.x, tiling.start[tile], n, p.next.rows, next, mask)
            if p.dropout is not NULL and p.dropout.threshold[0]:
                drop_inputs(p.dropout, tiling.start[tile], n, p.next.rows, mask)
        if p.after is not NULL:
            prefetch_tile(p.x, tiling.start[tile], n, p.after, p.n_after)
        tile_blocks(p, n_out, tiling.start[tile], n, tile == first_tile, tiling.paired[tile], columns,
                    old, <const cell*>next, mask, sums)


cdef void first_layer_pass(const FirstLayerPass[real]* p, int part) noexcept nogil:
    """One part of the first layer's columns, tile by tile (see FirstLayerPass)."""
    if p.source == CNET_UINT8:
        first_layer_pass_as(<const uint8_t*>NULL, p, part)
    elif real is float:
        first_layer_pass_as(<const float*>NULL, p, part)
    else:
        first_layer_pass_as(<const double*>NULL, p, part)


cdef inline void sum_parts(
    const Layer[real]* layer, const Tiling* tiling, Workspace[real]* workspace, Py_ssize_t begin, Py_ssize_t end
) noexcept nogil:
    """z of the first layer's rows begin..end: the bias and the parts' sums, activated unless a slope is stored."""
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t vectors = (layer.n_out + lanes - 1) // lanes
    cdef Py_ssize_t ld = workspace.ld[0]
    cdef Py_ssize_t r, v, at
    cdef vec[real] a
    cdef int part, kind = layer.activation if workspace.slope[0] is NULL else CNET_IDENTITY
    cdef bint scaled = workspace.dropout is not NULL
    cdef vec[real] scale = vset(workspace.dropout.scale[0] if scaled else <real>1)
    for r in range(begin, end):
        for part in range(tiling.n_parts):
            prefetch_numbers(
                layer.n_out, workspace.sums + (part * workspace.sparse.capacity + min(r + 12, end - 1)) * ld)
        for v in range(vectors):
            at = r * ld + v * lanes
            a = vload(<const real*>layer.bias + v * lanes)
            for part in range(tiling.n_parts):
                if scaled:
                    a = vfma(scale, vload(<const real*>workspace.sums + part * workspace.sparse.capacity * ld + at), a)
                else:
                    a = a + vload(<const real*>workspace.sums + part * workspace.sparse.capacity * ld + at)
            vstore(workspace.z[0] + at, vactivation(kind, a))
    if workspace.slope[0] is not NULL:
        activate(layer.activation, (end - begin) * ld, workspace.z[0] + begin * ld, workspace.slope[0] + begin * ld)
