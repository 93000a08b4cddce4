# The sparse product, and the lists of non-zeros that it walks.
#
# One kernel serves both ways: forward, the rows summed are weight rows and the
# values are a sample's inputs; backward, they are the samples' deltas and the
# values are one input's over the batch.

ctypedef fused entry:
    uint32_t
    Nonzero32
    Nonzero64


cdef inline uint32_t entry_index(entry* e) noexcept nogil:
    if entry is uint32_t:
        return e[0] & 0xffff
    else:
        return e.index


cdef inline double entry_value(entry* e) noexcept nogil:
    if entry is uint32_t:
        return cnet_pixel_value(e[0])
    else:
        return e.value


cdef inline void weighted_sum_block(
    int vectors, Py_ssize_t count, entry* entries, const real* rows, Py_ssize_t ld,
    real scale, const real* base, real* out,
) noexcept nogil:
    """out = base + scale * sum of value * row, `vectors` vectors wide.

    Even and odd entries are summed apart: one sum alone would wait for each
    multiply-add to end before the next.
    """
    cdef vec[real] even[4]
    cdef vec[real] odd[4]
    cdef vec[real] factor
    cdef Py_ssize_t e, lanes = sizeof(vec[real]) // sizeof(real)
    cdef const real* row
    cdef int j
    for j in range(vectors):
        even[j] = vset(<real>0)
        odd[j] = vset(<real>0)
    for e in range(0, count - 1, 2):
        row = rows + entry_index(entries + e) * ld
        factor = vset(<real>entry_value(entries + e))
        for j in range(vectors):
            even[j] = vfma(factor, vload(row + j * lanes), even[j])
        row = rows + entry_index(entries + e + 1) * ld
        factor = vset(<real>entry_value(entries + e + 1))
        for j in range(vectors):
            odd[j] = vfma(factor, vload(row + j * lanes), odd[j])
    if count & 1:
        row = rows + entry_index(entries + count - 1) * ld
        factor = vset(<real>entry_value(entries + count - 1))
        for j in range(vectors):
            even[j] = vfma(factor, vload(row + j * lanes), even[j])
    factor = vset(scale)
    for j in range(vectors):
        vstore(out + j * lanes, vfma(factor, even[j] + odd[j], vload(base + j * lanes)))


cdef inline void weighted_sum(
    Py_ssize_t n, Py_ssize_t count, entry* entries, const real* rows, Py_ssize_t ld,
    real scale, const real* base, real* out,
) noexcept nogil:
    """out (n,) = base (n,) + scale * sum over entries of value * rows[index]."""
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t vectors = (n + lanes - 1) // lanes
    cdef Py_ssize_t j = 0, shift
    while j < vectors:
        shift = j * lanes
        if vectors - j >= 4:
            weighted_sum_block(4, count, entries, rows + shift, ld, scale, base + shift, out + shift)
            j += 4
        elif vectors - j == 3:
            weighted_sum_block(3, count, entries, rows + shift, ld, scale, base + shift, out + shift)
            j += 3
        elif vectors - j == 2:
            weighted_sum_block(2, count, entries, rows + shift, ld, scale, base + shift, out + shift)
            j += 2
        else:
            weighted_sum_block(1, count, entries, rows + shift, ld, scale, base + shift, out + shift)
            j += 1


cdef inline Py_ssize_t entry_size(int source, bint wide) noexcept nogil:
    if source == CNET_UINT8:
        return sizeof(uint32_t)
    return sizeof(Nonzero64) if wide else sizeof(Nonzero32)


cdef inline Py_ssize_t first_at_or_after(entry* entries, Py_ssize_t count, Py_ssize_t column) noexcept nogil:
    """Where in a list (its columns ascend) the columns from `column` on begin."""
    cdef Py_ssize_t low = 0, high = count, middle
    while low < high:
        middle = (low + high) >> 1
        if <Py_ssize_t>entry_index(entries + middle) < column:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline void transpose_entries(
    entry* of_type, const void** row_entries, const int64_t* row_count, Py_ssize_t rows,
    Py_ssize_t n_in, Py_ssize_t first, Py_ssize_t last,
    int32_t* column_count, void* column_entries, Py_ssize_t capacity,
) noexcept nogil:
    """Rows' lists to columns' lists, for the columns first..last.

    Column i's list stands at column_entries[i * capacity] and holds (sample,
    value) in the order of the samples. `of_type` only tells the entries' type.
    """
    cdef Py_ssize_t i, r, e, count
    cdef entry* row
    cdef entry* columns = <entry*>column_entries
    cdef entry* slot
    for i in range(first, last):
        column_count[i] = 0
    for r in range(rows):
        row = <entry*>row_entries[r]
        count = row_count[r]
        e = first_at_or_after(row, count, first) if first > 0 else 0
        if last < n_in:
            count = first_at_or_after(row, count, last)
        while e < count:
            i = entry_index(row + e)
            slot = columns + i * capacity + column_count[i]
            column_count[i] += 1
            slot[0] = row[e]
            if entry is uint32_t:
                slot[0] = (slot[0] & 0xffff0000u) | <uint32_t>r
            else:
                slot.index = <uint32_t>r
            e += 1
