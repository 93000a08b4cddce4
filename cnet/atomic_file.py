"""Writing a file whole or not at all.

A file is written under a temporary name beside its own, flushed to the disk, and renamed: a reader,
a crash or a power failure finds the old file or the new one. Not every place allows that. What is
kept where it does not:

- The file system cannot flush (EINVAL, ENOSYS, ENOTSUP): everything, as long as the power stays on.
- The file cannot be replaced by renaming, because it is a mount point (a single file that is mounted
  into a container), because its folder is read-only or belongs to somebody else, or because the file
  system does not rename: the new content is complete before the file is touched, it is then copied
  over the old one, and on any error the old content is copied back. A reader at that very moment, or
  a crash, would find part of it, so a `CnetWarning` says so.
"""

from __future__ import annotations

import errno
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from typing import BinaryIO, NamedTuple, cast

from .errors import CnetWarning

__all__ = ["replacing"]

# What a file system answers that does not know an operation.
_UNKNOWN = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}
_CANNOT_FLUSH = _UNKNOWN | {errno.EINVAL}
_CANNOT_RENAME = _UNKNOWN | {errno.EBUSY, errno.EXDEV, errno.EPERM}
_CANNOT_CREATE = _UNKNOWN | {errno.EROFS, errno.EACCES, errno.EPERM}

_PIECE = 1 << 20
# Up to here content lies in memory where no file can be created beside the target.
_IN_MEMORY = 1 << 26


class _Target(NamedTuple):
    """The file to be replaced, links followed, and its permission bits if it is there."""

    path: str
    mode: int | None


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

    Warns
    -----
    CnetWarning
        If the file was written in place, because renaming is not possible here.

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
    refusal = leftover = None
    try:
        target = _target_of(path)
        temporary = os.path.join(os.path.dirname(target.path), f".cnet-{os.urandom(8).hex()}.tmp")
        try:
            try:
                file = _create(temporary, target.mode)
            except OSError as error:
                # /proc and its like, of which the folder is there.
                if error.errno == errno.ENOENT:
                    raise OSError(errno.ENOENT, "no file can be created in its folder") from error
                # A file that is not there cannot be written without creating it, either.
                if error.errno not in _CANNOT_CREATE or target.mode is None:
                    raise
                refusal, file = error, _spool()
            with file:
                yield file
                file.flush()
                if refusal is None:
                    _flush_to_disk(file.fileno())
                else:
                    _copy_over(file, target)
            if refusal is None:
                refusal = _replace(temporary, target)
        except BaseException as failure:
            if leftover := _remove(temporary):
                failure.add_note(leftover)
            raise
        leftover = _remove(temporary)
        _sync_folder(os.path.dirname(target.path))
    except OSError as error:
        # The user asked for this path and has never heard of the temporary one.
        named = OSError(error.errno, error.strerror or str(error), path)
        for note in getattr(error, "__notes__", ()):
            named.add_note(note)
        raise named from error
    if refusal is not None:
        warnings.warn(
            f"{path!r} was written in place: it cannot be replaced by renaming ({refusal.strerror}), so that "
            "a reader at that moment, or a crash, would have found part of it; save into a folder where files "
            "can be created and renamed, such as a mounted folder instead of a mounted file"
            + (f" ({leftover})" if leftover else ""),
            CnetWarning, stacklevel=4,
        )


def _target_of(path: str) -> _Target:
    # realpath would drop a final "/" or "/." and so turn a folder's name into a file's.
    if os.path.basename(path) in ("", os.curdir, os.pardir):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    target = os.path.realpath(path)
    if not os.path.isdir(os.path.dirname(target)):
        raise FileNotFoundError(errno.ENOENT, "no such folder")
    if not os.path.lexists(target):
        return _Target(target, None)
    mode = os.stat(target).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe, a socket or a device, not a file")
    # Renaming over a write-protected file would succeed; opening it for writing would not.
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return _Target(target, mode & 0o777)


def _create(temporary: str, mode: int | None) -> BinaryIO:
    # With the right permissions from the start: a private file is never open to others.
    file = open(temporary, "x+b", opener=lambda p, flags: os.open(p, flags, mode or 0o666))
    try:
        if mode is not None and os.fstat(file.fileno()).st_mode & 0o777 != mode:
            os.chmod(temporary, mode)
    except BaseException:
        file.close()
        raise
    return file


def _spool() -> BinaryIO:
    """A file of no name, which vanishes with the process: in memory, and, if it is large, on a disk."""
    from tempfile import SpooledTemporaryFile  # only needed where nothing else is possible

    return cast(BinaryIO, SpooledTemporaryFile(_IN_MEMORY))


def _flush_to_disk(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_FLUSH:
            raise


def _replace(temporary: str, target: _Target) -> OSError | None:
    """Rename the temporary file, or copy it and return the system's answer if it cannot be renamed."""
    try:
        os.replace(temporary, target.path)
        return None
    except OSError as error:
        if error.errno not in _CANNOT_RENAME:
            raise
        with open(temporary, "rb") as file:
            _copy_over(file, target)
        return error


def _copy_over(source: BinaryIO, target: _Target) -> None:
    """Copy a complete file over the target; on any failure put the target's old content back."""
    existed = target.mode is not None
    # Without a buffer, which would try again to write what has failed.
    with open(target.path, "r+b" if existed else "xb", buffering=0) as file, _spool() as backup:
        if existed:
            while piece := file.read(_PIECE):
                backup.write(piece)
        try:
            _overwrite(file, source)
        except BaseException as failure:
            try:
                if existed:
                    _overwrite(file, backup)
                else:
                    os.unlink(target.path)
            except OSError as error:
                failure.add_note(f"its old content could not be put back, so that it is damaged: {error}")
            raise


def _overwrite(file: FileIO, source: BinaryIO) -> None:
    # Not truncated first: a full disk then still has room for what was there before.
    file.seek(0)
    source.seek(0)
    while piece := source.read(_PIECE):
        rest = memoryview(piece)
        while rest:
            rest = rest[file.write(rest) :]
    file.truncate()
    _flush_to_disk(file.fileno())


def _remove(temporary: str) -> str | None:
    """Remove the temporary file if it is there; say so if the system does not allow it."""
    if os.path.lexists(temporary):
        try:
            os.unlink(temporary)
        except OSError as error:
            return f"the temporary file {temporary!r} could not be removed: {error.strerror}"
    return None


def _sync_folder(folder: str) -> None:
    """Ask for the renaming itself to reach the disk, on platforms that can open a folder."""
    # The new file is complete and in place: an error here is no reason to report a failed write.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
