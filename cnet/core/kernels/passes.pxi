# The rows' way through the layers: forward, backward, and into the weights.

cdef inline void forward_dense(
    const Layer[real]* layer, const Inputs* x, Tape[real]* tape, real* scratch, Py_ssize_t first, Py_ssize_t last
) noexcept nogil:
    """Pre-activations of the first layer, from bytes or floats."""
    cdef Py_ssize_t size = source_size(x.source)
    cdef Py_ssize_t r
    for r in range(first, 0 if x.in_place else last):
        widen(x.source, x.n_in, <const char*>x.data + row_of(x, r) * x.stride * size, tape.x + r * tape.ld_x)
        if tape.dropout is not NULL and tape.dropout.threshold[0]:
            drop_units(tape.dropout, 0, r, x.n_in, tape.x + r * tape.ld_x, <real*>NULL)
    product(last - first, layer.n_out, layer.n_in, tape.x + first * tape.ld_x, tape.ld_x, 1,
            layer.weight, layer.ld, <real>1, layer.bias, 0,
            tape.z[0] + first * tape.ld[0], tape.ld[0], scratch)


cdef inline void activate_rows(
    const Layer[real]* layer, Tape[real]* tape, int l, bint activated, Py_ssize_t first, Py_ssize_t last
) noexcept nogil:
    """Pre-activations of a layer's rows first..last to activations, and dropout."""
    cdef Py_ssize_t r, ld = tape.ld[l]
    cdef real* slope = tape.slope[l] + first * ld if tape.slope[l] is not NULL else NULL
    if not activated:
        activate(layer.activation, (last - first) * ld, tape.z[l] + first * ld, slope)
    if tape.dropout is not NULL and tape.dropout.threshold[l + 1]:
        for r in range(first, last):
            drop_units(tape.dropout, l + 1, r, layer.n_out, tape.z[l] + r * ld, tape.slope[l] + r * ld)


cdef void forward(
    const Stack[real]* net, const Inputs* x, const Tiling* tiling, Tape[real]* tape, real* scratch,
    Py_ssize_t first, Py_ssize_t last,
) noexcept nogil:
    """Rows first..last through every layer; the last layer's z are scores."""
    cdef const Layer[real]* layer = &net.layer[0]
    cdef int l
    if x.sparse:
        sum_parts(layer, tiling, tape, first, last)
    else:
        forward_dense(layer, x, tape, scratch, first, last)
    activate_rows(layer, tape, 0, x.sparse, first, last)
    for l in range(1, net.n_layers):
        layer = &net.layer[l]
        product(last - first, layer.n_out, layer.n_in,
                tape.z[l - 1] + first * tape.ld[l - 1], tape.ld[l - 1], 1,
                layer.weight, layer.ld, <real>1, layer.bias, 0,
                tape.z[l] + first * tape.ld[l], tape.ld[l], scratch)
        activate_rows(layer, tape, l, False, first, last)


cdef void backward(
    const Stack[real]* net, const Inputs* x, const Targets[real]* targets, Tape[real]* tape, real* scratch,
    Py_ssize_t first, Py_ssize_t last, double divisor,
) noexcept nogil:
    """From scores to the deltas of every layer."""
    cdef const Layer[real]* layer
    cdef Py_ssize_t at
    cdef int l
    deltas(net, x, targets, tape, first, last, divisor)
    for l in range(net.n_layers - 1, 0, -1):
        layer = &net.layer[l]
        at = first * tape.ld[l - 1]
        # d of the layer below = 0 + d . W^T, times the activation's slope.
        memset(tape.d[l - 1] + at, 0, (last - first) * tape.ld[l - 1] * sizeof(real))
        product(last - first, layer.n_in, layer.n_out,
                <const real*>tape.d[l] + first * tape.ld[l], tape.ld[l], 1,
                <const real*>layer.transposed, layer.ld_transposed, <real>1,
                <const real*>tape.d[l - 1] + at, tape.ld[l - 1], tape.d[l - 1] + at, tape.ld[l - 1], scratch)
        activate_back(net.layer[l - 1].activation, (last - first) * tape.ld[l - 1], <const real*>tape.z[l - 1] + at,
                      <const real*>tape.slope[l - 1] + at if tape.slope[l - 1] is not NULL else <const real*>NULL,
                      tape.d[l - 1] + at)


cdef void accumulate_weight(
    const Stack[real]* target, Tape[real]* tape, real* scratch, int l, Py_ssize_t rows,
    Py_ssize_t first, Py_ssize_t last, double scale,
) noexcept nogil:
    """target's weight rows first..last of layer l += scale * (inputs^T . d)."""
    cdef const Layer[real]* layer = &target.layer[l]
    cdef real* weight = layer.weight + first * layer.ld
    cdef const real* inputs = tape.x if l == 0 else tape.z[l - 1]
    cdef Py_ssize_t ld = tape.ld_x if l == 0 else tape.ld[l - 1]
    product(last - first, layer.n_out, rows, inputs + first, 1, ld,
            tape.d[l], tape.ld[l], <real>scale, weight, layer.ld, weight, layer.ld, scratch)


cdef void accumulate_bias(
    const Stack[real]* target, Tape[real]* tape, int l, Py_ssize_t rows, double scale
) noexcept nogil:
    """target's bias of layer l += scale * (sum of d over the rows)."""
    cdef real one = 1
    product(1, target.layer[l].n_out, rows, <const real*>&one, 0, 0, <const real*>tape.d[l], tape.ld[l],
            <real>scale, target.layer[l].bias, 0, target.layer[l].bias, 0, NULL)
