# cython: language_level=3
"""An optimizer's state between fits: it belongs to the network."""
import numpy as np

from ._dispatch cimport active
from ._network cimport Network, data_of, place_of
from .jobs cimport FitJob
from .stack cimport Stack, real
from libc.string cimport memcpy


cdef class OptimizerState:
    """The arrays that an optimizer keeps beside the parameters, and its number of steps.

    Parameters
    ----------
    name : str
        The optimizer's.
    arrays : tuple
        For each array of state a pair of tuples, for weights and biases, each of its parameter's shape and dtype.
    steps : int
        How many steps it has made since they were 0.
    """

    def __init__(self, str name not None, tuple arrays not None, steps=0):
        self.name, self.arrays, self.steps = name, arrays, steps

    def copy(self):
        """The same in arrays of its own."""
        copies = []
        for weights, biases in self.arrays:
            copies.append((copied(weights), copied(biases)))
        return OptimizerState(self.name, tuple(copies), self.steps)

    @staticmethod
    cdef OptimizerState of(Network net, str name):
        """A copy of the network's, if it is of this optimizer, or one that is all 0."""
        cdef OptimizerState found = net.optimizer_state
        cdef int i, n = active().optimizers.words[place_of(&active().optimizers, name)].property
        if found is not None and found.name == name:
            return found.copy()
        arrays = []
        for i in range(n):
            arrays.append((zeros_like(net.weights), zeros_like(net.biases)))
        return OptimizerState(name, tuple(arrays))


cdef tuple copied(tuple arrays):
    cdef list copies = []
    for array in arrays:
        copies.append(np.array(array))
    return tuple(copies)


cdef tuple zeros_like(tuple arrays):
    cdef list zeros = []
    for array in arrays:
        zeros.append(np.zeros(array.shape, array.dtype))
    return tuple(zeros)


cdef int load_state(OptimizerState state, FitJob[real]* job) except -1:
    """Into a fit's padded copy."""
    cdef int i, l
    job.steps = state.steps
    for i in range(job.numbers.n_states):
        weights, biases = state.arrays[i]
        for l in range(job.stack.n_layers):
            copy_rows(job.state[i].layer[l].n_in, job.state[i].layer[l].n_out, <const real*>data_of(weights[l]),
                      job.state[i].layer[l].n_out, job.state[i].layer[l].weight, job.state[i].layer[l].ld)
            copy_rows(1, job.state[i].layer[l].n_out, <const real*>data_of(biases[l]), 0, job.state[i].layer[l].bias, 0)
    return 0


cdef void store_state(OptimizerState state, FitJob[real]* job) noexcept:
    """From a fit's padded copy. The arrays are the trainer's own."""
    cdef int i, l
    state.steps = job.steps
    for i in range(job.numbers.n_states):
        weights, biases = state.arrays[i]
        for l in range(job.stack.n_layers):
            copy_rows(job.state[i].layer[l].n_in, job.state[i].layer[l].n_out, job.state[i].layer[l].weight,
                      job.state[i].layer[l].ld, <real*>data_of(weights[l]), job.state[i].layer[l].n_out)
            copy_rows(1, job.state[i].layer[l].n_out, job.state[i].layer[l].bias, 0, <real*>data_of(biases[l]), 0)


cdef inline void copy_rows(
    Py_ssize_t rows, Py_ssize_t n, const real* source, Py_ssize_t ld, real* out, Py_ssize_t ld_out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(rows):
        memcpy(out + i * ld_out, source + i * ld, n * sizeof(real))
