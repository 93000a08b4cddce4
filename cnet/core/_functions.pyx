# cython: language_level=3
"""Element-wise functions and losses over contiguous arrays."""
import numpy as np

from cpython.buffer cimport (
    PyBUF_CONTIG, PyBUF_CONTIG_RO, PyBUF_FORMAT, Py_buffer, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.math cimport log
from libc.stdint cimport int32_t, int64_t

from ._dispatch cimport active
from ._inputs cimport source_of, parse_labels
from ._memory cimport Memory
from .floats cimport IeeeFloats
from .structs cimport (
    CNET_FLOAT32, CNET_FLOAT64, FUNCTION_RELU, FUNCTION_RELU_GRAD, FUNCTION_SIGMOID, FUNCTION_SIGMOID_GRAD,
    FUNCTION_TANH, real,
)

FUNCTIONS = {
    "sigmoid": FUNCTION_SIGMOID,
    "sigmoid_grad": FUNCTION_SIGMOID_GRAD,
    "relu": FUNCTION_RELU,
    "relu_grad": FUNCTION_RELU_GRAD,
    "tanh": FUNCTION_TANH,
}


cdef int take_pair(object x, object out, Py_buffer* source, Py_buffer* target) except -1:
    """Two contiguous, aligned buffers of one floating type and one size."""
    cdef int kind
    PyObject_GetBuffer(x, source, PyBUF_CONTIG_RO | PyBUF_FORMAT)
    try:
        PyObject_GetBuffer(out, target, PyBUF_CONTIG | PyBUF_FORMAT)
    except BaseException:
        PyBuffer_Release(source)
        raise
    kind = source_of(source)
    if source.len != target.len or kind != source_of(target) or kind not in (CNET_FLOAT32, CNET_FLOAT64):
        PyBuffer_Release(source)
        PyBuffer_Release(target)
        raise ValueError("expected two contiguous arrays of one size, both float32 or both float64")
    return 0


def apply(str name, x, out):
    """out = function(x), element by element."""
    cdef IeeeFloats floats
    floats.begin()
    cdef int function = FUNCTIONS[name]
    cdef Py_buffer source, target
    cdef Py_ssize_t n
    take_pair(x, out, &source, &target)
    n = source.len // source.itemsize
    with nogil:
        if source.itemsize == 4:
            active().float32.apply(function, n, <const float*>source.buf, <float*>target.buf)
        else:
            active().float64.apply(function, n, <const double*>source.buf, <double*>target.buf)
    PyBuffer_Release(&source)
    PyBuffer_Release(&target)


def softmax_rows(x, out, Py_ssize_t columns):
    """out = softmax of each row of `columns` elements."""
    cdef IeeeFloats floats
    floats.begin()
    cdef Py_buffer source, target
    cdef Py_ssize_t n
    take_pair(x, out, &source, &target)
    n = source.len // source.itemsize
    if columns > 0 and n % columns == 0:
        with nogil:
            if source.itemsize == 4:
                active().float32.softmax_rows(n // columns, columns, <const float*>source.buf, <float*>target.buf)
            else:
                active().float64.softmax_rows(n // columns, columns, <const double*>source.buf, <double*>target.buf)
    PyBuffer_Release(&source)
    PyBuffer_Release(&target)


def step(const real[::1] x, int64_t[::1] out):
    """out = 1 where x > 0, else 0."""
    cdef IeeeFloats floats
    floats.begin()
    cdef Py_ssize_t i
    if out.shape[0] != x.shape[0]:
        raise ValueError("expected two arrays of one size")
    with nogil:
        for i in range(x.shape[0]):
            out[i] = x[i] > 0


def half_squared_error(const real[::1] y, const real[::1] t):
    """Half the sum of (y - t)**2, summed in float64."""
    cdef IeeeFloats floats
    floats.begin()
    cdef double total = 0
    cdef Py_ssize_t i
    if t.shape[0] != y.shape[0]:
        raise ValueError("expected two arrays of one size")
    with nogil:
        for i in range(y.shape[0]):
            total += (<double>y[i] - t[i]) * (<double>y[i] - t[i])
    return 0.5 * total


def class_indices(t, tuple shape):
    """Targets of outputs of a shape (O,) or (B, O) as int32 class indices (B,)."""
    cdef IeeeFloats floats
    floats.begin()
    cdef Memory memory = Memory()
    cdef Py_ssize_t i, n_rows = shape[0] if len(shape) == 2 else 1
    cdef int32_t* labels = parse_labels(t, len(shape) == 1, n_rows, shape[len(shape) - 1], memory)
    cdef int[::1] out = np.empty(n_rows, np.intc)
    for i in range(n_rows):
        out[i] = labels[i]
    return np.asarray(out)


def cross_entropy(const real[:, ::1] y, const int[::1] labels, double epsilon):
    """Sum over the rows of -log(y[label] + epsilon), in float64."""
    cdef IeeeFloats floats
    floats.begin()
    cdef double total = 0
    cdef Py_ssize_t i
    if labels.shape[0] != y.shape[0]:
        raise ValueError("expected one label for each row")
    with nogil:
        for i in range(y.shape[0]):
            total -= log(<double>y[i, labels[i]] + epsilon)
    return total
