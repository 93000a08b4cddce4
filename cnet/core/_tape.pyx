# cython: language_level=3
"""Room for rows on their way through the layers, and the mini-batch that uses it."""
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memcpy, memset

from ._memory cimport Memory
from ._team cimport share
from .jobs cimport BatchJob
from .stack cimport CNET_UINT8, Inputs, Layer, Nonzero32, Nonzero64, Stack, Tape, real


cdef inline Py_ssize_t padded(Py_ssize_t n, int lanes) noexcept nogil:
    return (n + lanes - 1) // lanes * lanes


cdef int take_tape(
    Tape[real]* tape, const Stack[real]* net, const Inputs* x, Py_ssize_t capacity, int lanes,
    bint backward, Memory memory,
) except -1:
    """A tape for `capacity` rows at once."""
    cdef Py_ssize_t entry = sizeof(Nonzero32) if real is float else sizeof(Nonzero64)
    cdef int l
    memset(tape, 0, sizeof(Tape[real]))
    if x.source == CNET_UINT8:
        entry = 4
    tape.capacity = capacity
    for l in range(net.n_layers):
        tape.ld[l] = padded(net.layer[l].n_out, lanes)
        tape.z[l] = <real*>memory.take(capacity * tape.ld[l] * sizeof(real))
        if backward:
            tape.d[l] = <real*>memory.take(capacity * tape.ld[l] * sizeof(real))
    tape.loss = <double*>memory.take(capacity * sizeof(double))
    tape.correct = <uint8_t*>memory.take(capacity)
    if not x.sparse:
        tape.ld_x = x.n_in
        tape.x = <real*>memory.take(capacity * x.n_in * sizeof(real))
        return 0
    tape.row_entries = <const void**>memory.take(capacity * sizeof(void*))
    tape.row_count = <int64_t*>memory.take(capacity * sizeof(int64_t))
    if x.start is NULL:
        tape.entries = memory.take(capacity * x.n_in * entry)
    if backward:
        tape.column_count = <int32_t*>memory.take(x.n_in * sizeof(int32_t))
        tape.column_entries = memory.take(capacity * x.n_in * entry)
    return 0


cdef int take_stack(Stack[real]* to, const Stack[real]* net, int lanes, bint transposed, Memory memory) except -1:
    """Room for parameters like net's, zero, with rows padded to whole vectors."""
    cdef Layer[real]* layer
    cdef int l
    to.n_layers = net.n_layers
    to.activation = net.activation
    for l in range(net.n_layers):
        layer = &to.layer[l]
        layer.n_in = net.layer[l].n_in
        layer.n_out = net.layer[l].n_out
        layer.ld = padded(layer.n_out, lanes)
        layer.weight = <real*>memory.take_zeroed(layer.n_in * layer.ld * sizeof(real))
        layer.bias = <real*>memory.take_zeroed(layer.ld * sizeof(real))
        layer.ld_transposed = padded(layer.n_in, lanes)
        layer.transposed = NULL
        if transposed and l > 0:
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
    """The transposed copy of a layer's weight rows first..last."""
    cdef Layer[real]* layer = &net.layer[l]
    cdef Py_ssize_t i, j
    for i in range(first, last):
        for j in range(layer.n_out):
            layer.transposed[j * layer.ld_transposed + i] = layer.weight[i * layer.ld + j]


cdef Py_ssize_t block_rows(Py_ssize_t n_in, bint sparse) noexcept nogil:
    """How many rows go through the layers at once; by the sizes alone.

    A tape of that many rows takes some 16 MB at most.
    """
    cdef Py_ssize_t rows = (1 << 21) // n_in
    return max(32, min(rows, 512))


cdef void backpropagate(BatchJob[real]* job, int me, int members) noexcept nogil:
    """One block of rows forward, backward, and onto the target's parameters.

    A member takes rows of the block through all layers, then rows of the weight
    matrices. What it owns it computes alone, in one order: the number of members
    cannot change a bit. The caller puts a barrier after this.
    """
    cdef Py_ssize_t first = share(job.rows, me, members)
    cdef Py_ssize_t last = share(job.rows, me + 1, members)
    cdef Py_ssize_t n_in
    cdef int l
    if first < last:
        job.kernels.forward(job.stack, &job.x, &job.tape, first, last)
        job.kernels.backward(job.stack, &job.tape, job.labels, first, last, job.divisor)
    job.barrier.wait(members)
    for l in range(job.stack.n_layers):
        n_in = job.stack.layer[l].n_in
        first = share(n_in, me, members)
        last = share(n_in, me + 1, members)
        if first < last:
            if l == 0 and job.x.sparse:
                job.kernels.transpose(&job.x, &job.tape, job.rows, first, last)
            job.kernels.accumulate_weight(job.target, &job.x, &job.tape, l, job.rows, first, last, job.scale)
        if me == members - 1:
            job.kernels.accumulate_bias(job.target, &job.tape, l, job.rows, job.scale)
