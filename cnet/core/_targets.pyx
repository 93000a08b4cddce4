# cython: language_level=3
"""From what a caller passes to what kernels read: targets and the samples' weights, checked."""
import numpy as np

from cpython.buffer cimport PyBUF_FORMAT, PyBUF_STRIDES, Py_buffer, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int8_t, int16_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ._arrays cimport (
    FLOATS, INTEGERS, as_array, elements, native, real_array, refuse_index, refuse_labels, refuse_row,
)
from ._dispatch cimport active
from .structs cimport (
    CNET_DISTRIBUTION, CNET_LABELS, CNET_POSITIVE, CNET_SHARES, CNET_SMOOTHING, Layers, Targets, real,
)

ctypedef fused label:
    uint8_t
    int8_t
    uint16_t
    int16_t
    uint32_t
    int32_t
    uint64_t
    int64_t
    float
    double


cdef inline bint in_range(label value, Py_ssize_t n_out) noexcept:
    """Whether a label is a class; compared without a conversion that could wrap round."""
    if label is float or label is double:
        return value >= 0 and value < n_out
    elif label is uint64_t:
        return value < <uint64_t>n_out
    else:
        return 0 <= <int64_t>value < n_out


cdef Py_ssize_t read_indices(const label* t, Py_ssize_t n, Py_ssize_t n_out, int32_t* out) noexcept:
    """Copy class indices; returns the number of the first that is no class, or n."""
    cdef Py_ssize_t i
    for i in range(n):
        if not in_range(t[i], n_out):
            return i
        out[i] = <int32_t>t[i]
        if label is float or label is double:
            if out[i] != t[i]:
                return i
    return n


cdef Py_ssize_t read_one_hot(const label* t, Py_ssize_t n, Py_ssize_t n_out, int32_t* out) noexcept:
    """Turn one-hot rows into class indices; returns the number of the first that is not one-hot, or n."""
    cdef Py_ssize_t i, j
    cdef Py_ssize_t hot
    cdef const label* row
    for i in range(n):
        row = t + i * n_out
        hot = -1
        for j in range(n_out):
            if row[j] == 1 and hot < 0:
                hot = j
            elif row[j] != 0:
                hot = -2
                break
        if hot < 0:
            return i
        out[i] = <int32_t>hot
    return n


cdef Py_ssize_t read_each(
    const label* t, bint one_hot, Py_ssize_t n, Py_ssize_t n_out, int32_t* out
) noexcept:
    if one_hot:
        return read_one_hot(t, n, n_out, out)
    return read_indices(t, n, n_out, out)


cpdef object as_targets(object t):
    """t as an array that the loops above read: C-contiguous, of integers, float32 or float64."""
    array = as_array(t, "t")
    dtype, flags = array.dtype, array.flags
    kind = dtype.kind
    if kind not in "buif":
        refuse_labels(t, array)
    # The usual labels, at once: a call with a single sample feels what `native` asks.
    if kind in "iu" and dtype.isnative and flags.c_contiguous and flags.aligned:
        return array
    if kind == "b":
        return native(array, np.uint8)
    if kind == "f":
        return native(array, np.float32 if dtype.itemsize == 4 else np.float64)
    return native(array, dtype.newbyteorder("="))


cdef int32_t* parse_labels(
    object t, bint single, Py_ssize_t n_rows, Py_ssize_t n_out, Memory memory
) except NULL:
    """Targets as class indices, from indices or one-hot rows (a shape says which)."""
    cdef int32_t* out
    cdef Py_buffer view
    cdef Py_ssize_t wrong
    array = as_targets(t)
    cdef tuple indices = () if single else (n_rows,)
    cdef tuple outputs = indices + (n_out,)
    if array.shape != outputs and array.shape != indices:
        hint = ""
        if not single and array.shape == (n_rows, 1):
            hint = " (pass np.ravel(t) for class indices)"
        raise ValueError(
            f"t must have shape {indices} (class indices) or {outputs} (one-hot rows), "
            f"got {array.shape}{hint}"
        )
    one_hot = array.shape == outputs
    out = <int32_t*>memory.allocate(n_rows * sizeof(int32_t))
    PyObject_GetBuffer(array, &view, PyBUF_FORMAT | PyBUF_STRIDES)
    try:
        wrong = read_any(array.dtype.kind, &view, one_hot, n_rows, n_out, out)
    finally:
        PyBuffer_Release(&view)
    if wrong < n_rows:
        if one_hot:
            refuse_row(wrong, n_out)
        refuse_index(array, wrong, n_out)
    return out


cdef Py_ssize_t read_any(
    str kind, const Py_buffer* view, bint one_hot, Py_ssize_t n, Py_ssize_t n_out, int32_t* out
) noexcept:
    """By the type of the labels; see read_indices."""
    cdef Py_ssize_t size = view.itemsize
    if kind == "f":
        if size == 4:
            return read_each(<const float*>view.buf, one_hot, n, n_out, out)
        return read_each(<const double*>view.buf, one_hot, n, n_out, out)
    if kind == "u":
        if size == 1:
            return read_each(<const uint8_t*>view.buf, one_hot, n, n_out, out)
        if size == 2:
            return read_each(<const uint16_t*>view.buf, one_hot, n, n_out, out)
        if size == 4:
            return read_each(<const uint32_t*>view.buf, one_hot, n, n_out, out)
        return read_each(<const uint64_t*>view.buf, one_hot, n, n_out, out)
    if size == 1:
        return read_each(<const int8_t*>view.buf, one_hot, n, n_out, out)
    if size == 2:
        return read_each(<const int16_t*>view.buf, one_hot, n, n_out, out)
    if size == 4:
        return read_each(<const int32_t*>view.buf, one_hot, n, n_out, out)
    return read_each(<const int64_t*>view.buf, one_hot, n, n_out, out)


cdef Targets[real] parse_targets(
    object t, bint single, Py_ssize_t n_rows, const Layers[real]* net, double smoothing, Memory memory
) except *:
    """Targets in the form that the network's loss takes: class indices or values, checked."""
    cdef Targets[real] targets
    cdef Py_ssize_t n_out = net.layer[net.n_layers - 1].n_out
    cdef int form = active().losses.words[net.loss].property
    memset(&targets, 0, sizeof(targets))
    if smoothing and not form & CNET_SMOOTHING:
        raise ValueError(
            f"label_smoothing = {smoothing:g} goes with losses of probabilities, not with "
            f"{active().losses.words[net.loss].name.decode()}; leave it at 0")
    targets.smoothing = smoothing
    if form & CNET_LABELS:
        # Read once: a caller's own kind of array may be costly to convert.
        t = as_targets(t)
    if form & CNET_LABELS and not are_shares(t, single, n_rows, n_out):
        targets.labels = parse_labels(t, single, n_rows, n_out, memory)
    else:
        targets.values = <const real*>parse_values(t, single, n_rows, n_out, form, np.dtype(
            np.float32 if real is float else np.float64), memory)
    return targets


cdef bint are_shares(object array, bint single, Py_ssize_t n_rows, Py_ssize_t n_out) except -1:
    """Whether targets are rows of floats of which one is neither 0 nor 1: probabilities, not one-hot rows."""
    cdef tuple rows = () if single else (n_rows,)
    if array.dtype.kind != "f" or array.shape != rows + (n_out,):
        return False
    return not bool(((array == 0) | (array == 1)).all())


cdef void* parse_values(
    object t, bint single, Py_ssize_t n_rows, Py_ssize_t n_out, int form, object dtype, Memory memory
) except NULL:
    """Targets (B, O) of a loss that compares values, in the network's type; (B,) will do for one output."""
    cdef void* out
    array = real_array(t, "t")
    cdef tuple rows = () if single else (n_rows,)
    cdef tuple shape = rows + (n_out,)
    if array.shape != shape and not (n_out == 1 and array.shape == rows):
        also = f" or {rows}" if n_out == 1 else ""
        raise ValueError(f"t must have shape {shape}{also}: a value for each output; got {array.shape}")
    values = native(array, dtype).reshape(n_rows, n_out)
    refuse_values(values, form)
    out = memory.allocate_zeroed(n_rows * n_out * dtype.itemsize)
    values = np.ascontiguousarray(values)
    memcpy(out, elements(values, FLOATS, dtype.itemsize, 2, False).data, values.nbytes)
    return out


cdef int refuse_values(object values, int form) except -1:
    """Raise for the first value that the loss has no meaning for."""
    with np.errstate(all="ignore"):
        wrong = ~np.isfinite(values)
        what = "not a finite number"
        if form & CNET_DISTRIBUTION:
            refuse_rows(values, wrong)
        if form & CNET_SHARES and not wrong.any():
            wrong, what = (values < 0) | (values > 1), "not from 0 to 1, as this loss needs"
        if form & CNET_POSITIVE and not wrong.any():
            wrong, what = values < 0, "below 0, which this loss has no meaning for"
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise ValueError(f"t[{row}, {column}] = {values[row, column]} is {what}")
    return 0


cdef int refuse_rows(object values, object wrong) except -1:
    """Raise for the first row that is not a distribution: `wrong` are the values that are not finite."""
    sums = values.sum(axis=1, dtype=np.float64)
    rows = (wrong | (values < 0) | (values > 1)).any(axis=1) | (abs(sums - 1) > 1e-5)
    if not rows.any():
        return 0
    row = int(np.argmax(rows))
    if values.shape[1] == 1:
        refuse_row(row, 1)
    raise ValueError(
        f"t[{row}] is neither a one-hot row nor a row of probabilities: expected values from 0 to 1 whose sum is 1, "
        f"got a sum of {sums[row]:.6g} (for class indices pass one integer for each sample)")


cdef double* parse_weights(object weight, Py_ssize_t n_rows, Memory memory) except? NULL:
    """The samples' weights as float64, or NULL for None."""
    cdef double* out
    cdef Py_ssize_t i
    if weight is None:
        return NULL
    array = real_array(weight, "sample_weight")
    if array.shape != (n_rows,):
        raise ValueError(f"sample_weight must have shape ({n_rows},), one weight for each sample; got {array.shape}")
    array = native(array, np.float64)
    with np.errstate(all="ignore"):
        wrong = ~np.isfinite(array) | (array < 0)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(f"sample_weight[{i}] = {array[i]} is not a finite number of 0 or more")
    if not array.any():
        raise ValueError("sample_weight is 0 for every sample; at least one must be above 0")
    with np.errstate(all="ignore"):
        total = array.sum()
    # Sums of weighed losses and quotients by this sum keep clear of the ends of float64's range.
    if not 1e-290 <= total <= 1e290:
        size = "more than 1e290" if total > 1 else "less than 1e-290"
        raise ValueError(f"sample_weight adds up to {size}; divide it by its largest value")
    out = <double*>memory.allocate(n_rows * sizeof(double))
    memcpy(out, elements(array, FLOATS, sizeof(double), 1, False).data, n_rows * sizeof(double))
    return out


cdef double sum_of_weights(const double* weight, Py_ssize_t n_rows) noexcept:
    cdef double total = 0
    cdef Py_ssize_t i
    if weight is NULL:
        return <double>n_rows
    for i in range(n_rows):
        total += weight[i]
    return total


def read_labels(t, Py_ssize_t n_rows, Py_ssize_t n_classes):
    """Class indices or one-hot rows, checked, as an int32 array (n_rows,)."""
    cdef Memory memory = Memory()
    cdef int32_t* labels = parse_labels(t, False, n_rows, n_classes, memory)
    array = np.empty(n_rows, np.int32)
    memcpy(elements(array, INTEGERS, sizeof(int32_t), 1, True).data, labels, n_rows * sizeof(int32_t))
    return array


def read_weights(weight, Py_ssize_t n_rows):
    """The samples' weights, checked, as a float64 array (n_rows,) of its own."""
    cdef Memory memory = Memory()
    cdef double* weights = parse_weights(weight, n_rows, memory)
    array = np.empty(n_rows)
    memcpy(elements(array, FLOATS, sizeof(double), 1, True).data, weights, n_rows * sizeof(double))
    return array
