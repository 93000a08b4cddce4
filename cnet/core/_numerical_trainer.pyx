# cython: language_level=3, nonecheck=True
"""Training by central differences: the trainer of ``fit(gradient="numerical")``."""
import numpy as np

from libc.math cimport isfinite
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from ._dispatch cimport active
from ._inputs cimport Batch, take_labels, take_training_inputs
from ._memory cimport Memory
from ._network cimport Network
from ._record cimport Record
from ._numerical cimport CentralDifferences
from ._sampler cimport draw_rows, shuffle_rows
from ._scan cimport check_finite
from ._team cimport TICK_MILLISECONDS, cnet_seconds, tick_is_over
from .floats cimport IeeeFloats
from .stack cimport Stack, real


cdef class NumericalTrainer:
    """One fit under way, with the interface of ``Trainer``.

    It works on a copy of the parameters in float64, rounded to the network's type by each
    update.

    Parameters
    ----------
    net : Network
        Of two layers.
    x, t : array_like
    batch_size : int
    h : float
        How far each parameter is moved.
    shuffle : bool
    key : int
        Of the random numbers, 64 bits.
    n_threads : int
        0 for as many as the work is worth.
    """

    cdef Network net
    cdef Network exact
    cdef CentralDifferences differences
    cdef Batch batch
    cdef Memory memory
    cdef int32_t* labels
    cdef int64_t* index
    cdef int64_t* order
    cdef uint64_t key
    cdef uint32_t epoch
    cdef Py_ssize_t batch_size, iteration
    cdef readonly int64_t correct
    cdef readonly Py_ssize_t n_rows

    def __init__(self, Network net not None, x, t, *, Py_ssize_t batch_size, double h, bint shuffle,
                 uint64_t key, int n_threads):
        cdef IeeeFloats floats
        floats.begin()
        self.net, self.key, self.batch_size = net, key, batch_size
        self.memory = Memory()
        self.batch = take_training_inputs(x, net.sizes[0], net.dtype, batch_size, shuffle)
        self.n_rows = self.batch.n_rows
        self.labels = take_labels(t, False, self.n_rows, net.n_out, self.memory)
        # What the network's own type cannot hold is refused, as by the other trainer.
        if net.is_float32:
            check_finite(&active().float32, &self.batch.rows, self.n_rows, n_threads)
        else:
            check_finite(&active().float64, &self.batch.rows, self.n_rows, n_threads)
        self.index = <int64_t*>self.memory.take(batch_size * sizeof(int64_t))
        if shuffle:
            self.order = <int64_t*>self.memory.take(self.n_rows * sizeof(int64_t))
        self.exact = Network(net.sizes, net.activations, np.dtype(np.float64))
        self.differences = CentralDifferences(self.exact, h, batch_size, n_threads)
        self.reload()

    def start_epoch(self, uint32_t epoch):
        """Begin an epoch: `epoch` is its number in the stream of random numbers."""
        self.epoch, self.iteration, self.correct = epoch, 0, 0
        if self.order is not NULL:
            with nogil:
                shuffle_rows(self.key, epoch, self.n_rows, self.order)

    def advance(self, Record record not None, const double[::1] rates not None):
        """Go on with the epoch for one tick; see ``Trainer.advance``.

        An interrupt leaves what is recorded and published as it was before the tick.
        """
        cdef IeeeFloats floats
        floats.begin()
        cdef double started = cnet_seconds()
        cdef Py_ssize_t samples, done = self.iteration, until = rates.shape[0]
        cdef int64_t correct = self.correct
        cdef bint finite = True
        cdef double[::1] loss = record.epoch_losses(until)
        while finite and done < until:
            self.step(done, rates[done])
            loss[done] = self.differences.loss
            correct += self.differences.correct
            finite = isfinite(loss[done])
            done += 1
            # A mini-batch is not cut short.
            if tick_is_over(started, TICK_MILLISECONDS / 1e3):
                break
        # From here to the commit no Python code runs and nothing can fail.
        if finite:
            finite = are_finite(&self.exact.stack64)
        if finite and self.net.is_float32:
            round_to(&self.net.stack32, &self.exact.stack64)
        elif finite:
            round_to(&self.net.stack64, &self.exact.stack64)
        self.iteration, self.correct = done, correct
        samples = done * self.batch_size
        if self.order is not NULL:
            samples = min(samples, self.n_rows)
        record.commit(done, until, <double>correct / <double>max(1, samples), samples, cnet_seconds() - started)
        return finite

    cdef int step(self, Py_ssize_t iteration, double rate) except -1:
        """One mini-batch: its rows, its gradient, the update."""
        cdef Py_ssize_t first = iteration * self.batch_size
        cdef Py_ssize_t rows = self.batch_size
        if self.order is NULL:
            draw_rows(self.key, self.epoch, first, first + rows, self.n_rows, self.index)
            self.batch.rows.index = self.index
        else:
            rows = min(rows, self.n_rows - first)
            self.batch.rows.index = self.order + first
        self.differences.differentiate(&self.batch.rows, self.labels, rows)
        # An overflow is seen at the tick's end, as a parameter that is not finite.
        with np.errstate(all="ignore"):
            for parameter, gradient in zip(arrays_of(self.exact), self.differences.gradients):
                parameter -= rate * gradient
                if self.net.is_float32:
                    parameter[...] = parameter.astype(np.float32)
        return 0

    def reload(self):
        """Take the parameters from the network, which a callback may have changed."""
        cdef IeeeFloats floats
        floats.begin()
        for parameter, source in zip(arrays_of(self.exact), arrays_of(self.net)):
            parameter[...] = source


cdef bint are_finite(const Stack[double]* net) noexcept:
    cdef Py_ssize_t i
    cdef int l
    for l in range(net.n_layers):
        for i in range(net.layer[l].n_in * net.layer[l].n_out):
            if not isfinite(net.layer[l].weight[i]):
                return False
        for i in range(net.layer[l].n_out):
            if not isfinite(net.layer[l].bias[i]):
                return False
    return True


cdef void round_to(Stack[real]* net, const Stack[double]* exact) noexcept:
    """Copy contiguous parameters, which hold numbers of the network's type."""
    cdef Py_ssize_t i
    cdef int l
    for l in range(exact.n_layers):
        for i in range(exact.layer[l].n_in * exact.layer[l].n_out):
            net.layer[l].weight[i] = <real>exact.layer[l].weight[i]
        for i in range(exact.layer[l].n_out):
            net.layer[l].bias[i] = <real>exact.layer[l].bias[i]


cdef list arrays_of(Network net):
    """W1, b1, W2, b2: the order of the gradients."""
    cdef list arrays = []
    for weight, bias in zip(net.weights, net.biases):
        arrays.append(weight)
        arrays.append(bias)
    return arrays
