# Dropout: which units of a row are kept in one mini-batch. The words come from (key of the iteration, row, unit,
# layer), so that neither threads nor the order of rows matter; layer 0 are the inputs.

cdef inline void drop_units(
    const Dropout[real]* p, int layer, Py_ssize_t row, Py_ssize_t n, real* z, real* slope
) noexcept nogil:
    """z, and where there is one its slope, times 0 or 1 / (1 - p)."""
    cdef uint32_t words[4]
    cdef uint32_t threshold = p.threshold[layer]
    cdef real factor
    cdef Py_ssize_t unit
    for unit in range(n):
        if unit & 3 == 0:
            philox4x32(p.key, unit >> 2, <uint32_t>(p.first_row + row), layer, words)
        factor = p.scale[layer] if words[unit & 3] >= threshold else 0
        z[unit] *= factor
        if slope is not NULL:
            slope[unit] *= factor


cdef inline void drop_inputs(
    const Dropout[real]* p, Py_ssize_t column, Py_ssize_t n, Py_ssize_t rows, uint64_t* mask
) noexcept nogil:
    """A tile's inputs that are not kept leave the bitmaps; the scale comes with the sums (see sum_parts)."""
    cdef uint32_t words[4]
    cdef Py_ssize_t r, unit
    cdef uint64_t kept
    for r in range(rows):
        if mask[r] == 0:
            continue
        kept = 0
        for unit in range(column, column + n):
            if unit & 3 == 0 or unit == column:
                philox4x32(p.key, unit >> 2, <uint32_t>(p.first_row + r), 0, words)
            kept |= <uint64_t>(words[unit & 3] >= p.threshold[0]) << (unit - column)
        mask[r] &= kept
