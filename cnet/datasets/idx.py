"""The IDX file format, in which MNIST and its look-alikes are published.

A file is a header followed by the elements in C order, all of it big-endian::

    00 00            two zero bytes
    type             one byte: the element type, see the table below
    ndim             one byte: the number of dimensions
    size ...         ndim unsigned 32-bit integers
    elements ...

References
----------
Yann LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits",
section "The IDX file format". http://yann.lecun.com/exdb/mnist/
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from ..atomic_file import replacing
from ..checks import refuse_masked

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["read_idx", "write_idx"]

# The type byte, and NumPy's kind and size in bytes of the same element.
_ELEMENTS = {0x08: "u1", 0x09: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}
_TYPE_BYTES = {element: type_byte for type_byte, element in _ELEMENTS.items()}

# What to cast to, by NumPy's kind, when IDX has no such type.
_CAST_TO = {
    "b": "to uint8",
    "i": "to int32 (or to uint8, for labels) if its values fit",
    "u": "to int32 if its values fit, or to float64",
    "f": "to float32 or float64",
    "c": "its real and imaginary parts, each to float64",
}

_MAX_NDIM = 64  # NumPy's own limit
_PIECE = 1 << 20  # bytes read at a time, so that memory grows only with what is really there
_GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read an IDX file, gzipped or plain.

    Whether it is gzipped is decided by the content, not by the name. The sizes in the header are
    checked against the bytes that are there: no memory is taken, and nothing inflated, on the
    word of a header alone.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    ndarray
        The array of the file's own shape and element type (uint8, int8, int16, int32, float32
        or float64): C-contiguous, in the machine's byte order, writable.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not an IDX file, is shorter or longer than its header says, has a shape that
        NumPy cannot hold, or is damaged gzip data.

    References
    ----------
    http://yann.lecun.com/exdb/mnist/, section "The IDX file format".

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from cnet.datasets import read_idx, write_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "labels-idx1-ubyte.gz")
    ...     write_idx(path, np.array([5, 0, 4], dtype=np.uint8))
    ...     read_idx(path)
    array([5, 0, 4], dtype=uint8)
    """
    name = os.fsdecode(path)
    with open(name, "rb") as file:
        try:
            return _parse(uncompressed(file))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error


def write_idx(path: str | os.PathLike[str], array: ArrayLike) -> None:
    """Write an array as an IDX file, gzipped when the path ends in ``.gz``.

    The file appears whole or not at all: it is written under a temporary name in the same folder
    and then renamed. A gzipped file carries no time and no name, so that the same array gives
    the same bytes.

    Parameters
    ----------
    path : str or path-like
        Where to write. An existing file is replaced.
    array : array_like
        The elements: uint8, int8, int16, int32, float32 or float64 in any byte order and memory
        layout, of any number of dimensions, each size below 2**32.

    Raises
    ------
    TypeError
        If IDX has no such element type. Nothing is cast silently.
    ValueError
        If a dimension is too large for the header, or values are masked.
    OSError
        If the file cannot be written. What was at `path` before is then still there.

    References
    ----------
    http://yann.lecun.com/exdb/mnist/, section "The IDX file format".

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from cnet.datasets import write_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "pair-idx1-short")
    ...     write_idx(path, np.array([1, -1], dtype=np.int16))
    ...     with open(path, "rb") as file:
    ...         file.read().hex(" ")
    '00 00 0b 01 00 00 00 02 00 01 ff ff'
    """
    name = os.fsdecode(path)
    refuse_masked("array", array)
    elements = np.asarray(array)
    header = _header(elements)
    big_endian = elements.astype(elements.dtype.newbyteorder(">"), order="C", copy=False)
    content = big_endian.reshape(-1).view(np.uint8).data
    with replacing(name) as file:
        if not name.endswith(".gz"):
            file.write(header)
            file.write(content)
            return
        from gzip import GzipFile

        # The empty name keeps the temporary file's name out of the gzip header. On MNIST's images
        # level 6 takes a fifteenth of the time of level 9 and gives two percent more bytes.
        with GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as stream:
            stream.write(header)
            stream.write(content)


def uncompressed(file: BinaryIO) -> BinaryIO:
    """Return a stream of a file's content from its beginning, inflated if it is gzipped."""
    file.seek(0)
    magic = file.read(len(_GZIP_MAGIC))
    file.seek(0)
    if magic != _GZIP_MAGIC:
        return file
    from gzip import GzipFile

    return cast(BinaryIO, GzipFile(fileobj=file, mode="rb"))


def read_pieces(stream: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield at most `size` bytes of a stream, in pieces of bounded size.

    Damaged gzip data is a ValueError, whichever of its three errors the standard library raises.
    """
    from gzip import BadGzipFile
    from zlib import error as ZlibError  # noqa: N812

    while size > 0:
        try:
            piece = stream.read(min(size, _PIECE))
        except (BadGzipFile, EOFError, ZlibError) as error:
            raise ValueError(f"damaged gzip data: {error}") from error
        if not piece:
            return
        size -= len(piece)
        yield piece


def _parse(stream: BinaryIO) -> NDArray[Any]:
    """Read a whole IDX stream into an array."""
    element, shape = _parse_header(stream)
    expected = math.prod(shape) * np.dtype(element).itemsize
    content = bytearray()
    # One byte more than expected shows what does not belong there, and takes gzip to its end,
    # where its checksum is.
    for piece in read_pieces(stream, expected + 1):
        content += piece
    if len(content) != expected:
        given = "more" if len(content) > expected else f"{len(content)}"
        raise ValueError(
            f"the header declares {np.dtype(element)} elements of shape {shape}: expected "
            f"{expected} bytes after it, given {given}"
        )
    try:
        array: NDArray[Any] = np.ndarray(shape, np.dtype(element).newbyteorder(">"), content)
    except ValueError as error:
        raise ValueError(
            f"expected a shape that NumPy can hold, given {shape}: {error}"
        ) from error
    # Always a copy: NumPy asks for huge pages where it allocates a large array, and training, which
    # reads rows here and there, then misses fewer translations of addresses.
    return array.astype(element)


def _parse_header(stream: BinaryIO) -> tuple[str, tuple[int, ...]]:
    """Read the element type, as NumPy's kind and size, and the shape."""
    magic = b"".join(read_pieces(stream, 4))
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _ELEMENTS:
        known = ", ".join(f"{type_byte:02x}" for type_byte in _ELEMENTS)
        raise ValueError(
            f"not an IDX file: expected it to begin with 00 00, a type out of {known} and the "
            f"number of dimensions, given {magic.hex(' ') or 'nothing'}"
        )
    ndim = magic[3]
    if ndim > _MAX_NDIM:
        raise ValueError(f"expected at most {_MAX_NDIM} dimensions, given {ndim}")
    sizes = b"".join(read_pieces(stream, 4 * ndim))
    if len(sizes) < 4 * ndim:
        raise ValueError(
            f"the header of an array of {ndim} dimensions is cut short: expected "
            f"{4 + 4 * ndim} bytes, given {4 + len(sizes)}"
        )
    return _ELEMENTS[magic[2]], struct.unpack(f">{ndim}I", sizes)


def _header(array: NDArray[Any]) -> bytes:
    """Make the header of an array, or refuse the array."""
    dtype = array.dtype
    type_byte = _TYPE_BYTES.get(f"{dtype.kind}{dtype.itemsize}")
    if type_byte is None:
        advice = _CAST_TO.get(dtype.kind)
        raise TypeError(
            "IDX holds uint8, int8, int16, int32, float32 or float64, given "
            f"{dtype}: {f'cast it {advice}' if advice else 'expected an array of numbers'}"
        )
    if max(array.shape, default=0) >= 2**32:
        raise ValueError(f"expected every dimension below 2**32, given shape {array.shape}")
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, type_byte, array.ndim, *array.shape)
