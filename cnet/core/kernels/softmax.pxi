# Softmax, row by row.

cdef inline vec[real] lanes_below(Py_ssize_t n, vec[real] s) noexcept nogil:
    """s, with -inf in the lanes from n on."""
    if real is float:
        return vselect_less(vload(<const real*>LANE32), vset(<real>n), s, vset(<real>-INFINITY))
    else:
        return vselect_less(vload(<const real*>LANE64), vset(<real>n), s, vset(<real>-INFINITY))


cdef inline void softmax_some(
    int rows, Py_ssize_t n, Py_ssize_t padded, real* s, Py_ssize_t ld, real* largest, Py_ssize_t* best, real* total
) noexcept nogil:
    """s = exp(s - max(s)) of each row, and its sum. Lanes from n to padded become 0.

    The largest score is taken off first, so that nothing overflows. `best` is the first place
    that has it. `rows`, at most SIDE_BY_SIDE, is a constant once inlined: one row alone would wait at each step, for its
    maximum, its exponentials and their sum.
    """
    cdef Py_ssize_t v, j, lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t end = padded - lanes
    cdef vec[real] top[SIDE_BY_SIDE]
    cdef vec[real] sums[SIDE_BY_SIDE]
    cdef vec[real] e[SIDE_BY_SIDE]
    cdef uint64_t found[SIDE_BY_SIDE]
    cdef uint64_t bits
    cdef int i
    for i in range(rows):
        top[i] = lanes_below(n - end, vload(<const real*>s + i * ld + end))
        vstore(s + i * ld + end, top[i])
        sums[i], found[i] = vset(<real>0), 0
    for v in range(end // lanes):
        for i in range(rows):
            e[i] = vload(<const real*>s + i * ld + v * lanes)
            top[i] = vselect_less(top[i], e[i], e[i], top[i])
    for i in range(rows):
        largest[i] = vmax(top[i])
        top[i] = vset(largest[i])
    for v in range(padded // lanes):
        j = v * lanes
        for i in range(rows):
            e[i] = vload(<const real*>s + i * ld + j)
            bits = nonzero_lanes(vselect_less(e[i], top[i], vset(<real>0), vset(<real>1)))
            best[i] = best[i] if found[i] else j + count_trailing_zeros(bits | (<uint64_t>1 << 63))
            found[i] |= bits
            e[i] = e[i] - top[i]
        exp_negative(rows, e)
        for i in range(rows):
            vstore(s + i * ld + j, e[i])
            sums[i] = sums[i] + e[i]
    for i in range(rows):
        total[i] = vsum(sums[i])


cdef inline real softmax_row(Py_ssize_t n, Py_ssize_t padded, real* s, real* largest, Py_ssize_t* best) noexcept nogil:
    """softmax_some of one row; returns the sum."""
    cdef real total
    softmax_some(1, n, padded, s, 0, largest, best, &total)
    return total


cdef inline void probabilities(int rows, Py_ssize_t n, Py_ssize_t padded, real* s, Py_ssize_t ld) noexcept nogil:
    """Scores of some rows, side by side, to their softmax."""
    cdef real largest[SIDE_BY_SIDE]
    cdef Py_ssize_t best[SIDE_BY_SIDE]
    cdef real total[SIDE_BY_SIDE]
    cdef Py_ssize_t v, lanes = sizeof(vec[real]) // sizeof(real)
    cdef int i
    softmax_some(rows, n, padded, s, ld, largest, best, total)
    for i in range(rows):
        for v in range(padded // lanes):
            vstore(s + v * lanes, vload(<const real*>s + v * lanes) / vset(total[i]))
        s += ld


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
