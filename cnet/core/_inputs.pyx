# cython: language_level=3
"""From what a caller passes to what kernels read: inputs and targets, checked.

Arrays of uint8, float32 and float64 are read where they stand; everything else
that holds real numbers is converted first.
"""
import numpy as np

from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBuffer_IsContiguous, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from ._memory cimport Memory
from .stack cimport CNET_FLOAT32, CNET_FLOAT64, CNET_UINT8

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


cdef class Batch:
    """Rows of inputs, held for as long as this object lives."""

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)


cdef inline int source_of(const char* format) noexcept:
    """The kind of input that a buffer's format tells, or -1."""
    if format is NULL or format[0] == 0 or format[1] != 0:
        return -1
    if format[0] == c"B":
        return CNET_UINT8
    if format[0] == c"f":
        return CNET_FLOAT32
    if format[0] == c"d":
        return CNET_FLOAT64
    return -1


cdef object as_array(object x, str name):
    """np.asarray, with errors that name the argument; masked values are refused."""
    if type(x) is np.ndarray:
        return x
    if isinstance(x, np.ndarray) and np.any(getattr(x, "mask", False)):
        raise ValueError(f"{name} is a masked array with masked values; fill them first")
    try:
        return np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{name} cannot be made into an array: {error}") from None


cdef object as_real_array(object x, str name, object dtype):
    """x as a C-contiguous array of uint8, float32 or float64."""
    array = as_array(x, name)
    kind = array.dtype.kind
    if kind not in "buif":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if array.dtype.newbyteorder("=") not in (np.uint8, np.float32, np.float64):
        # Other floats keep their precision; integers and bool become numbers of the network.
        wide = dtype if kind in "bui" or array.dtype.itemsize < 4 else np.float64
    else:
        wide = array.dtype.newbyteorder("=")
    # What float64 cannot hold becomes infinite, and is refused like any infinite number.
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=wide) if array.ndim else array.astype(wide)


cdef Batch take_inputs(object x, Py_ssize_t n_in, object dtype):
    """Inputs of shape (B, n_in), or (n_in,) for a single sample; finiteness is not checked."""
    cdef Batch batch = Batch()
    cdef int source = -1
    cdef int ndim
    if type(x) is np.ndarray:
        try:
            PyObject_GetBuffer(x, &batch.view, PyBUF_FORMAT | PyBUF_STRIDES)
            batch.held = True
        except (ValueError, BufferError):
            # No buffer for this dtype: the error below names it.
            pass
        if batch.held:
            source = source_of(batch.view.format)
            if source < 0 or not PyBuffer_IsContiguous(&batch.view, c"C"):
                PyBuffer_Release(&batch.view)
                batch.held = False
                source = -1
    if source < 0:
        x = as_real_array(x, "x", dtype)
        PyObject_GetBuffer(x, &batch.view, PyBUF_FORMAT | PyBUF_STRIDES)
        batch.held = True
        source = source_of(batch.view.format)
    ndim = batch.view.ndim
    batch.single = ndim == 1
    if ndim not in (1, 2) or batch.view.shape[ndim - 1] != n_in:
        shape = tuple(batch.view.shape[i] for i in range(ndim))
        raise ValueError(
            f"x must have shape (B, {n_in}), or ({n_in},) for a single sample, got {shape}"
        )
    batch.n_rows = 1 if batch.single else batch.view.shape[0]
    if batch.n_rows == 0:
        raise ValueError("x holds no samples: expected at least one row")
    batch.rows.source = source
    batch.rows.n_in = n_in
    batch.rows.stride = n_in
    batch.rows.data = batch.view.buf
    batch.rows.end = <const char*>batch.view.buf + batch.view.len
    return batch


cdef Batch take_training_inputs(object x, Py_ssize_t n_in, object dtype, Py_ssize_t batch_size, bint shuffle):
    """Inputs of shape (N, n_in), as many as a fit needs."""
    cdef Batch batch = take_inputs(x, n_in, dtype)
    if batch.single:
        raise ValueError(f"x must have shape (N, {n_in}), got ({n_in},)")
    if shuffle and batch_size > batch.n_rows:
        raise ValueError(
            f"batch_size = {batch_size} is more than the {batch.n_rows} samples; "
            'sampling="shuffle" takes each sample once an epoch'
        )
    return batch


cdef inline bint in_range(label value, Py_ssize_t n_out) noexcept:
    """Whether a label is a class; compared without a conversion that could wrap round."""
    if label is float or label is double:
        return value >= 0 and value < n_out
    elif label is uint64_t:
        return value < <uint64_t>n_out
    else:
        return 0 <= <int64_t>value < n_out


cdef int read_indices(const label* t, Py_ssize_t n, Py_ssize_t n_out, int32_t* out) except -1:
    cdef Py_ssize_t i
    for i in range(n):
        if not in_range(t[i], n_out):
            raise ValueError(f"t[{i}] = {t[i]} is not a class: labels must be 0..{n_out - 1}")
        out[i] = <int32_t>t[i]
        if label is float or label is double:
            if out[i] != t[i]:
                raise ValueError(f"t[{i}] = {t[i]} is not a class: labels must be whole numbers")
    return 0


cdef int read_one_hot(const label* t, Py_ssize_t n, Py_ssize_t n_out, int32_t* out) except -1:
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
            raise ValueError(
                f"t[{i}] is not a one-hot row: expected a single 1 and zeros "
                "(for class indices pass one integer for each sample)"
            )
        out[i] = <int32_t>hot
    return 0


cdef int read_targets(const label* t, bint one_hot, Py_ssize_t n, Py_ssize_t n_out, int32_t* out) except -1:
    if one_hot:
        return read_one_hot(t, n, n_out, out)
    return read_indices(t, n, n_out, out)


cdef int32_t* take_labels(
    object t, bint single, Py_ssize_t n_rows, Py_ssize_t n_out, Memory memory
) except NULL:
    """Targets as class indices, from indices or one-hot rows (a shape says which)."""
    cdef int32_t* out
    cdef Py_buffer view
    array = as_array(t, "t")
    if array.dtype.kind not in "buif":
        raise TypeError(f"t must hold class indices or one-hot rows, got dtype {array.dtype}")
    cdef tuple indices = () if single else (n_rows,)
    cdef tuple outputs = indices + (n_out,)
    if array.shape != outputs and array.shape != indices:
        hint = ""
        if not single and array.shape == (n_rows, 1):
            hint = " (pass t.ravel() for class indices)"
        raise ValueError(
            f"t must have shape {indices} (class indices) or {outputs} (one-hot rows), "
            f"got {array.shape}{hint}"
        )
    one_hot = array.shape == outputs
    if array.dtype.kind == "b":
        array = array.view(np.uint8)
    elif array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        with np.errstate(over="ignore"):
            array = array.astype(np.float64)
    if not (array.dtype.isnative and array.flags.c_contiguous):
        array = array.astype(array.dtype.newbyteorder("="), order="C")
    out = <int32_t*>memory.take(n_rows * sizeof(int32_t))
    PyObject_GetBuffer(array, &view, PyBUF_FORMAT | PyBUF_STRIDES)
    try:
        read_any(array.dtype.kind, &view, one_hot, n_rows, n_out, out)
    finally:
        PyBuffer_Release(&view)
    return out


cdef int read_any(str kind, Py_buffer* view, bint one_hot, Py_ssize_t n, Py_ssize_t n_out, int32_t* out) except -1:
    cdef Py_ssize_t size = view.itemsize
    if kind == "f":
        if size == 4:
            return read_targets(<const float*>view.buf, one_hot, n, n_out, out)
        return read_targets(<const double*>view.buf, one_hot, n, n_out, out)
    if kind == "u":
        if size == 1:
            return read_targets(<const uint8_t*>view.buf, one_hot, n, n_out, out)
        if size == 2:
            return read_targets(<const uint16_t*>view.buf, one_hot, n, n_out, out)
        if size == 4:
            return read_targets(<const uint32_t*>view.buf, one_hot, n, n_out, out)
        return read_targets(<const uint64_t*>view.buf, one_hot, n, n_out, out)
    if size == 1:
        return read_targets(<const int8_t*>view.buf, one_hot, n, n_out, out)
    if size == 2:
        return read_targets(<const int16_t*>view.buf, one_hot, n, n_out, out)
    if size == 4:
        return read_targets(<const int32_t*>view.buf, one_hot, n, n_out, out)
    return read_targets(<const int64_t*>view.buf, one_hot, n, n_out, out)
