# cython: language_level=3
"""From whatever a caller passes to an array that compiled code can read, or an error that says what to pass instead.

Loops are written out: comprehensions and generators of the limited API lose a reference when memory runs out.
"""
import numpy as np

from cpython.buffer cimport PyBUF_FORMAT, PyBUF_ND, PyBUF_WRITABLE, Py_buffer, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport uintptr_t
from libc.string cimport strchr

from .floats cimport IeeeFloats

cdef type ndarray = np.ndarray

# Elements of an array of objects that are looked at to say what is wrong with it.
cdef Py_ssize_t MOST_OBJECTS = 10_000


cpdef object as_array(object x, str name):
    """`x` as a plain array, whatever its elements; an error names the argument.

    Raises
    ------
    TypeError, ValueError
        If `x` is a sparse matrix, has masked values, or cannot be made into an array.
    """
    if type(x) is np.ndarray:
        return x
    if isinstance(x, np.ndarray):
        if np.ma.is_masked(x):
            raise ValueError(f"{name} is a masked array with masked values; fill them first")
        return np.asarray(x)
    if is_sparse(x):
        raise TypeError(f"{name} is a sparse matrix ({type(x).__name__}): pass {name}.toarray()")
    try:
        return np.asarray(x)
    except (TypeError, ValueError, RuntimeError) as error:
        # An error of another class may have a constructor of its own, and be caught by its class.
        if type(error) not in (TypeError, ValueError, RuntimeError):
            error.add_note(f"{name} cannot be made into an array")
            raise
        # RuntimeError: other libraries' arrays, on a graphics card or with a gradient to follow.
        kind = ValueError if type(error) is ValueError else TypeError
        raise kind(f"{name} cannot be made into an array: {error}") from error


cpdef bint is_sparse(object x):
    """Whether `x` is a sparse matrix, of scipy or like it (found without an import): NumPy would make one object of it."""
    return hasattr(x, "nnz") and hasattr(x, "toarray")


cpdef object real_array(object x, str name):
    """`x` as a plain array of booleans, integers or floats of any size, in any layout.

    Raises
    ------
    TypeError, ValueError
        As `as_array`; also if the elements are not real numbers.
    """
    array = as_array(x, name)
    if array.dtype.kind not in "buif":
        raise TypeError(f"{name} must hold real numbers, {fault(x, array, name)}")
    return array


cpdef object native(object array, object dtype):
    """`array` itself if compiled code can read it as `dtype`; else a C-contiguous, aligned copy in native byte order.

    No setting of `numpy.seterr` matters: what `dtype` cannot hold becomes infinite or 0.
    """
    cdef IeeeFloats floats
    dtype = np.dtype(dtype)
    flags = array.flags
    # By the letter: on some platforms long double equals double, but tells another buffer format.
    if array.dtype.char == dtype.char and array.dtype.isnative and flags.c_contiguous and flags.aligned:
        return array
    floats.begin()
    with np.errstate(all="ignore"):
        return array.astype(dtype, order="C", copy=True)


cdef Elements elements(object array, int kind, Py_ssize_t itemsize, int ndim, bint writable) except *:
    """Where an array's elements are. They stay there while the caller holds the array, which nobody may resize then.

    Parameters
    ----------
    array : numpy.ndarray
        C-contiguous and aligned.
    kind : int
        FLOATS, INTEGERS (with a sign) or BYTES (without).
    itemsize : int
        The size of an element in bytes, or 0 for any.
    ndim : int
        The number of dimensions, or 0 for any.
    writable : bool

    Raises
    ------
    TypeError, ValueError
        If the array is another one.
    """
    # The letters of a buffer's format; which of them has how many bytes is the platform's choice.
    cdef const char* letters = "fd" if kind == FLOATS else "ilq" if kind == INTEGERS else "B"
    cdef Elements found
    cdef Py_buffer view
    cdef bint fits
    if type(array) is not ndarray and not isinstance(array, ndarray):
        raise TypeError(f"expected a numpy.ndarray, got {type(array).__name__}")
    PyObject_GetBuffer(array, &view, PyBUF_FORMAT | PyBUF_ND | (PyBUF_WRITABLE if writable else 0))
    # Formats of more than one letter ("=f") tell of elements that are not aligned or not in native byte order.
    fits = view.format is not NULL and view.format[0] != 0 and view.format[1] == 0
    fits = fits and strchr(letters, view.format[0]) is not NULL and view.itemsize == (itemsize or view.itemsize)
    fits = fits and <uintptr_t>view.buf % <uintptr_t>view.itemsize == 0
    fits = fits and view.ndim == (ndim or view.ndim)
    found.data, found.itemsize, found.size = view.buf, view.itemsize, view.len // view.itemsize
    found.rows = view.shape[0] if view.ndim > 0 else 1
    found.columns = view.shape[1] if view.ndim > 1 else 1
    PyBuffer_Release(&view)
    if not fits:
        what = "float32 or float64" if kind == FLOATS else "integers" if kind == INTEGERS else "uint8"
        size, axes = f" of {itemsize} bytes each" if itemsize else "", f" in {ndim} dimensions" if ndim else ""
        raise ValueError(
            f"expected an aligned array of {what}{size}{axes} in native byte order, got {array.dtype} of shape "
            f"{array.shape}")
    return found


cdef void* data_of(object array) except NULL:
    """Address of a contiguous, writable array's elements of any type; the caller keeps the array alive."""
    cdef Py_buffer view
    cdef void* data
    PyObject_GetBuffer(array, &view, PyBUF_ND | PyBUF_WRITABLE)
    data = view.buf
    PyBuffer_Release(&view)
    return data


cdef tuple empty_like(tuple arrays):
    """An array of the same shape and type for each, contiguous and not initialised."""
    cdef list out = []
    for array in arrays:
        out.append(np.empty(array.shape, array.dtype))
    return tuple(out)


# ---- what is wrong, and what to pass instead ----

cdef str fault(object x, object array, str name):
    """The end of "x must hold real numbers, ..." for an array that does not."""
    kind = array.dtype.kind
    if array.ndim == 0 and kind == "O":
        return f"got {type(array.item()).__name__}"
    if kind == "O":
        return f"got dtype object: {fault_of_objects(x, array, name)}"
    if kind in "UST":
        hint = f": pass {remedy(x, name)}" if array.size and is_number_in_text(array.reshape(-1)[0]) else ""
        return f"got strings (dtype {array.dtype}){hint}"
    if array.dtype.names is not None:
        return (
            f"got a structured array with the fields {', '.join(array.dtype.names)}: pass one of them, or "
            f"numpy.lib.recfunctions.structured_to_unstructured({name})"
        )
    if kind == "V" and becomes_float(array):
        return f"got dtype {array.dtype}: pass {name}.astype(np.float32)"
    return f"got dtype {array.dtype}"


cdef str remedy(object x, str name):
    """How objects that stand for numbers become floats."""
    if hasattr(x, "to_numpy") and hasattr(x, "iloc"):
        return f"{name}.to_numpy(float)"
    return f"{name}.astype(float)" if isinstance(x, np.ndarray) else f"np.asarray({name}, dtype=float)"


cdef str fault_of_objects(object x, object array, str name):
    """Which element is no number, or, if all are numbers, how to pass them."""
    cdef Py_ssize_t i, n = min(array.size, MOST_OBJECTS)
    elements = array.flat
    for i in range(n):
        value = elements[i]
        if is_real(value):
            continue
        place = where(x, array.shape, i, name)
        if is_missing(value):
            return f"{place} is missing ({value!r}); fill or drop what is missing, then pass {remedy(x, name)}"
        if isinstance(value, (np.ndarray, list, tuple)):
            return f"{place} is a sequence of its own; pass np.stack({name})"
        if is_number_in_text(value):
            return f"{place} is {shortened(value)}; pass {remedy(x, name)}"
        return f"{place} is {shortened(value)}"
    return f"pass {remedy(x, name)}"


cdef str where(object x, tuple shape, Py_ssize_t i, str name):
    """An element's subscript, and the name of its column if it has one."""
    index = np.unravel_index(i, shape)
    texts = []
    for number in index:
        texts.append(str(int(number)))
    column = ""
    if len(texts) == 2 and hasattr(x, "iloc") and hasattr(x, "columns"):
        column = f" (column {x.columns[int(index[1])]!r})"
    return f"{name}[{', '.join(texts)}]{column}"


cdef str shortened(object value):
    text = repr(value)
    return f"{text if len(text) <= 40 else text[:40] + '...'} ({type(value).__name__})"


cdef bint is_real(object value):
    """Whether an object stands for one real number."""
    if isinstance(value, np.ndarray):
        return value.ndim == 0 and value.dtype.kind in "buif"
    if isinstance(value, np.generic):
        return value.dtype.kind in "buif"
    return hasattr(value, "__float__") or hasattr(value, "__index__")


cdef bint is_missing(object value):
    """Whether an object stands for no value: None, or pandas' NA and NaT."""
    return value is None or type(value).__name__ in ("NAType", "NaTType")


cdef Py_ssize_t first_missing(object array) except -2:
    """The number of the first missing element of an array of objects, or -1."""
    cdef Py_ssize_t i
    elements = array.flat
    for i in range(min(array.size, MOST_OBJECTS)):
        if is_missing(elements[i]):
            return i
    return -1


cdef bint is_number_in_text(object value):
    if not isinstance(value, (str, bytes)):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True


cdef bint becomes_float(object array):
    """Whether another package's type (bfloat16, say) can be cast."""
    try:
        array.reshape(-1)[:1].astype(np.float32)
    except (TypeError, ValueError):
        return False
    return array.dtype.type is not np.void


cdef str shape_hint(object x, str name, tuple shape, Py_ssize_t n_in):
    """What to pass where inputs hold the right numbers in another shape, or nothing."""
    cdef Py_ssize_t size = 1, row
    for n in shape:
        size *= n
    if size == 0:
        return ""
    row = size // shape[0] if shape else 0
    if len(shape) > 1 and row == n_in:
        wanted = f"(len({name}), -1)"
    elif size == n_in:
        wanted = "-1"
    elif len(shape) == 1 and size % n_in == 0:
        wanted = f"(-1, {n_in})"
    elif len(shape) == 2 and shape[0] == n_in:
        return f": pass {name}.T" if hasattr(x, "T") else f": pass np.transpose({name})"
    else:
        return ""
    if not hasattr(x, "reshape"):
        return f": pass np.reshape({name}, {wanted})"
    return f": pass {name}.reshape({wanted.strip('()')})"


cdef int refuse_labels(object t, object array) except -1:
    """Raise for targets that are no numbers."""
    kind = array.dtype.kind
    begin = "t must hold class indices or one-hot rows"
    if kind not in "OUST" or array.ndim == 0 and kind == "O":
        raise TypeError(f"{begin}, {fault(t, array, 't')}")
    if kind == "O" and array.ndim == 2 and array.shape[1] > 1:
        raise TypeError(f"{begin}, {fault(t, array, 't')}")
    missing = first_missing(array) if kind == "O" else -1
    if missing >= 0:
        raise TypeError(f"{begin}, but {where(t, array.shape, missing, 't')} is missing; fill or drop what is missing")
    what = "dtype object" if kind == "O" else f"strings (dtype {array.dtype})"
    if array.ndim == 0:
        raise TypeError(f"{begin}, got {what}: pass the number of its class")
    raise TypeError(
        f"{begin}, got {what}: number the classes by classes, t = np.unique(labels, return_inverse=True)"
    )


cdef int refuse_index(object labels, Py_ssize_t i, Py_ssize_t n_out) except -1:
    """Raise for label number i, which is no class."""
    value = labels.reshape(-1)[i]
    begin = f"t[{i}] = {value} is not a class: labels must be"
    if n_out == 1:
        raise ValueError(f"{begin} 0, as one output is one class; for two classes use output_size=2")
    if labels.dtype.kind == "f" and np.isfinite(value) and value != np.floor(value):
        raise ValueError(f"{begin} whole numbers from 0 to {n_out - 1}")
    raise ValueError(f"{begin} 0..{n_out - 1}{label_hint(labels, n_out)}")


cdef str label_hint(object labels, Py_ssize_t n_out):
    """What to do with labels that are not 0, 1, 2, ... but may be meant so."""
    if labels.size < 2 or labels.dtype.kind == "f" and not (
            np.isfinite(labels).all() and (labels == np.floor(labels)).all()):
        return ""
    low, high = int(labels.min()), int(labels.max())
    if low >= 1 and high == n_out:
        return f"; these go from {low} to {high}: if the first class is 1, pass t - 1 (subtract 1)"
    if len(np.unique(labels)) <= n_out:
        return "; number the classes by classes, t = np.unique(labels, return_inverse=True)"
    if low >= 0 and high < 1_000_000:
        return f"; labels up to {high} need {high + 1} outputs (output_size={high + 1})"
    return ""


cdef int refuse_row(Py_ssize_t i, Py_ssize_t n_out) except -1:
    """Raise for row number i of the targets, which is not one-hot."""
    if n_out == 1:
        raise ValueError(
            f"t[{i}] is not a one-hot row: one output is one class, so each row must be 1; for two classes "
            "use output_size=2 and pass one integer for each sample"
        )
    raise ValueError(
        f"t[{i}] is not a one-hot row: expected a single 1 and zeros "
        "(for class indices pass one integer for each sample)"
    )
