# Softmax, row by row.

cdef inline vec[real] lanes_below(Py_ssize_t n, vec[real] s) noexcept nogil:
    """s, with -inf in the lanes from n on."""
    if real is float:
        return vselect_less(vload(<const real*>LANE32), vset(<real>n), s, vset(<real>-INFINITY))
    else:
        return vselect_less(vload(<const real*>LANE64), vset(<real>n), s, vset(<real>-INFINITY))


cdef inline real softmax_row(Py_ssize_t n, Py_ssize_t padded, real* s, real* largest, Py_ssize_t* best) noexcept nogil:
    """s = exp(s - max(s)); returns its sum. Lanes from n to padded become 0.

    The largest score is taken off first, so that nothing overflows. `best` is the first place
    that has it.
    """
    cdef Py_ssize_t v, j, lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t end = padded - lanes
    cdef vec[real] top, total, e
    cdef uint64_t bits = 0
    top = lanes_below(n - end, vload(<const real*>s + end))
    vstore(s + end, top)
    for v in range(end // lanes):
        e = vload(<const real*>s + v * lanes)
        top = vselect_less(top, e, e, top)
    largest[0] = vmax(top)
    top = vset(largest[0])
    total = vset(<real>0)
    for v in range(padded // lanes):
        j = v * lanes
        e = vload(<const real*>s + j)
        if bits == 0:
            bits = nonzero_lanes(vselect_less(e, top, vset(<real>0), vset(<real>1)))
            best[0] = j + count_trailing_zeros(bits | (<uint64_t>1 << 63))
        e = vexp_negative(e - top)
        vstore(s + j, e)
        total = total + e
    return vsum(total)


cdef inline void divide_row(Py_ssize_t padded, real* s, real divisor) noexcept nogil:
    cdef Py_ssize_t v, j, lanes = sizeof(vec[real]) // sizeof(real)
    for v in range(padded // lanes):
        j = v * lanes
        vstore(s + j, vload(<const real*>s + j) / vset(divisor))


cdef inline Py_ssize_t padded_width(Py_ssize_t n, real* of_type) noexcept nogil:
    cdef Py_ssize_t v, lanes = sizeof(vec[real]) // sizeof(real)
    return (n + lanes - 1) // lanes * lanes


cdef void softmax_rows(Py_ssize_t rows, Py_ssize_t n, const real* x, real* out) noexcept nogil:
    """Softmax of contiguous rows of any length, through a vector of scratch."""
    cdef Py_ssize_t v, lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t r, i, j
    cdef real largest
    cdef vec[real] total, top
    cdef real part[CNET_MAX_LANES]
    cdef const real* row
    for r in range(rows):
        row = x + r * n
        largest = row[0]
        for j in range(1, n):
            # A NaN, once met, stays: no comparison with it is true.
            if row[j] > largest or row[j] != row[j]:
                largest = row[j]
        top = vset(largest)
        total = vset(<real>0)
        for v in range((n + lanes - 1) // lanes):
            i = v * lanes
            for j in range(lanes):
                part[j] = -INFINITY
            for j in range(lanes if i + lanes <= n else n - i):
                part[j] = row[i + j]
            # inf - inf is no number, and no number is what NumPy answers.
            vstore(part, vexp_negative(vload(<const real*>part) - top))
            total = total + vload(<const real*>part)
            for j in range(lanes if i + lanes <= n else n - i):
                out[r * n + i + j] = part[j]
        top = vset(vsum(total))
        for v in range((n + lanes - 1) // lanes):
            i = v * lanes
            for j in range(lanes):
                part[j] = 0
            for j in range(lanes if i + lanes <= n else n - i):
                part[j] = out[r * n + i + j]
            vstore(part, vload(<const real*>part) / top)
            for j in range(lanes if i + lanes <= n else n - i):
                out[r * n + i + j] = part[j]
