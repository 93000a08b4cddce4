"""Arrays out of an ``.npz`` file that nobody vouches for.

NumPy's `load` takes memory on the word of a header, and a small archive can unpack to any size.
Here an array's size is known, and limited, before anything of it is unpacked, and what is no array
of plain numbers (pickled objects among it) is refused from its header.

References
----------
NumPy's format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import math
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from ..checks import excerpt, printable
from ..open_files import open_regular, read_pieces

if TYPE_CHECKING:
    from zipfile import ZipFile

    from numpy.typing import NDArray

__all__ = ["read_npz"]


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
            raise ValueError(f"{printable(path)}: not an npz file, or damaged: {error}") from error
        except (NotImplementedError, RuntimeError, ValueError) as error:
            # Of a method of compression, of encryption, of any number in the archive.
            raise ValueError(f"{printable(path)}: {printable(str(error))}") from error


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
        try:
            dtype, shape, fortran = _read_header(stream)
        except ValueError as error:
            raise ValueError(f"array {name}: not an .npy file: {error}") from error
        if dtype.kind not in "biuf":
            raise ValueError(f"array {name} must hold numbers, given {printable(str(dtype)[:60])}")
        if min(shape, default=0) < 0:
            raise ValueError(f"array {name} cannot have shape {excerpt(shape)}")
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


def _read_header(stream: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    """Type, shape and order of an ``.npy`` file."""
    from numpy.lib import format as npy

    version = npy.read_magic(stream)
    # The third version is for names of fields, which numbers have not.
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"version {version} is not read here")
    shape, fortran, dtype = read(stream)
    return dtype, shape, fortran
