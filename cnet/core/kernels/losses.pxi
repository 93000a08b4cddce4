# The losses: of each row of scores s and its targets t its value, the delta dloss/ds, whether it is classified
# right, and the prediction that the scores stand for.
#
# A row's loss is left as `margin + log(total)`, of which the logarithm is taken later, of many rows together:
# cross-entropy needs it, all others say total = 1. To add a loss that compares each output with its target: its word
# and number, value and delta of one vector of outputs in `verror`, a line in `row_loss` and, unless scores are
# predictions, in `predict_row`.

cdef extern from *:
    """
    enum {
        CNET_CROSS_ENTROPY, CNET_SQUARED_ERROR, CNET_BINARY_CROSS_ENTROPY, CNET_ABSOLUTE_ERROR, CNET_HUBER,
        CNET_POISSON, CNET_QUANTILE
    };
    static const Word LOSS_WORDS[] = {
        {"cross_entropy", CNET_LABELS | CNET_VALUES | CNET_DISTRIBUTION | CNET_ACCURACY | CNET_SMOOTHING},
        {"squared_error", CNET_VALUES},
        {"binary_cross_entropy", CNET_VALUES | CNET_SHARES | CNET_ACCURACY | CNET_SMOOTHING},
        {"absolute_error", CNET_VALUES},
        {"huber", CNET_VALUES},
        {"poisson", CNET_VALUES | CNET_POSITIVE},
        {"quantile", CNET_VALUES},
    };
    static const Vocabulary LOSSES = {sizeof(LOSS_WORDS) / sizeof(Word), LOSS_WORDS};
    // Vectors of a row's losses that are added up in the network's type; their sums are added in float64.
    #define VECTORS_OF_A_SUM 8
    """
    enum:
        CNET_CROSS_ENTROPY
        CNET_SQUARED_ERROR
        CNET_BINARY_CROSS_ENTROPY
        CNET_ABSOLUTE_ERROR
        CNET_HUBER
        CNET_POISSON
        CNET_QUANTILE
        VECTORS_OF_A_SUM
    Vocabulary LOSSES


cdef inline void weigh_row(
    const Targets[real]* targets, Py_ssize_t row, Workspace[real]* workspace, Py_ssize_t r
) noexcept nogil:
    """A row's loss times its weight, if it has one."""
    if targets.weight is not NULL:
        workspace.margin[r] = (workspace.margin[r] + log(workspace.total[r])) * targets.weight[row]
        workspace.total[r] = 1


cdef inline real share_of_row(const Targets[real]* targets, Py_ssize_t row, double divisor) noexcept nogil:
    """What a row counts in the batch's loss: its weight / divisor."""
    if divisor <= 0:
        return 0
    return <real>((targets.weight[row] if targets.weight is not NULL else 1) / divisor)


cdef inline vec[real] load_some(Py_ssize_t n, const real* x) noexcept nogil:
    """A vector, or where less of it is left its first n elements, and zeros. Nothing behind them is read."""
    cdef Py_ssize_t lanes = sizeof(vec[real]) // sizeof(real)
    cdef real part[CNET_MAX_LANES]
    if n >= lanes:
        return vload(x)
    vstore(part, vset(<real>0))
    memcpy(part, x, n * sizeof(real))
    return vload(<const real*>part)


cdef inline vec[real] zeros_from(Py_ssize_t n, vec[real] x) noexcept nogil:
    """x, with 0 in the lanes from n on."""
    if real is float:
        return vselect_less(vload(<const real*>LANE32), vset(<real>n), x, vset(<real>0))
    else:
        return vselect_less(vload(<const real*>LANE64), vset(<real>n), x, vset(<real>0))


cdef inline Py_ssize_t first_largest(Py_ssize_t n, const real* x) noexcept nogil:
    """The first place that has the largest of n values of 0 or more."""
    cdef Py_ssize_t v, j, lanes = sizeof(vec[real]) // sizeof(real)
    cdef vec[real] one, top = load_some(n, x)
    cdef uint64_t bits
    for v in range(1, (n + lanes - 1) // lanes):
        one = load_some(n - v * lanes, x + v * lanes)
        top = vselect_less(top, one, one, top)
    top = vset(vmax(top))
    for v in range((n + lanes - 1) // lanes):
        j = v * lanes
        bits = nonzero_lanes(vselect_less(load_some(n - j, x + j), top, vset(<real>0), vset(<real>1)))
        if bits:
            return j + count_trailing_zeros(bits)
    return 0


cdef inline double sum_of_gaps(
    Py_ssize_t n, Py_ssize_t padded, const real* s, real largest, const real* t, double* sum_t, double* all_gaps
) noexcept nogil:
    """sum(t * (largest - s)), sum(t) and sum(largest - s) of a row; without t the last alone."""
    cdef Py_ssize_t v, j, lanes = sizeof(vec[real]) // sizeof(real)
    cdef vec[real] gap, target
    cdef vec[real] gaps = vset(<real>0), chosen = vset(<real>0), total = vset(<real>0)
    for v in range(padded // lanes):
        j = v * lanes
        gap = zeros_from(n - j, vset(largest) - vload(s + j))
        gaps = gaps + gap
        if t is not NULL:
            target = load_some(n - j, t + j)
            chosen = vfma(target, gap, chosen)
            total = total + target
    all_gaps[0] = vsum(gaps)
    sum_t[0] = vsum(total)
    return vsum(chosen)


cdef inline real largest_score(Py_ssize_t n, Py_ssize_t padded, const real* s) noexcept nogil:
    cdef Py_ssize_t v, lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t end = padded - lanes
    cdef vec[real] one, top = lanes_below(n - end, vload(s + end))
    for v in range(end // lanes):
        one = vload(s + v * lanes)
        top = vselect_less(top, one, one, top)
    return vmax(top)


cdef inline void soft_cross_entropy(
    Py_ssize_t n, Py_ssize_t padded, Workspace[real]* workspace, int top, Py_ssize_t r, const Targets[real]* targets,
    Py_ssize_t row, real* d
) noexcept nogil:
    """Cross-entropy with rows of probabilities, or with label smoothing: log(sum(exp(s))) - sum(t * s).

    The targets' sum, which is 1 but for rounding, is divided by; so the loss is log(sum(exp(s - largest))) and a mean
    of largest - s, and no large numbers cancel.
    """
    cdef real* s = workspace.z[top] + r * workspace.ld[top]
    cdef const real* t = targets.values + row * n if targets.values is not NULL else NULL
    cdef Py_ssize_t v, j, best, target, lanes = sizeof(vec[real]) // sizeof(real)
    cdef double kept = 1 - targets.smoothing, gap, gaps, sum_t
    cdef real largest = largest_score(n, padded, <const real*>s), total
    cdef vec[real] part, share, spread
    gap = sum_of_gaps(n, padded, <const real*>s, largest, t, &sum_t, &gaps)
    if t is NULL:
        target, sum_t = targets.labels[row], 1
        gap = largest - s[target]
    else:
        target = first_largest(n, t)
    sum_t = kept * sum_t + targets.smoothing
    total = softmax_row(n, padded, s, &largest, &best)
    workspace.margin[r] = (kept * gap + targets.smoothing / n * gaps) / sum_t
    workspace.total[r] = total
    workspace.correct[r] = best == target
    if d is NULL:
        return
    part, share, spread = vset(1 / total), vset(<real>(kept / sum_t)), vset(<real>(targets.smoothing / n / sum_t))
    for v in range(padded // lanes):
        j = v * lanes
        if t is NULL:
            vstore(d + j, zeros_from(n - j, vload(<const real*>s + j) * part - spread))
        else:
            vstore(d + j, zeros_from(
                n - j, vload(<const real*>s + j) * part - vfma(load_some(n - j, t + j), share, spread)))
    if t is NULL:
        d[target] -= <real>(kept / sum_t)


cdef inline vec[real] vbinary_cross_entropy(vec[real] s, vec[real] t, vec[real]* delta) noexcept nogil:
    """max(s, 0) - s t + log(1 + exp(-|s|)), and sigmoid(s) - t; exact too where a score says the target for certain."""
    cdef vec[real] zero = vset(<real>0)
    cdef vec[real] one = vset(<real>1)
    cdef vec[real] e = vexp_negative(vminus_abs(s))
    cdef vec[real] rest = e / (one + e)
    delta[0] = vselect_less(zero, s, (one - t) - rest, rest - t)
    return vfma(zero - s, t, vrelu(s)) + vlog1p(e)


cdef inline vec[real] vpoisson(vec[real] s, vec[real] t, vec[real]* delta) noexcept nogil:
    """exp(s) - t s + t log(t) - t, where 0 log(0) = 0; and exp(s) - t."""
    cdef vec[real] smallest = vset(<real>(FLT_MIN if real is float else DBL_MIN))
    cdef vec[real] difference = vexp(s) - t
    delta[0] = difference
    return difference - t * (s - vlog(vselect_less(t, smallest, smallest, t)))


cdef inline vec[real] verror(int loss, real parameter, vec[real] s, vec[real] t, vec[real]* delta) noexcept nogil:
    """One vector of outputs: their losses, and the derivatives of these by the scores."""
    cdef vec[real] zero = vset(<real>0)
    cdef vec[real] one = vset(<real>1)
    cdef vec[real] limit = vset(parameter)
    cdef vec[real] error = s - t
    cdef vec[real] size = zero - vminus_abs(error)
    if loss == CNET_BINARY_CROSS_ENTROPY:
        return vbinary_cross_entropy(s, t, delta)
    if loss == CNET_POISSON:
        return vpoisson(s, t, delta)
    if loss == CNET_ABSOLUTE_ERROR:
        # What is neither above nor below 0 is 0 or NaN.
        delta[0] = vselect_less(zero, error, one, vselect_less(error, zero, zero - one, error))
        return size
    if loss == CNET_HUBER:
        delta[0] = vselect_less(limit, error, limit, vselect_less(error, zero - limit, zero - limit, error))
        limit = vselect_less(limit, size, limit, size)
        return limit * (size - limit * vset(<real>0.5))
    if loss == CNET_QUANTILE:
        delta[0] = vselect_less(error, zero, zero - limit, vselect_less(zero, error, one - limit, error))
        return delta[0] * error
    delta[0] = error
    return error * error * vset(<real>0.5)


cdef inline vec[real] wrong_side(vec[real] s, vec[real] t) noexcept nogil:
    """Not 0 where a score above 0 has a target of 0.5 or less, or another score one above it."""
    cdef vec[real] zero = vset(<real>0)
    cdef vec[real] one = vset(<real>1)
    return vselect_less(zero, s, one, zero) - vselect_less(vset(<real>0.5), t, one, zero)


cdef inline double errors_of_row(
    int loss, real parameter, double smoothing, Py_ssize_t n, const real* s, const real* t, real* d, uint8_t* correct
) noexcept nogil:
    """The loss of one row of outputs; where d is not NULL, their deltas, and zeros up to the last vector's end."""
    cdef Py_ssize_t v, j, lanes = sizeof(vec[real]) // sizeof(real)
    cdef vec[real] score, target, value, delta, part = vset(<real>0)
    cdef vec[real] kept = vset(<real>(1 - smoothing)), spread = vset(<real>(smoothing / 2))
    cdef double total = 0
    cdef uint64_t wrong = 0
    for v in range((n + lanes - 1) // lanes):
        j = v * lanes
        score = vload(s + j)
        target = load_some(n - j, t + j)
        if loss == CNET_BINARY_CROSS_ENTROPY:
            wrong |= nonzero_lanes(zeros_from(n - j, wrong_side(score, target)))
            target = vfma(target, kept, spread)
        value = verror(loss, parameter, score, target, &delta)
        if n - j < lanes:
            value, delta = zeros_from(n - j, value), zeros_from(n - j, delta)
        if d is not NULL:
            vstore(d + j, delta)
        part = part + value
        if v % VECTORS_OF_A_SUM == VECTORS_OF_A_SUM - 1:
            total += vsum(part)
            part = vset(<real>0)
    correct[0] = loss == CNET_BINARY_CROSS_ENTROPY and wrong == 0
    return total + vsum(part)


cdef void row_loss(
    const Layers[real]* net, Py_ssize_t n, Py_ssize_t padded, const Targets[real]* targets, Py_ssize_t row,
    Workspace[real]* workspace, Py_ssize_t r, real* d,
) noexcept nogil:
    """Margin, total and correct of row r, whose target is the data's row `row`; where d is not NULL, padded deltas."""
    cdef int top = net.n_layers - 1
    cdef const real* s = workspace.z[top] + r * workspace.ld[top]
    cdef const real* t = targets.values + row * n
    cdef real parameter = <real>net.loss_parameter
    cdef uint8_t* correct = workspace.correct + r
    cdef double loss
    if net.loss == CNET_CROSS_ENTROPY:
        soft_cross_entropy(n, padded, workspace, top, r, targets, row, d)
        return
    if net.loss == CNET_BINARY_CROSS_ENTROPY:
        loss = errors_of_row(CNET_BINARY_CROSS_ENTROPY, parameter, targets.smoothing, n, s, t, d, correct)
    elif net.loss == CNET_ABSOLUTE_ERROR:
        loss = errors_of_row(CNET_ABSOLUTE_ERROR, parameter, 0, n, s, t, d, correct)
    elif net.loss == CNET_HUBER:
        loss = errors_of_row(CNET_HUBER, parameter, 0, n, s, t, d, correct)
    elif net.loss == CNET_POISSON:
        loss = errors_of_row(CNET_POISSON, parameter, 0, n, s, t, d, correct)
    elif net.loss == CNET_QUANTILE:
        loss = errors_of_row(CNET_QUANTILE, parameter, 0, n, s, t, d, correct)
    else:
        loss = errors_of_row(CNET_SQUARED_ERROR, parameter, 0, n, s, t, d, correct)
    workspace.margin[r] = loss
    workspace.total[r] = 1


cdef inline bint hard_labels(const Layers[real]* net, const Targets[real]* targets) noexcept nogil:
    """Whether rows go the short way: cross-entropy with class indices."""
    return net.loss == CNET_CROSS_ENTROPY and targets.labels is not NULL and targets.smoothing == 0


cdef void losses(
    const Layers[real]* net, const Inputs* x, const Targets[real]* targets, Workspace[real]* workspace,
    Py_ssize_t begin, Py_ssize_t end
) noexcept nogil:
    """Losses of the rows begin..end of a block."""
    cdef int top = net.n_layers - 1
    cdef Py_ssize_t n = net.layer[top].n_out
    cdef Py_ssize_t padded = padded_width(n, workspace.z[top])
    cdef Py_ssize_t r, row
    if hard_labels(net, targets):
        all_label_rows(n, padded, x, targets, workspace, top, begin, end, False, 0)
        return
    for r in range(begin, end):
        row = row_of(x, r)
        row_loss(net, n, padded, targets, row, workspace, r, NULL)
        weigh_row(targets, row, workspace, r)


cdef inline void deltas(
    const Layers[real]* net, const Inputs* x, const Targets[real]* targets, Workspace[real]* workspace,
    Py_ssize_t begin, Py_ssize_t end, double divisor
) noexcept nogil:
    """Losses of the rows begin..end, and the last layer's d: the derivatives of the batch's loss by the scores.

    The derivative of softmax and cross-entropy together is y - t; a row's share is its weight / divisor.
    """
    cdef int top = net.n_layers - 1
    cdef Py_ssize_t n = net.layer[top].n_out
    cdef Py_ssize_t padded = padded_width(n, workspace.z[top])
    cdef Py_ssize_t v, lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t r, row
    cdef real* d
    cdef real part
    if hard_labels(net, targets):
        all_label_rows(n, padded, x, targets, workspace, top, begin, end, True, divisor)
        return
    for r in range(begin, end):
        row = row_of(x, r)
        d = workspace.d[top] + r * workspace.ld[top]
        part = share_of_row(targets, row, divisor)
        row_loss(net, n, padded, targets, row, workspace, r, d)
        for v in range(padded // lanes):
            vstore(d + v * lanes, vload(<const real*>d + v * lanes) * vset(part))
        weigh_row(targets, row, workspace, r)


cdef void predict(const Layers[real]* net, Workspace[real]* workspace, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Scores to what the loss models, in place."""
    cdef int top = net.n_layers - 1
    cdef Py_ssize_t n = net.layer[top].n_out
    cdef Py_ssize_t padded = padded_width(n, workspace.z[top])
    cdef Py_ssize_t r = begin, ld = workspace.ld[top]
    while net.loss == CNET_CROSS_ENTROPY and r + SIDE_BY_SIDE <= end:
        probabilities(SIDE_BY_SIDE, n, padded, workspace.z[top] + r * ld, ld)
        r += SIDE_BY_SIDE
    while r < end:
        predict_row(net.loss, n, padded, workspace.z[top] + r * ld)
        r += 1


cdef inline void predict_row(int loss, Py_ssize_t n, Py_ssize_t padded, real* s) noexcept nogil:
    cdef Py_ssize_t v, lanes = sizeof(vec[real]) // sizeof(real)
    if loss == CNET_CROSS_ENTROPY:
        probabilities(1, n, padded, s, 0)
    elif loss == CNET_BINARY_CROSS_ENTROPY:
        for v in range(padded // lanes):
            vstore(s + v * lanes, vsigmoid(vload(<const real*>s + v * lanes)))
    elif loss == CNET_POISSON:
        for v in range(padded // lanes):
            vstore(s + v * lanes, vexp(vload(<const real*>s + v * lanes)))
