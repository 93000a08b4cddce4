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

import errno
import math
import os
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from ..atomic_file import replacing
from ..checks import check_count, excerpt, printable, refuse_masked
from ..open_files import Source, as_source, open_regular, read_pieces, write_pieces

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
MAX_BYTES = 4_000_000_000
_LARGE = 1 << 29  # bytes of which a second copy, for a moment, would be too much to ask for
_GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: Source, *, max_bytes: int = MAX_BYTES) -> NDArray[Any]:
    """Read an IDX file, gzipped or plain.

    Whether it is gzipped is decided by the content, not by the name. The sizes in the header are
    checked against `max_bytes`, and then against the bytes that are there: no memory is allocated, and
    nothing decompressed, because of a header alone.

    Parameters
    ----------
    path : str, path-like or file object
        The file; ``~`` is the home folder. An open binary file is read from its position to its end,
        and is left open.
    max_bytes : int, default 4,000,000,000
        The most that the array may take. A larger one is refused from its header.

    Returns
    -------
    ndarray
        The array of the file's own shape and element type (uint8, int8, int16, int32, float32
        or float64): C-contiguous, in the machine's byte order, writable.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If `path` is neither a path nor an open binary file, or `max_bytes` is no integer.
    ValueError
        If it is not an IDX file, is shorter or longer than its header says, has a shape that
        NumPy cannot hold, would take more than `max_bytes`, or is damaged gzip data. Also if it is
        a pipe, a socket or a device.
    OSError
        If the file cannot be read, or does not fit into memory.

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
    limit = check_count("max_bytes", max_bytes, 2**63 - 1)
    source = as_source("path", _decoded(path), "read")
    try:
        if not isinstance(source, str):
            return _parse(uncompressed(source), limit)
        with open_regular(source) as file:
            return _parse(uncompressed(file), limit)
    except ValueError as error:
        # An open file that cannot be read at all says so by an OSError that is a ValueError, too.
        if isinstance(error, OSError):
            raise
        raise ValueError(f"{_shown(source)}: {error}") from error
    except MemoryError as error:
        name = source if isinstance(source, str) else None
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), name) from error


def write_idx(path: Source, array: ArrayLike) -> None:
    """Write an array as an IDX file, gzipped when the path ends in ``.gz``.

    The file appears whole or not at all: it is written under a temporary name in the same folder
    and then renamed. A gzipped file carries no time and no name, so that the same array gives
    the same bytes.

    Parameters
    ----------
    path : str, path-like or file object
        Where to write; ``~`` is the home folder. An existing file is replaced. Into an open binary
        file the array is written as it is, not gzipped, at its position; it is left open. What it
        holds after an error is not defined.
    array : array_like
        The elements: uint8, int8, int16, int32, float32 or float64 in any byte order and memory
        layout, of any number of dimensions, each size below 2**32.

    Raises
    ------
    TypeError
        If IDX has no such element type (nothing is cast silently), or `path` is neither a path nor
        an open binary file.
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
    target = as_source("path", _decoded(path), "write")
    refuse_masked("array", array)
    elements = np.asarray(array)
    header = _header(elements)
    big_endian = elements.astype(elements.dtype.newbyteorder(">"), order="C", copy=False)
    content = big_endian.reshape(-1).view(np.uint8).data
    pieces = (header, content)
    if not isinstance(target, str):
        write_pieces(target, pieces)
        return
    with replacing(target) as file:
        if target.endswith(".gz"):
            _write_gzipped(file, pieces)
        else:
            write_pieces(file, pieces)


def uncompressed(file: BinaryIO) -> BinaryIO:
    """Return a stream of a file's content from its position, inflated if it is gzipped."""
    magic = b"".join(read_pieces(file, len(_GZIP_MAGIC)))
    whole = cast(BinaryIO, _Ahead(magic, file))
    if magic != _GZIP_MAGIC:
        return whole
    from gzip import GzipFile

    return cast(BinaryIO, GzipFile(fileobj=whole, mode="rb"))


class _Ahead:
    """A stream whose first bytes have been read already; it need not be able to go back."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start = start
        self._rest = rest

    def read(self, size: int) -> bytes:
        piece, self._start = self._start[:size], self._start[size:]
        return piece or self._rest.read(size)


def _write_gzipped(file: BinaryIO, pieces: Iterable[bytes | memoryview]) -> None:
    from gzip import GzipFile

    # The empty name keeps the temporary file's name out of the gzip header. On MNIST's images
    # level 6 takes a fifteenth of the time of level 9 and gives two percent more bytes.
    with GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as stream:
        for piece in pieces:
            stream.write(piece)


def _decoded(path: Any) -> Any:
    """Names of files may be bytes, too."""
    return os.fsdecode(path) if isinstance(path, bytes) else path


def _shown(source: str | BinaryIO) -> str:
    name = source if isinstance(source, str) else getattr(source, "name", None)
    return printable(name) if isinstance(name, str) and name else f"the open {type(source).__name__}"


def _parse(stream: BinaryIO, max_bytes: int) -> NDArray[Any]:
    """Read a whole IDX stream into an array."""
    element, shape = _parse_header(stream)
    expected = math.prod(shape) * np.dtype(element).itemsize
    if expected > max_bytes:
        size = f"{expected:,}" if expected < 10**20 else "more than 10**20"
        raise ValueError(
            f"the header declares {np.dtype(element)} elements of shape {excerpt(shape)}, which take {size} "
            f"bytes: expected at most {max_bytes:,} (if you trust the file, pass a larger max_bytes)"
        )
    content = bytearray()
    # One byte more than expected shows what does not belong there, and takes gzip to its end,
    # where its checksum is.
    for piece in read_pieces(stream, expected + 1):
        content += piece
    if len(content) != expected:
        given = "more" if len(content) > expected else f"{len(content)}"
        raise ValueError(
            f"the header declares {np.dtype(element)} elements of shape {excerpt(shape)}: expected "
            f"{expected} bytes after it, given {given}"
        )
    try:
        array: NDArray[Any] = np.ndarray(shape, np.dtype(element).newbyteorder(">"), content)
    except ValueError as error:
        raise ValueError(
            f"expected a shape that NumPy can hold, given {excerpt(shape)}: {error}"
        ) from error
    if expected > _LARGE:
        # Once in memory, not twice.
        return (array if array.dtype.isnative else array.byteswap(inplace=True)).view(element)
    # A copy: NumPy asks for huge pages where it allocates a large array, and training, which reads
    # rows here and there, then misses fewer translations of addresses.
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
