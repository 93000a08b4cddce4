# cython: language_level=3
"""From what a caller passes to what kernels read: inputs, checked.

Contiguous, aligned arrays of uint8, float32 and float64 are read where they stand; everything
else that holds real numbers is converted first.
"""
import numpy as np

from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBuffer_IsContiguous, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.stdint cimport int32_t, int64_t, uintptr_t

from ._arrays cimport FLOATS, INTEGERS, Elements, elements, native, real_array, shape_hint
from .structs cimport CNET_FLOAT32, CNET_FLOAT64, CNET_UINT8

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


cdef class CompressedRows:
    """Sparse inputs in the form that SciPy calls CSR, checked: kernels read them where they stand.

    Parameters
    ----------
    data : ndarray (n,) of float32 or float64
        The values that are not zero, row by row; their columns ascend.
    indices : ndarray (n,) of int32
        The column of each value.
    starts : ndarray (rows + 1,) of int64
        Where each row's values begin, and n.
    n_in : int
        Columns.
    """

    def __init__(self, data, indices, starts, Py_ssize_t n_in):
        cdef Elements values = elements(data, FLOATS, 0, 1, False)
        cdef Elements columns = elements(indices, INTEGERS, sizeof(int32_t), 1, False)
        cdef Elements rows = elements(starts, INTEGERS, sizeof(int64_t), 1, False)
        cdef const int32_t* column = <const int32_t*>columns.data
        cdef const int64_t* start = <const int64_t*>rows.data
        cdef Py_ssize_t r
        cdef int64_t k
        if rows.size < 1 or columns.size != values.size or start[0] != 0 or start[rows.size - 1] != values.size:
            raise ValueError(f"expected a column for each of {values.size} values, and rows that begin at 0 and end there")
        for r in range(rows.size - 1):
            if start[r + 1] < start[r]:
                raise ValueError(f"row {r} ends before it begins")
        for r in range(rows.size - 1):
            for k in range(start[r], start[r + 1]):
                if not 0 <= column[k] < n_in or (k > start[r] and column[k] <= column[k - 1]):
                    raise ValueError(f"expected columns from 0 to {n_in - 1} that ascend in each row, got "
                                     f"{column[k]} in row {r}")
        self.shape = (rows.size - 1, n_in)
        self.arrays = (data, indices, starts)
        self.rows.source = CNET_FLOAT32 if values.itemsize == 4 else CNET_FLOAT64
        self.rows.n_in = n_in
        self.rows.data, self.rows.columns, self.rows.starts = values.data, column, start

    def __len__(self):
        return self.shape[0]


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


cdef Batch parse_rows(object x, Py_ssize_t n_in, object dtype):
    """The same, or compressed rows."""
    cdef Batch batch
    if not isinstance(x, CompressedRows):
        return parse_inputs(x, n_in, dtype)
    if x.shape[1] != n_in or x.shape[0] == 0:
        raise ValueError(f"x must have shape (B, {n_in}), got {x.shape}")
    batch = Batch()
    batch.owner = x
    batch.rows = (<CompressedRows>x).rows
    batch.n_rows = x.shape[0]
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
    cdef Batch batch = parse_rows(x, n_in, dtype)
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
    if trained_on == TRAINED_ON_UNKNOWN or x.starts is not NULL:
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
