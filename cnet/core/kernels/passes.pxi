# The rows' way through the layers: forward, backward, and into the weights.

cdef inline void forward_dense(
    const Layer[real]* layer, const Inputs* x, Workspace[real]* workspace, real* scratch, Py_ssize_t begin,
    Py_ssize_t end
) noexcept nogil:
    """Pre-activations of the first layer, from bytes or floats."""
    cdef Py_ssize_t size = source_size(x.source)
    cdef Py_ssize_t r
    cdef real sum_of_row
    cdef uint64_t* mask
    for r in range(begin, 0 if x.in_place else end):
        widen(x.source, x.n_in, <const char*>x.data + row_of(x, r) * x.stride * size, workspace.x + r * workspace.ld_x)
        if workspace.dropout is not NULL and workspace.dropout.threshold[0]:
            drop_units(workspace.dropout, 0, r, x.n_in, workspace.x + r * workspace.ld_x, <real*>NULL)
        if workspace.dropout is not NULL and workspace.dropout.noise > 0:
            add_noise(workspace.dropout, r, x.n_in, workspace.x + r * workspace.ld_x)
    if workspace.nonzero_x is not NULL:
        mask = workspace.nonzero_x + begin * workspace.words_x
        find_nonzero(end - begin, layer.n_in, <const real*>workspace.x + begin * workspace.ld_x, workspace.ld_x, mask, NULL)
        nonzero_product(end - begin, layer.n_out, layer.n_in, <const real*>workspace.x + begin * workspace.ld_x,
                        workspace.ld_x, 1, <const uint64_t*>mask, workspace.words_x, 1, <const real*>layer.weight, layer.ld,
                        <real>1, <const real*>layer.bias, 0, workspace.z[0] + begin * workspace.ld[0], workspace.ld[0],
                        scratch)
    else:
        product(end - begin, layer.n_out, layer.n_in, workspace.x + begin * workspace.ld_x, workspace.ld_x, 1,
                layer.weight, layer.ld, <real>1, layer.bias, 0,
                workspace.z[0] + begin * workspace.ld[0], workspace.ld[0], scratch)
    if workspace.suspect is not NULL:
        # An input that is not finite leaves no sum of its row finite, whatever it is multiplied by: one tells.
        for r in range(begin, end):
            sum_of_row = workspace.z[0][r * workspace.ld[0]]
            workspace.suspect[r] = not sum_of_row - sum_of_row == 0


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
    if workspace.nonzero[l] is not NULL:
        find_nonzero(end - begin, layer.n_out, <const real*>workspace.z[l] + begin * ld, ld,
                     workspace.nonzero[l] + begin * workspace.words[l], workspace.n_nonzero[l] + begin)
        if workspace.decides:
            workspace.passes_zeros[l] = zeros_pay(workspace.n_nonzero[l] + begin, end - begin, layer.n_out)


cdef inline bint wide_enough(const real* of_type, Py_ssize_t n) noexcept nogil:
    """Whether a product of n columns can pass over zeros."""
    return n >= CNET_ZEROS_VECTORS * <Py_ssize_t>(sizeof(vec[real]) // sizeof(real))


cdef void forward(
    const Layers[real]* net, const Inputs* x, const Tiling* tiling, Workspace[real]* workspace, real* scratch,
    Py_ssize_t begin, Py_ssize_t end,
) noexcept nogil:
    """Rows begin..end through every layer; the last layer's z are scores."""
    cdef const Layer[real]* layer = &net.layer[0]
    cdef const real* z
    cdef Py_ssize_t ld
    cdef bint activated = False
    cdef int l
    if x.sparse:
        sum_parts(layer, tiling, workspace, begin, end)
        activated = activated_with_sums(layer, workspace)
    else:
        forward_dense(layer, x, workspace, scratch, begin, end)
    activate_rows(layer, workspace, 0, activated, begin, end)
    for l in range(1, net.n_layers):
        layer = &net.layer[l]
        z, ld = <const real*>workspace.z[l - 1] + begin * workspace.ld[l - 1], workspace.ld[l - 1]
        if workspace.passes_zeros[l - 1] and wide_enough(z, layer.n_out):
            nonzero_product(end - begin, layer.n_out, layer.n_in, z, ld, 1,
                            <const uint64_t*>workspace.nonzero[l - 1] + begin * workspace.words[l - 1],
                            workspace.words[l - 1], 1, <const real*>layer.weight, layer.ld, <real>1,
                            <const real*>layer.bias, 0, workspace.z[l] + begin * workspace.ld[l], workspace.ld[l],
                            scratch)
        else:
            product(end - begin, layer.n_out, layer.n_in, z, ld, 1, <const real*>layer.weight, layer.ld, <real>1,
                    <const real*>layer.bias, 0, workspace.z[l] + begin * workspace.ld[l], workspace.ld[l], scratch)
        activate_rows(layer, workspace, l, False, begin, end)


cdef void backward(
    const Layers[real]* net, const Inputs* x, const Targets[real]* targets, Workspace[real]* workspace, real* scratch,
    Py_ssize_t begin, Py_ssize_t end, double divisor,
) noexcept nogil:
    """From scores to the deltas of every layer."""
    cdef const Layer[real]* layer
    cdef const real* d
    cdef real* below
    cdef uint64_t* mask
    cdef Py_ssize_t at, ld, words
    cdef int l
    deltas(net, x, targets, workspace, begin, end, divisor)
    for l in range(net.n_layers - 1, 0, -1):
        layer = &net.layer[l]
        at = begin * workspace.ld[l - 1]
        # d of the layer below = 0 + d . W^T, times the activation's slope. A unit's d is 0 where it was silent.
        below, d, ld = workspace.d[l - 1] + at, <const real*>workspace.d[l] + begin * workspace.ld[l], workspace.ld[l]
        if workspace.passes_zeros[l] and wide_enough(d, layer.n_in):
            words = workspace.words[l]
            mask = workspace.nonzero_d + begin * workspace.most_words
            find_nonzero(end - begin, layer.n_out, d, ld, mask, NULL)
            nonzero_product(end - begin, layer.n_in, layer.n_out, d, ld, 1, <const uint64_t*>mask, words, 1,
                            <const real*>layer.transposed, layer.ld_transposed, <real>1, workspace.zeros, 0, below,
                            workspace.ld[l - 1], scratch)
        else:
            product(end - begin, layer.n_in, layer.n_out, d, ld, 1, <const real*>layer.transposed,
                    layer.ld_transposed, <real>1, workspace.zeros, 0, below, workspace.ld[l - 1], scratch)
        activate_back(net.layer[l - 1].activation, (end - begin) * workspace.ld[l - 1],
                      <const real*>workspace.z[l - 1] + at,
                      <const real*>workspace.slope[l - 1] + at if workspace.slope[l - 1] is not NULL else <const real*>NULL,
                      below)


cdef void weight_rows(
    const Workspace[real]* workspace, real* scratch, int l, Py_ssize_t n_out, Py_ssize_t rows,
    Py_ssize_t begin, Py_ssize_t end, double scale, const real* base, Py_ssize_t ld_base, real* out, Py_ssize_t ld_out,
) noexcept nogil:
    """out (end - begin, n_out) = base + scale * (inputs^T . d): weight rows begin..end of layer l."""
    cdef const real* inputs = workspace.x if l == 0 else workspace.z[l - 1]
    cdef Py_ssize_t ld = workspace.ld_x if l == 0 else workspace.ld[l - 1]
    if l == 0 and workspace.nonzero_x is not NULL:
        weight_rows_over_zeros(workspace, scratch, l, inputs, ld, <const uint64_t*>workspace.nonzero_x, workspace.words_x,
                               n_out, rows, begin, end, <real>scale, base, ld_base, out, ld_out)
    elif l > 0 and workspace.passes_zeros[l - 1] and wide_enough(inputs, n_out):
        weight_rows_over_zeros(workspace, scratch, l, inputs, ld, <const uint64_t*>workspace.nonzero[l - 1],
                               workspace.words[l - 1], n_out, rows, begin, end, <real>scale, base, ld_base, out, ld_out)
    else:
        product(end - begin, n_out, rows, inputs + begin, 1, ld, <const real*>workspace.d[l], workspace.ld[l],
                <real>scale, base, ld_base, out, ld_out, scratch)


cdef void accumulate_bias(
    const Layers[real]* target, Workspace[real]* workspace, int l, Py_ssize_t rows, double scale
) noexcept nogil:
    """target's bias of layer l += scale * (sum of d over the rows)."""
    cdef real one = 1
    product(1, target.layer[l].n_out, rows, <const real*>&one, 0, 0, <const real*>workspace.d[l], workspace.ld[l],
            <real>scale, target.layer[l].bias, 0, target.layer[l].bias, 0, NULL)
