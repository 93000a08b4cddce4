"""Only one process at a time may train into a folder."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .console import Failure, warn

__all__ = ["owning"]

LOCK = ".cnet-lock"
# What ``atomic_file.replacing`` calls a file that is not whole yet.
TEMPORARY = re.compile(r"\.cnet-[0-9a-f]+\.tmp")
# A link there would have a file made somewhere else.
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
# What systems answer where a file system has no locks.
NO_LOCKS = {getattr(errno, name) for name in ("ENOLCK", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL")}


@contextmanager
def owning(folder: str) -> Iterator[None]:
    """Hold a run's folder, and remove what killed runs left half written there.

    The lock is the system's own, on an open file: it ends with the process, however that ends.

    Parameters
    ----------
    folder : str
        It must exist.

    Raises
    ------
    Failure
        If another process holds it.
    OSError
        If nothing can be written there; it names `folder`.
    """
    descriptor = _locked(folder)
    try:
        _remove_temporary_files(folder)
        yield
    finally:
        _release(folder, descriptor)


def _locked(folder: str) -> int:
    """A descriptor of the lock file, locked."""
    path = os.path.join(folder, LOCK)
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | NO_FOLLOW, 0o666)
        except OSError as error:
            # The user has never heard of the lock file.
            raise OSError(error.errno, error.strerror, folder) from None
        try:
            _lock(descriptor)
            # Its last owner may have removed it between the two calls; then this lock guards nothing.
            if _is_there(path, descriptor):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise Failure(
                f"{folder}: another run is training into this folder; wait until it ends, or choose another "
                "folder (--out)"
            ) from None
        except OSError as error:
            if error.errno in NO_LOCKS:
                warn(f"{folder}: this file system has no locks ({error.strerror}); let no other run train "
                     "into this folder meanwhile")
                return descriptor
            os.close(descriptor)
            raise OSError(error.errno, error.strerror, folder) from None
        os.close(descriptor)


def _is_there(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _release(folder: str, descriptor: int) -> None:
    """Remove the lock file and give the lock back, in the order in which nobody else's is removed."""
    path = os.path.join(folder, LOCK)
    if sys.platform == "win32":
        # A file that another process has open cannot be removed there.
        os.close(descriptor)
        with suppress(OSError):
            os.unlink(path)
    else:
        with suppress(OSError):
            if _is_there(path, descriptor):
                os.unlink(path)
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        """Take the lock, or raise BlockingIOError."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(error.errno, error.strerror) from None
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        """Take the lock, or raise BlockingIOError."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_temporary_files(folder: str) -> None:
    """Remove the temporary files of writers that were killed; who owns the folder has none yet."""
    with os.scandir(folder) as entries:
        left = [
            entry.path for entry in entries
            if TEMPORARY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
        ]
    for path in left:
        with suppress(OSError):
            os.unlink(path)
