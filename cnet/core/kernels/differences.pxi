# Central differences of the loss, incrementally: what is left to compute when one parameter is
# moved up and down by h. The loss is log-sum-exp of the moved scores, less the label's: any h and any scores do.
#
# A hidden unit that moves by u moves score k by u w_k: the loss grows by log(sum of p_k exp(u c_k)), where p are the
# probabilities and c the weights less the label's. For a small move, exp's series is exact to rounding, and its sums
# over the outputs (the mean of c, of c**2, ...) do not depend on u: they are known from the forward pass.

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


cdef inline double* numbers_of(const Differences* d, Py_ssize_t sample, int row) noexcept nogil:
    """What is kept of a sample for each hidden unit: row 0 is a, row 1 is z, row 1 + m is its moment m over m!."""
    return d.of_units + (sample * CNET_UNIT_ROWS + row) * d.ld_hidden


cdef inline void fill_moments(const Differences* d, Py_ssize_t sample) noexcept nogil:
    """Fill the rows of `of_units` for one sample that has gone forward.

    Moment m of a hidden unit is the mean of c**m, where c is its weight to an output less its weight to the
    label's, and the outputs weigh by their probabilities.
    """
    cdef Py_ssize_t n_hidden = d.hidden.n_out, ld = d.ld, lanes = sizeof(vec[double]) // sizeof(double)
    cdef Py_ssize_t j, k, v
    cdef const double* label = d.weight_t + d.labels[sample] * d.ld_hidden
    cdef double* a = numbers_of(d, sample, 0)
    cdef double* z = numbers_of(d, sample, 1)
    cdef double* moment = numbers_of(d, sample, 2)
    cdef vec[double] c, power
    cdef vec[double] total[CNET_MOMENTS]
    cdef int m
    for j in range(n_hidden):
        a[j] = d.a[j * ld + sample]
        z[j] = d.z[j * ld + sample]
    for v in range(d.ld_hidden // lanes):
        for m in range(CNET_MOMENTS):
            total[m] = vset(<double>0)
        for k in range(d.output.n_out):
            c = vload(<const double*>d.weight_t + k * d.ld_hidden + v * lanes) - vload(label + v * lanes)
            power = vexp_negative(vset(<double>d.log_p[k * ld + sample]))
            for m in range(CNET_MOMENTS):
                power = power * c
                total[m] = total[m] + power
        for m in range(CNET_MOMENTS):
            vstore(moment + m * d.ld_hidden + v * lanes, total[m] * vset(<double>RECIPROCAL_FACTORIAL[m + 1]))


cdef void difference_forward(const Differences* d, Py_ssize_t sample) noexcept nogil:
    """One vector of samples forward: a, z, log_p, log_rest and what is kept of each for every unit."""
    cdef Py_ssize_t n_out = d.output.n_out, ld = d.ld, j, k
    cdef Py_ssize_t lane, lanes = sizeof(vec[double]) // sizeof(double)
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
    for lane in range(lanes):
        fill_moments(d, sample + lane)


cdef inline vec[double] moved_by(vec[double] u, const double* moment, Py_ssize_t ld) noexcept nogil:
    """The mean of exp(u c) - 1 from the moments of c, for |u c| <= 2**-8.

    The first neglected term is below 1e-18 of the first one.
    """
    cdef vec[double] p = vload(moment + (CNET_MOMENTS - 1) * ld)
    cdef int m
    for m in range(CNET_MOMENTS - 2, -1, -1):
        p = vfma(p, u, vload(moment + m * ld))
    return p * u


cdef inline vec[double] log_quotient(vec[double] up, vec[double] down) noexcept nogil:
    """log(1 + up) - log(1 + down) for |up| and |down| below 2**-7, without cancellation.

    It is 2 artanh(f) with f = (up - down) / (2 + up + down); the first neglected term is below 1e-19 of the first one.
    """
    cdef vec[double] f = (up - down) / (vset(<double>2) + (up + down))
    cdef vec[double] square = f * f
    cdef vec[double] p = vset(<double>RECIPROCAL_ODD[3])
    p = vfma(p, square, vset(<double>RECIPROCAL_ODD[2]))
    p = vfma(p, square, vset(<double>RECIPROCAL_ODD[1]))
    f = f + f
    return vfma(f * square, p, f)


cdef void far_differences(
    const Differences* d, Py_ssize_t sample, Py_ssize_t shift, double* up_and_down, double* total
) noexcept nogil:
    """total += the loss with activations moved by `up` less that by `down`, for one vector of units and any move."""
    cdef Py_ssize_t n_out = d.output.n_out, lanes = sizeof(vec[double]) // sizeof(double), k
    cdef const double* weight = d.weight_t + shift
    cdef const double* log_p = d.log_p + sample
    cdef vec[double] up = vload(<const double*>up_and_down), down = vload(<const double*>up_and_down + lanes)
    cdef vec[double] label_weight = vload(weight + d.labels[sample] * d.ld_hidden)
    cdef vec[double] w, p, top_up, top_down
    cdef vec[double] total_up = vset(<double>0), total_down = vset(<double>0)
    w, p = vload(weight), vset(<double>log_p[0])
    top_up, top_down = vfma(up, w, p), vfma(down, w, p)
    for k in range(1, n_out):
        w, p = vload(weight + k * d.ld_hidden), vset(<double>log_p[k * d.ld])
        top_up = vmaximum(top_up, vfma(up, w, p))
        top_down = vmaximum(top_down, vfma(down, w, p))
    for k in range(n_out):
        w, p = vload(weight + k * d.ld_hidden), vset(<double>log_p[k * d.ld])
        total_up = total_up + vexp_negative(vfma(up, w, p) - top_up)
        total_down = total_down + vexp_negative(vfma(down, w, p) - top_down)
    vstore(total, vload(<const double*>total) + vlog(total_up / total_down)
           + ((top_up - top_down) - (up - down) * label_weight))


cdef inline void difference_hidden_as(
    int activation, const Differences* d, Py_ssize_t input, double* scratch, double* out
) noexcept nogil:
    cdef Py_ssize_t lanes = sizeof(vec[double]) // sizeof(double), ld = d.ld_hidden
    cdef Py_ssize_t vectors = ld // lanes, b, v, j
    cdef const double* x = d.x + input * d.ld
    cdef const double* numbers
    cdef double* total = scratch + 2 * lanes
    cdef double move
    cdef bint near
    cdef vec[double] a, z, up, down
    for v in range(vectors):
        vstore(total + v * lanes, vset(<double>0))
    for b in range(d.rows):
        if x[b] == 0:
            continue
        move = d.h * x[b]
        near = -d.most_move <= move <= d.most_move
        numbers = numbers_of(d, b, 0)
        for v in range(vectors):
            a, z = vload(numbers + v * lanes), vload(numbers + ld + v * lanes)
            up = vactivation(activation, a + vset(move)) - z
            down = vactivation(activation, a - vset(move)) - z
            if near:
                up = moved_by(up, numbers + 2 * ld + v * lanes, ld)
                down = moved_by(down, numbers + 2 * ld + v * lanes, ld)
                vstore(total + v * lanes, vload(<const double*>total + v * lanes) + log_quotient(up, down))
            else:
                vstore(scratch, up)
                vstore(scratch + lanes, down)
                far_differences(d, b, v * lanes, scratch, total + v * lanes)
    for j in range(d.hidden.n_out):
        out[j] += d.scale * total[j]


cdef void difference_hidden(const Differences* d, Py_ssize_t input, double* scratch) noexcept nogil:
    """Derivatives by the weights of one input (or the biases) to every hidden unit.

    `scratch` holds two vectors and a number for each unit, in whole vectors. Lanes are units here.
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
