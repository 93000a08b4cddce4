# cython: language_level=3, nonecheck=True
"""One gradient, asked for from Python: pieces of work that threads take as they come.

Three stages, each of one or two piles, and begun when the one before it is done: what must be known before
rows go through the layers (parts of a sparse first layer, transposed weights); the rows, forward and back;
the derivatives by weights and biases. Every piece is computed by one thread alone, in one order: who
takes which cannot change a bit.
"""
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport uint8_t
from libc.string cimport memcpy, memset

from ._inputs cimport Batch
from ._memory cimport Memory
from ._scan cimport (
    FirstLayerShare, choose_first_layer, finite_after, parts_for, raise_not_finite, take_tiling, threads_for, whole_parts,
)
from ._stages cimport scratch_of, sum_losses, through_parts, through_rows
from ._workspace cimport (
    allocate_transposed, allocate_workspace, block_rows, operations, padded, refresh_transposed,
    usable_in_place,
)
from ._team cimport Team, pieces_of
from .jobs cimport BatchJob, GradientJob
from .structs cimport CNET_STRIP_ROWS, Kernels, Layer, Layers, Targets, real

cdef enum:
    FEW_STRIPS = 2
    MANY_STRIPS = 12       # rows that a product packs at once
    WEIGHT_PIECES = 24     # of a layer's weights, about
    TRANSPOSED_ROWS = 64   # weight rows that are transposed at once

# Weights that stay in a core's second cache, in bytes: for them, pieces of few rows cost nothing.
cdef Py_ssize_t NEAR = 1 << 19


cdef Py_ssize_t rows_of_piece(const Layers[real]* layers, Py_ssize_t rows, int threads) noexcept nogil:
    """How many rows go through the layers as one piece.

    Small pieces let a thread come late; but each walks through all weights, so wide layers get one
    piece for each thread.
    """
    if threads == 1:
        return rows
    if layers.layer[0].n_in * layers.layer[0].n_out * sizeof(real) <= <size_t>NEAR:
        return CNET_STRIP_ROWS
    return pieces_of(rows, threads)


cdef int gradient_into(
    Layers[real]* result, const Layers[real]* layers, const Kernels[real]* kernels,
    Batch x, const Targets[real]* targets, double divisor, str first_layer, double* loss, Memory memory,
) except -1:
    """The gradient over all rows, block by block, into result's parameters: contiguous, not initialised. To `loss` the
    rows' losses are added, times their weights."""
    cdef GradientJob[real] job
    cdef BatchJob[real]* batch = &job.batch
    cdef Py_ssize_t begin = 0
    cdef int threads
    cdef Team team = Team()
    cdef bint checked
    cdef double density = choose_first_layer(kernels, &x.rows, x.n_rows, first_layer, &checked)
    threads = threads_for(operations(layers, min(x.n_rows, block_rows(x.rows.n_in, True)), density, True), 0)
    team.wake(threads)
    batch.x = x.rows
    job.checked = checked
    batch.x.in_place = usable_in_place(&batch.x, layers)
    batch.kernels = kernels
    batch.targets = targets[0]
    batch.divisor = divisor
    batch.scale = 1
    batch.input_scale = 1
    batch.stepped = batch.skipped = False
    batch.state[0] = batch.state[1] = NULL
    job.result = result[0]
    job.added = False
    allocate_job(&job, layers, min(block_rows(x.rows.n_in, batch.x.sparse), x.n_rows), threads, memory)
    while begin < x.n_rows:
        batch.x.first = begin
        batch.rows = min(batch.workspace.capacity, x.n_rows - begin)
        if batch.x.in_place:
            batch.workspace.x = <real*>batch.x.data + begin * batch.x.stride
        fill_queues(&job)
        team.wake(threads)
        team.run_tasks(differentiate32 if real is float else differentiate64, &job)
        if job.nonfinite.get():
            raise_not_finite(kernels, &x.rows, x.n_rows)
        loss[0] += sum_losses(batch.workspace.margin, batch.workspace.total, batch.rows)
        job.added = True
        begin += batch.rows
        PyErr_CheckSignals()
    return 0


cdef int allocate_job(
    GradientJob[real]* job, const Layers[real]* layers, Py_ssize_t rows, int threads, Memory memory
) except -1:
    """The job's room, and the sizes of its pieces."""
    cdef BatchJob[real]* batch = &job.batch
    cdef int lanes = batch.kernels.lanes
    cdef Py_ssize_t n_in, n_out, ld, strips, widest = 0
    cdef int l
    if batch.x.sparse:
        take_tiling(&batch.tiling, &batch.x, parts_for(layers.layer[0].n_out), NULL, 0, memory)
    allocate_transposed(&job.parameters, layers, lanes, memory)
    batch.layers = &job.parameters
    allocate_workspace(&batch.workspace, layers, batch.kernels, &batch.x, &batch.tiling, rows, threads, True, False,
                       False, False, memory)
    if not job.checked and not batch.x.sparse:
        batch.workspace.suspect = <uint8_t*>memory.allocate(rows)
    job.row_block = rows_of_piece(layers, rows, threads)
    job.first_dense = 1 if batch.x.sparse else 0
    job.padded_size = 0
    for l in range(layers.n_layers):
        n_in, n_out = layers.layer[l].n_in, layers.layer[l].n_out
        ld = padded(n_out, lanes, sizeof(real))
        strips = pieces_of(n_in, CNET_STRIP_ROWS * WEIGHT_PIECES)
        job.weight_block[l] = CNET_STRIP_ROWS * max(FEW_STRIPS, min(MANY_STRIPS, strips))
        job.padded_size = max(job.padded_size, job.weight_block[l] * ld if n_out % lanes else ld)
        widest = max(widest, ld)
    job.zeros = <real*>memory.allocate_zeroed(widest * sizeof(real))
    job.padded_rows = <real*>memory.allocate(threads * job.padded_size * sizeof(real))
    if batch.x.sparse:
        job.padded = layers[0]
        job.padded.layer[0].ld = padded(layers.layer[0].n_out, lanes, sizeof(real))
        job.padded.layer[0].weight = <real*>memory.allocate(
            layers.layer[0].n_in * job.padded.layer[0].ld * sizeof(real))
    batch.target = &job.padded
    return 0


cdef void fill_queues(GradientJob[real]* job) noexcept:
    """Fill the queues for the block at hand; the weights are transposed with the first."""
    cdef const Layers[real]* layers = job.batch.layers
    cdef int parts = job.batch.tiling.n_parts if job.batch.x.sparse else 0
    cdef Py_ssize_t transposes = 0, weights = layers.n_layers
    cdef int l
    for l in range(1, 1 if job.added else layers.n_layers):
        transposes += pieces_of(layers.layer[l].n_in, TRANSPOSED_ROWS)
    for l in range(job.first_dense, layers.n_layers):
        weights += pieces_of(layers.layer[l].n_in, job.weight_block[l])
    job.parts_forward.fill(parts)
    job.transposes.fill(transposes)
    job.rows.fill(pieces_of(job.batch.rows, job.row_block))
    job.parts_back.fill(parts)
    job.weights.fill(weights)


# Work functions have one signature for both types.

cdef void differentiate32(void* job, int thread, int threads) noexcept nogil:
    differentiate(<GradientJob[float]*>job, thread, threads)


cdef void differentiate64(void* job, int thread, int threads) noexcept nogil:
    differentiate(<GradientJob[double]*>job, thread, threads)


cdef void differentiate(GradientJob[real]* job, int thread, int threads) noexcept nogil:
    """Pieces of each queue in turn, as long as there are any."""
    cdef BatchJob[real]* batch = &job.batch
    cdef Py_ssize_t begin, end, piece, done = 0
    cdef FirstLayerShare share
    while job.parts_forward.take(thread, threads, &begin, &end):
        share = whole_parts(<int>begin, <int>end, batch.layers.layer[0].n_out)
        through_parts(batch, False, &batch.x, &batch.workspace.sparse, batch.rows, NULL, NULL, 0, &share, thread)
        done += end - begin
    job.parts_forward.finish(done)
    done = 0
    while job.transposes.take(thread, threads, &begin, &end):
        for piece in range(begin, end):
            transpose(job, piece)
        done += end - begin
    job.transposes.finish(done)
    job.parts_forward.wait()
    job.transposes.wait()
    done = 0
    while job.rows.take(thread, threads, &begin, &end):
        rows_through(job, begin * job.row_block, min(end * job.row_block, batch.rows), thread)
        done += end - begin
    job.rows.finish(done)
    job.rows.wait()
    done = 0
    while job.parts_back.take(thread, threads, &begin, &end):
        for piece in range(begin, end):
            part_into_result(job, <int>piece)
        done += end - begin
    job.parts_back.finish(done)
    done = 0
    while job.weights.take(thread, threads, &begin, &end):
        for piece in range(begin, end):
            into_result(job, piece, thread)
        done += end - begin
    job.weights.finish(done)
    job.parts_back.wait()
    job.weights.wait()


cdef inline void rows_through(GradientJob[real]* job, Py_ssize_t begin, Py_ssize_t end, int thread) noexcept nogil:
    """Rows begin..end of the block through all layers; whether they are finite is found on the way."""
    cdef BatchJob[real]* batch = &job.batch
    through_rows(batch, begin, end, thread)
    if not job.checked and not finite_after(
            batch.kernels, &batch.x, batch.x.first, <const uint8_t*>batch.workspace.suspect, begin, end):
        job.nonfinite.set(1)


cdef void transpose(GradientJob[real]* job, Py_ssize_t piece) noexcept nogil:
    """Some weight rows of an upper layer."""
    cdef Py_ssize_t n_in = job.parameters.layer[1].n_in
    cdef int l = 1
    while piece >= pieces_of(n_in, TRANSPOSED_ROWS):
        piece -= pieces_of(n_in, TRANSPOSED_ROWS)
        l += 1
        n_in = job.parameters.layer[l].n_in
    refresh_transposed(&job.parameters, l, piece * TRANSPOSED_ROWS, min((piece + 1) * TRANSPOSED_ROWS, n_in))


cdef void into_result(GradientJob[real]* job, Py_ssize_t piece, int thread) noexcept nogil:
    """Derivatives by some weight rows of a layer with dense inputs, or (the last pieces) by a bias."""
    cdef BatchJob[real]* batch = &job.batch
    cdef const Layer[real]* layer
    cdef const real* inputs
    cdef real one = 1
    cdef Py_ssize_t pieces, begin, ld
    cdef int l
    for l in range(job.first_dense, job.result.n_layers):
        layer = &job.result.layer[l]
        pieces = pieces_of(layer.n_in, job.weight_block[l])
        if piece < pieces:
            inputs, ld = batch.workspace.x, batch.workspace.ld_x
            if l > 0:
                inputs, ld = batch.workspace.z[l - 1], batch.workspace.ld[l - 1]
            begin = piece * job.weight_block[l]
            rows_into_result(job, thread, l, min(job.weight_block[l], layer.n_in - begin), inputs + begin, 1, ld,
                             layer.weight + begin * layer.n_out)
            return
        piece -= pieces
    rows_into_result(job, thread, <int>piece, 1, &one, 0, 0, job.result.layer[piece].bias)


cdef inline void rows_into_result(
    GradientJob[real]* job, int thread, int l, Py_ssize_t m, const real* a, Py_ssize_t a_row, Py_ssize_t a_step,
    real* out
) noexcept nogil:
    """out (m, n_out of layer l), contiguous, = or += a . d[l].

    A product writes whole vectors: where a row does not end with one, it goes into the thread's padded rows first.
    """
    cdef const Kernels[real]* kernels = job.batch.kernels
    cdef const real* d = job.batch.workspace.d[l]
    cdef Py_ssize_t n = job.result.layer[l].n_out, depth = job.batch.rows, ld_d = job.batch.workspace.ld[l]
    cdef real* padded_rows = job.padded_rows + thread * job.padded_size
    cdef real* scratch = scratch_of(&job.batch, thread)
    cdef Py_ssize_t i
    if n % kernels.lanes == 0 and job.added:
        kernels.product(m, n, depth, a, a_row, a_step, d, ld_d, <real>1, out, n, out, n, scratch)
    elif n % kernels.lanes == 0:
        kernels.product(m, n, depth, a, a_row, a_step, d, ld_d, <real>1, job.zeros, 0, out, n, scratch)
    else:
        kernels.product(m, n, depth, a, a_row, a_step, d, ld_d, <real>1, job.zeros, 0, padded_rows, ld_d, scratch)
        for i in range(m):
            write(n, padded_rows + i * ld_d, out + i * n, job.added)


cdef inline void part_into_result(GradientJob[real]* job, int part) noexcept nogil:
    """The derivatives by one part of a sparse first layer's weights."""
    cdef BatchJob[real]* batch = &job.batch
    cdef const Layer[real]* layer = &job.padded.layer[0]
    cdef Py_ssize_t begin = batch.tiling.start[batch.tiling.part[part]]
    cdef Py_ssize_t end = batch.tiling.start[batch.tiling.part[part + 1]]
    cdef FirstLayerShare share = whole_parts(part, part + 1, layer.n_out)
    cdef Py_ssize_t i
    memset(layer.weight + begin * layer.ld, 0, (end - begin) * layer.ld * sizeof(real))
    through_parts(batch, True, NULL, NULL, 0, NULL, NULL, 0, &share, 0)
    for i in range(begin, end):
        write(layer.n_out, layer.weight + i * layer.ld, job.result.layer[0].weight + i * layer.n_out, job.added)


cdef inline void write(Py_ssize_t n, const real* source, real* out, bint added) noexcept nogil:
    cdef Py_ssize_t i
    if not added:
        memcpy(out, source, n * sizeof(real))
        return
    for i in range(n):
        out[i] += source[i]
