# cython: language_level=3
"""From what a caller passes to what kernels read: inputs and targets, checked.

Contiguous, aligned arrays of uint8, float32 and float64 are read where they stand; everything
else that holds real numbers is converted first.
"""
import numpy as np

from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBuffer_IsContiguous, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.string cimport memcpy, memset
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t

from ._arrays cimport as_array, native, real_array, refuse_index, refuse_labels, refuse_row, shape_hint
from ._memory cimport Memory
from ._dispatch cimport active
from .structs cimport (
    CNET_DISTRIBUTION, CNET_FLOAT32, CNET_FLOAT64, CNET_LABELS, CNET_POSITIVE, CNET_SHARES, CNET_SMOOTHING, CNET_UINT8,
    Layers, Targets, real,
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

ctypedef fused number:
    float
    double

# Rows that are looked through for pixels, and of how many of them how many values decide whether that is worth it.
cdef Py_ssize_t MOST_ROWS = 1024
cdef Py_ssize_t FEW_ROWS = 32
cdef Py_ssize_t FEW_VALUES = 48


cdef class Batch:
    """Rows of inputs, held for as long as this object lives."""

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)


cdef int source_of(const Py_buffer* view) noexcept:
    """The kind of input that kernels read in a buffer, or -1 for what they must not read.

    Formats of more than one letter ("=f") tell of elements that are not aligned or not in native byte order.
    """
    cdef const char* format = view.format
    cdef int source
    if format is NULL or format[0] == 0 or format[1] != 0:
        return -1
    if format[0] == c"B":
        source = CNET_UINT8
    elif format[0] == c"f":
        source = CNET_FLOAT32
    elif format[0] == c"d":
        source = CNET_FLOAT64
    else:
        return -1
    if <uintptr_t>view.buf % <uintptr_t>view.itemsize or not PyBuffer_IsContiguous(view, c"C"):
        return -1
    return source


cpdef object as_inputs(object x, object dtype):
    """x as an array that kernels read: C-contiguous, of uint8, float32 or float64."""
    array = real_array(x, "x")
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "u" and size == 1:
        return native(array, np.uint8)
    if kind == "f" and size >= 4:
        # Long doubles lose what float64 cannot hold; what becomes infinite is refused like any infinite number.
        return native(array, np.float32 if size == 4 else np.float64)
    # Integers, booleans and float16 become numbers of the network.
    return native(array, dtype)


cdef Batch parse_inputs(object x, Py_ssize_t n_in, object dtype):
    """Inputs of shape (B, n_in), or (n_in,) for a single sample; finiteness is not checked."""
    cdef Batch batch = Batch()
    cdef int source = -1
    cdef int ndim
    given = x
    if type(x) is np.ndarray:
        try:
            PyObject_GetBuffer(x, &batch.view, PyBUF_FORMAT | PyBUF_STRIDES)
            batch.held = True
        except (ValueError, BufferError):
            # No buffer for this dtype: the error below names it.
            pass
        if batch.held:
            source = source_of(&batch.view)
            if source < 0:
                PyBuffer_Release(&batch.view)
                batch.held = False
    if source < 0:
        x = as_inputs(x, dtype)
        PyObject_GetBuffer(x, &batch.view, PyBUF_FORMAT | PyBUF_STRIDES)
        batch.held = True
        source = source_of(&batch.view)
        if source < 0:
            raise TypeError(f"x of dtype {x.dtype} has the buffer format {batch.view.format!r}, which is not readable")
    ndim = batch.view.ndim
    batch.single = ndim == 1
    if ndim not in (1, 2) or batch.view.shape[ndim - 1] != n_in:
        raise_wrong_shape(given, &batch.view, n_in)
    batch.n_rows = 1 if batch.single else batch.view.shape[0]
    if batch.n_rows == 0:
        raise ValueError("x holds no samples: expected at least one row")
    batch.rows.source = source
    batch.rows.n_in = n_in
    batch.rows.stride = n_in
    batch.rows.data = batch.view.buf
    batch.rows.end = <const char*>batch.view.buf + batch.view.len
    return batch


cdef int raise_wrong_shape(object x, const Py_buffer* view, Py_ssize_t n_in) except -1:
    cdef list sizes = []
    cdef int i
    for i in range(view.ndim):
        sizes.append(view.shape[i])
    shape = tuple(sizes)
    raise ValueError(
        f"x must have shape (B, {n_in}), or ({n_in},) for a single sample, got {shape}"
        f"{shape_hint(x, 'x', shape, n_in)}"
    )


cdef Batch parse_training_inputs(object x, Py_ssize_t n_in, object dtype, Py_ssize_t batch_size, bint shuffle):
    """Inputs of shape (N, n_in), as many as a fit needs."""
    cdef Batch batch = parse_inputs(x, n_in, dtype)
    if batch.single:
        raise ValueError(f"x must have shape (N, {n_in}), got ({n_in},)")
    if shuffle and batch_size > batch.n_rows:
        raise ValueError(
            f"batch_size = {batch_size} is more than the {batch.n_rows} samples; "
            'sampling="shuffle" takes each sample once an epoch'
        )
    return batch


cdef bint unlike(const Inputs* x, Py_ssize_t n_rows, int trained_on) noexcept nogil:
    """Whether inputs look as if they were scaled otherwise than those that a network was trained on.

    Bytes, for a network trained on numbers beyond 1; or pixels in another type (whole numbers from 0 to 255, of which
    one is 2 or more), for a network trained on bytes or on numbers up to 1.
    """
    if trained_on == TRAINED_ON_UNKNOWN:
        return False
    if x.source == CNET_UINT8 or trained_on == TRAINED_ON_LARGE:
        return x.source == CNET_UINT8 and trained_on == TRAINED_ON_LARGE
    if x.source == CNET_FLOAT32:
        return are_pixels(<const float*>x.data, n_rows, x.n_in)
    return are_pixels(<const double*>x.data, n_rows, x.n_in)


cdef bint are_pixels(const number* x, Py_ssize_t n_rows, Py_ssize_t n_in) noexcept nogil:
    """Whether rows hold whole numbers from 0 to 255 alone, and one is 2 or more.

    A single call must not feel it: it ends with the first fraction, which the middle of an image has soon, and with a
    few values of a few rows where those are 0 and 1.
    """
    cdef Py_ssize_t rows = min(n_rows, FEW_ROWS), values = min(n_in, FEW_VALUES)
    cdef Py_ssize_t r, i
    cdef bint large = False
    for r in range(rows):
        # Another part of each row, so that all columns are seen.
        i = (n_in // 2 + r * values) % n_in
        if not look_for_pixels(x + r * n_rows // rows * n_in, i, values, n_in, &large):
            return False
    if not large:
        return False
    rows = min(n_rows, MOST_ROWS)
    for r in range(rows):
        if not look_for_pixels(x + r * n_rows // rows * n_in, 0, n_in, n_in, &large):
            return False
    return True


cdef inline bint look_for_pixels(
    const number* row, Py_ssize_t first, Py_ssize_t values, Py_ssize_t n_in, bint* large
) noexcept nogil:
    """Whether values of a row, from `first` on and round its end, are whole and from 0 to 255; is one 2 or more?"""
    cdef Py_ssize_t i
    cdef number value
    for i in range(first, first + values):
        value = row[i if i < n_in else i - n_in]
        if not (value >= 0 and value <= 255) or value != <number><int>value:
            return False
        if value >= 2:
            large[0] = True
    return True


def look_unlike(x, int trained_on):
    """Whether rows (B, I) of an array that kernels read look scaled otherwise than what was trained on."""
    cdef Batch batch = parse_inputs(x, x.shape[x.ndim - 1], np.dtype(np.float64))
    return unlike(&batch.rows, batch.n_rows, trained_on)


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
    cdef Py_buffer view
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
    PyObject_GetBuffer(np.ascontiguousarray(values), &view, PyBUF_FORMAT | PyBUF_STRIDES)
    memcpy(out, view.buf, view.len)
    PyBuffer_Release(&view)
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
    cdef const double[::1] view
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
    view = array
    for i in range(n_rows):
        out[i] = view[i]
    return out


cdef double sum_of_weights(const double* weight, Py_ssize_t n_rows) noexcept:
    cdef double total = 0
    cdef Py_ssize_t i
    if weight is NULL:
        return <double>n_rows
    for i in range(n_rows):
        total += weight[i]
    return total
