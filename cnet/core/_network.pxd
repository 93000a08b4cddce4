# cython: language_level=3
from libc.stdint cimport uint64_t

from ._inputs cimport Batch
from .structs cimport Layers, Vocabulary

cdef class Network:
    cdef readonly tuple sizes
    cdef readonly tuple activations
    cdef readonly str loss
    cdef readonly double loss_parameter
    cdef public double weight_decay
    cdef public object optimizer_state
    cdef readonly object dtype
    cdef readonly tuple weights
    cdef readonly tuple biases
    cdef readonly bint is_float32
    cdef readonly Py_ssize_t n_out
    # Which way the last fit chose ("auto" before the first), and which one tests ask for.
    cdef public str first_layer
    cdef public str forced_first_layer
    cdef public bint watches_zeros
    cdef str way_of_first_layer(self)
    # Which fit trains it; no thread has the number 0. See _one_fit.
    cdef object held_by_process
    cdef uint64_t held_by_thread
    cdef readonly bint asked_to_stop
    cdef public int trained_on
    cdef public object on_unlike
    cdef Layers[float] layers32
    cdef Layers[double] layers64
    cdef int compare(self, Batch x) except -1

cdef int place_of(const Vocabulary* vocabulary, object name) except -1
