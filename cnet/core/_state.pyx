# cython: language_level=3
"""What a network keeps of its training besides the parameters: the optimizer's state, and weights before averaging."""
import numpy as np

from cpython.buffer cimport PyBUF_SIMPLE, Py_buffer, PyBuffer_Release, PyObject_GetBuffer
from libc.string cimport memcmp, memcpy

from ._arrays cimport copy_rows, data_of
from ._dispatch cimport active
from ._network cimport Network, place_of
from ._workspace cimport refresh_transposed
from .jobs cimport FitJob
from .structs cimport Layer, Layers, real


cdef class OptimizerState:
    """What a fit needs besides the parameters to go on as if it had not ended.

    Parameters
    ----------
    name : str
        The optimizer's.
    arrays : tuple
        For each array of the optimizer's state a pair of tuples, for weights and biases, each of its parameter's shape
        and dtype.
    steps : int
        How many steps the optimizer has made since they were 0.
    raw, average : tuple or None
        Where the parameters are averages: pairs of tuples, of weights and biases, that hold those which are not
        averaged, and the averages that the network was given with them. A fit goes on from `raw` while the network's
        parameters are still `average`.
    """

    def __init__(self, str name not None, tuple arrays not None, steps=0, tuple raw=None, tuple average=None):
        self.name, self.arrays, self.steps = name, arrays, steps
        self.raw, self.average = raw, average

    def copy(self):
        """The same in arrays of its own."""
        copies = []
        for pair in self.arrays:
            copies.append(copied_pair(pair))
        return OptimizerState(
            self.name, tuple(copies), self.steps, copied_pair(self.raw), copied_pair(self.average))

    def raw_of(self, Network net not None):
        """`raw`, if the network's parameters are still the averages that belong to it; else None."""
        return self.raw if self.belongs_to(net) else None

    cdef bint belongs_to(self, Network net) except -1:
        """Whether there are raw parameters, and the network's are the averages that belong to them, bit for bit."""
        cdef Py_ssize_t i
        if self.raw is None:
            return False
        for i in range(len(net.weights)):
            if not (same_bits(net.weights[i], self.average[0][i]) and same_bits(net.biases[i], self.average[1][i])):
                return False
        return True

    @staticmethod
    cdef OptimizerState of(Network net, str name, bint averaging):
        """A copy of the network's, if it is of this optimizer, or one that is all 0; it will hold averages or not."""
        cdef OptimizerState found = net.optimizer_state
        cdef OptimizerState state
        cdef int _i, n = active().optimizers.words[place_of(&active().optimizers, name)].property
        cdef list arrays = []
        if found is not None and found.name == name:
            check_state(found, net, n)
            state = found.copy()
        else:
            for _i in range(n):
                arrays.append(zeros_like(net))
            state = OptimizerState(name, tuple(arrays))
        state.raw = state.average = None
        if averaging:
            state.raw, state.average = zeros_like(net), zeros_like(net)
        return state


cdef int check_state(OptimizerState state, Network net, int n) except -1:
    """Raise ValueError unless the state's n arrays are like the network's parameters: kernels go through them blindly."""
    if len(state.arrays) != n:
        raise ValueError(f"the optimizer's state must be {n} arrays of each parameter, got {len(state.arrays)}")
    for pair in state.arrays:
        for arrays, parameters in zip(pair, (net.weights, net.biases), strict=True):
            for array, parameter in zip(arrays, parameters, strict=True):
                if array.shape != parameter.shape or array.dtype != parameter.dtype:
                    raise ValueError(
                        f"the optimizer's state must have the parameters' shapes and type: expected "
                        f"{parameter.dtype}{parameter.shape}, got {array.dtype}{array.shape}; reset_optimizer() drops it")
    return 0


cdef class TrainingState:
    """Copies of a network's parameters and of the optimizer's state at one moment.

    Parameters
    ----------
    net : Network
    """

    def __init__(self, Network net not None):
        cdef OptimizerState state = net.optimizer_state
        self.parameters = copied_pair((net.weights, net.biases))
        self.state = None if state is None else state.copy()

    def restore(self, Network net not None):
        """Give them to a network, all at once.

        Raises
        ------
        ValueError
            If its sizes or its type are others, or an array of its parameters is marked read-only.
        """
        cdef OptimizerState state = None if self.state is None else self.state.copy()
        cdef Py_ssize_t i, n_layers = len(net.weights)
        if len(self.parameters[0]) != n_layers:
            raise ValueError(f"expected parameters of {n_layers} layers, got {len(self.parameters[0])}")
        for kind, targets in enumerate((net.weights, net.biases)):
            for i in range(n_layers):
                source = self.parameters[kind][i]
                if source.shape != targets[i].shape or source.dtype != targets[i].dtype:
                    raise ValueError(
                        f"parameters {source.dtype}{source.shape} do not go into a network with "
                        f"{targets[i].dtype}{targets[i].shape}")
                if not targets[i].flags.writeable:
                    raise ValueError("parameters cannot be restored: marked read-only (flags.writeable is False)")
        # No Python code runs from here on, so that no signal can come in between.
        for i in range(n_layers):
            copy_bits(net.weights[i], self.parameters[0][i])
            copy_bits(net.biases[i], self.parameters[1][i])
        net.optimizer_state = state


cdef int copy_bits(object target, object source) except -1:
    """Between contiguous arrays of one size."""
    memcpy(data_of(target), data_of(source), source.nbytes)
    return 0


cdef bint same_bits(object one, object other) except -1:
    """Of contiguous arrays of one size, of which the first may be read-only."""
    cdef Py_buffer view
    cdef bint same
    PyObject_GetBuffer(one, &view, PyBUF_SIMPLE)
    same = memcmp(view.buf, data_of(other), view.len) == 0
    PyBuffer_Release(&view)
    return same


cdef tuple copied_pair(tuple pair):
    """Weights and biases in arrays of their own; None stays None."""
    cdef list weights = [], biases = []
    if pair is None:
        return None
    for array in pair[0]:
        weights.append(np.array(array))
    for array in pair[1]:
        biases.append(np.array(array))
    return tuple(weights), tuple(biases)


cdef tuple zeros_like(Network net):
    cdef list weights = [], biases = []
    for array in net.weights:
        weights.append(np.zeros(array.shape, array.dtype))
    for array in net.biases:
        biases.append(np.zeros(array.shape, array.dtype))
    return tuple(weights), tuple(biases)


cdef int load_state(OptimizerState state, Network net, FitJob[real]* job) except -1:
    """Into a fit's padded copies, which hold the network's parameters: the optimizer's state; from what the network
    remembers, the parameters that are not averaged."""
    cdef OptimizerState found = net.optimizer_state
    cdef int i, l
    job.steps = state.steps
    for i in range(job.numbers.n_states):
        load_pair(state.arrays[i], &job.state[i])
    if found is not None and found.belongs_to(net):
        load_pair(found.raw, &job.layers)
        for l in range(job.layers.n_layers):
            refresh_transposed(&job.layers, l, 0, job.layers.layer[l].n_in)
    return 0


cdef int store_state(OptimizerState state, FitJob[real]* job) except -1:
    """From a fit's padded copies. The arrays are the trainer's own."""
    cdef int i
    state.steps = job.steps
    for i in range(job.numbers.n_states):
        store_pair(state.arrays[i], &job.state[i])
    if job.numbers.averaging:
        store_pair(state.raw, &job.layers)
        store_pair(state.average, &job.average)
    return 0


cdef int load_pair(tuple pair, Layers[real]* layers) except -1:
    cdef int l
    cdef Layer[real]* layer
    for l in range(layers.n_layers):
        layer = &layers.layer[l]
        copy_rows(layer.n_in, layer.n_out, <const real*>data_of(pair[0][l]), layer.n_out, layer.weight, layer.ld)
        copy_rows(1, layer.n_out, <const real*>data_of(pair[1][l]), 0, layer.bias, 0)
    return 0


cdef int store_pair(tuple pair, const Layers[real]* layers) except -1:
    cdef int l
    cdef const Layer[real]* layer
    for l in range(layers.n_layers):
        layer = &layers.layer[l]
        copy_rows(layer.n_in, layer.n_out, layer.weight, layer.ld, <real*>data_of(pair[0][l]), layer.n_out)
        copy_rows(1, layer.n_out, layer.bias, 0, <real*>data_of(pair[1][l]), 0)
    return 0
