# The rows' way through the layers: forward, backward, and into the weights.

cdef inline void forward_dense(
    const Layer[real]* layer, const Inputs* x, Workspace[real]* workspace, real* scratch, Py_ssize_t begin,
    Py_ssize_t end
) noexcept nogil:
    """Pre-activations of the first layer, from bytes or floats."""
    cdef Py_ssize_t size = source_size(x.source)
    cdef Py_ssize_t r
    for r in range(begin, 0 if x.in_place else end):
        widen(x.source, x.n_in, <const char*>x.data + row_of(x, r) * x.stride * size, workspace.x + r * workspace.ld_x)
        if workspace.dropout is not NULL and workspace.dropout.threshold[0]:
            drop_units(workspace.dropout, 0, r, x.n_in, workspace.x + r * workspace.ld_x, <real*>NULL)
    product(end - begin, layer.n_out, layer.n_in, workspace.x + begin * workspace.ld_x, workspace.ld_x, 1,
            layer.weight, layer.ld, <real>1, layer.bias, 0,
            workspace.z[0] + begin * workspace.ld[0], workspace.ld[0], scratch)


cdef inline void activate_rows(
    const Layer[real]* layer, Workspace[real]* workspace, int l, bint activated, Py_ssize_t begin, Py_ssize_t end
) noexcept nogil:
    """Pre-activations of a layer's rows begin..end to activations, and dropout."""
    cdef Py_ssize_t r, ld = workspace.ld[l]
    cdef real* slope = workspace.slope[l] + begin * ld if workspace.slope[l] is not NULL else NULL
    if not activated:
        activate(layer.activation, (end - begin) * ld, workspace.z[l] + begin * ld, slope)
    if workspace.dropout is not NULL and workspace.dropout.threshold[l + 1]:
        for r in range(begin, end):
            drop_units(workspace.dropout, l + 1, r, layer.n_out, workspace.z[l] + r * ld, workspace.slope[l] + r * ld)


cdef void forward(
    const Layers[real]* net, const Inputs* x, const Tiling* tiling, Workspace[real]* workspace, real* scratch,
    Py_ssize_t begin, Py_ssize_t end,
) noexcept nogil:
    """Rows begin..end through every layer; the last layer's z are scores."""
    cdef const Layer[real]* layer = &net.layer[0]
    cdef int l
    if x.sparse:
        sum_parts(layer, tiling, workspace, begin, end)
    else:
        forward_dense(layer, x, workspace, scratch, begin, end)
    activate_rows(layer, workspace, 0, x.sparse, begin, end)
    for l in range(1, net.n_layers):
        layer = &net.layer[l]
        product(end - begin, layer.n_out, layer.n_in,
                workspace.z[l - 1] + begin * workspace.ld[l - 1], workspace.ld[l - 1], 1,
                layer.weight, layer.ld, <real>1, layer.bias, 0,
                workspace.z[l] + begin * workspace.ld[l], workspace.ld[l], scratch)
        activate_rows(layer, workspace, l, False, begin, end)


cdef void backward(
    const Layers[real]* net, const Inputs* x, const Targets[real]* targets, Workspace[real]* workspace, real* scratch,
    Py_ssize_t begin, Py_ssize_t end, double divisor,
) noexcept nogil:
    """From scores to the deltas of every layer."""
    cdef const Layer[real]* layer
    cdef Py_ssize_t at
    cdef int l
    deltas(net, x, targets, workspace, begin, end, divisor)
    for l in range(net.n_layers - 1, 0, -1):
        layer = &net.layer[l]
        at = begin * workspace.ld[l - 1]
        # d of the layer below = 0 + d . W^T, times the activation's slope.
        memset(workspace.d[l - 1] + at, 0, (end - begin) * workspace.ld[l - 1] * sizeof(real))
        product(end - begin, layer.n_in, layer.n_out,
                <const real*>workspace.d[l] + begin * workspace.ld[l], workspace.ld[l], 1,
                <const real*>layer.transposed, layer.ld_transposed, <real>1,
                <const real*>workspace.d[l - 1] + at, workspace.ld[l - 1], workspace.d[l - 1] + at,
                workspace.ld[l - 1], scratch)
        activate_back(net.layer[l - 1].activation, (end - begin) * workspace.ld[l - 1],
                      <const real*>workspace.z[l - 1] + at,
                      <const real*>workspace.slope[l - 1] + at if workspace.slope[l - 1] is not NULL else <const real*>NULL,
                      workspace.d[l - 1] + at)


cdef void accumulate_weight(
    const Layers[real]* target, Workspace[real]* workspace, real* scratch, int l, Py_ssize_t rows,
    Py_ssize_t begin, Py_ssize_t end, double scale,
) noexcept nogil:
    """target's weight rows begin..end of layer l += scale * (inputs^T . d)."""
    cdef const Layer[real]* layer = &target.layer[l]
    cdef real* weight = layer.weight + begin * layer.ld
    cdef const real* inputs = workspace.x if l == 0 else workspace.z[l - 1]
    cdef Py_ssize_t ld = workspace.ld_x if l == 0 else workspace.ld[l - 1]
    product(end - begin, layer.n_out, rows, inputs + begin, 1, ld,
            workspace.d[l], workspace.ld[l], <real>scale, weight, layer.ld, weight, layer.ld, scratch)


cdef void accumulate_bias(
    const Layers[real]* target, Workspace[real]* workspace, int l, Py_ssize_t rows, double scale
) noexcept nogil:
    """target's bias of layer l += scale * (sum of d over the rows)."""
    cdef real one = 1
    product(1, target.layer[l].n_out, rows, <const real*>&one, 0, 0, <const real*>workspace.d[l], workspace.ld[l],
            <real>scale, target.layer[l].bias, 0, target.layer[l].bias, 0, NULL)
