# Softmax and cross-entropy, row by row.

cdef inline real softmax_row(Py_ssize_t n, Py_ssize_t padded, real* s, real* largest) noexcept nogil:
    """s = exp(s - max(s)); returns its sum. Lanes from n to padded become 0.

    The largest score is taken off first, so that nothing overflows.
    """
    cdef Py_ssize_t v, j, lanes = sizeof(vec[real]) // sizeof(real)
    cdef vec[real] top, total, e
    for j in range(n, padded):
        s[j] = -INFINITY
    top = vload(<const real*>s)
    for v in range(1, padded // lanes):
        j = v * lanes
        e = vload(<const real*>s + j)
        top = vselect_less(top, e, e, top)
    largest[0] = vmax(top)
    top = vset(largest[0])
    total = vset(<real>0)
    for v in range(padded // lanes):
        j = v * lanes
        e = vexp_negative(vload(<const real*>s + j) - top)
        vstore(s + j, e)
        total = total + e
    return vsum(total)


cdef inline void divide_row(Py_ssize_t padded, real* s, real divisor) noexcept nogil:
    cdef Py_ssize_t v, j, lanes = sizeof(vec[real]) // sizeof(real)
    for v in range(padded // lanes):
        j = v * lanes
        vstore(s + j, vload(<const real*>s + j) / vset(divisor))


cdef inline Py_ssize_t argmax(Py_ssize_t n, const real* s) noexcept nogil:
    cdef Py_ssize_t j, best = 0
    for j in range(1, n):
        if s[j] > s[best]:
            best = j
    return best


cdef inline Py_ssize_t padded_width(Py_ssize_t n, real* of_type) noexcept nogil:
    cdef Py_ssize_t v, lanes = sizeof(vec[real]) // sizeof(real)
    return (n + lanes - 1) // lanes * lanes


cdef void softmax(const Stack[real]* net, Tape[real]* tape, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Scores to probabilities, in place."""
    cdef int top = net.n_layers - 1
    cdef Py_ssize_t n = net.layer[top].n_out
    cdef Py_ssize_t padded = padded_width(n, tape.z[top])
    cdef Py_ssize_t r
    cdef real* s
    cdef real largest, total
    for r in range(first, last):
        s = tape.z[top] + r * tape.ld[top]
        total = softmax_row(n, padded, s, &largest)
        divide_row(padded, s, total)


cdef inline void row_cross_entropy(
    Py_ssize_t n, Py_ssize_t padded, real* s, int32_t label, double* loss, uint8_t* correct
) noexcept nogil:
    """From a row of scores: log(sum(exp(s))) - s[label]; s becomes the probabilities."""
    cdef real largest
    cdef double score = s[label]
    cdef real total
    correct[0] = argmax(n, <const real*>s) == label
    total = softmax_row(n, padded, s, &largest)
    loss[0] = log(<double>total) + (<double>largest - score)
    divide_row(padded, s, total)


cdef void cross_entropy(
    const Stack[real]* net, Tape[real]* tape, const int32_t* labels, Py_ssize_t first, Py_ssize_t last
) noexcept nogil:
    """Losses of the rows first..last, whose labels are labels[first..last]."""
    cdef int top = net.n_layers - 1
    cdef Py_ssize_t n = net.layer[top].n_out
    cdef Py_ssize_t padded = padded_width(n, tape.z[top])
    cdef Py_ssize_t r
    for r in range(first, last):
        row_cross_entropy(n, padded, tape.z[top] + r * tape.ld[top], labels[r],
                          tape.loss + r, tape.correct + r)


cdef void softmax_rows(Py_ssize_t rows, Py_ssize_t n, const real* x, real* out) noexcept nogil:
    """Softmax of contiguous rows of any length, through a vector of scratch."""
    cdef Py_ssize_t v, lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t r, i, j
    cdef real largest
    cdef vec[real] total, top
    cdef real part[VECTOR_LANES_MAX]
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
