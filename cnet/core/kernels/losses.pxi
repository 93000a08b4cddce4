# The losses: of each row of scores s and its targets t its value, the delta dloss/ds, whether it is classified
# right, and the prediction that the scores stand for.
#
# A row's loss is left as `margin + log(total)`, of which the logarithm is taken later, of many rows together:
# cross-entropy needs it, all others say total = 1. To add a loss: its word and number, its row function, and a
# line in `row_loss` and, unless scores are predictions, in `predict_row`.

cdef extern from *:
    """
    enum { CNET_CROSS_ENTROPY, CNET_SQUARED_ERROR };
    static const Word LOSS_WORDS[] = {
        {"cross_entropy", CNET_LABELS | CNET_VALUES | CNET_DISTRIBUTION | CNET_ACCURACY | CNET_SMOOTHING}, {"squared_error", CNET_VALUES},
    };
    static const Vocabulary LOSSES = {sizeof(LOSS_WORDS) / sizeof(Word), LOSS_WORDS};
    """
    enum:
        CNET_CROSS_ENTROPY
        CNET_SQUARED_ERROR
    Vocabulary LOSSES


cdef inline real row_cross_entropy(
    Py_ssize_t n, Py_ssize_t padded, Tape[real]* tape, int top, Py_ssize_t r, int32_t label
) noexcept nogil:
    """A row's scores s to exp(s - max(s)); returns their sum.

    The loss log(sum(exp(s))) - s[label] is left in two parts: `margin`, max(s) - s[label], and
    `total`, of which the logarithm is taken later, of many together.
    """
    cdef real* s = tape.z[top] + r * tape.ld[top]
    cdef real largest
    cdef double score = s[label]
    cdef Py_ssize_t best
    cdef real total = softmax_row(n, padded, s, &largest, &best)
    tape.margin[r] = <double>largest - score
    tape.total[r] = total
    tape.correct[r] = best == label
    return total


cdef inline void delta_of_label(Py_ssize_t padded, const real* e, real* d, int32_t label, real share, real total) noexcept nogil:
    """d = share * (e / total - t), where t is 1 for the label and 0 for all others."""
    cdef Py_ssize_t v, j, lanes = sizeof(vec[real]) // sizeof(real)
    cdef real part = share / total
    for v in range(padded // lanes):
        j = v * lanes
        vstore(d + j, vload(e + j) * vset(part))
    d[label] = e[label] * part - share


cdef inline void soft_cross_entropy(
    Py_ssize_t n, Py_ssize_t padded, Tape[real]* tape, int top, Py_ssize_t r, const Targets[real]* targets,
    Py_ssize_t row, real* d
) noexcept nogil:
    """Cross-entropy with rows of probabilities, or with label smoothing: log(sum(exp(s))) - sum(t * s)."""
    cdef real* s = tape.z[top] + r * tape.ld[top]
    cdef double chosen = 0, t, sum_t = 0, smoothed = targets.smoothing / n
    cdef real largest, total, part
    cdef Py_ssize_t j, best, target = 0
    cdef const real* values = NULL
    if targets.values is not NULL:
        values = targets.values + row * n
        for j in range(n):
            if values[j] > values[target]:
                target = j
    else:
        target = targets.labels[row]
    for j in range(n):
        t = values[j] if values is not NULL else (1. if j == target else 0.)
        t = t * (1 - targets.smoothing) + smoothed
        chosen += t * s[j]
        sum_t += t
    total = softmax_row(n, padded, s, &largest, &best)
    # The targets' sum is 1 but for rounding.
    tape.margin[r] = <double>largest - chosen / sum_t
    tape.total[r] = total
    tape.correct[r] = best == target
    if d is NULL:
        return
    part = 1 / total
    for j in range(n):
        t = values[j] if values is not NULL else (1. if j == target else 0.)
        d[j] = s[j] * part - <real>((t * (1 - targets.smoothing) + smoothed) / sum_t)


cdef inline double squared_error(Py_ssize_t n, const real* s, const real* t, real* d) noexcept nogil:
    cdef double loss = 0, error
    cdef Py_ssize_t j
    for j in range(n):
        error = <double>s[j] - <double>t[j]
        loss += error * error
        if d is not NULL:
            d[j] = s[j] - t[j]
    return loss / 2


cdef inline void row_loss(
    const Stack[real]* net, Py_ssize_t n, Py_ssize_t padded, const Targets[real]* targets, Py_ssize_t row,
    Tape[real]* tape, Py_ssize_t r, real* d,
) noexcept nogil:
    """Margin, total and correct of row r, whose target is the data's row `row`; and where d is not NULL, n deltas."""
    cdef int top = net.n_layers - 1
    cdef const real* s = tape.z[top] + r * tape.ld[top]
    cdef const real* t = targets.values + row * n
    if net.loss == CNET_CROSS_ENTROPY:
        soft_cross_entropy(n, padded, tape, top, r, targets, row, d)
        return
    tape.total[r] = 1
    tape.correct[r] = False
    if net.loss == CNET_SQUARED_ERROR:
        tape.margin[r] = squared_error(n, s, t, d)


cdef inline void weigh_row(
    const Targets[real]* targets, Py_ssize_t row, Tape[real]* tape, Py_ssize_t r
) noexcept nogil:
    """A row's loss times its weight, if it has one."""
    if targets.weight is not NULL:
        tape.margin[r] = (tape.margin[r] + log(tape.total[r])) * targets.weight[row]
        tape.total[r] = 1


cdef inline bint hard_labels(const Stack[real]* net, const Targets[real]* targets) noexcept nogil:
    """Whether rows go the short way: cross-entropy with class indices."""
    return net.loss == CNET_CROSS_ENTROPY and targets.labels is not NULL and targets.smoothing == 0


cdef void losses(
    const Stack[real]* net, const Inputs* x, const Targets[real]* targets, Tape[real]* tape,
    Py_ssize_t first, Py_ssize_t last
) noexcept nogil:
    """Losses of the rows first..last of a block."""
    cdef int top = net.n_layers - 1
    cdef Py_ssize_t n = net.layer[top].n_out
    cdef Py_ssize_t padded = padded_width(n, tape.z[top])
    cdef Py_ssize_t r, row
    for r in range(first, last):
        row = row_of(x, r)
        if hard_labels(net, targets):
            row_cross_entropy(n, padded, tape, top, r, targets.labels[row])
        else:
            row_loss(net, n, padded, targets, row, tape, r, NULL)
        weigh_row(targets, row, tape, r)


cdef inline void deltas(
    const Stack[real]* net, const Inputs* x, const Targets[real]* targets, Tape[real]* tape,
    Py_ssize_t first, Py_ssize_t last, double divisor
) noexcept nogil:
    """Losses of the rows first..last, and the last layer's d: the derivatives of the batch's loss by the scores.

    The derivative of softmax and cross-entropy together is y - t; a row's share is its weight / divisor.
    """
    cdef int top = net.n_layers - 1
    cdef Py_ssize_t n = net.layer[top].n_out
    cdef Py_ssize_t padded = padded_width(n, tape.z[top])
    cdef Py_ssize_t v, lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t r, row, j
    cdef real* d
    cdef real share = <real>(1.0 / divisor) if divisor > 0 else 0, part
    for r in range(first, last):
        row = row_of(x, r)
        d = tape.d[top] + r * tape.ld[top]
        part = share if targets.weight is NULL else <real>(targets.weight[row] / divisor) if divisor > 0 else 0
        if hard_labels(net, targets):
            delta_of_label(padded, tape.z[top] + r * tape.ld[top], d, targets.labels[row], part,
                           row_cross_entropy(n, padded, tape, top, r, targets.labels[row]))
        else:
            for j in range(n, padded):
                d[j] = 0
            row_loss(net, n, padded, targets, row, tape, r, d)
            for v in range(padded // lanes):
                vstore(d + v * lanes, vload(<const real*>d + v * lanes) * vset(part))
        weigh_row(targets, row, tape, r)


cdef void predict(const Stack[real]* net, Tape[real]* tape, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Scores to what the loss models, in place."""
    cdef int top = net.n_layers - 1
    cdef Py_ssize_t n = net.layer[top].n_out
    cdef Py_ssize_t padded = padded_width(n, tape.z[top])
    cdef Py_ssize_t r
    for r in range(first, last):
        predict_row(net.loss, n, padded, tape.z[top] + r * tape.ld[top])


cdef inline void predict_row(int loss, Py_ssize_t n, Py_ssize_t padded, real* s) noexcept nogil:
    cdef Py_ssize_t best
    cdef real largest, total
    if loss == CNET_CROSS_ENTROPY:
        total = softmax_row(n, padded, s, &largest, &best)
        divide_row(padded, s, total)
