# The first layer over the inputs that are not zero.
#
# A tile of 64 columns and its rows of weights stay in the nearest cache while a batch
# passes. One word of a bitmap tells which of a row's 64 inputs are not zero; transposed over,
# 64 such words tell in which rows a column is not zero. So both products walk along set
# bits, sums in registers: forward over weight rows, backward over the batch's deltas.


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
        update_block(vectors, half, p, n, paired, columns, old, p.d + shift, opaque(<const real*>&scale), weight, ld,
                     velocity)
    if summed:
        step_tile(p, vectors + half, first_column, n, shift)
    if next is not NULL:
        forward_block(vectors, half, fresh, p.next.rows, mask, next, <const real*>p.layer.weight
                      + first_column * p.layer.ld + shift, p.layer.ld, sums + shift, p.ld)


cdef inline void tile_blocks(
    const FirstLayerPass[real]* p, Py_ssize_t first_column, Py_ssize_t n, bint fresh, bint paired,
    const uint64_t* columns, const cell* old, const cell* next, const uint64_t* mask, real* sums,
) noexcept nogil:
    """The taken columns of a tile's weights, a block of vectors at a time."""
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t left = (p.end_unit - p.begin_unit + lanes - 1) // lanes
    cdef Py_ssize_t rest = p.end_unit % lanes
    cdef bint half = HAS_HALF and 0 < rest <= lanes // 2
    cdef Py_ssize_t shift = p.begin_unit
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
    cdef Py_ssize_t tile, w, n, first_tile = tiling.part[part]
    cdef const cell* old = NULL
    cdef cell* next = NULL
    cdef uint64_t* mask = NULL
    cdef real* sums = NULL
    cdef int64_t cursor[CNET_BLOCK_ROWS]
    if p.next is not NULL:
        sums = p.sums + part * p.next.capacity * p.ld
        if p.x.starts is not NULL:
            begin_compressed(p.x, tiling.start[first_tile], p.next.rows, cursor)
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
            gather_tile(p.x, tiling.start[tile], n, p.next.rows, cursor, next, mask)
            if p.dropout is not NULL and p.dropout.threshold[0]:
                drop_inputs(p.dropout, tiling.start[tile], n, p.next.rows, mask)
        if p.after is not NULL:
            prefetch_tile(p.x, tiling.start[tile], n, p.after, p.n_after)
        tile_blocks(p, tiling.start[tile], n, tile == first_tile, tiling.paired[tile], columns,
                    old, <const cell*>next, mask, sums)


cdef void first_layer_pass(const FirstLayerPass[real]* p, int part) noexcept nogil:
    """One part of the first layer's columns, tile by tile (see FirstLayerPass)."""
    if p.source == CNET_UINT8:
        first_layer_pass_as(<const uint8_t*>NULL, p, part)
    elif real is float:
        first_layer_pass_as(<const float*>NULL, p, part)
    else:
        first_layer_pass_as(<const double*>NULL, p, part)


cdef inline bint activated_with_sums(const Layer[real]* layer, Workspace[real]* workspace) noexcept nogil:
    """Whether a sparse first layer's values, by the sigmoid, are computed while its sums are in registers."""
    return layer.activation == CNET_SIGMOID and workspace.slope[0] is NULL


cdef inline void sum_parts_of(
    int vectors, bint activated, const Layer[real]* layer, const Tiling* tiling, Workspace[real]* workspace, Py_ssize_t r,
    Py_ssize_t shift
) noexcept nogil:
    """sum_parts of so many vectors of a row, side by side; `activated`: by the sigmoid, while they are in registers."""
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real), part_size = workspace.sparse.capacity * workspace.ld[0]
    cdef const real* sums = workspace.sums + r * workspace.ld[0] + shift
    cdef vec[real] a[SIDE_BY_SIDE]
    cdef bint scaled = workspace.dropout is not NULL
    cdef vec[real] scale = vset(workspace.dropout.scale[0] if scaled else <real>1)
    cdef int i, part
    for i in range(vectors):
        a[i] = vload(<const real*>layer.bias + shift + i * lanes)
    for part in range(tiling.n_parts):
        for i in range(vectors):
            if scaled:
                a[i] = vfma(scale, vload(sums + i * lanes), a[i])
            else:
                a[i] = a[i] + vload(sums + i * lanes)
        sums += part_size
    if activated:
        sigmoid(vectors, a)
    for i in range(vectors):
        vstore(workspace.z[0] + r * workspace.ld[0] + shift + i * lanes, a[i])


cdef inline void sum_parts(
    const Layer[real]* layer, const Tiling* tiling, Workspace[real]* workspace, Py_ssize_t begin, Py_ssize_t end
) noexcept nogil:
    """Pre-activations of the first layer's rows begin..end, the bias and the parts' sums; or see activated_with_sums."""
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t vectors = (layer.n_out + lanes - 1) // lanes
    cdef Py_ssize_t ld = workspace.ld[0]
    cdef Py_ssize_t r, v
    cdef bint activated = activated_with_sums(layer, workspace)
    cdef int part
    for r in range(begin, end):
        for part in range(tiling.n_parts):
            prefetch_numbers(
                layer.n_out, workspace.sums + (part * workspace.sparse.capacity + min(r + 12, end - 1)) * ld)
        v = 0
        while v + SIDE_BY_SIDE <= vectors:
            sum_parts_of(SIDE_BY_SIDE, activated, layer, tiling, workspace, r, v * lanes)
            v += SIDE_BY_SIDE
        while v < vectors:
            sum_parts_of(1, activated, layer, tiling, workspace, r, v * lanes)
            v += 1
