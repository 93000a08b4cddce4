"""Arrays out of an ``.npz`` file that nobody vouches for.

NumPy's `load` takes memory on the word of a header, and a small archive can unpack to any size.
Here an array's size is known, and limited, before anything of it is unpacked, and what is no array
of plain numbers (pickled objects among it) is refused from its header.

References
----------
NumPy's format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import errno
import math
import re
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from ..checks import excerpt, printable
from ..open_files import open_regular, read_pieces

if TYPE_CHECKING:
    from zipfile import ZipFile

    from numpy.typing import NDArray

__all__ = ["read_npz"]

_MAX_HEADER = 10_000  # NumPy's own limit
_HEADER = re.compile(
    r"\s*\{\s*'descr':\s*'([<>|=]?(?:[iu][1248]|f[248]|b1))',\s*'fortran_order':\s*(True|False),"
    r"\s*'shape':\s*\(([0-9, ]*)\)\s*,?\s*\}\s*"
)


def read_npz(path: str, names: tuple[str, ...], max_bytes: int) -> list[NDArray[Any]]:
    """Read arrays of numbers from an ``.npz`` file.

    Parameters
    ----------
    path : str
    names : tuple of str
        Names of the arrays.
    max_bytes : int
        The most that one array may take.

    Returns
    -------
    list of numpy.ndarray
        In the order of the names: C-contiguous, in the machine's byte order, writable.

    Raises
    ------
    ValueError
        If it is not such a file, lacks an array, is damaged, or holds something else under a name.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from cnet.datasets.npz import read_npz
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "labels.npz")
    ...     np.savez_compressed(path, y_train=np.array([5, 0, 4]))
    ...     read_npz(path, ("y_train",), 1000)
    [array([5, 0, 4])]
    """
    from zipfile import BadZipFile, ZipFile

    with open_regular(path) as file:
        try:
            with ZipFile(file) as archive:
                return [_read_member(archive, name, max_bytes) for name in names]
        except BadZipFile as error:
            what = printable(str(error)[:200])
            raise ValueError(f"{printable(path)}: not an npz file, or damaged: {what}") from error
        except (NotImplementedError, RuntimeError, ValueError) as error:
            # Of a method of compression, of encryption, of any number in the archive.
            raise ValueError(f"{printable(path)}: {printable(str(error)[:300])}") from error
        except OSError as error:
            # What a seek answers that is asked for a place before the beginning.
            if error.errno == errno.EINVAL:
                raise ValueError(f"{printable(path)}: not an npz file, or damaged: {error.strerror}") from error
            raise OSError(error.errno, error.strerror, path) from error


def _read_member(archive: ZipFile, name: str, max_bytes: int) -> NDArray[Any]:
    from zipfile import ZIP_DEFLATED, ZIP_STORED

    try:
        member = archive.getinfo(f"{name}.npy")
    except KeyError:
        present = excerpt([entry.removesuffix(".npy") for entry in archive.namelist()[:20]])
        raise ValueError(f"expected an array {name}, the file holds {present}") from None
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise ValueError(f"array {name} is compressed by a method that NumPy does not use")
    with archive.open(member) as stream:
        dtype, shape, fortran = _read_header(cast(BinaryIO, stream), name)
        expected = math.prod(shape) * dtype.itemsize
        if expected > max_bytes:
            raise ValueError(f"array {name} takes more than {max_bytes:,} bytes: {dtype} of {excerpt(shape)}")
        content = bytearray()
        for piece in read_pieces(cast(BinaryIO, stream), expected + 1):
            content += piece
    if len(content) != expected:
        given = "more" if len(content) > expected else len(content)
        raise ValueError(f"array {name} should have {expected} bytes, given {given}")
    array: NDArray[Any] = np.ndarray(shape, dtype, content, order="F" if fortran else "C")
    return array.astype(dtype.newbyteorder("="), order="C")


def _read_header(stream: BinaryIO, name: str) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    """Type, shape and order of an array of numbers; anything else is refused."""
    start = b"".join(read_pieces(stream, 8))
    size = {b"\1\0": 2, b"\2\0": 4}.get(start[6:])
    if start[:6] != b"\x93NUMPY" or size is None:
        raise ValueError(f"array {name} is not an .npy file: it begins with {start!r}")
    length = int.from_bytes(b"".join(read_pieces(stream, size)), "little")
    if length > _MAX_HEADER:
        raise ValueError(f"array {name} has a header of {length} bytes, at most {_MAX_HEADER} are read")
    header = b"".join(read_pieces(stream, length)).decode("latin-1")
    # Python's own syntax, but of this one form wherever an array of numbers is written.
    match = _HEADER.fullmatch(header)
    if match is None:
        raise ValueError(f"array {name} must hold numbers, its header is {excerpt(header, 100)}")
    sizes = match[3].replace(",", " ").split()
    if max(map(len, sizes), default=0) > 19 or len(sizes) > 64:
        raise ValueError(f"array {name} has a shape that NumPy cannot hold: {excerpt(match[3])}")
    return np.dtype(match[1]), tuple(map(int, sizes)), match[2] == "True"
