# cython: language_level=3, nonecheck=True
"""Exact central differences of the whole network's loss, incrementally.

Moving one weight changes one unit, and only for the samples whose input there is
not zero; everything else is known from one forward pass. The derivative by each
parameter is still (f(x + h) - f(x - h)) / (2 h), computed in float64.
"""
import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport exp, log, tanh
from libc.stdint cimport int32_t, uint8_t

from ._inputs cimport Batch, take_inputs, take_labels
from ._dispatch cimport active
from ._memory cimport Memory
from ._network cimport Network
from ._scan cimport choose_sparse, members_for
from ._team cimport run, share
from .stack cimport CNET_FLOAT32, CNET_RELU, CNET_SIGMOID, CNET_UINT8, Layer

# Samples that are held at once, and work (in exponentials) between two looks at the signals.
cdef Py_ssize_t BLOCK = 256
cdef double TICK_OPERATIONS = 4e6

ctypedef struct Differences:
    # A block of samples (B) after its forward pass.
    const Layer[double]* hidden
    const Layer[double]* output
    int activation
    Py_ssize_t rows
    double h
    double scale                # 1 / (2 h N)
    const double* x             # (B, I)
    double* a1                  # (B, H)
    double* z1                  # (B, H)
    double* scores              # (B, O)
    const int32_t* labels
    double* dW1                 # contiguous, as the public arrays are
    double* db1
    double* dW2
    double* db2
    Py_ssize_t first, last      # inputs of this tick; the bias is input number I
    double* shifted             # (members, O)


cdef inline double activation(int kind, double a) noexcept nogil:
    cdef double e
    if kind == CNET_SIGMOID:
        if a >= 0:
            return 1.0 / (1.0 + exp(-a))
        e = exp(a)
        return e / (1.0 + e)
    if kind == CNET_RELU:
        return a if a > 0 else 0
    return tanh(a)


cdef inline double loss_of(const double* s, Py_ssize_t n, int32_t label) noexcept nogil:
    """Cross-entropy of one sample from its scores."""
    cdef double largest = s[0], total = 0
    cdef Py_ssize_t k
    for k in range(1, n):
        if s[k] > largest:
            largest = s[k]
    for k in range(n):
        total += exp(s[k] - largest)
    return log(total) + (largest - s[label])


cdef inline double loss_moved(Differences* d, Py_ssize_t b, Py_ssize_t j, double move, double* shifted) noexcept nogil:
    """Loss of sample b with the pre-activation of hidden unit j moved."""
    cdef Py_ssize_t n_hidden = d.hidden.n_out, n_out = d.output.n_out
    cdef Py_ssize_t k
    cdef double change = (activation(d.activation, d.a1[b * n_hidden + j] + move) - d.z1[b * n_hidden + j])
    for k in range(n_out):
        shifted[k] = d.scores[b * n_out + k] + change * d.output.weight[j * d.output.ld + k]
    return loss_of(shifted, n_out, d.labels[b])


cdef void differ_hidden(void* job, int me, int members) noexcept nogil:
    """This member's inputs of the tick: derivatives by their weights to every hidden unit."""
    cdef Differences* d = <Differences*>job
    cdef Py_ssize_t n_in = d.hidden.n_in, n_hidden = d.hidden.n_out
    cdef Py_ssize_t n = d.last - d.first
    cdef double* shifted = d.shifted + me * d.output.n_out
    cdef Py_ssize_t i, j, b
    cdef double total, x
    cdef double* out
    for i in range(d.first + share(n, me, members), d.first + share(n, me + 1, members)):
        for j in range(n_hidden):
            total = 0
            for b in range(d.rows):
                x = d.x[b * n_in + i] if i < n_in else 1.0
                if x != 0:
                    total += (loss_moved(d, b, j, d.h * x, shifted) - loss_moved(d, b, j, -d.h * x, shifted))
            out = d.dW1 + i * n_hidden + j if i < n_in else d.db1 + j
            out[0] += total * d.scale


cdef void differ_output(void* job, int me, int members) noexcept nogil:
    """This member's hidden units (and the bias): derivatives by their weights to every score."""
    cdef Differences* d = <Differences*>job
    cdef Py_ssize_t n_hidden = d.hidden.n_out, n_out = d.output.n_out
    cdef Py_ssize_t j, k, b
    cdef double total, move
    cdef double* s
    cdef double* out
    # Members share samples' scores, so each moves them in a copy of its own.
    s = d.shifted + me * n_out
    for j in range(share(n_hidden + 1, me, members), share(n_hidden + 1, me + 1, members)):
        for k in range(n_out):
            total = 0
            for b in range(d.rows):
                move = d.h * (d.z1[b * n_hidden + j] if j < n_hidden else 1.0)
                if move != 0:
                    total += difference_of_score(d, b, k, move, s)
            out = d.dW2 + j * n_out + k if j < n_hidden else d.db2 + k
            out[0] += total * d.scale


cdef inline double difference_of_score(Differences* d, Py_ssize_t b, Py_ssize_t k, double move, double* s) noexcept nogil:
    """Loss of sample b with score k moved up, less that with it moved down."""
    cdef Py_ssize_t n_out = d.output.n_out, i
    cdef double up
    for i in range(n_out):
        s[i] = d.scores[b * n_out + i]
    s[k] = d.scores[b * n_out + k] + move
    up = loss_of(s, n_out, d.labels[b])
    s[k] = d.scores[b * n_out + k] - move
    return up - loss_of(s, n_out, d.labels[b])


cdef void forward_block(Differences* d) noexcept nogil:
    """Pre-activations, activations and scores of the block, in plain loops."""
    cdef Py_ssize_t n_in = d.hidden.n_in, n_hidden = d.hidden.n_out, n_out = d.output.n_out
    cdef Py_ssize_t b, i, j
    cdef double value
    for b in range(d.rows):
        for j in range(n_hidden):
            d.a1[b * n_hidden + j] = d.hidden.bias[j]
        for i in range(n_in):
            value = d.x[b * n_in + i]
            if value != 0:
                for j in range(n_hidden):
                    d.a1[b * n_hidden + j] += value * d.hidden.weight[i * d.hidden.ld + j]
        for j in range(n_out):
            d.scores[b * n_out + j] = d.output.bias[j]
        for i in range(n_hidden):
            value = activation(d.activation, d.a1[b * n_hidden + i])
            d.z1[b * n_hidden + i] = value
            for j in range(n_out):
                d.scores[b * n_out + j] += value * d.output.weight[i * d.output.ld + j]


cdef void widen(Batch batch, Py_ssize_t first, Py_ssize_t rows, double* out) noexcept:
    """Rows of the inputs as float64; a pixel is value/255."""
    cdef Py_ssize_t n = rows * batch.rows.n_in, start = first * batch.rows.n_in
    cdef Py_ssize_t i
    for i in range(n):
        if batch.rows.source == CNET_UINT8:
            out[i] = (<const uint8_t*>batch.rows.data)[start + i] / 255.0
        elif batch.rows.source == CNET_FLOAT32:
            out[i] = (<const float*>batch.rows.data)[start + i]
        else:
            out[i] = (<const double*>batch.rows.data)[start + i]


cdef double* elements(object array):
    cdef double[::1] flat = array.reshape(-1)
    return &flat[0]


def numerical_gradient(Network net not None, x, t, double h):
    """Central differences of the mean loss by every parameter of a two-layer float64 network.

    Returns
    -------
    (dW1, db1, dW2, db2) : tuple of numpy.ndarray
    """
    cdef Batch batch = take_inputs(x, net.sizes[0], net.dtype)
    cdef Memory memory = Memory()
    cdef Differences d
    cdef Py_ssize_t n_in, n_hidden, n_out, first, block, tick
    cdef int members
    n_in, n_hidden, n_out = net.sizes
    cdef int32_t* labels = take_labels(t, batch.single, batch.n_rows, n_out, memory)
    choose_sparse(&active().float64, &batch.rows, batch.n_rows, "dense")
    gradients = [np.zeros_like(a) for pair in zip(net.weights, net.biases) for a in pair]
    d.hidden = &net.stack64.layer[0]
    d.output = &net.stack64.layer[1]
    d.activation = net.stack64.activation
    d.h = h
    d.scale = 1.0 / (2.0 * h) / batch.n_rows
    d.dW1, d.db1 = elements(gradients[0]), elements(gradients[1])
    d.dW2, d.db2 = elements(gradients[2]), elements(gradients[3])
    block = min(BLOCK, batch.n_rows)
    d.x = <double*>memory.take(block * n_in * sizeof(double))
    d.a1 = <double*>memory.take(block * n_hidden * sizeof(double))
    d.z1 = <double*>memory.take(block * n_hidden * sizeof(double))
    d.scores = <double*>memory.take(block * n_out * sizeof(double))
    members = members_for(1e3 * block * n_hidden * n_in)
    d.shifted = <double*>memory.take(members * n_out * sizeof(double))
    tick = max(1, <Py_ssize_t>(TICK_OPERATIONS / (<double>block * n_hidden * n_out)))
    for first in range(0, batch.n_rows, block):
        d.rows = min(block, batch.n_rows - first)
        d.labels = labels + first
        widen(batch, first, d.rows, <double*>d.x)
        forward_block(&d)
        d.first = 0
        while d.first <= n_in:
            d.last = min(d.first + tick, n_in + 1)
            run(differ_hidden, &d, members)
            d.first = d.last
            PyErr_CheckSignals()
        run(differ_output, &d, members)
    return tuple(gradients)
