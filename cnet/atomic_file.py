"""Writing a file whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

__all__ = ["replacing"]


@contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """Open a temporary file that takes the place of `path` if the block ends without an error.

    It lies in the same folder, because a rename is atomic only within a file system, and is
    removed on any failure. A symbolic link is followed, not replaced; permissions are kept.

    Parameters
    ----------
    path : str

    Yields
    ------
    file object
        Binary, for writing and reading.

    Raises
    ------
    OSError
        If the file cannot be written; it names `path`. What was there before is still there.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "greeting")
    ...     with replacing(path) as file:
    ...         _ = file.write(b"hello")
    ...     os.listdir(folder)
    ['greeting']
    """
    try:
        target, mode = _target_of(path)
        temporary = os.path.join(os.path.dirname(target), f".cnet-{os.urandom(8).hex()}.tmp")
        try:
            # With the right permissions from the start: a private file is never open to others.
            with open(temporary, "x+b", opener=lambda p, flags: os.open(p, flags, mode or 0o666)) as file:
                if mode is not None and os.fstat(file.fileno()).st_mode & 0o777 != mode:
                    os.chmod(temporary, mode)
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        _sync_folder(os.path.dirname(target))
    except OSError as error:
        # The user asked for this path and has never heard of the temporary one.
        raise OSError(error.errno, error.strerror or str(error), path) from error


def _target_of(path: str) -> tuple[str, int | None]:
    """The file to be replaced, links followed, and its permission bits if there is one."""
    # realpath would drop a final "/" or "/." and so turn a folder's name into a file's.
    if os.path.basename(path) in ("", os.curdir, os.pardir):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    target = os.path.realpath(path)
    if not os.path.isdir(os.path.dirname(target)):
        raise FileNotFoundError(errno.ENOENT, "no such folder")
    if not os.path.lexists(target):
        return target, None
    mode = os.stat(target).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe, a socket or a device, not a file")
    # Renaming over a write-protected file would succeed; opening it for writing would not.
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return target, mode & 0o777


def _sync_folder(folder: str) -> None:
    """Ask for the renaming itself to reach the disk, on platforms that can open a folder."""
    # The new file is complete and in place: an error here is no reason to report a failed write.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
