# The sparse first layer's update: the batch's deltas, added up where a column is not zero.


cdef inline void step_by_momentum(
    int columns, int vectors, bint half, const real* sums, const real* scale, real* weight, Py_ssize_t ld_weight,
    bint last, const real* momentum, real* velocity,
) noexcept nogil:
    """The columns' sums into their velocities, and at last those into the weights (see update_columns).

    The sums come by memory, and constants are `local`: what is kept in registers for this would push sums out of them,
    all the while they are added up.
    """
    cdef vec[real] v, negative
    cdef half_vec[real] h
    cdef vec[real] zero = vset(local(<real>0))
    cdef vec[real] lowest = vset(local(<real>-FLT_MIN if real is float else <real>-DBL_MIN))
    cdef vec[real] decay = vset(momentum[0] if momentum is not NULL else <real>1)
    cdef vec[real] rate = vset(scale[0])
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef int c, j
    for c in range(columns):
        for j in range(vectors):
            # See without_denormals.
            v = vfma(decay, vload(<const real*>velocity + j * lanes), vload(sums + j * lanes))
            negative = zero - v
            v = vselect_less(lowest, vselect_less(negative, v, negative, v), zero, v)
            vstore(velocity + j * lanes, v)
            if last:
                vstore(weight + j * lanes, vfma(rate, v, vload(<const real*>weight + j * lanes)))
        if half:
            h = hat_least(hfma(hlow(decay), hload(<const real*>velocity + vectors * lanes), hload(sums + vectors * lanes)),
                          local(<real>FLT_MIN if real is float else <real>DBL_MIN))
            hstore(velocity + vectors * lanes, h)
            if last:
                hstore(weight + vectors * lanes,
                       hfma(hlow(rate), h, hload(<const real*>weight + vectors * lanes)))
        sums += (vectors + 1) * lanes
        velocity += ld_weight
        weight += ld_weight


cdef inline void update_columns(
    int columns, int vectors, bint half, bint joined, uint64_t bits, uint64_t more, const cell* x,
    const real* d, Py_ssize_t ld, const real* scale, real* weight, Py_ssize_t ld_weight, bint last,
    const real* momentum, real* velocity,
) noexcept nogil:
    """weight (columns, vectors) += scale * sum over the rows in `bits`, and 64 rows later in `more`, of x[row] * d[row].

    Of two neighbouring columns, the rows in which either is not zero are taken. With a velocity: it takes
    the sum (and first decays by `momentum`, unless that is NULL), and the weights take it at last.

    `joined`: behind the vectors is half a vector more, and one register has the sums of both columns. It comes last in
    a step, when the factors' registers are free. (Scalars come by pointers, so that no vector of them is kept in a
    register meanwhile.)
    """
    cdef vec[real] total[2][8]
    cdef half_vec[real] rest[2]
    cdef vec[real] factor[2]
    cdef vec[real] delta, both
    cdef half_vec[real] delta_rest
    cdef vec[real] sums[16]
    cdef const real* row
    cdef Py_ssize_t base = 0, r, lanes = sizeof(vec[real]) // sizeof(real)
    cdef int c, j
    cdef real smallest = <real>FLT_MIN if real is float else <real>DBL_MIN
    both = vset(<real>0)
    for c in range(columns):
        for j in range(vectors):
            total[c][j] = vset(<real>0)
        rest[c] = hlow(both)
    if bits == 0:
        bits, more, base = more, 0, CNET_TILE
    x, d = opaque(x), opaque(d)
    while bits:
        r = base + count_trailing_zeros(bits)
        clear_lowest(&bits, &more, &base)
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
        if joined:
            factor[0] = held(low_and_low(factor[0], factor[1]))
            delta = held(twice(hload(row + vectors * lanes)))
            both = vfma(factor[0], delta, both)
    if joined:
        rest[0], rest[1] = hlow(both), hhigh(both)
    if velocity is not NULL and FEW_REGISTERS and columns * vectors > 8:
        for c in range(columns):
            for j in range(vectors):
                sums[c * (vectors + 1) + j] = total[c][j]
            if joined:
                hstore(<real*>&sums[c * (vectors + 1) + vectors], rest[c])
        step_by_momentum(columns, vectors, joined, opaque(<const real*>&sums), scale, weight, ld_weight, last, momentum,
                         velocity)
        return
    for c in range(columns):
        if velocity is not NULL:
            factor[c] = vset(momentum[0] if momentum is not NULL else <real>1)
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
        factor[c] = vset(scale[0])
        for j in range(vectors):
            vstore(weight + j * lanes, vfma(factor[c], total[c][j], vload(<const real*>weight + j * lanes)))
        if half or joined:
            hstore(weight + vectors * lanes,
                   hfma(hlow(factor[c]), rest[c], hload(<const real*>weight + vectors * lanes)))
        weight += ld_weight


cdef inline void update_some(
    int columns, int vectors, bint half, bint joined, const FirstLayerPass[real]* p, Py_ssize_t c, Py_ssize_t word,
    Py_ssize_t words, const uint64_t* transposed, const cell* x, const real* d, const real* scale, real* weight,
    Py_ssize_t ld_weight, real* velocity,
) noexcept nogil:
    """Column c of a tile, or it and the next, by one or two `words` of rows of deltas from `word` on."""
    cdef const uint64_t* mask = transposed + word * CNET_TILE + place_of(c)
    cdef uint64_t bits = mask[0]
    cdef uint64_t more = mask[CNET_TILE] if words == 2 else 0
    if columns == 2:
        bits |= mask[NEIGHBOUR]
        more |= mask[CNET_TILE + NEIGHBOUR] if words == 2 else 0
    if velocity is not NULL:
        velocity += c * ld_weight
    elif bits | more == 0:
        return
    update_columns(
        columns, vectors, half, joined, bits, more, x + word * CNET_TILE * CNET_TILE + c,
        d + word * CNET_TILE * p.ld, p.ld, scale, weight + c * ld_weight, ld_weight,
        (word + words) * CNET_TILE >= p.old.rows,
        &p.step.momentum if velocity is not NULL and word == 0 else NULL, velocity)


cdef void update_joined(
    const FirstLayerPass[real]* p, Py_ssize_t n, const uint64_t* transposed, const cell* x, const real* d,
    const real* scale, real* weight, Py_ssize_t ld_weight, real* velocity,
) noexcept nogil:
    """update_block of JOINED_VECTORS vectors and half of one.

    A pair of columns takes every register, so this is never inlined (see `apart`): some would be taken by what stands
    around it.
    """
    cdef Py_ssize_t all_words = (p.old.rows + CNET_TILE - 1) // CNET_TILE
    cdef Py_ssize_t word = 0, words, c
    while word < all_words:
        words = min(2, all_words - word)
        c = 0
        while c + 1 < n:
            update_some(2, JOINED_VECTORS, False, True, p, c, word, words, transposed, x, d, scale, weight,
                        ld_weight, velocity)
            c += 2
        if c < n:
            update_some(1, JOINED_VECTORS + 1, False, False, p, c, word, words, transposed, x, d, scale, weight,
                        ld_weight, velocity)
        word += words


cdef inline void update_block(
    int vectors, bint half, const FirstLayerPass[real]* p, Py_ssize_t n, bint paired,
    const uint64_t* transposed, const cell* x, const real* d, const real* scale, real* weight, Py_ssize_t ld_weight,
    real* velocity,
) noexcept nogil:
    """weight (n, vectors) += scale * x^T . d, 128 rows of deltas (in the nearest cache) at a time; with a velocity: see
    update_columns."""
    cdef Py_ssize_t all_words = (p.old.rows + CNET_TILE - 1) // CNET_TILE
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t word = 0, words, c, rest = p.target.n_out % lanes
    cdef void (*joined)(
        const FirstLayerPass[real]*, Py_ssize_t, const uint64_t*, const cell*, const real*, const real*, real*,
        Py_ssize_t, real*) noexcept nogil
    if JOINED_VECTORS and vectors == JOINED_VECTORS + 1 and 0 < rest <= lanes // 2 and paired:
        joined = update_joined
        apart(joined)(p, n, transposed, x, d, scale, weight, ld_weight, velocity)
        return
    while word < all_words:
        words = min(2, all_words - word)
        c = 0
        if vectors <= PAIRED_VECTORS and paired:
            while c + 1 < n:
                update_some(2, vectors, half, False, p, c, word, words, transposed, x, d, scale, weight,
                            ld_weight, velocity)
                c += 2
        while c < n:
            update_some(1, vectors, half, False, p, c, word, words, transposed, x, d, scale, weight, ld_weight,
                        velocity)
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
