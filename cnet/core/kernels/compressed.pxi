# The first layer's sums over compressed rows, which are read where they stand: no tiles, no bitmaps.
#
# A unit's sum is one chain of multiply-adds over a row's values in ascending columns, as in a single part of tiles
# (sparse.pxi), so the bits are the same. The weight rows are far from each other in memory: those of later values, also
# of the next rows', are prefetched. A group of them stays in the nearest cache while all blocks of units are summed.

cdef extern from *:
    """
    // Values of a row whose weight rows are gone through block of units by block of units.
    #define GROUP 8
    #define VALUES_AHEAD 12         // so many values later are the ones whose weights are prefetched
    #define NEAR_WEIGHTS (1 << 20)  // weights of so many bytes are not: they stay in a core's second cache,
    #define NEAR_GROUP 32           // and a group is so large
    """
    enum:
        GROUP
        VALUES_AHEAD
        NEAR_WEIGHTS
        NEAR_GROUP


cdef inline void add_group(
    int vectors, bint fresh, Py_ssize_t n, const float_source* x, const int32_t* columns, Py_ssize_t n_ahead, int lines,
    const Layer[real]* layer, Py_ssize_t shift, real* sums,
) noexcept nogil:
    """sums (vectors) = (0 where fresh, else sums) + x (n) . (weight rows `columns`); values that are 0 are left out.

    The first lines of the weight rows of n_ahead values from VALUES_AHEAD on are prefetched.
    """
    cdef vec[real] total[8]
    cdef vec[real] factor
    cdef const real* weight = <const real*>layer.weight + shift
    cdef const real* row
    cdef const char* later
    cdef Py_ssize_t i, lanes = sizeof(vec[real]) // sizeof(real)
    cdef int j, line
    for j in range(vectors):
        total[j] = vset(<real>0) if fresh else vload(<const real*>sums + shift + j * lanes)
    for i in range(n):
        if i < n_ahead:
            later = <const char*>(weight + columns[i + VALUES_AHEAD] * layer.ld)
            for line in range(lines):
                prefetch(later + line * 64)
        if x[i] != 0:
            factor = vset(<real>x[i])
            row = opaque(weight + columns[i] * layer.ld)
            for j in range(vectors):
                total[j] = vfma(factor, vload(row + j * lanes), total[j])
    for j in range(vectors):
        vstore(sums + shift + j * lanes, total[j])


cdef inline void compressed_sums_as(
    const float_source* of_type, const Layer[real]* layer, const Inputs* x, Py_ssize_t rows, real* sums, Py_ssize_t ld
) noexcept nogil:
    cdef const float_source* data = <const float_source*>x.data
    cdef const int32_t* columns
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t r, n, n_ahead, left, shift
    cdef int64_t k, end, last = x.starts[x.first + rows]
    # The first block's prefetches are for all.
    cdef int lines = <int>((layer.n_out * sizeof(real) + 63) // 64)
    cdef bint near = layer.n_in * layer.ld * sizeof(real) <= NEAR_WEIGHTS
    cdef Py_ssize_t most = NEAR_GROUP if near else GROUP
    cdef bint fresh
    for r in range(rows):
        k, end, fresh = x.starts[x.first + r], x.starts[x.first + r + 1], True
        while fresh or k < end:
            n = min(most, end - k)
            n_ahead = 0 if near else max(0, min(n, last - VALUES_AHEAD - k))
            columns = x.columns + k
            left = (layer.n_out + lanes - 1) // lanes
            shift = 0
            while left > 0:
                if left >= 8:
                    add_group(8, fresh, n, data + k, columns, n_ahead, lines, layer, shift, sums + r * ld)
                    left -= 8
                    shift += 8 * lanes
                elif left >= 4:
                    add_group(4, fresh, n, data + k, columns, n_ahead, lines, layer, shift, sums + r * ld)
                    left -= 4
                    shift += 4 * lanes
                elif left >= 2:
                    add_group(2, fresh, n, data + k, columns, n_ahead, lines, layer, shift, sums + r * ld)
                    left -= 2
                    shift += 2 * lanes
                else:
                    add_group(1, fresh, n, data + k, columns, n_ahead, lines, layer, shift, sums + r * ld)
                    left -= 1
                n_ahead = 0
            fresh = False
            k += n


cdef void compressed_sums(
    const Layer[real]* layer, const Inputs* x, Py_ssize_t rows, real* sums, Py_ssize_t ld
) noexcept nogil:
    """sums (rows, n_out) = the compressed rows from x.first on, times the first layer's weights."""
    if x.source == CNET_FLOAT32:
        compressed_sums_as(<const float*>NULL, layer, x, rows, sums, ld)
    else:
        compressed_sums_as(<const double*>NULL, layer, x, rows, sums, ld)
