# cython: language_level=3
"""Element-wise functions and losses over contiguous arrays."""
import numpy as np

from libc.math cimport log
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy

from ._arrays cimport FLOATS, INTEGERS, Elements, elements
from ._dispatch cimport active
from ._memory cimport Memory
from ._targets cimport parse_labels
from .floats cimport IeeeFloats
from .structs cimport (
    FUNCTION_RELU, FUNCTION_RELU_GRAD, FUNCTION_SIGMOID, FUNCTION_SIGMOID_GRAD, FUNCTION_TANH, real,
)

FUNCTIONS = {
    "sigmoid": FUNCTION_SIGMOID,
    "sigmoid_grad": FUNCTION_SIGMOID_GRAD,
    "relu": FUNCTION_RELU,
    "relu_grad": FUNCTION_RELU_GRAD,
    "tanh": FUNCTION_TANH,
}


cdef int take_pair(object x, object out, Elements* source, Elements* target, bint writable) except -1:
    """Two arrays of one floating type and one size."""
    source[0], target[0] = elements(x, FLOATS, 0, 0, False), elements(out, FLOATS, 0, 0, writable)
    if source.size != target.size or source.itemsize != target.itemsize:
        raise ValueError("expected two contiguous arrays of one size, both float32 or both float64")
    return 0


def apply(str name, x, out):
    """out = function(x), element by element."""
    cdef IeeeFloats floats
    floats.begin()
    cdef int function = FUNCTIONS[name]
    cdef Elements source, target
    take_pair(x, out, &source, &target, True)
    with nogil:
        if source.itemsize == 4:
            active().float32.apply(function, source.size, <const float*>source.data, <float*>target.data)
        else:
            active().float64.apply(function, source.size, <const double*>source.data, <double*>target.data)


def softmax_rows(x, out, Py_ssize_t columns):
    """out = softmax of each row of `columns` elements."""
    cdef IeeeFloats floats
    floats.begin()
    cdef Elements source, target
    cdef Py_ssize_t rows
    take_pair(x, out, &source, &target, True)
    if columns <= 0 or source.size % columns:
        return
    rows = source.size // columns
    with nogil:
        if source.itemsize == 4:
            active().float32.softmax_rows(rows, columns, <const float*>source.data, <float*>target.data)
        else:
            active().float64.softmax_rows(rows, columns, <const double*>source.data, <double*>target.data)


def step(x, out):
    """out = 1 where x > 0, else 0: integers of 64 bits."""
    cdef IeeeFloats floats
    floats.begin()
    cdef Elements source = elements(x, FLOATS, 0, 0, False), target = elements(out, INTEGERS, 8, 0, True)
    if target.size != source.size:
        raise ValueError("expected two arrays of one size")
    with nogil:
        if source.itemsize == 4:
            step_each(source.size, <const float*>source.data, <int64_t*>target.data)
        else:
            step_each(source.size, <const double*>source.data, <int64_t*>target.data)


cdef void step_each(Py_ssize_t n, const real* x, int64_t* out) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        out[i] = x[i] > 0


def half_squared_error(y, t):
    """Half the sum of (y - t)**2, summed in float64."""
    cdef IeeeFloats floats
    floats.begin()
    cdef Elements one, other
    cdef double total
    take_pair(y, t, &one, &other, False)
    with nogil:
        if one.itemsize == 4:
            total = squared_error_of(one.size, <const float*>one.data, <const float*>other.data)
        else:
            total = squared_error_of(one.size, <const double*>one.data, <const double*>other.data)
    return 0.5 * total


cdef double squared_error_of(Py_ssize_t n, const real* y, const real* t) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t i
    for i in range(n):
        total += (<double>y[i] - t[i]) * (<double>y[i] - t[i])
    return total


def class_indices(t, tuple shape):
    """Targets of outputs of a shape (O,) or (B, O) as int32 class indices (B,)."""
    cdef IeeeFloats floats
    floats.begin()
    cdef Memory memory = Memory()
    cdef Py_ssize_t n_rows = shape[0] if len(shape) == 2 else 1
    cdef int32_t* labels = parse_labels(t, len(shape) == 1, n_rows, shape[len(shape) - 1], memory)
    out = np.empty(n_rows, np.intc)
    memcpy(elements(out, INTEGERS, sizeof(int32_t), 1, True).data, labels, n_rows * sizeof(int32_t))
    return out


def cross_entropy(y, labels, double epsilon):
    """Sum over the rows (B, O) of -log(y[label] + epsilon), in float64."""
    cdef IeeeFloats floats
    floats.begin()
    cdef Elements rows = elements(y, FLOATS, 0, 2, False)
    cdef Elements indices = elements(labels, INTEGERS, sizeof(int32_t), 1, False)
    cdef const int32_t* label = <const int32_t*>indices.data
    cdef double total
    if indices.size != rows.rows:
        raise ValueError("expected one label for each row")
    with nogil:
        if rows.itemsize == 4:
            total = cross_entropy_of(rows.rows, rows.columns, <const float*>rows.data, label, epsilon)
        else:
            total = cross_entropy_of(rows.rows, rows.columns, <const double*>rows.data, label, epsilon)
    return total


cdef double cross_entropy_of(
    Py_ssize_t n_rows, Py_ssize_t n_out, const real* y, const int32_t* labels, double epsilon
) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t i
    for i in range(n_rows):
        total -= log(<double>y[i * n_out + labels[i]] + epsilon)
    return total
