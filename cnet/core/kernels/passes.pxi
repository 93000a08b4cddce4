# The passes through the stack of layers: forward, backward, and into the weights.

cdef void forward_first(
    const Stack[real]* net, const Inputs* x, Tape[real]* tape, Py_ssize_t first, Py_ssize_t last
) noexcept nogil:
    """Pre-activations of the first layer, from bytes or floats, sparse or dense."""
    cdef const Layer[real]* layer = &net.layer[0]
    cdef Py_ssize_t size = 1 if x.source == CNET_UINT8 else (4 if x.source == CNET_FLOAT32 else 8)
    cdef Py_ssize_t room = entry_size(x.source, sizeof(real) == 8) * x.n_in
    cdef Py_ssize_t r, row
    cdef const char* data
    cdef real* a
    cdef void* list_of_row
    for r in range(first, last):
        row = x.index[r] if x.index is not NULL else x.first + r
        data = <const char*>x.data + row * x.stride * size
        if not x.sparse:
            widen(x.source, x.n_in, data, tape.x + r * tape.ld_x)
            continue
        if x.start is not NULL:
            tape.row_entries[r] = <const char*>x.entries + x.start[row] * entry_size(x.source, sizeof(real) == 8)
            tape.row_count[r] = x.start[row + 1] - x.start[row]
        else:
            list_of_row = <char*>tape.entries + r * room
            tape.row_entries[r] = list_of_row
            if real is float:
                tape.row_count[r] = find_nonzero32(x.source, x.n_in, data, list_of_row)
            else:
                tape.row_count[r] = find_nonzero64(x.source, x.n_in, data, list_of_row)
        a = tape.z[0] + r * tape.ld[0]
        if x.source == CNET_UINT8:
            weighted_sum(layer.n_out, tape.row_count[r], <uint32_t*>tape.row_entries[r],
                         layer.weight, layer.ld, <real>(1.0 / 255.0), layer.bias, a)
        elif real is float:
            weighted_sum(layer.n_out, tape.row_count[r], <Nonzero32*>tape.row_entries[r],
                         layer.weight, layer.ld, <real>1, layer.bias, a)
        else:
            weighted_sum(layer.n_out, tape.row_count[r], <Nonzero64*>tape.row_entries[r],
                         layer.weight, layer.ld, <real>1, layer.bias, a)
    if not x.sparse:
        product(last - first, layer.n_out, layer.n_in, tape.x + first * tape.ld_x, tape.ld_x, 1,
                layer.weight, layer.ld, <real>1, layer.bias, 0,
                tape.z[0] + first * tape.ld[0], tape.ld[0])


cdef void forward(
    const Stack[real]* net, const Inputs* x, Tape[real]* tape, Py_ssize_t first, Py_ssize_t last
) noexcept nogil:
    """Rows first..last through every layer; the last layer's z are scores."""
    cdef const Layer[real]* layer
    cdef int l
    forward_first(net, x, tape, first, last)
    for l in range(1, net.n_layers):
        activate(net.activation, (last - first) * tape.ld[l - 1], tape.z[l - 1] + first * tape.ld[l - 1])
        layer = &net.layer[l]
        product(last - first, layer.n_out, layer.n_in,
                tape.z[l - 1] + first * tape.ld[l - 1], tape.ld[l - 1], 1,
                layer.weight, layer.ld, <real>1, layer.bias, 0,
                tape.z[l] + first * tape.ld[l], tape.ld[l])


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
    cdef real* y
    cdef real* d
    cdef vec[real] share = vset(<real>(1.0 / divisor))
    for r in range(first, last):
        y = tape.z[top] + r * tape.ld[top]
        d = tape.d[top] + r * tape.ld[top]
        row_cross_entropy(n, padded, y, labels[r], tape.loss + r, tape.correct + r)
        for v in range(padded // lanes):
            j = v * lanes
            vstore(d + j, vload(<const real*>y + j) * share)
        d[labels[r]] = <real>((y[labels[r]] - 1) * (1.0 / divisor))
    for l in range(top, 0, -1):
        layer = &net.layer[l]
        # d of the layer below = 0 + d . W^T, times the activation's derivative.
        memset(tape.d[l - 1] + first * tape.ld[l - 1], 0, (last - first) * tape.ld[l - 1] * sizeof(real))
        product(last - first, layer.n_in, layer.n_out,
                <const real*>tape.d[l] + first * tape.ld[l], tape.ld[l], 1,
                <const real*>layer.transposed, layer.ld_transposed, <real>1,
                <const real*>tape.d[l - 1] + first * tape.ld[l - 1], tape.ld[l - 1],
                tape.d[l - 1] + first * tape.ld[l - 1], tape.ld[l - 1])
        activate_back(net.activation, (last - first) * tape.ld[l - 1],
                      <const real*>tape.z[l - 1] + first * tape.ld[l - 1],
                      tape.d[l - 1] + first * tape.ld[l - 1])


cdef void transpose(
    const Inputs* x, Tape[real]* tape, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t last
) noexcept nogil:
    """The block's lists of non-zeros by column, for the columns first..last."""
    if x.source == CNET_UINT8:
        transpose_entries(<uint32_t*>NULL, tape.row_entries, tape.row_count, rows, x.n_in, first, last,
                          tape.column_count, tape.column_entries, tape.capacity)
    elif real is float:
        transpose_entries(<Nonzero32*>NULL, tape.row_entries, tape.row_count, rows, x.n_in, first, last,
                          tape.column_count, tape.column_entries, tape.capacity)
    else:
        transpose_entries(<Nonzero64*>NULL, tape.row_entries, tape.row_count, rows, x.n_in, first, last,
                          tape.column_count, tape.column_entries, tape.capacity)


cdef void accumulate_weight(
    const Stack[real]* target, const Inputs* x, Tape[real]* tape, int l, Py_ssize_t rows,
    Py_ssize_t first, Py_ssize_t last, double scale,
) noexcept nogil:
    """target's weight rows first..last of layer l += scale * (inputs^T . d)."""
    cdef const Layer[real]* layer = &target.layer[l]
    cdef real* weight = layer.weight + first * layer.ld
    cdef const real* d = tape.d[l]
    cdef Py_ssize_t i, j
    cdef Py_ssize_t at
    if l > 0:
        product(last - first, layer.n_out, rows, tape.z[l - 1] + first, 1, tape.ld[l - 1],
                d, tape.ld[l], <real>scale, weight, layer.ld, weight, layer.ld)
        if layer.transposed is not NULL:
            for i in range(first, last):
                for j in range(layer.n_out):
                    layer.transposed[j * layer.ld_transposed + i] = layer.weight[i * layer.ld + j]
        return
    if not x.sparse:
        product(last - first, layer.n_out, rows, tape.x + first, 1, tape.ld_x,
                d, tape.ld[0], <real>scale, weight, layer.ld, weight, layer.ld)
        return
    if x.source == CNET_UINT8:
        scale /= 255.0
    for i in range(first, last):
        if tape.column_count[i] == 0:
            continue
        weight = layer.weight + i * layer.ld
        at = i * tape.capacity
        if x.source == CNET_UINT8:
            weighted_sum(layer.n_out, tape.column_count[i], <uint32_t*>tape.column_entries + at,
                         d, tape.ld[0], <real>scale, weight, weight)
        elif real is float:
            weighted_sum(layer.n_out, tape.column_count[i], <Nonzero32*>tape.column_entries + at,
                         d, tape.ld[0], <real>scale, weight, weight)
        else:
            weighted_sum(layer.n_out, tape.column_count[i], <Nonzero64*>tape.column_entries + at,
                         d, tape.ld[0], <real>scale, weight, weight)


cdef void accumulate_bias(
    const Stack[real]* target, Tape[real]* tape, int l, Py_ssize_t rows, double scale
) noexcept nogil:
    """target's bias of layer l += scale * (sum of d over the rows)."""
    cdef real one = 1
    product(1, target.layer[l].n_out, rows, <const real*>&one, 0, 0, <const real*>tape.d[l], tape.ld[l],
            <real>scale, target.layer[l].bias, 0, target.layer[l].bias, 0)
