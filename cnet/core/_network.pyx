# cython: language_level=3, nonecheck=True
"""The door to the compiled network: every check, the buffers, and what is computed once.

A network is a stack of dense layers. Its parameters are NumPy arrays that callers
may read and write at any time; the kernels work on the same memory.
"""
import numpy as np

from cpython.buffer cimport PyBUF_CONTIG, Py_buffer, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memcpy, memset

from ._dispatch cimport active
from ._inputs cimport Batch, take_inputs, take_labels
from ._memory cimport Memory
from ._scan cimport choose_sparse, members_for, parts_for, take_tiling
from ._tape cimport backpropagate, block_rows, copy_parameters, sum_losses, take_stack, take_tape, take_transposed
from ._team cimport Barrier, run, share
from .jobs cimport BatchJob, ForwardJob
from .stack cimport (
    CNET_FLOAT32, CNET_FLOAT64, CNET_MAX_LAYERS, CNET_RELU, CNET_SIGMOID, CNET_TANH, Inputs, Kernels, Passage, Stack, Tape, real,
)

ACTIVATIONS = {"sigmoid": CNET_SIGMOID, "relu": CNET_RELU, "tanh": CNET_TANH}
FIRST_LAYERS = ("auto", "sparse", "dense")

# Rows between two looks at the signals, and rows that one member takes through the layers at a time.
cdef Py_ssize_t CHUNK = 16384
cdef Py_ssize_t ROWS = 64


cdef class Network:
    """A stack of dense layers: parameters, and passes through them.

    Parameters
    ----------
    sizes : tuple of int
        Units of each layer, inputs first.
    activation : str
        Of every hidden layer. The last layer ends in softmax.
    dtype : numpy.dtype
        float32 or float64.
    """

    def __init__(self, tuple sizes, str activation, dtype):
        if not 2 <= len(sizes) <= CNET_MAX_LAYERS + 1:
            raise ValueError(f"expected 1 to {CNET_MAX_LAYERS} layers, got {len(sizes) - 1}")
        self.sizes = sizes
        self.n_out = sizes[len(sizes) - 1]
        self.activation = activation
        self.dtype = np.dtype(dtype)
        self.is_float32 = self.dtype == np.float32
        self.first_layer = "auto"
        shapes = [(sizes[l], sizes[l + 1]) for l in range(len(sizes) - 1)]
        self.weights = tuple([padded_zeros(shape, self.dtype) for shape in shapes])
        self.biases = tuple([padded_zeros((n_out,), self.dtype) for _, n_out in shapes])
        if self.is_float32:
            point_to_parameters(&self.stack32, self)
        else:
            point_to_parameters(&self.stack64, self)

    def acquire(self):
        """Begin to train: True, or False if a fit is under way already."""
        return self.training.test_and_set() == 0

    def release(self):
        """End of training."""
        self.training.set(0)

    def predict(self, x):
        """Probabilities (B, O) of inputs (B, I); (O,) of a single sample."""
        cdef Batch batch = take_inputs(x, self.sizes[0], self.dtype)
        out = np.empty((batch.n_rows, self.n_out), self.dtype)
        if self.is_float32:
            forward_all(self, &self.stack32, &active().float32, batch, <float*>data_of(out), NULL, NULL, NULL)
        else:
            forward_all(self, &self.stack64, &active().float64, batch, <double*>data_of(out), NULL, NULL, NULL)
        return out[0] if batch.single else out

    def loss_and_accuracy(self, x, t):
        """Mean cross-entropy, and the share of samples whose largest score is their label's."""
        cdef Batch batch = take_inputs(x, self.sizes[0], self.dtype)
        cdef Memory memory = Memory()
        cdef int32_t* labels = take_labels(t, batch.single, batch.n_rows, self.n_out, memory)
        cdef double loss = 0
        cdef int64_t correct = 0
        if self.is_float32:
            forward_all(self, &self.stack32, &active().float32, batch, <float*>NULL, labels, &loss, &correct)
        else:
            forward_all(self, &self.stack64, &active().float64, batch, <double*>NULL, labels, &loss, &correct)
        return loss / batch.n_rows, <double>correct / batch.n_rows

    def gradient(self, x, t):
        """Derivatives of the loss by every weight and bias: two tuples of arrays."""
        cdef Batch batch = take_inputs(x, self.sizes[0], self.dtype)
        cdef Memory memory = Memory()
        cdef int32_t* labels = take_labels(t, batch.single, batch.n_rows, self.n_out, memory)
        cdef Network result = Network(self.sizes, self.activation, self.dtype)
        if self.is_float32:
            gradient_into(&result.stack32, self, &self.stack32, &active().float32, batch, labels, memory)
        else:
            gradient_into(&result.stack64, self, &self.stack64, &active().float64, batch, labels, memory)
        return result.weights, result.biases


def padded_zeros(shape, dtype):
    """Contiguous zeros, after which a whole vector may still be read."""
    n = int(np.prod(shape))
    return np.zeros(n + 64 // dtype.itemsize, dtype)[:n].reshape(shape)


cdef void* data_of(object array) except NULL:
    """Address of a contiguous array's elements; the caller keeps the array alive."""
    cdef Py_buffer view
    cdef void* data
    PyObject_GetBuffer(array, &view, PyBUF_CONTIG)
    data = view.buf
    PyBuffer_Release(&view)
    return data


cdef int point_to_parameters(Stack[real]* stack, Network net) except -1:
    """Let a stack's pointers show the network's arrays."""
    cdef int l
    stack.n_layers = len(net.weights)
    stack.activation = ACTIVATIONS[net.activation]
    for l in range(stack.n_layers):
        stack.layer[l].n_in, stack.layer[l].n_out = net.weights[l].shape
        stack.layer[l].ld = stack.layer[l].n_out
        stack.layer[l].weight = <real*>data_of(net.weights[l])
        stack.layer[l].bias = <real*>data_of(net.biases[l])
        stack.layer[l].transposed = NULL
        stack.layer[l].ld_transposed = 0
    return 0


# Work functions have one signature for both types.

cdef void forward32(void* job, int me, int members) noexcept nogil:
    forward_share(<ForwardJob[float]*>job, me, members)


cdef void forward64(void* job, int me, int members) noexcept nogil:
    forward_share(<ForwardJob[double]*>job, me, members)


cdef void forward_share(ForwardJob[real]* job, int me, int members) noexcept nogil:
    """A member's rows, block by block: probabilities into out, or losses."""
    cdef Passage[real] passage
    cdef Tape[real] tape = job.tapes[me]
    cdef Inputs x = job.x[0]
    cdef int top = job.stack.n_layers - 1
    cdef Py_ssize_t n_out = job.stack.layer[top].n_out
    cdef Py_ssize_t n = job.last - job.first
    cdef Py_ssize_t start = share(n, me, members)
    cdef Py_ssize_t last = share(n, me + 1, members)
    cdef Py_ssize_t rows, r
    memset(&passage, 0, sizeof(passage))
    passage.tiling = &job.tiling
    passage.source = x.source
    passage.layer = &job.stack.layer[0]
    passage.ld = tape.ld[0]
    passage.x = &x
    passage.next = &tape.sparse
    passage.sums = tape.sums
    while start < last:
        rows = min(ROWS, last - start)
        x.first = job.first + start
        if x.sparse:
            tape.sparse.rows = rows
            job.kernels.passage(&passage, 0)
        elif x.in_place:
            tape.x = <real*>x.data + x.first * x.stride
        job.kernels.forward(job.stack, &x, &job.tiling, &tape, 0, rows)
        if job.out is not NULL:
            job.kernels.softmax(job.stack, &tape, 0, rows)
            for r in range(rows):
                memcpy(job.out + (job.first + start + r) * n_out, tape.z[top] + r * tape.ld[top],
                       n_out * sizeof(real))
        else:
            tape.margin = job.margin + start
            tape.total = job.total + start
            tape.correct = job.correct + start
            job.kernels.cross_entropy(job.stack, &tape, job.labels + job.first + start, 0, rows)
        start += rows


cdef inline bint usable_in_place(const Inputs* x, const Stack[real]* of_type) noexcept nogil:
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


cdef int forward_all(
    Network net, const Stack[real]* stack, const Kernels[real]* kernels, Batch x, real* out,
    const int32_t* labels, double* loss, int64_t* correct,
) except -1:
    """Every row forward, in chunks between which signals are seen.

    Fills out with probabilities, or, where out is NULL, adds up losses and hits.
    """
    cdef Memory memory = Memory()
    cdef ForwardJob[real] job
    cdef Tape[real]* tapes
    cdef Py_ssize_t chunk = min(CHUNK, x.n_rows)
    cdef Py_ssize_t r
    cdef int i, members = members_for(operations(stack, chunk))
    x.rows.sparse = choose_sparse(kernels, &x.rows, x.n_rows, net.first_layer)
    x.rows.in_place = usable_in_place(&x.rows, stack)
    if x.rows.sparse:
        take_tiling(&job.tiling, &x.rows, 1, NULL, 0, memory)
    tapes = <Tape[real]*>memory.take(members * sizeof(Tape[real]))
    for i in range(members):
        take_tape(tapes + i, stack, &x.rows, &job.tiling, min(ROWS, chunk), kernels.lanes, False, False, memory)
    job.kernels = kernels
    job.stack = stack
    job.x = &x.rows
    job.tapes = tapes
    job.out = out
    job.labels = labels
    job.margin = <double*>memory.take(chunk * sizeof(double))
    job.total = <double*>memory.take(chunk * sizeof(double))
    job.correct = <uint8_t*>memory.take(chunk)
    job.first = 0
    while job.first < x.n_rows:
        job.last = min(job.first + chunk, x.n_rows)
        run(forward32 if real is float else forward64, &job, members)
        if out is NULL:
            loss[0] += sum_losses(job.margin, job.total, job.last - job.first)
            for r in range(job.last - job.first):
                correct[0] += job.correct[r]
        job.first = job.last
        PyErr_CheckSignals()
    return 0


cdef void backward32(void* job, int me, int members) noexcept nogil:
    backpropagate(<BatchJob[float]*>job, me, members)


cdef void backward64(void* job, int me, int members) noexcept nogil:
    backpropagate(<BatchJob[double]*>job, me, members)


cdef int gradient_into(
    Stack[real]* result, Network net, const Stack[real]* stack, const Kernels[real]* kernels,
    Batch x, const int32_t* labels, Memory memory,
) except -1:
    """The gradient over all rows, block by block, into result's parameters."""
    cdef BatchJob[real] job
    cdef Barrier barrier
    cdef Stack[real] parameters
    cdef Stack[real] total
    cdef Py_ssize_t block, first = 0
    cdef int members
    job.x = x.rows
    job.x.sparse = choose_sparse(kernels, &x.rows, x.n_rows, net.first_layer)
    job.x.in_place = usable_in_place(&job.x, stack)
    block = min(block_rows(job.x.n_in, job.x.sparse), x.n_rows)
    members = members_for(3 * operations(stack, block))
    if job.x.sparse:
        take_tiling(&job.tiling, &job.x, parts_for(stack.layer[0].n_out), NULL, 0, memory)
    take_transposed(&parameters, stack, kernels.lanes, memory)
    take_stack(&total, stack, kernels.lanes, False, memory)
    take_tape(&job.tape, stack, &job.x, &job.tiling, block, kernels.lanes, True, False, memory)
    job.barrier = &barrier
    job.kernels = kernels
    job.stack = &parameters
    job.target = &total
    job.velocity = NULL
    job.divisor = <double>x.n_rows
    job.scale = 1
    while first < x.n_rows:
        job.x.first = first
        if job.x.in_place:
            job.tape.x = <real*>job.x.data + first * job.x.stride
        job.rows = min(block, x.n_rows - first)
        job.labels = labels + first
        run(backward32 if real is float else backward64, &job, members)
        first += job.rows
        PyErr_CheckSignals()
    copy_parameters(result, &total)
    return 0
