"""Files named by a path or opened by the caller: what is accepted, read and written."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, TypeAlias, cast

from .checks import check_path

__all__ = ["Clamped", "Source", "as_source", "named", "open_regular", "read_pieces", "write_pieces"]

Source: TypeAlias = str | os.PathLike[str] | BinaryIO

_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_PIECE = 1 << 20  # bytes read at a time, so that memory grows only with what is really there


def as_source(name: str, source: Any, method: str) -> str | BinaryIO:
    """Return a path as text, a leading ``~`` expanded, or the open binary file that `source` is.

    Parameters
    ----------
    name : str
        What the argument is called in errors.
    source : str, os.PathLike or file object
    method : {"read", "write"}
        What a file object must be able to do.

    Raises
    ------
    TypeError
        If it is neither, or a file opened as text.
    """
    if isinstance(source, str | bytes | os.PathLike) or not hasattr(source, method):
        try:
            return check_path(name, source)
        except TypeError:
            given = type(source).__name__
            raise TypeError(f"{name} must be a str, an os.PathLike or an open binary file, got {given}") from None
    # Wrappers of the standard library have a text file's attributes without being one.
    if isinstance(source, io.TextIOBase) or hasattr(source, "encoding"):
        mode = "rb" if method == "read" else "wb"
        raise TypeError(f"{name} is a file opened as text; open it with mode {mode!r}")
    return cast(BinaryIO, source)


def named(source: str | BinaryIO) -> str:
    """How an error names a file: a path by its repr, which has no control characters."""
    name = source if isinstance(source, str) else getattr(source, "name", None)
    return repr(name) if isinstance(name, str) and name else f"the open {type(source).__name__}"


def open_regular(path: str) -> BinaryIO:
    """Open a file for reading; a pipe, a socket or a device is refused without waiting for it.

    Raises
    ------
    OSError
        If it cannot be opened, or is a folder.
    ValueError
        If it is neither a file nor a folder.
    """
    # Opening a device can have effects of its own, so it is refused before that.
    _require_regular(os.stat(path).st_mode)
    # Should the path have become a pipe since, opening it still does not wait for a writer.
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | _NONBLOCK))
    try:
        _require_regular(os.fstat(file.fileno()).st_mode)
    except BaseException:
        file.close()
        raise
    return file


class Clamped:
    """A file for parsers that believe what a file says of its own lengths.

    A file's ``read(n)`` sets aside n bytes before it looks how many there are. This one never asks for
    more than is left.

    Parameters
    ----------
    file : binary file object
        One that can go back.

    Examples
    --------
    >>> import io
    >>> from cnet.open_files import Clamped
    >>> Clamped(io.BytesIO(b"some")).read(1 << 40)
    b'some'
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        position = file.tell()
        self._size = file.seek(0, os.SEEK_END)
        file.seek(position)

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._size - self._file.tell())
        return self._file.read(left if size is None or size < 0 else min(size, left))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def read_pieces(stream: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield at most `size` bytes of a stream, in pieces of bounded size.

    Damaged gzip or zip data is a ValueError, whichever of its three errors the standard library raises.
    """
    from gzip import BadGzipFile
    from zlib import error as ZlibError  # noqa: N812

    while size > 0:
        try:
            piece = stream.read(min(size, _PIECE))
        except (BadGzipFile, EOFError, ZlibError) as error:
            raise ValueError(f"damaged gzip or zip data: {error}") from error
        if piece is None:
            raise BlockingIOError(errno.EAGAIN, "the open file does not wait for its data")
        if not isinstance(piece, bytes | bytearray):
            raise TypeError(f"the open file must give bytes, got {type(piece).__name__}")
        if not piece:
            return
        size -= len(piece)
        yield piece


def write_pieces(file: BinaryIO, pieces: Iterable[bytes | bytearray | memoryview]) -> None:
    """Write all of each piece, also into a file without a buffer, which may take a part at a time."""
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            count = file.write(rest)
            if not isinstance(file, io.RawIOBase):
                break
            if not count:
                raise BlockingIOError(errno.EAGAIN, "the open file does not take more data now")
            rest = rest[count:]


def _require_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise ValueError("it is a pipe, a socket or a device, not a file")
