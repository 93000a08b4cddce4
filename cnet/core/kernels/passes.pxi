# The passes through the stack of layers: forward, backward, and into the weights.

cdef inline void forward_dense(
    const Layer[real]* layer, const Inputs* x, Tape[real]* tape, Py_ssize_t first, Py_ssize_t last
) noexcept nogil:
    """Pre-activations of the first layer, from bytes or floats."""
    cdef Py_ssize_t size = source_size(x.source)
    cdef Py_ssize_t r
    for r in range(first, 0 if x.in_place else last):
        widen(x.source, x.n_in, <const char*>x.data + row_of(x, r) * x.stride * size, tape.x + r * tape.ld_x)
    product(last - first, layer.n_out, layer.n_in, tape.x + first * tape.ld_x, tape.ld_x, 1,
            layer.weight, layer.ld, <real>1, layer.bias, 0,
            tape.z[0] + first * tape.ld[0], tape.ld[0], tape.scratch)


cdef void forward(
    const Stack[real]* net, const Inputs* x, const Tiling* tiling, Tape[real]* tape,
    Py_ssize_t first, Py_ssize_t last,
) noexcept nogil:
    """Rows first..last through every layer; the last layer's z are scores."""
    cdef const Layer[real]* layer = &net.layer[0]
    cdef int kind = net.activation if net.n_layers > 1 else CNET_IDENTITY
    cdef int l
    if x.sparse:
        sum_parts(layer, kind, tiling, tape, first, last)
    else:
        forward_dense(layer, x, tape, first, last)
        activate(kind, (last - first) * tape.ld[0], tape.z[0] + first * tape.ld[0])
    for l in range(1, net.n_layers):
        layer = &net.layer[l]
        product(last - first, layer.n_out, layer.n_in,
                tape.z[l - 1] + first * tape.ld[l - 1], tape.ld[l - 1], 1,
                layer.weight, layer.ld, <real>1, layer.bias, 0,
                tape.z[l] + first * tape.ld[l], tape.ld[l], tape.scratch)
        if l < net.n_layers - 1:
            activate(net.activation, (last - first) * tape.ld[l], tape.z[l] + first * tape.ld[l])


cdef void backward(
    const Stack[real]* net, Tape[real]* tape, const int32_t* labels,
    Py_ssize_t first, Py_ssize_t last, double divisor,
) noexcept nogil:
    """From scores to the deltas of every layer.

    The derivative of softmax and cross-entropy together is (y - t) / B.
    """
    cdef int top = net.n_layers - 1, l
    cdef Py_ssize_t n = net.layer[top].n_out
    cdef Py_ssize_t padded = padded_width(n, tape.z[top])
    cdef Py_ssize_t v, lanes = sizeof(vec[real]) // sizeof(real)
    cdef Py_ssize_t r, j
    cdef const Layer[real]* layer
    cdef real* e
    cdef real* d
    cdef real share = <real>(1.0 / divisor), part
    for r in range(first, last):
        e = tape.z[top] + r * tape.ld[top]
        d = tape.d[top] + r * tape.ld[top]
        part = share / row_cross_entropy(n, padded, tape, top, r, labels[r])
        for v in range(padded // lanes):
            j = v * lanes
            vstore(d + j, vload(<const real*>e + j) * vset(part))
        d[labels[r]] = e[labels[r]] * part - share
    for l in range(top, 0, -1):
        layer = &net.layer[l]
        # d of the layer below = 0 + d . W^T, times the activation's derivative.
        memset(tape.d[l - 1] + first * tape.ld[l - 1], 0, (last - first) * tape.ld[l - 1] * sizeof(real))
        product(last - first, layer.n_in, layer.n_out,
                <const real*>tape.d[l] + first * tape.ld[l], tape.ld[l], 1,
                <const real*>layer.transposed, layer.ld_transposed, <real>1,
                <const real*>tape.d[l - 1] + first * tape.ld[l - 1], tape.ld[l - 1],
                tape.d[l - 1] + first * tape.ld[l - 1], tape.ld[l - 1], tape.scratch)
        activate_back(net.activation, (last - first) * tape.ld[l - 1],
                      <const real*>tape.z[l - 1] + first * tape.ld[l - 1],
                      tape.d[l - 1] + first * tape.ld[l - 1])


cdef void accumulate_weight(
    const Stack[real]* target, Tape[real]* tape, int l, Py_ssize_t rows,
    Py_ssize_t first, Py_ssize_t last, double scale,
) noexcept nogil:
    """target's weight rows first..last of layer l += scale * (inputs^T . d)."""
    cdef const Layer[real]* layer = &target.layer[l]
    cdef real* weight = layer.weight + first * layer.ld
    cdef const real* inputs = tape.x if l == 0 else tape.z[l - 1]
    cdef Py_ssize_t ld = tape.ld_x if l == 0 else tape.ld[l - 1]
    product(last - first, layer.n_out, rows, inputs + first, 1, ld,
            tape.d[l], tape.ld[l], <real>scale, weight, layer.ld, weight, layer.ld, tape.scratch)


cdef void accumulate_bias(
    const Stack[real]* target, Tape[real]* tape, int l, Py_ssize_t rows, double scale
) noexcept nogil:
    """target's bias of layer l += scale * (sum of d over the rows)."""
    cdef real one = 1
    product(1, target.layer[l].n_out, rows, <const real*>&one, 0, 0, <const real*>tape.d[l], tape.ld[l],
            <real>scale, target.layer[l].bias, 0, target.layer[l].bias, 0, tape.scratch)
