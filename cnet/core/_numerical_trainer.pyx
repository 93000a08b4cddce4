# cython: language_level=3, nonecheck=True
"""Training by central differences: the trainer of ``fit(gradient="numerical")``."""
import numpy as np

from libc.math cimport NAN, isfinite
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from ._arrays cimport FLOATS, INTEGERS, Elements, elements, real_array
from ._dispatch cimport active
from ._inputs cimport Batch, as_inputs, parse_training_inputs
from ._memory cimport Memory
from ._network cimport Network
from ._record cimport Record
from ._numerical cimport CentralDifferences, is_incremental, parameters_of, plain_gradient
from ._sampler cimport draw_rows, samples_after, shuffle_rows
from ._scan cimport check_finite
from ._targets cimport parse_targets, parse_weights
from ._state cimport OptimizerState
from ._team cimport TICK_MILLISECONDS, cnet_seconds, pieces_of, tick_is_over
from .floats cimport IeeeFloats
from .structs cimport Layers, Targets, real


cdef struct Batched:
    double loss
    double correct    # the weight of the samples that were classified right
    double weighed    # and of all of them; 0: that has no meaning


cdef class NumericalTrainer:
    """One fit under way, with the interface of ``Trainer``.

    It works on a copy of the parameters in float64, rounded to the network's type by each
    update.

    Parameters
    ----------
    net : Network
    x, t : array_like
    weight : array_like, optional
        The samples' weights.
    batch_size : int
    h : float
        How far each parameter is moved.
    shuffle : bool
    key : int
        Of the random numbers, 64 bits.
    first_epoch : int
        Number of the first epoch in the stream of random numbers.
    n_threads : int
        0 for as many as the work is worth.
    """

    cdef Network net
    cdef Network exact
    cdef CentralDifferences differences  # or None: two losses for each parameter
    cdef Batch batch
    cdef Memory memory
    cdef OptimizerState state
    cdef Targets[double] targets
    cdef object x, t, weight             # for those losses: arrays
    cdef double h
    cdef int n_threads
    cdef int64_t* index
    cdef int64_t* order
    cdef uint64_t key
    cdef uint32_t first_epoch, epoch
    cdef Py_ssize_t batch_size, per_epoch
    cdef double correct, weighed         # of the epoch's samples so far
    cdef readonly Py_ssize_t n_rows

    def __init__(self, Network net not None, x, t, weight=None, *, Py_ssize_t batch_size, double h, bint shuffle,
                 uint64_t key, uint32_t first_epoch, int n_threads):
        cdef IeeeFloats floats
        floats.begin()
        self.net, self.key, self.first_epoch = net, key, first_epoch
        self.batch_size, self.h, self.n_threads = batch_size, h, n_threads
        self.memory = Memory()
        x = as_inputs(x, net.dtype)
        self.batch = parse_training_inputs(x, net.sizes[0], net.dtype, batch_size, shuffle)
        self.n_rows = self.batch.n_rows
        self.per_epoch = pieces_of(self.n_rows, batch_size)
        self.exact = Network(net.sizes, net.activations, np.dtype(np.float64), net.loss, net.loss_parameter)
        self.targets = parse_targets(t, False, self.n_rows, &self.exact.layers64, 0, self.memory)
        parse_weights(weight, self.n_rows, self.memory)
        # What the network's own type cannot hold is refused, as by the other trainer.
        if net.is_float32:
            check_finite(&active().float32, &self.batch.rows, self.n_rows, n_threads)
        else:
            check_finite(&active().float64, &self.batch.rows, self.n_rows, n_threads)
        self.index = <int64_t*>self.memory.allocate(batch_size * sizeof(int64_t))
        if shuffle:
            self.order = <int64_t*>self.memory.allocate(self.n_rows * sizeof(int64_t))
        if is_incremental(self.exact, &self.targets, weight):
            self.differences = CentralDifferences(self.exact, h, batch_size, n_threads)
        else:
            self.x, self.t = x, np.array(real_array(t, "t"))
            self.weight = None if weight is None else np.array(real_array(weight, "sample_weight"), np.float64)
        self.state = OptimizerState.of(net, "sgd", False)
        self.reload()

    def advance(self, Record record not None, rates not None):
        """Go on with the fit for one tick, at most to the end of its epoch; see ``Trainer.advance``.

        An interrupt leaves what is recorded and published as it was before the tick.
        """
        cdef IeeeFloats floats
        floats.begin()
        cdef Elements numbers = elements(rates, FLOATS, sizeof(double), 1, False)
        cdef const double* rate = <const double*>numbers.data
        cdef double started = cnet_seconds()
        cdef Py_ssize_t begin = record.iterations, done = begin
        cdef Py_ssize_t epoch_begin = begin // self.per_epoch * self.per_epoch
        cdef Py_ssize_t until = min(begin + numbers.size, epoch_begin + self.per_epoch)
        cdef Py_ssize_t samples
        cdef double correct = self.correct, weighed = self.weighed, accuracy = NAN
        cdef bint finite = True
        cdef double* loss = record.reserve(until)
        cdef Batched batched
        if begin == until:
            raise ValueError("expected at least one rate")
        if begin == epoch_begin:
            correct = weighed = 0
            self.begin_epoch(begin // self.per_epoch)
        while finite and done < until:
            batched = self.step(done - epoch_begin, rate[done - begin])
            loss[done] = batched.loss
            correct += batched.correct
            weighed += batched.weighed
            finite = isfinite(loss[done])
            done += 1
            # A mini-batch is not cut short.
            if tick_is_over(started, TICK_MILLISECONDS / 1e3):
                break
        # From here to the commit no Python code runs and nothing can fail.
        if finite:
            finite = are_finite(&self.exact.layers64)
        if finite and self.net.is_float32:
            round_to(&self.net.layers32, &self.exact.layers64)
        elif finite:
            round_to(&self.net.layers64, &self.exact.layers64)
        if finite:
            # Plain descent has no state; that of another optimizer is forgotten.
            self.state.steps += done - begin
            self.net.optimizer_state = self.state
        self.correct, self.weighed = correct, weighed
        if weighed > 0:
            accuracy = correct / weighed
        samples = samples_after(done, self.per_epoch, self.batch_size, self.n_rows, self.order is not NULL)
        record.commit(done, samples, cnet_seconds() - started, 1, &accuracy, rate + (done - begin - 1))
        return finite

    cdef void begin_epoch(self, Py_ssize_t epoch) noexcept:
        """Begin the fit's epoch of this number."""
        self.epoch = self.first_epoch + <uint32_t>epoch
        if self.order is not NULL:
            with nogil:
                shuffle_rows(self.key, self.epoch, self.n_rows, self.order)

    cdef Batched step(self, Py_ssize_t iteration, double rate) except *:
        """One mini-batch: its rows, its gradient, the update."""
        cdef Py_ssize_t first = iteration * self.batch_size
        cdef Py_ssize_t rows = self.batch_size
        cdef Batched batched
        if self.order is NULL:
            draw_rows(self.key, self.epoch, first, first + rows, self.n_rows, self.index)
            self.batch.rows.index = self.index
        else:
            rows = min(rows, self.n_rows - first)
            self.batch.rows.index = self.order + first
        if self.differences is not None:
            self.differences.differentiate(&self.batch.rows, self.targets.labels, rows)
            batched.loss, batched.correct, batched.weighed = self.differences.loss, self.differences.correct, rows
            self.update(self.differences.gradients, rate)
            return batched
        chosen = np.empty(rows, np.int64)
        memcpy(elements(chosen, INTEGERS, sizeof(int64_t), 1, True).data, self.batch.rows.index, rows * sizeof(int64_t))
        return self.plain_step(chosen, rate)

    cdef Batched plain_step(self, object rows, double rate) except *:
        """The same by the whole loss; a batch without any weight makes no step."""
        cdef Batched batched
        x, t, weight = self.x[rows], self.t[rows], None if self.weight is None else self.weight[rows]
        batched.loss = batched.correct = batched.weighed = 0
        if weight is not None and not weight.any():
            return batched
        loss, accuracy = self.exact.loss_and_accuracy(x, t, False, self.n_threads, weight)
        batched.loss = loss
        if accuracy is not None:
            batched.weighed = len(rows) if weight is None else weight.sum()
            batched.correct = accuracy * batched.weighed
        self.update(plain_gradient(self.exact, x, t, self.h, self.n_threads, weight), rate)
        return batched

    cdef int update(self, tuple gradients, double rate) except -1:
        # An overflow is seen at the tick's end, as a parameter that is not finite.
        with np.errstate(all="ignore"):
            for parameter, gradient in zip(parameters_of(self.exact), gradients):
                if self.net.weight_decay and parameter.ndim == 2:
                    gradient += self.net.weight_decay * parameter
                parameter -= rate * gradient
                if self.net.is_float32:
                    parameter[...] = parameter.astype(np.float32)
        return 0

    def reload(self):
        """Take the parameters from the network, which a callback may have changed."""
        cdef IeeeFloats floats
        floats.begin()
        cdef OptimizerState state = self.net.optimizer_state
        for parameter, source in zip(parameters_of(self.exact), parameters_of(self.net)):
            parameter[...] = source
        if state is not None and state.belongs_to(self.net):
            # The network's parameters are averages.
            for kind, targets in enumerate((self.exact.weights, self.exact.biases)):
                for target, source in zip(targets, state.raw[kind]):
                    target[...] = source


cdef bint are_finite(const Layers[double]* net) noexcept:
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


cdef void round_to(Layers[real]* net, const Layers[double]* exact) noexcept:
    """Copy contiguous parameters, which hold numbers of the network's type."""
    cdef Py_ssize_t i
    cdef int l
    for l in range(exact.n_layers):
        for i in range(exact.layer[l].n_in * exact.layer[l].n_out):
            net.layer[l].weight[i] = <real>exact.layer[l].weight[i]
        for i in range(exact.layer[l].n_out):
            net.layer[l].bias[i] = <real>exact.layer[l].bias[i]
