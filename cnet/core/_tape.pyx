# cython: language_level=3
"""Room for rows on their way through the layers, and the mini-batch that uses it."""
from libc.math cimport log
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

from ._dispatch cimport active
from ._memory cimport Memory
from ._team cimport share
from .jobs cimport BatchJob
from .stack cimport (
    CNET_BLOCK_ROWS, CNET_FLOAT32, CNET_FLOAT64, CNET_STRIP_ROWS, CNET_TILE, CNET_TILE_BYTES, CNET_UINT8, Dropout,
    Inputs, Kernels, Layer, Passage, SparseRows, Stack, Tape, Tiling, real,
)


cdef enum:
    SQUARE = 16
    # Products of fewer rows, and those that are one panel wide, do without scratch.
    ROWS_WORTH_PACKING = 24
    # Elements of a gradient's rows that one thread sums before it steps, about; and the most rows.
    GRADIENT_SIZE = 32768
    GRADIENT_ROWS = 72


cdef Py_ssize_t padded(Py_ssize_t n, int lanes, Py_ssize_t size) noexcept nogil:
    """Elements from one row to the next: whole vectors, and no multiple of a large power
    of two, with which the rows would compete for the same few lines of a cache."""
    cdef Py_ssize_t length = (n + lanes - 1) // lanes * lanes
    if length * size % 1024 == 0:
        length += lanes
    return length


cdef int take_tape(
    Tape[real]* tape, const Stack[real]* net, const Kernels[real]* kernels, const Inputs* x, const Tiling* tiling,
    Py_ssize_t capacity, int members, bint backward, bint zeroed, bint stepped, bint dropping, Memory memory,
) except -1:
    """A tape for `capacity` rows at once, which so many members share.

    `stepped`: there is room for the gradients of an optimizer's steps. `dropping`: every hidden layer's slopes are
    stored; else only those that do not follow from the activations.

    What lies between a row's end and the next row's beginning is computed with and never used;
    but where it reaches the padding of weights that are checked, it must begin at zero (`zeroed`).
    """
    cdef int l, lanes = kernels.lanes
    cdef Py_ssize_t widest = 0
    memset(tape, 0, sizeof(Tape[real]))
    for l in range(1 if x.sparse else 0, net.n_layers):
        widest = max(widest, net.layer[l].n_out)
        if backward and l > 0:
            widest = max(widest, net.layer[l].n_in)
    if capacity >= ROWS_WORTH_PACKING and widest > kernels.panel:
        tape.scratch = <real*>memory.take(members * kernels.scratch * sizeof(real))
    tape.capacity = capacity
    for l in range(net.n_layers):
        tape.ld[l] = padded(net.layer[l].n_out, lanes, sizeof(real))
        tape.z[l] = <real*>memory.take_for(capacity * tape.ld[l] * sizeof(real), zeroed)
        if backward:
            tape.d[l] = <real*>memory.take_for(capacity * tape.ld[l] * sizeof(real), zeroed)
        if backward and l < net.n_layers - 1 and (
                dropping or active().activations.words[net.layer[l].activation].property):
            tape.slope[l] = <real*>memory.take_for(capacity * tape.ld[l] * sizeof(real), zeroed)
    if stepped:
        tape.gradient_size = CNET_TILE * CNET_TILE_BYTES // sizeof(real)
        for l in range(net.n_layers):
            tape.gradient_size = max(tape.gradient_size, rows_of_step(tape.ld[l]) * tape.ld[l])
        tape.gradient = <real*>memory.take(members * tape.gradient_size * sizeof(real))
    tape.margin = <double*>memory.take(capacity * sizeof(double))
    tape.total = <double*>memory.take(capacity * sizeof(double))
    tape.correct = <uint8_t*>memory.take(capacity)
    if x.sparse:
        # Only on the way back are whole words of rows turned over.
        tape.sparse.capacity = (capacity + CNET_TILE - 1) // CNET_TILE * CNET_TILE if backward else capacity
        take_sparse(&tape.sparse, x, tiling, sizeof(real), memory)
        tape.sums = <real*>memory.take_for(
            tiling.n_parts * tape.sparse.capacity * tape.ld[0] * sizeof(real), zeroed)
    elif x.in_place:
        tape.ld_x = x.stride
    else:
        tape.ld_x = padded(x.n_in, lanes, sizeof(real))
        tape.x = <real*>memory.take(capacity * tape.ld_x * sizeof(real))
    return 0


cdef inline Py_ssize_t rows_of_step(Py_ssize_t ld) noexcept nogil:
    """Weight rows whose gradient is summed before a step: whole strips of a product."""
    return max(1, min(GRADIENT_ROWS, GRADIENT_SIZE // ld) // CNET_STRIP_ROWS) * CNET_STRIP_ROWS


cdef int take_sparse(
    SparseRows* rows, const Inputs* x, const Tiling* tiling, Py_ssize_t item, Memory memory
) except -1:
    """Room for the inputs of rows.capacity sparse rows, tile by tile."""
    if x.source == CNET_UINT8:
        item = 1
    rows.values = memory.take(tiling.n_tiles * rows.capacity * CNET_TILE * item)
    # Zeros are written up to a whole word of rows, also behind the last tile.
    rows.mask = <uint64_t*>memory.take((tiling.n_tiles * rows.capacity + CNET_TILE) * sizeof(uint64_t))
    return 0


cdef int take_stack(Stack[real]* to, const Stack[real]* net, int lanes, bint transposed, Memory memory) except -1:
    """Room for parameters like net's, zero, with rows padded to whole vectors."""
    cdef Layer[real]* layer
    cdef int l
    to.n_layers = net.n_layers
    to.loss = net.loss
    to.loss_parameter = net.loss_parameter
    for l in range(net.n_layers):
        layer = &to.layer[l]
        layer.n_in = net.layer[l].n_in
        layer.n_out = net.layer[l].n_out
        layer.activation = net.layer[l].activation
        layer.ld = padded(layer.n_out, lanes, sizeof(real))
        layer.weight = <real*>memory.take_zeroed(layer.n_in * layer.ld * sizeof(real))
        layer.bias = <real*>memory.take_zeroed(layer.ld * sizeof(real))
        layer.ld_transposed = padded(layer.n_in, lanes, sizeof(real))
        layer.transposed = NULL
        if transposed and l > 0:
            layer.transposed = <real*>memory.take_zeroed(layer.n_out * layer.ld_transposed * sizeof(real))
    return 0


cdef int take_transposed(Stack[real]* to, const Stack[real]* net, int lanes, Memory memory) except -1:
    """The same parameters, and room for the upper layers' weights, transposed: refresh_transposed fills it."""
    cdef Layer[real]* layer
    cdef int l
    to[0] = net[0]
    for l in range(1, net.n_layers):
        layer = &to.layer[l]
        layer.ld_transposed = padded(layer.n_in, lanes, sizeof(real))
        layer.transposed = <real*>memory.take_zeroed(layer.n_out * layer.ld_transposed * sizeof(real))
    return 0


cdef void copy_parameters(Stack[real]* to, const Stack[real]* net) noexcept nogil:
    """Parameters between stacks whose rows stand at different distances."""
    cdef const Layer[real]* source
    cdef Layer[real]* target
    cdef Py_ssize_t i
    cdef int l
    for l in range(net.n_layers):
        source = &net.layer[l]
        target = &to.layer[l]
        for i in range(source.n_in):
            memcpy(target.weight + i * target.ld, source.weight + i * source.ld, source.n_out * sizeof(real))
        memcpy(target.bias, source.bias, source.n_out * sizeof(real))
        if target.transposed is not NULL:
            refresh_transposed(to, l, 0, target.n_in)


cdef void refresh_transposed(Stack[real]* net, int l, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """The transposed copy of a layer's weight rows first..last, in squares that a cache holds."""
    cdef Layer[real]* layer = &net.layer[l]
    cdef Py_ssize_t i0 = first, j0
    while i0 < last:
        j0 = 0
        while j0 < layer.n_out:
            transpose(min(SQUARE, last - i0), min(SQUARE, layer.n_out - j0), layer.weight + i0 * layer.ld + j0, layer.ld,
                      layer.transposed + j0 * layer.ld_transposed + i0, layer.ld_transposed)
            j0 += SQUARE
        i0 += SQUARE


cdef inline void transpose(
    Py_ssize_t n_rows, Py_ssize_t n_columns, const real* a, Py_ssize_t ld, real* out, Py_ssize_t ld_out
) noexcept nogil:
    """out (n_columns, n_rows) = a (n_rows, n_columns), transposed."""
    cdef Py_ssize_t i, j = 0
    cdef const real* row
    cdef real* column
    # Four columns at once: one by one, a loop of six instructions is as fast as a cache line's end lets it.
    while j + 4 <= n_columns:
        row, column = a + j, out + j * ld_out
        for i in range(n_rows):
            column[i] = row[0]
            column[ld_out + i] = row[1]
            column[2 * ld_out + i] = row[2]
            column[3 * ld_out + i] = row[3]
            row += ld
        j += 4
    while j < n_columns:
        row, column = a + j, out + j * ld_out
        for i in range(n_rows):
            column[i] = row[0]
            row += ld
        j += 1


cdef bint usable_in_place(const Inputs* x, const Stack[real]* of_type) noexcept nogil:
    """Whether dense inputs are of the network's type already."""
    if real is float:
        return not x.sparse and x.source == CNET_FLOAT32
    else:
        return not x.sparse and x.source == CNET_FLOAT64


cdef double operations(const Stack[real]* stack, Py_ssize_t rows) noexcept nogil:
    """Floating-point operations of one forward pass."""
    cdef double count = 0
    cdef int l
    for l in range(stack.n_layers):
        count += 2.0 * rows * stack.layer[l].n_in * stack.layer[l].n_out
    return count


cdef Py_ssize_t block_rows(Py_ssize_t n_in, bint sparse) noexcept nogil:
    """How many rows go through the layers at once; by the sizes alone.

    Dense inputs of that many rows take some 8 MB at most; sparse ones fill whole words of
    the bitmaps by column.
    """
    if sparse:
        return CNET_BLOCK_ROWS
    return max(32, min((1 << 21) // n_in, CNET_BLOCK_ROWS))


cdef void through_parts(
    BatchJob[real]* job, bint update, const Inputs* x, const SparseRows* next, Py_ssize_t next_rows,
    const Dropout[real]* dropout, const int64_t* after, Py_ssize_t n_after, int first, int last, int me,
) noexcept nogil:
    """Parts first..last of a sparse first layer: the batch into the weights (`update`), then the
    inputs of the next batch (and which of them its dropout keeps) and its way through these weights."""
    cdef Passage[real] passage
    cdef SparseRows old = job.tape.sparse
    cdef SparseRows following
    cdef int part
    memset(&passage, 0, sizeof(passage))
    passage.tiling = &job.tiling
    passage.source = job.x.source
    passage.d = job.tape.d[0]
    passage.ld = job.tape.ld[0]
    passage.layer = &job.stack.layer[0]
    passage.target = &job.target.layer[0]
    passage.input_scale = job.input_scale
    passage.scale = <real>job.scale * job.input_scale
    passage.sums = job.tape.sums
    if update and not job.skipped:
        old.rows = job.rows
        passage.old = &old
        if job.stepped:
            passage.step = &job.step
            if job.state[0] is not NULL:
                passage.state0 = &job.state[0].layer[0]
            if job.state[1] is not NULL:
                passage.state1 = &job.state[1].layer[0]
            passage.gradient = job.tape.gradient + me * job.tape.gradient_size
    if next is not NULL:
        following = next[0]
        following.rows = next_rows
        passage.next = &following
        passage.x = x
        passage.dropout = dropout
        passage.after = after
        passage.n_after = n_after
    for part in range(first, last):
        job.kernels.passage(&passage, part)


cdef real* scratch_of(const BatchJob[real]* job, int me) noexcept nogil:
    """A thread's own room for its products, or NULL where they do without."""
    return job.tape.scratch + me * job.kernels.scratch if job.tape.scratch is not NULL else NULL


cdef void through_rows(BatchJob[real]* job, Py_ssize_t first, Py_ssize_t last, int me) noexcept nogil:
    """Rows first..last through all layers, forward and back, by one member."""
    cdef real* scratch = scratch_of(job, me)
    if first < last:
        job.kernels.forward(job.stack, &job.x, &job.tiling, &job.tape, scratch, first, last)
        job.kernels.backward(job.stack, &job.x, &job.targets, &job.tape, scratch, first, last, job.divisor)


cdef void into_dense_weights(BatchJob[real]* job, int me, int members) noexcept nogil:
    """This member's weight rows of every layer but a sparse first one, and the biases."""
    cdef int l
    cdef Py_ssize_t n_in
    if job.skipped:
        return
    for l in range(job.stack.n_layers):
        n_in = job.stack.layer[l].n_in
        if l > 0 or not job.x.sparse:
            into_weights(job, l, share(n_in, me, members), share(n_in, me + 1, members), me)
        if me == members - 1:
            into_bias(job, l, me)


cdef inline void into_weights(
    BatchJob[real]* job, int l, Py_ssize_t first, Py_ssize_t last, int me
) noexcept nogil:
    """Weight rows first..last of a layer: target += scale * gradient, or an optimizer's step."""
    cdef const Layer[real]* layer = &job.target.layer[l]
    cdef Py_ssize_t begin, rows, block = rows_of_step(layer.ld)
    if first >= last:
        return
    if not job.stepped:
        job.kernels.accumulate_weight(job.target, &job.tape, scratch_of(job, me), l, job.rows, first, last, job.scale)
    else:
        begin = first
        while begin < last:
            rows = min(block, last - begin)
            step_rows(job, l, begin, rows, me)
            begin += rows
    if layer.transposed is not NULL:
        refresh_transposed(<Stack[real]*>job.target, l, first, last)


cdef inline void step_rows(BatchJob[real]* job, int l, Py_ssize_t begin, Py_ssize_t rows, int me) noexcept nogil:
    """An optimizer's step on some weight rows, whose gradient is summed first."""
    cdef const Layer[real]* layer = &job.target.layer[l]
    cdef const Tape[real]* tape = &job.tape
    cdef const real* inputs = tape.x if l == 0 else tape.z[l - 1]
    cdef Py_ssize_t ld = tape.ld_x if l == 0 else tape.ld[l - 1]
    cdef real* gradient = tape.gradient + me * tape.gradient_size
    memset(gradient, 0, rows * layer.ld * sizeof(real))
    job.kernels.product(rows, layer.n_out, job.rows, inputs + begin, 1, ld, tape.d[l], tape.ld[l], <real>1,
                        <const real*>gradient, layer.ld, gradient, layer.ld, scratch_of(job, me))
    job.kernels.step(&job.step, rows * layer.ld, gradient, layer.weight + begin * layer.ld,
                     state_of(job, 0, l, begin * layer.ld), state_of(job, 1, l, begin * layer.ld))


cdef inline real* state_of(const BatchJob[real]* job, int i, int l, Py_ssize_t at) noexcept nogil:
    return job.state[i].layer[l].weight + at if job.state[i] is not NULL else NULL


cdef inline void into_bias(BatchJob[real]* job, int l, int me) noexcept nogil:
    cdef const Layer[real]* layer = &job.target.layer[l]
    cdef real* gradient
    cdef real one = 1
    if not job.stepped:
        job.kernels.accumulate_bias(job.target, &job.tape, l, job.rows, job.scale)
        return
    gradient = job.tape.gradient + me * job.tape.gradient_size
    memset(gradient, 0, layer.ld * sizeof(real))
    job.kernels.product(1, layer.n_out, job.rows, &one, 0, 0, job.tape.d[l], job.tape.ld[l], <real>1,
                        <const real*>gradient, layer.ld, gradient, layer.ld, NULL)
    job.kernels.step(
        &job.bias_step, layer.n_out, gradient, layer.bias,
        job.state[0].layer[l].bias if job.state[0] is not NULL else NULL,
        job.state[1].layer[l].bias if job.state[1] is not NULL else NULL)


cdef double sum_losses(const double* margin, const double* total, Py_ssize_t rows) noexcept nogil:
    """Sum of margin + log(total), in the order of the rows.

    The logarithm is taken of products of 32 sums, each below 2**31: no such product overflows.
    """
    cdef double losses = 0, product = 1
    cdef Py_ssize_t r
    for r in range(rows):
        losses += margin[r]
        product *= total[r]
        if r & 31 == 31:
            losses += log(product)
            product = 1
    return losses + log(product)


cdef void backpropagate(BatchJob[real]* job, int me, int members) noexcept nogil:
    """One block of rows forward, backward, and onto the target's parameters.

    A member takes parts of a sparse first layer, then rows of the block through all other
    layers, then rows of the weight matrices. What it owns it computes alone, in one order: the
    number of members cannot change a bit. The caller puts a barrier after this.
    """
    cdef int first_part = <int>share(job.tiling.n_parts, me, members)
    cdef int last_part = <int>share(job.tiling.n_parts, me + 1, members)
    if job.x.sparse:
        through_parts(job, False, &job.x, &job.tape.sparse, job.rows, job.tape.dropout, NULL, 0,
                      first_part, last_part, me)
        job.barrier.wait(members)
    through_rows(job, share(job.rows, me, members), share(job.rows, me + 1, members), me)
    job.barrier.wait(members)
    if job.x.sparse:
        through_parts(job, True, NULL, NULL, 0, NULL, NULL, 0, first_part, last_part, me)
    into_dense_weights(job, me, members)
