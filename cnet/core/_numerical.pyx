# cython: language_level=3, nonecheck=True
"""Exact central differences of the whole network's loss, incrementally.

Moving one weight changes one unit, and only for the samples whose input there is
not zero; everything else is known from one forward pass. The derivative with respect to each
parameter is still (f(x + h) - f(x - h)) / (2 h), computed in float64.
"""
import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.float cimport DBL_EPSILON
from libc.math cimport fabs
from libc.stdint cimport uint8_t

from ._arrays cimport data_of
from ._dispatch cimport active
from ._inputs cimport Batch, as_inputs, parse_inputs
from ._scan cimport check_finite, threads_for
from ._targets cimport parse_targets
from ._team cimport allowed, run, share_begin
from .floats cimport IeeeFloats
from .structs cimport CNET_FLOAT32, CNET_UINT8, CNET_UNIT_ROWS, Targets

# Samples that are held at once, and exponentials between two looks at the signals.
cdef Py_ssize_t BLOCK = 256
cdef double TICK_OPERATIONS = 4e7
# Moves of a score for which the kernels' series of moments is exact to rounding, the steepest slope of an activation
# (gelu's, 1.129, with some room), and the widest range of weights whose powers are far from overflow.
cdef double NEAR = 1.0 / 256
cdef double STEEPEST = 1.2
cdef double WIDEST = 1e40
# Floating-point operations of an exponential, about.
cdef double EXPONENTIAL = 25


cdef class CentralDifferences:
    """Derivatives of a two-layer float64 network's mean loss, and the buffers that they need.

    Parameters
    ----------
    net : Network
        Its parameters are read anew by each `differentiate`.
    h : float
    most_rows : int
        That are differentiated at once, about: memory is for so many, or for a block of them.
    n_threads : int
        0 for as many as the work is worth.
    """

    def __init__(self, Network net not None, double h, Py_ssize_t most_rows, int n_threads):
        cdef Differences* d = &self.job.block
        cdef Memory memory = Memory()
        cdef Py_ssize_t n_in, n_hidden, n_out, lanes, ld
        n_in, n_hidden, n_out = net.sizes
        self.net, self.memory = net, memory
        self.job.kernels = active()
        lanes = self.job.kernels.float64.lanes
        self.capacity = min(BLOCK, most_rows)
        ld = (self.capacity + lanes - 1) // lanes * lanes
        self.threads = allowed(n_threads) if n_threads else threads_for(
            4 * EXPONENTIAL * self.capacity * n_hidden * n_in, 0)
        d.ld_hidden = (n_hidden + lanes - 1) // lanes * lanes
        self.job.scratch_size = d.ld_hidden + 2 * lanes
        self.job.scratch = <double*>memory.allocate(self.threads * self.job.scratch_size * sizeof(double))
        d.hidden = &net.layers64.layer[0]
        d.output = &net.layers64.layer[1]
        d.activation = net.layers64.layer[0].activation
        d.ld = ld
        d.h = h
        d.x = <double*>memory.allocate((n_in + 1) * ld * sizeof(double))
        d.a = <double*>memory.allocate(n_hidden * ld * sizeof(double))
        d.z = <double*>memory.allocate((n_hidden + 1) * ld * sizeof(double))
        d.log_p = <double*>memory.allocate(n_out * ld * sizeof(double))
        d.log_rest = <double*>memory.allocate(n_out * ld * sizeof(double))
        d.weight_t = <double*>memory.allocate_zeroed(n_out * d.ld_hidden * sizeof(double))
        d.of_units = <double*>memory.allocate_zeroed(ld * CNET_UNIT_ROWS * d.ld_hidden * sizeof(double))
        d.labels = <int32_t*>memory.allocate(ld * sizeof(int32_t))
        gradients = []
        for weight, bias in zip(net.weights, net.biases):
            gradients.append(np.zeros_like(weight))
            gradients.append(np.zeros_like(bias))
        self.gradients = tuple(gradients)
        d.dW1, d.db1 = <double*>data_of(self.gradients[0]), <double*>data_of(self.gradients[1])
        d.dW2, d.db2 = <double*>data_of(self.gradients[2]), <double*>data_of(self.gradients[3])

    cdef int differentiate(self, const Inputs* x, const int32_t* labels, Py_ssize_t n_rows) except -1:
        """Fill `gradients`, `loss` (the mean) and `correct` (a count) from rows of the inputs.

        The rows, and their labels, are numbers x.index[0..n_rows] (or x.first on).
        """
        cdef Differences* d = &self.job.block
        cdef Py_ssize_t first
        for gradient in self.gradients:
            gradient.fill(0)
        self.loss, self.correct = 0, 0
        d.scale = 1.0 / (2.0 * d.h) / n_rows
        self.widest = take_output_weights(d)
        for first in range(0, n_rows, self.capacity):
            d.rows = min(self.capacity, n_rows - first)
            gather(d, x, labels, first)
            self.differentiate_block()
        self.loss /= n_rows
        return 0

    cdef int differentiate_block(self) except -1:
        cdef DifferenceJob* job = &self.job
        cdef Py_ssize_t n_in = job.block.hidden.n_in
        cdef double operations = 2.0 * job.block.rows * job.block.hidden.n_out * (job.block.output.n_out + 3)
        cdef Py_ssize_t tick = max(<Py_ssize_t>self.threads, <Py_ssize_t>(TICK_OPERATIONS / operations))
        run(forward_share, job, self.threads)
        job.block.most_move = most_move_of(&job.block, self.widest)
        self.loss += sum_losses(&job.block)
        self.correct += count_correct(&job.block)
        job.first = 0
        while job.first <= n_in:
            job.last = min(job.first + tick, n_in + 1)
            run(hidden_share, job, self.threads)
            job.first = job.last
            PyErr_CheckSignals()
        run(output_share, job, self.threads)
        return 0


cdef void forward_share(void* work, int thread, int threads) noexcept nogil:
    """This thread's samples, vector by vector."""
    cdef DifferenceJob* job = <DifferenceJob*>work
    cdef Py_ssize_t lanes = job.kernels.float64.lanes
    cdef Py_ssize_t vectors = (job.block.rows + lanes - 1) // lanes
    cdef Py_ssize_t v
    for v in range(share_begin(vectors, thread, threads), share_begin(vectors, thread + 1, threads)):
        job.kernels.difference_forward(&job.block, v * lanes)


cdef void hidden_share(void* work, int thread, int threads) noexcept nogil:
    """This thread's inputs of the tick. Neighbours are zero together: they are dealt out in turn."""
    cdef DifferenceJob* job = <DifferenceJob*>work
    cdef Py_ssize_t i = job.first + thread
    while i < job.last:
        job.kernels.difference_hidden(&job.block, i, job.scratch + thread * job.scratch_size)
        i += threads


cdef void output_share(void* work, int thread, int threads) noexcept nogil:
    """This thread's hidden units; the bias is unit number H."""
    cdef DifferenceJob* job = <DifferenceJob*>work
    cdef Py_ssize_t n = job.block.hidden.n_out + 1
    cdef Py_ssize_t j
    for j in range(share_begin(n, thread, threads), share_begin(n, thread + 1, threads)):
        job.kernels.difference_output(&job.block, j)


cdef double take_output_weights(Differences* d) noexcept nogil:
    """The output layer's weights, transposed; returns the widest range of a unit's weights."""
    cdef Py_ssize_t n_hidden = d.hidden.n_out, n_out = d.output.n_out, j, k
    cdef double low, high, w, widest = 0
    for j in range(n_hidden):
        low = high = d.output.weight[j * d.output.ld]
        for k in range(n_out):
            w = d.output.weight[j * d.output.ld + k]
            d.weight_t[k * d.ld_hidden + j] = w
            low, high = min(low, w), max(high, w)
        widest = max(widest, high - low)
    return widest


cdef double most_move_of(const Differences* d, double widest) noexcept nogil:
    """The largest move of a pre-activation for which the kernels' series is exact to rounding; 0: none."""
    cdef double largest = 0
    cdef Py_ssize_t i
    for i in range(d.hidden.n_out * d.ld):
        largest = max(largest, fabs(d.a[i]))
    # Powers of wider weights could overflow, and the rounding of larger activations is a move of its own.
    if widest < WIDEST and largest * DBL_EPSILON * widest < NEAR / 4:
        return NEAR / (2 * STEEPEST * max(widest, 1 / WIDEST))
    return 0


cdef double number(const Inputs* x, Py_ssize_t at) noexcept nogil:
    """An input as float64; a pixel is value/255."""
    if x.source == CNET_UINT8:
        return (<const uint8_t*>x.data)[at] / 255.0
    if x.source == CNET_FLOAT32:
        return (<const float*>x.data)[at]
    return (<const double*>x.data)[at]


cdef void gather(Differences* d, const Inputs* x, const int32_t* labels, Py_ssize_t first) noexcept nogil:
    """The block's inputs and labels, a column for each sample; padding is zero."""
    cdef Py_ssize_t n_in = x.n_in, n_hidden = d.hidden.n_out
    cdef Py_ssize_t b, i, row
    for b in range(d.ld):
        if b < d.rows:
            row = x.index[first + b] if x.index is not NULL else x.first + first + b
            for i in range(n_in):
                d.x[i * d.ld + b] = number(x, row * x.stride + i)
            d.labels[b] = labels[row]
        else:
            for i in range(n_in):
                d.x[i * d.ld + b] = 0
            d.labels[b] = 0
        d.x[n_in * d.ld + b] = b < d.rows
        d.z[n_hidden * d.ld + b] = b < d.rows


cdef double sum_losses(const Differences* d) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t b
    for b in range(d.rows):
        total -= d.log_p[d.labels[b] * d.ld + b]
    return total


cdef int64_t count_correct(const Differences* d) noexcept nogil:
    """Samples whose largest score, the first of equal ones, is their label's."""
    cdef int64_t correct = 0
    cdef Py_ssize_t b, k, best
    for b in range(d.rows):
        best = 0
        for k in range(1, d.output.n_out):
            if d.log_p[k * d.ld + b] > d.log_p[best * d.ld + b]:
                best = k
        correct += best == d.labels[b]
    return correct


def numerical_gradient(Network net not None, x, t, double h, int n_threads=0, weight=None):
    """Central differences of the mean loss by every parameter of a float64 network.

    What `CentralDifferences` cannot do, two losses for each parameter do.

    Returns
    -------
    (dW1, db1, dW2, db2, ...) : tuple of numpy.ndarray
    """
    cdef IeeeFloats floats
    floats.begin()
    cdef Batch batch = parse_inputs(x, net.sizes[0], net.dtype)
    cdef Memory memory = Memory()
    cdef Targets[double] targets = parse_targets(t, batch.single, batch.n_rows, &net.layers64, 0, memory)
    cdef CentralDifferences differences
    net.compare(batch)
    if not is_incremental(net, &targets, weight):
        return plain_gradient(net, x, t, h, n_threads, weight)
    check_finite(&active().float64, &batch.rows, batch.n_rows, n_threads)
    differences = CentralDifferences(net, h, batch.n_rows, n_threads)
    differences.differentiate(&batch.rows, targets.labels, batch.n_rows)
    return differences.gradients


cdef bint is_incremental(Network net, const Targets[double]* targets, object weight) except -1:
    """Whether `CentralDifferences` can do it: two layers, cross-entropy, class indices, no weights."""
    return net.layers64.n_layers == 2 and net.loss == "cross_entropy" and targets.labels is not NULL and weight is None


cdef tuple plain_gradient(Network net, object x, object t, double h, int n_threads, object weight):
    """The same derivatives from two losses for each parameter, which is moved in place and put back."""
    cdef Py_ssize_t i
    cdef double kept, up, down
    cdef double* values
    cdef double* derivatives
    cdef list gradients = []
    x = as_inputs(x, net.dtype)
    for parameter in parameters_of(net):
        gradient = np.empty_like(parameter)
        values, derivatives = <double*>data_of(parameter), <double*>data_of(gradient)
        for i in range(<Py_ssize_t>parameter.size):
            kept = values[i]
            values[i] = kept + h
            up = net.loss_and_accuracy(x, t, False, n_threads, weight)[0]
            values[i] = kept - h
            down = net.loss_and_accuracy(x, t, False, n_threads, weight)[0]
            values[i] = kept
            derivatives[i] = (up - down) / (2 * h)
        gradients.append(gradient)
        PyErr_CheckSignals()
    return tuple(gradients)


cdef list parameters_of(Network net):
    """W1, b1, W2, b2, ...: the order of the gradients."""
    cdef list arrays = []
    for weight, bias in zip(net.weights, net.biases):
        arrays.append(weight)
        arrays.append(bias)
    return arrays
