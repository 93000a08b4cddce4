# Central differences of the loss, incrementally: what is left to compute when one parameter is
# moved up and down by h. Lanes are samples; the loss is log-sum-exp of the moved scores, less
# the label's, so that any h and any scores do.

cdef inline vec[double] vmaximum(vec[double] a, vec[double] b) noexcept nogil:
    return vselect_less(a, b, b, a)


cdef inline vec[double] vlogaddexp(vec[double] a, vec[double] b) noexcept nogil:
    """log(exp(a) + exp(b)) without overflow."""
    return vmaximum(a, b) + vlog(vset(<double>1) + vexp_negative(vminus_abs(a - b)))


cdef inline void sum_inputs(const Layer[double]* layer, const double* x, Py_ssize_t ld, double* out) noexcept nogil:
    """A layer's pre-activations for one vector of samples; inputs and outputs are ld apart."""
    cdef vec[double] sums[4]
    cdef vec[double] value
    cdef Py_ssize_t i, first, width
    cdef int j
    for first in range(0, layer.n_out, 4):
        width = min(4, layer.n_out - first)
        for j in range(4):
            sums[j] = vset(<double>(layer.bias[first + j] if j < width else 0))
        if width == 4:
            for i in range(layer.n_in):
                value = vload(x + i * ld)
                for j in range(4):
                    sums[j] = vfma(vset(<double>layer.weight[i * layer.ld + first + j]), value, sums[j])
        else:
            for i in range(layer.n_in):
                value = vload(x + i * ld)
                for j in range(width):
                    sums[j] = vfma(vset(<double>layer.weight[i * layer.ld + first + j]), value, sums[j])
        for j in range(width):
            vstore(out + (first + j) * ld, sums[j])


cdef void difference_forward(const Differences* d, Py_ssize_t sample) noexcept nogil:
    """One vector of samples forward: a, z, log_p and log_rest."""
    cdef Py_ssize_t n_out = d.output.n_out, ld = d.ld, j, k
    cdef double* p = d.log_p + sample
    cdef double* rest = d.log_rest + sample
    cdef vec[double] top, total, nothing, others
    sum_inputs(d.hidden, d.x + sample, ld, d.a + sample)
    for j in range(d.hidden.n_out):
        vstore(d.z + j * ld + sample, vactivation(d.activation, vload(<const double*>d.a + j * ld + sample)))
    sum_inputs(d.output, d.z + sample, ld, p)
    top = vload(<const double*>p)
    for k in range(1, n_out):
        top = vmaximum(top, vload(<const double*>p + k * ld))
    total = vset(<double>0)
    for k in range(n_out):
        total = total + vexp_negative(vload(<const double*>p + k * ld) - top)
    total = vlog(total)
    for k in range(n_out):
        vstore(p + k * ld, vload(<const double*>p + k * ld) - top - total)
    # The sum of all but one, from those before it and those after it: nothing is subtracted.
    nothing = vset(<double>-DBL_MAX)
    others = nothing
    for k in range(n_out):
        vstore(rest + k * ld, others)
        others = vlogaddexp(others, vload(<const double*>p + k * ld))
    others = nothing
    for k in range(n_out - 1, -1, -1):
        vstore(rest + k * ld, vlogaddexp(vload(<const double*>rest + k * ld), others))
        others = vlogaddexp(others, vload(<const double*>p + k * ld))


cdef inline vec[double] difference_of_unit(
    int activation, Py_ssize_t n_out, const double* weight, const double* log_p,
    vec[double] a, vec[double] z, vec[double] label_weight, vec[double] move,
) noexcept nogil:
    """Losses with a hidden unit's pre-activation moved up, less those with it moved down.

    `weight` (O,) are the unit's own, log_p (O, lanes) the samples'.
    """
    cdef Py_ssize_t k, lanes = sizeof(vec[double]) // sizeof(double)
    cdef vec[double] up = vactivation(activation, a + move) - z
    cdef vec[double] down = vactivation(activation, a - move) - z
    cdef vec[double] top_up, top_down, w, p
    cdef vec[double] total_up = vset(<double>0), total_down = vset(<double>0)
    w = vset(<double>weight[0])
    top_up = vfma(up, w, vload(log_p))
    top_down = vfma(down, w, vload(log_p))
    for k in range(1, n_out):
        w = vset(<double>weight[k])
        p = vload(log_p + k * lanes)
        top_up = vmaximum(top_up, vfma(up, w, p))
        top_down = vmaximum(top_down, vfma(down, w, p))
    for k in range(n_out):
        w = vset(<double>weight[k])
        p = vload(log_p + k * lanes)
        total_up = total_up + vexp_negative(vfma(up, w, p) - top_up)
        total_down = total_down + vexp_negative(vfma(down, w, p) - top_down)
    return vlog(total_up / total_down) + ((top_up - top_down) - (up - down) * label_weight)


cdef inline void difference_hidden_as(
    int activation, const Differences* d, Py_ssize_t input, double* scratch, double* out
) noexcept nogil:
    cdef Py_ssize_t n_hidden = d.hidden.n_out, n_out = d.output.n_out, ld = d.ld
    cdef Py_ssize_t lanes = sizeof(vec[double]) // sizeof(double)
    cdef Py_ssize_t b = 0, j, k
    cdef Py_ssize_t index[CNET_MAX_LANES]
    cdef const double* x = d.x + input * ld
    cdef const double* w
    cdef double* move = scratch
    cdef double* a = scratch + lanes
    cdef double* z = scratch + 2 * lanes
    cdef double* label_weight = scratch + 3 * lanes
    cdef double* log_p = scratch + 4 * lanes
    cdef int lane, found
    while True:
        # The next samples to whom this input is not zero; what is left of the vector is not moved.
        found = 0
        while b < d.rows and found < lanes:
            index[found] = b
            found += x[b] != 0
            b += 1
        if found == 0:
            break
        for lane in range(lanes):
            move[lane] = d.h * x[index[lane]] if lane < found else 0
            if lane >= found:
                index[lane] = index[0]
        for k in range(n_out):
            for lane in range(lanes):
                log_p[k * lanes + lane] = d.log_p[k * ld + index[lane]]
        for j in range(n_hidden):
            w = d.output.weight + j * d.output.ld
            for lane in range(lanes):
                a[lane] = d.a[j * ld + index[lane]]
                z[lane] = d.z[j * ld + index[lane]]
                label_weight[lane] = w[d.labels[index[lane]]]
            out[j] += d.scale * vsum(difference_of_unit(
                activation, n_out, w, log_p, vload(<const double*>a), vload(<const double*>z),
                vload(<const double*>label_weight), vload(<const double*>move)))


cdef void difference_hidden(const Differences* d, Py_ssize_t input, double* scratch) noexcept nogil:
    """Derivatives by the weights of one input (or the biases) to every hidden unit.

    `scratch` holds (O + 4) vectors.
    """
    cdef double* out = d.db1
    if input < d.hidden.n_in:
        out = d.dW1 + input * d.hidden.n_out
    if d.activation == CNET_SIGMOID:
        difference_hidden_as(CNET_SIGMOID, d, input, scratch, out)
    elif d.activation == CNET_RELU:
        difference_hidden_as(CNET_RELU, d, input, scratch, out)
    elif d.activation == CNET_TANH:
        difference_hidden_as(CNET_TANH, d, input, scratch, out)
    else:
        difference_hidden_as(d.activation, d, input, scratch, out)


cdef void difference_output(const Differences* d, Py_ssize_t unit) noexcept nogil:
    """Derivatives by the weights of one hidden unit (or the biases) to every output.

    One score moves: the loss is log(exp(score) + rest), less the label's score.
    """
    cdef Py_ssize_t n_out = d.output.n_out, ld = d.ld
    cdef Py_ssize_t v, s, k, lanes = sizeof(vec[double]) // sizeof(double)
    cdef const double* z = d.z + unit * ld
    cdef const double* taken = d.z + d.hidden.n_out * ld
    cdef double* out = d.db2
    cdef vec[double] one = vset(<double>1)
    cdef vec[double] move, p, rest, up, down, total
    if unit < d.hidden.n_out:
        out = d.dW2 + unit * n_out
    for k in range(n_out):
        total = vset(<double>0)
        for v in range((d.rows + lanes - 1) // lanes):
            s = v * lanes
            # The bias's own row is 0 in the padding.
            move = vset(<double>d.h) * vload(z + s) * vload(taken + s)
            p = vload(<const double*>d.log_p + k * ld + s)
            rest = vload(<const double*>d.log_rest + k * ld + s)
            up = p + move
            down = p - move
            total = total + (vmaximum(up, rest) - vmaximum(down, rest)) + vlog(
                (one + vexp_negative(vminus_abs(up - rest))) / (one + vexp_negative(vminus_abs(down - rest))))
        out[k] += d.scale * vsum(total)
    for s in range(d.rows):
        out[d.labels[s]] -= 2 * d.h * d.scale * z[s]
