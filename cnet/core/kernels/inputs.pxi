# Inputs as they come (bytes or floats): counting, widening and gathering them.

ctypedef fused cell:
    # An input as it stands in a tile: a byte or a number of the network's type.
    uint8_t
    float
    double

ctypedef fused float_source:
    float
    double

ctypedef fused source:
    uint8_t
    float
    double


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


cdef inline int64_t count_bytes(Py_ssize_t n, const uint8_t* x) noexcept nogil:
    cdef Py_ssize_t i
    cdef int64_t count = 0
    for i in range(n):
        count += x[i] != 0
    return count


cdef inline int64_t count_numbers(Py_ssize_t n, const float_source* x, double largest) noexcept nogil:
    """How many are not zero; -1 where one is not finite, -2 where one (a double) passes `largest`.

    Four vectors at a time, each with sums of its own: one sum would wait for itself.
    """
    cdef Py_ssize_t i = 0, lanes = sizeof(vec[float_source]) // sizeof(float_source)
    cdef vec[float_source] nonfinite[4]
    cdef vec[float_source] count[4]
    cdef vec[float_source] value, minus, top, zero, one
    cdef const float_source* block
    cdef float_source tail[4 * CNET_MAX_LANES]
    cdef int j
    zero = vset(<float_source>0)
    one = vset(<float_source>1)
    top = zero
    for j in range(4):
        nonfinite[j] = count[j] = zero
    while i < n:
        block = x + i
        if i + 4 * lanes > n:
            memset(tail, 0, sizeof(tail))
            memcpy(tail, block, (n - i) * sizeof(float_source))
            block = tail
        for j in range(4):
            value = vload(block + j * lanes)
            # 0 * x is 0 for every finite x, and no number for the others.
            nonfinite[j] = vfma(zero, value, nonfinite[j])
            minus = vminus_abs(value)
            count[j] = count[j] + vselect_less(minus, zero, one, zero)
            if float_source is double:
                top = vselect_less(minus, top, minus, top)
        i += 4 * lanes
    if vsum((nonfinite[0] + nonfinite[1]) + (nonfinite[2] + nonfinite[3])) != 0:
        return -1
    if float_source is double and vmax(zero - top) > largest:
        return -2
    return <int64_t>vsum((count[0] + count[1]) + (count[2] + count[3]))


cdef int64_t count_nonzero32(int kind, Py_ssize_t n, const void* x) noexcept nogil:
    if kind == CNET_UINT8:
        return count_bytes(n, <const uint8_t*>x)
    if kind == CNET_FLOAT32:
        return count_numbers(n, <const float*>x, DBL_MAX)
    return count_numbers(n, <const double*>x, FLOAT_LARGEST)


cdef int64_t count_nonzero64(int kind, Py_ssize_t n, const void* x) noexcept nogil:
    if kind == CNET_UINT8:
        return count_bytes(n, <const uint8_t*>x)
    if kind == CNET_FLOAT32:
        return count_numbers(n, <const float*>x, DBL_MAX)
    return count_numbers(n, <const double*>x, DBL_MAX)


cdef inline void widen_as(Py_ssize_t n, const source* x, real* out) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        if source is uint8_t:
            out[i] = <real>x[i] / <real>255
        else:
            out[i] = <real>x[i]


cdef inline void widen(int kind, Py_ssize_t n, const void* x, real* out) noexcept nogil:
    """One row of inputs as the network's element type; a pixel is value/255."""
    if kind == CNET_UINT8:
        widen_as(n, <const uint8_t*>x, out)
    elif kind == CNET_FLOAT32:
        widen_as(n, <const float*>x, out)
    else:
        widen_as(n, <const double*>x, out)


cdef inline Py_ssize_t source_size(int kind) noexcept nogil:
    return 1 if kind == CNET_UINT8 else (4 if kind == CNET_FLOAT32 else 8)


cdef inline Py_ssize_t row_of(const Inputs* x, Py_ssize_t r) noexcept nogil:
    return x.index[r] if x.index is not NULL else x.first + r


cdef inline uint64_t gather_cells(const source* x, cell* out) noexcept nogil:
    """64 inputs into a tile; returns which are not zero."""
    cdef uint64_t bits = 0
    cdef Py_ssize_t i, v, lanes
    cdef vec[cell] value
    if cell is uint8_t:
        return nonzero_bytes(<const uint8_t*>x, out)
    else:
        lanes = sizeof(vec[cell]) // sizeof(cell)
        if sizeof(source) != sizeof(cell):
            for i in range(CNET_TILE):
                out[i] = <cell>x[i]
            x = <const source*>out
        for v in range(CNET_TILE // lanes):
            value = vload(<const cell*>x + v * lanes)
            vstore(out + v * lanes, value)
            bits |= nonzero_lanes(value) << (v * lanes)
        return bits


cdef inline void gather_from(
    const source* of_type, const Inputs* x, Py_ssize_t first, Py_ssize_t n, Py_ssize_t rows, cell* out, uint64_t* mask
) noexcept nogil:
    cdef source few[CNET_TILE]
    cdef uint64_t width = 0xFFFFFFFFFFFFFFFFu >> (CNET_TILE - n)
    cdef const source* row
    cdef Py_ssize_t r
    for r in range(rows):
        row = <const source*>x.data + row_of(x, r) * x.stride + first
        if row + CNET_TILE > <const source*>x.end:
            # A whole tile would reach past the last row's end.
            memset(few, 0, sizeof(few))
            memcpy(few, row, n * sizeof(source))
            row = few
        mask[r] = gather_cells(row, out + r * CNET_TILE) & width
    for r in range(rows, (rows + CNET_TILE - 1) // CNET_TILE * CNET_TILE):
        mask[r] = 0


cdef inline void begin_compressed(
    const Inputs* x, Py_ssize_t first, Py_ssize_t rows, int64_t* cursor
) noexcept nogil:
    """The place of each compressed row's first value from column `first` on."""
    cdef int64_t begin, end, middle
    cdef Py_ssize_t r
    for r in range(rows):
        begin, end = x.starts[row_of(x, r)], x.starts[row_of(x, r) + 1]
        while begin < end:
            middle = begin + (end - begin) // 2
            if x.columns[middle] < first:
                begin = middle + 1
            else:
                end = middle
        cursor[r] = begin


cdef inline void gather_compressed(
    const source* of_type, const Inputs* x, Py_ssize_t first, Py_ssize_t n, Py_ssize_t rows, int64_t* cursor,
    cell* out, uint64_t* mask,
) noexcept nogil:
    """The same of compressed rows, of which the tiles before have been gathered. Tiles without a value are not
    written: nobody reads where no bit is set."""
    cdef const source* data = <const source*>x.data
    cdef int64_t k, end
    cdef uint64_t bits
    cdef Py_ssize_t r, c
    for r in range(rows):
        bits, k, end = 0, cursor[r], x.starts[row_of(x, r) + 1]
        if k < end and x.columns[k] < first + n:
            memset(out + r * CNET_TILE, 0, CNET_TILE * sizeof(cell))
            while k < end and x.columns[k] < first + n:
                c = x.columns[k] - first
                out[r * CNET_TILE + c] = <cell>data[k]
                bits |= <uint64_t>(out[r * CNET_TILE + c] != 0) << c
                k += 1
            cursor[r] = k
        mask[r] = bits
    for r in range(rows, (rows + CNET_TILE - 1) // CNET_TILE * CNET_TILE):
        mask[r] = 0


cdef inline void gather_tile(
    const Inputs* x, Py_ssize_t first, Py_ssize_t n, Py_ssize_t rows, int64_t* cursor, cell* out, uint64_t* mask
) noexcept nogil:
    """The columns first..first+n of a batch's rows, and their bitmaps."""
    if cell is uint8_t:
        gather_from(<const uint8_t*>NULL, x, first, n, rows, out, mask)
    elif x.starts is not NULL and x.source == CNET_FLOAT32:
        gather_compressed(<const float*>NULL, x, first, n, rows, cursor, out, mask)
    elif x.starts is not NULL:
        gather_compressed(<const double*>NULL, x, first, n, rows, cursor, out, mask)
    elif x.source == CNET_FLOAT32:
        gather_from(<const float*>NULL, x, first, n, rows, out, mask)
    else:
        gather_from(<const double*>NULL, x, first, n, rows, out, mask)


cdef inline void prefetch_tile(
    const Inputs* x, Py_ssize_t first, Py_ssize_t n, const int64_t* rows, Py_ssize_t n_rows
) noexcept nogil:
    """Ask for the same columns of rows that will be gathered an iteration later."""
    cdef Py_ssize_t size = source_size(x.source)
    cdef const char* end
    cdef Py_ssize_t r, line
    if x.starts is not NULL:
        return
    for r in range(n_rows):
        end = <const char*>x.data + (rows[r] * x.stride + first + n) * size - 1
        for line in range((n * size + 63) // 64):
            prefetch(end - line * 64)
