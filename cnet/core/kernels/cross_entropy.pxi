# Cross-entropy with class indices, some rows side by side: the chapter's loss goes this way. See losses.pxi for all else.

cdef inline void cross_entropy(
    int rows, Py_ssize_t n, Py_ssize_t padded, Workspace[real]* workspace, int top, Py_ssize_t first,
    const int32_t* label, real* total
) noexcept nogil:
    """Scores s of rows from `first` on, side by side, to exp(s - max(s)); `total` are their sums.

    The loss log(sum(exp(s))) - s[label] is left in two parts: `margin`, max(s) - s[label], and
    `total`, of which the logarithm is taken later, of many together.
    """
    cdef real* s = workspace.z[top] + first * workspace.ld[top]
    cdef real largest[SIDE_BY_SIDE]
    cdef Py_ssize_t best[SIDE_BY_SIDE]
    cdef double score[SIDE_BY_SIDE]
    cdef int i
    for i in range(rows):
        score[i] = s[i * workspace.ld[top] + label[i]]
    softmax_some(rows, n, padded, s, workspace.ld[top], largest, best, total)
    for i in range(rows):
        workspace.margin[first + i] = <double>largest[i] - score[i]
        workspace.total[first + i] = total[i]
        workspace.correct[first + i] = best[i] == label[i]


cdef inline void delta_of_label(
    Py_ssize_t padded, const real* e, real* d, int32_t label, real share, real total
) noexcept nogil:
    """d = share * (e / total - t), where t is 1 for the label and 0 for all others."""
    cdef Py_ssize_t v, j, lanes = sizeof(vec[real]) // sizeof(real)
    cdef real part = share / total
    for v in range(padded // lanes):
        j = v * lanes
        vstore(d + j, vload(e + j) * vset(part))
    d[label] = e[label] * part - share


cdef inline void label_rows(
    int rows, Py_ssize_t n, Py_ssize_t padded, const Inputs* x, const Targets[real]* targets,
    Workspace[real]* workspace, int top, Py_ssize_t first, bint back, double divisor
) noexcept nogil:
    """Cross-entropy of some rows with class indices; `back`: and their d."""
    cdef Py_ssize_t row, ld = workspace.ld[top]
    cdef int32_t label[SIDE_BY_SIDE]
    cdef real total[SIDE_BY_SIDE]
    cdef int i
    for i in range(rows):
        label[i] = targets.labels[row_of(x, first + i)]
    cross_entropy(rows, n, padded, workspace, top, first, <const int32_t*>label, total)
    for i in range(rows):
        row = row_of(x, first + i)
        if back:
            delta_of_label(padded, <const real*>workspace.z[top] + (first + i) * ld,
                           workspace.d[top] + (first + i) * ld, label[i], share_of_row(targets, row, divisor), total[i])
        weigh_row(targets, row, workspace, first + i)


cdef inline void all_label_rows(
    Py_ssize_t n, Py_ssize_t padded, const Inputs* x, const Targets[real]* targets, Workspace[real]* workspace, int top,
    Py_ssize_t begin, Py_ssize_t end, bint back, double divisor
) noexcept nogil:
    cdef Py_ssize_t r = begin
    while r + SIDE_BY_SIDE <= end:
        label_rows(SIDE_BY_SIDE, n, padded, x, targets, workspace, top, r, back, divisor)
        r += SIDE_BY_SIDE
    while r < end:
        label_rows(1, n, padded, x, targets, workspace, top, r, back, divisor)
        r += 1
