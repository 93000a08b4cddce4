# cython: language_level=3
"""The stages of a mini-batch, of which each thread does its share: parts of a sparse first layer, rows, weight rows."""
from libc.math cimport log
from libc.stdint cimport int64_t
from libc.string cimport memset

from ._scan cimport FirstLayerShare, share_of_first_layer
from ._team cimport share_begin
from ._workspace cimport aligned_rows_of_step, refresh_transposed, rows_of_step, whole_vectors
from .jobs cimport BatchJob
from .structs cimport Dropout, FirstLayerPass, Inputs, Layer, Layers, SparseRows, real


cdef inline void take_copy(SparseRows* rows, int copy) noexcept nogil:
    rows.values = <char*>rows.values + copy * rows.copy_bytes
    rows.mask += copy * rows.copy_words


cdef void through_parts(
    BatchJob[real]* job, bint update, const Inputs* x, const SparseRows* next, Py_ssize_t next_rows,
    const Dropout[real]* dropout, const int64_t* after, Py_ssize_t n_after, const FirstLayerShare* share, int thread,
) noexcept nogil:
    """A thread's share of a sparse first layer: the batch into the weights (`update`), then the
    inputs of the next batch (and which of them its dropout keeps) and its way through these weights."""
    cdef FirstLayerPass[real] first_layer_pass
    cdef SparseRows old = job.workspace.sparse
    cdef SparseRows following
    cdef int part
    memset(&first_layer_pass, 0, sizeof(first_layer_pass))
    first_layer_pass.tiling = &job.tiling
    first_layer_pass.source = job.x.source
    first_layer_pass.d = job.workspace.d[0]
    first_layer_pass.ld = job.workspace.ld[0]
    first_layer_pass.begin_unit, first_layer_pass.end_unit = share.begin_unit, share.end_unit
    first_layer_pass.layer = &job.layers.layer[0]
    first_layer_pass.target = &job.target.layer[0]
    first_layer_pass.input_scale = job.input_scale
    first_layer_pass.scale = <real>job.scale * job.input_scale
    first_layer_pass.sums = job.workspace.sums
    if update and not job.skipped:
        old.rows = job.rows
        take_copy(&old, share.copy)
        first_layer_pass.old = &old
        if job.stepped:
            first_layer_pass.step = &job.step
            if job.state[0] is not NULL:
                first_layer_pass.state0 = &job.state[0].layer[0]
            if job.state[1] is not NULL:
                first_layer_pass.state1 = &job.state[1].layer[0]
            first_layer_pass.gradient = job.workspace.gradient + thread * job.workspace.gradient_size
    if next is not NULL:
        following = next[0]
        following.rows = next_rows
        take_copy(&following, share.copy)
        first_layer_pass.next = &following
        first_layer_pass.x = x
        first_layer_pass.dropout = dropout
        first_layer_pass.after = after
        first_layer_pass.n_after = n_after
    for part in range(share.begin, share.end):
        job.kernels.first_layer_pass(&first_layer_pass, part)


cdef real* scratch_of(const BatchJob[real]* job, int thread) noexcept nogil:
    """A thread's own room for its products, or NULL where they do without."""
    return job.workspace.scratch + thread * job.kernels.scratch if job.workspace.scratch is not NULL else NULL


cdef void through_rows(BatchJob[real]* job, Py_ssize_t begin, Py_ssize_t end, int thread) noexcept nogil:
    """Rows begin..end through all layers, forward and back, by one thread; where inputs are moved, once more then."""
    cdef real* scratch = scratch_of(job, thread)
    cdef Inputs moved
    if begin < end:
        job.kernels.forward(job.layers, &job.x, &job.tiling, &job.workspace, scratch, begin, end)
        job.kernels.backward(job.layers, &job.x, &job.targets, &job.workspace, scratch, begin, end, job.divisor)
        if job.workspace.move != 0:
            job.kernels.move_inputs(job.layers, &job.workspace, scratch, begin, end)
            moved = job.x
            moved.in_place = True
            job.kernels.forward(job.layers, &moved, &job.tiling, &job.workspace, scratch, begin, end)
            job.kernels.backward(job.layers, &moved, &job.targets, &job.workspace, scratch, begin, end, job.divisor)


cdef void into_dense_weights(BatchJob[real]* job, int thread, int threads) noexcept nogil:
    """This thread's weight rows of every layer but a sparse first one, and the biases."""
    cdef int l
    cdef Py_ssize_t n_in
    if job.skipped:
        return
    for l in range(job.layers.n_layers):
        n_in = job.layers.layer[l].n_in
        if l > 0 or not job.x.sparse:
            into_weights(job, l, share_begin(n_in, thread, threads), share_begin(n_in, thread + 1, threads), thread)
        if thread == threads - 1:
            into_bias(job, l, thread)


cdef inline void into_weights(
    BatchJob[real]* job, int l, Py_ssize_t begin, Py_ssize_t end, int thread
) noexcept nogil:
    """Weight rows begin..end of a layer: target += scale * gradient, or an optimizer's step."""
    cdef const Layer[real]* layer = &job.target.layer[l]
    cdef Py_ssize_t row = begin, rows, block = rows_of_step(layer.ld)
    cdef real* weight
    if begin >= end:
        return
    if not job.stepped:
        weight = layer.weight + begin * layer.ld
        job.kernels.weight_rows(&job.workspace, scratch_of(job, thread), l, layer.n_out, job.rows, begin, end,
                                job.scale, <const real*>weight, layer.ld, weight, layer.ld)
    else:
        if l == 0 and job.workspace.nonzero_x is not NULL or l > 0 and job.workspace.passes_zeros[l - 1]:
            # Whole words of the inputs' bitmaps, or parts of one.
            block = aligned_rows_of_step(layer.ld)
            rows = block - begin % block
        else:
            rows = block
        while row < end:
            rows = min(rows, end - row)
            step_rows(job, l, row, rows, thread)
            # While they are near.
            refresh_transposed(<Layers[real]*>job.target, l, row, row + rows)
            row += rows
            rows = block
    if not job.stepped:
        refresh_transposed(<Layers[real]*>job.target, l, begin, end)


cdef inline void step_rows(BatchJob[real]* job, int l, Py_ssize_t begin, Py_ssize_t rows, int thread) noexcept nogil:
    """An optimizer's step on some weight rows, whose gradient is summed first."""
    cdef const Layer[real]* layer = &job.target.layer[l]
    cdef real* gradient = job.workspace.gradient + thread * job.workspace.gradient_size
    # A product's last vector may be half of one; a step goes through the padding behind it.
    cdef Py_ssize_t i, written = whole_vectors(layer.n_out, max(1, job.kernels.lanes // 2))
    for i in range(rows if written < layer.ld else 0):
        memset(gradient + i * layer.ld + written, 0, (layer.ld - written) * sizeof(real))
    job.kernels.weight_rows(&job.workspace, scratch_of(job, thread), l, layer.n_out, job.rows, begin, begin + rows,
                            1, job.workspace.zeros, 0, gradient, layer.ld)
    job.kernels.step(&job.step, rows * layer.ld, gradient, layer.weight + begin * layer.ld,
                     state_of(job, 0, l, begin * layer.ld), state_of(job, 1, l, begin * layer.ld))


cdef inline real* state_of(const BatchJob[real]* job, int i, int l, Py_ssize_t at) noexcept nogil:
    return job.state[i].layer[l].weight + at if job.state[i] is not NULL else NULL


cdef inline void into_bias(BatchJob[real]* job, int l, int thread) noexcept nogil:
    cdef const Layer[real]* layer = &job.target.layer[l]
    cdef real* gradient
    cdef real one = 1
    if not job.stepped:
        job.kernels.accumulate_bias(job.target, &job.workspace, l, job.rows, job.scale)
        return
    gradient = job.workspace.gradient + thread * job.workspace.gradient_size
    memset(gradient, 0, layer.ld * sizeof(real))
    job.kernels.product(1, layer.n_out, job.rows, &one, 0, 0, job.workspace.d[l], job.workspace.ld[l], <real>1,
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


cdef void backpropagate(BatchJob[real]* job, int thread, int threads) noexcept nogil:
    """One block of rows forward, backward, and onto the target's parameters.

    A thread takes parts of a sparse first layer, then rows of the block through all other
    layers, then rows of the weight matrices. What it owns it computes alone, in one order: the
    number of threads cannot change a bit. The caller puts a barrier after this.
    """
    cdef FirstLayerShare share
    if job.x.sparse:
        share = share_of_first_layer(job.tiling.n_parts, job.layers.layer[0].n_out, sizeof(real), thread, threads)
        through_parts(job, False, &job.x, &job.workspace.sparse, job.rows, job.workspace.dropout, NULL, 0,
                      &share, thread)
        job.barrier.wait(threads)
    through_rows(job, share_begin(job.rows, thread, threads), share_begin(job.rows, thread + 1, threads), thread)
    job.barrier.wait(threads)
    if job.x.sparse:
        through_parts(job, True, NULL, NULL, 0, NULL, NULL, 0, &share, thread)
    into_dense_weights(job, thread, threads)
