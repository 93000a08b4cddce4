"""The model file: tensors and text in the safetensors format, with a checksum over every byte.

The file is eight bytes of header length (little-endian), a JSON header padded with spaces to a
multiple of eight, and the tensors' bytes in little-endian C order without gaps. Any safetensors
reader opens it. cnet adds one metadata entry, ``cnet_checksum``: the SHA-256 of the whole file
image with the checksum's own 64 digits replaced by zeros. It is always the first entry, so that
it stands at a fixed place and is found before anything is parsed.

References
----------
The safetensors format: https://huggingface.co/docs/safetensors/index#format
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import math
import os
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple, NoReturn, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from .atomic_file import replacing
from .checks import excerpt
from .guarded_json import parse_json
from .open_files import Source, as_source, named, open_regular, read_pieces, write_pieces

__all__ = ["FOREIGN", "Entry", "Header", "read_header", "read_model", "write_model"]

_Tensors: TypeAlias = dict[str, NDArray[Any]]

_CHECKSUM_KEY = "cnet_checksum"
_DIGITS = 64
_LENGTH_SIZE = 8
_PREFIX = f'{{"__metadata__":{{"{_CHECKSUM_KEY}":"'.encode()
_CHECKSUM = slice(_LENGTH_SIZE + len(_PREFIX), _LENGTH_SIZE + len(_PREFIX) + _DIGITS)
_DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}

# The format allows headers of 100 MB, but parsed JSON takes up to thirty times its text in memory.
# The header of a network is under one kilobyte, so cnet neither writes nor parses more than this.
_MAX_HEADER = 1 << 20

FOREIGN = {
    **dict.fromkeys((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), "a pickle"),
    b"\x89PNG": "a PNG image",
    b"\x93NUMPY": "a NumPy .npy file",
    b"PK\x03\x04": "a ZIP archive (such as NumPy .npz or PyTorch)",
    b"\x89HDF": "an HDF5 file (such as Keras .h5)",
    b"\x1f\x8b": "a gzip file",
    b"\x00\x00\x08": "an IDX file (the format of MNIST)",
}


def _damaged(what: str) -> NoReturn:
    raise ValueError(f"it is damaged: {what}")


class Entry(NamedTuple):
    """One tensor; its offsets count from the end of the header."""

    begin: int
    end: int
    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


class Header(NamedTuple):
    """What stands in front of the tensors: metadata, and where they are; and the sizes of the file and of this."""

    size: int
    length: int
    metadata: dict[str, str]
    entries: list[Entry]


def write_model(
    path: Source, tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]
) -> None:
    """Write tensors and metadata to exactly the path given, all or nothing.

    The file is written under a temporary name in the same folder, flushed to the disk and renamed:
    whatever happens, the path holds the old file or the new one. An existing file keeps its
    permissions; if the path is a symbolic link, the file that it points to is replaced. Where the
    system does not allow renaming, the file is written in place, and a `CnetWarning` says so.

    Parameters
    ----------
    path : str, os.PathLike or file object
        The file to write; ``~`` is the home folder, and no suffix is added. An open binary file
        is written to at its position, and is left open. What it holds after an error is not defined.
    tensors : mapping of str to ndarray
        Arrays of float32 or float64, of any shape.
    metadata : mapping of str to str
        Free text. The key ``cnet_checksum`` is reserved.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type, also a file opened as text; if a name is reserved or is
        not valid Unicode, or if the header would pass 1 MiB.
    OSError
        If the file cannot be written, or the path leads to a pipe or a device. What was there
        before is then still there.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from cnet.model_file import read_model, write_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     write_model(path, {"b1": np.array([0.5, -1.0])}, {"activation": "sigmoid"})
    ...     read_model(path)
    ({'b1': array([ 0.5, -1. ])}, {'activation': 'sigmoid'})
    """
    target = as_source("path", path, "write")
    for what, given in (("tensors", tensors), ("metadata", metadata)):
        if not isinstance(given, Mapping):
            raise TypeError(f"{what} must be a mapping, got {type(given).__name__}")
    blocks = _snapshot(tensors)
    header = _build_header(blocks, metadata)
    if len(header) > _MAX_HEADER:
        raise ValueError(f"names and metadata take {len(header)} bytes, {_MAX_HEADER} are allowed")
    head = bytearray(len(header).to_bytes(_LENGTH_SIZE, "little") + header)
    digest = hashlib.sha256(head)
    for block in blocks.values():
        digest.update(_bytes_of(block))
    head[_CHECKSUM] = digest.hexdigest().encode()
    pieces = [memoryview(head), *map(_bytes_of, blocks.values())]
    if isinstance(target, str):
        with replacing(target) as file:
            write_pieces(file, pieces)
    else:
        write_pieces(target, pieces)


def read_model(path: Source) -> tuple[_Tensors, dict[str, str]]:
    """Read a file that `write_model` wrote, and verify every byte of it.

    Parameters
    ----------
    path : str, os.PathLike or file object
        The file to read; ``~`` is the home folder. An open binary file is read from its position to
        its end, and is left open.

    Returns
    -------
    tensors : dict of str to ndarray
        Arrays of float32 or float64: native byte order, C-contiguous, writable, owning their data.
    metadata : dict of str to str
        The metadata as given to `write_model`.

    Raises
    ------
    TypeError
        If the path is neither a str nor an os.PathLike nor an open binary file.
    ValueError
        If the file is not a cnet model, is truncated or is damaged; the message says which. Also if
        it is a pipe or a device.
    OSError
        If the file cannot be read, or does not fit into memory.

    Examples
    --------
    >>> import numpy
    >>> from cnet.model_file import read_model
    >>> read_model(numpy.__file__)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: cannot read '...numpy...': it is not a cnet model: it begins with ...
    """
    source = as_source("path", path, "read")
    try:
        if not isinstance(source, str):
            return _read_open(source)
        with open_regular(source) as file:
            size = os.fstat(file.fileno()).st_size
            head = _read_head(file, size)
            metadata, layout = _parse_header(head[_LENGTH_SIZE:])
            _check_size(layout, size - len(head))
            return _read_tensors(file, head, layout), metadata
    except ValueError as error:
        # An open file that cannot be read at all says so by an OSError that is a ValueError, too.
        if isinstance(error, OSError):
            raise
        raise ValueError(f"cannot read {named(source)}: {error}") from error
    except MemoryError as error:
        name = source if isinstance(source, str) else None
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), name) from error


def read_header(path: str) -> Header:
    """Read what a file that `write_model` wrote tells of its tensors, but not the tensors.

    Parameters
    ----------
    path : str
        The file to read.

    Returns
    -------
    Header
        Its length counts from the beginning of the file to the first tensor.

    Raises
    ------
    ValueError, OSError
        As `read_model`; but the checksum, which is over all the file, is not compared.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from cnet.model_file import read_header, write_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     write_model(path, {"b1": np.array([0.5, -1.0])}, {"activation": "sigmoid"})
    ...     header = read_header(path)
    >>> header.size - header.length, header.entries[0].shape
    (16, (2,))
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            head = _read_head(file, size)
            metadata, layout = _parse_header(head[_LENGTH_SIZE:])
            _check_size(layout, size - len(head))
            return Header(size, len(head), metadata, layout)
    except ValueError as error:
        raise ValueError(f"cannot read {named(path)}: {error}") from error


def _read_open(file: BinaryIO) -> tuple[_Tensors, dict[str, str]]:
    """Read from an open file, of which neither the size is known nor whether it can go back."""
    head = _read_head(file, None)
    metadata, layout = _parse_header(head[_LENGTH_SIZE:])
    data = bytearray()
    # One byte more than there should be shows what does not belong there.
    for piece in read_pieces(file, _end(layout) + 1):
        data += piece
    _check_size(layout, len(data))
    return _read_tensors(io.BytesIO(data), head, layout), metadata


def _checked_text(text: object, what: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{what} must be a str, got {excerpt(text)} of type {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} must be valid Unicode, got {excerpt(text)}") from None
    return text


def _snapshot(tensors: Mapping[str, NDArray[Any]]) -> _Tensors:
    """Little-endian C-ordered copies, the wider type first so that every tensor is aligned."""
    blocks: _Tensors = {}
    for name, tensor in tensors.items():
        if _checked_text(name, "a tensor's name") == "__metadata__":
            raise ValueError("'__metadata__' cannot be a tensor's name: the format reserves it")
        if not isinstance(tensor, np.ndarray) or tensor.dtype.name not in ("float32", "float64"):
            given = f"{type(tensor).__name__} {getattr(tensor, 'dtype', '')}"
            raise TypeError(f"tensor {name!r} must be a float32 or float64 ndarray, got {given}")
        # The checksum is computed before the bytes are written: both must see the same values.
        blocks[name] = np.array(tensor, dtype=f"<f{tensor.dtype.itemsize}", order="C", copy=True)
    return dict(sorted(blocks.items(), key=lambda item: -item[1].itemsize))


def _build_header(blocks: _Tensors, metadata: Mapping[str, str]) -> bytes:
    """The padded JSON header, with zeros in the place of the checksum's digits."""
    for key, value in metadata.items():
        if _checked_text(key, "a metadata key") == _CHECKSUM_KEY:
            raise ValueError(f"the metadata key {_CHECKSUM_KEY!r} is reserved for the checksum")
        _checked_text(value, f"the metadata value of {key!r}")
    header: dict[str, Any] = {"__metadata__": {_CHECKSUM_KEY: "0" * _DIGITS, **metadata}}
    begin = 0
    for name, block in blocks.items():
        header[name] = {
            "dtype": f"F{8 * block.itemsize}",
            "shape": list(block.shape),
            "data_offsets": [begin, begin + block.nbytes],
        }
        begin += block.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % 8)


def _bytes_of(block: NDArray[Any]) -> memoryview:
    return block.reshape(-1).view(np.uint8).data


def _read_head(file: BinaryIO, size: int | None) -> bytes:
    """The header with the eight bytes before it, if the file begins as cnet's files do."""
    start = b"".join(read_pieces(file, _LENGTH_SIZE + len(_PREFIX)))
    if start[_LENGTH_SIZE:] != _PREFIX:
        raise ValueError(_describe_foreign(start))
    length = int.from_bytes(start[:_LENGTH_SIZE], "little")
    if size is not None and length > size - _LENGTH_SIZE:
        raise ValueError(f"it is truncated or damaged: its header should have {length} bytes")
    if not len(_PREFIX) + _DIGITS < length <= _MAX_HEADER:
        raise ValueError(f"it is damaged: its header cannot have {length} bytes")
    head = start + b"".join(read_pieces(file, _LENGTH_SIZE + length - len(start)))
    if len(head) != _LENGTH_SIZE + length:
        raise ValueError(f"it is truncated: its header should have {length} bytes")
    return head


def _describe_foreign(start: bytes) -> str:
    """Say what a file is that does not begin as cnet's files do."""
    after = start[_LENGTH_SIZE:]
    if _PREFIX.startswith(after):
        return f"it is truncated or not a cnet model: it has only {len(start)} bytes"
    if start[4:9] == b"\0\0\0\0{":
        return f"it was not written by cnet: a safetensors file without {_CHECKSUM_KEY} in front"
    for magic, kind in FOREIGN.items():
        if start.startswith(magic):
            return f"it is not a cnet model but {kind}"
    return f"it is not a cnet model: it begins with {start[:12]!r}"


def _parse_header(header: bytes) -> tuple[dict[str, str], list[Entry]]:
    """The metadata, and the tensors in file order, which must follow each other without gaps."""
    try:
        # The tensors' shapes are lists in objects in an object.
        tree = parse_json(header, max_bytes=_MAX_HEADER, max_depth=3)
    except ValueError as error:
        _damaged(f"its header: {error}")
    metadata = tree.pop("__metadata__")  # It begins with the prefix, so all this is there.
    for key, value in metadata.items():
        if not isinstance(value, str):
            _damaged(f"the metadata value of {excerpt(key)} is not text")
        _checked_text(key + value, "metadata")
    del metadata[_CHECKSUM_KEY]
    layout = sorted(_parse_entry(name, entry) for name, entry in tree.items())
    position = 0
    for entry in layout:
        if entry.begin != position:
            _damaged(f"tensor {excerpt(entry.name)} begins at {entry.begin}, expected {position}")
        position = entry.end
    return metadata, layout


def _end(layout: list[Entry]) -> int:
    return layout[-1].end if layout else 0


def _check_size(layout: list[Entry], size: int) -> None:
    if _end(layout) > size:
        raise ValueError(f"it is truncated: its tensors take {_end(layout)} bytes, {size} are there")
    if _end(layout) < size:
        _damaged(f"more follows its tensors, which take {_end(layout)} bytes")


def _parse_entry(name: str, entry: object) -> Entry:
    _checked_text(name, "a tensor's name")
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        _damaged(f"tensor {excerpt(name)} is not described by a dtype, a shape and data_offsets")
    dtype, shape, offsets = _DTYPES.get(str(entry["dtype"])), entry["shape"], entry["data_offsets"]
    if dtype is None:
        raise ValueError(f"tensor {excerpt(name)} is {excerpt(entry['dtype'])}, cnet reads F32 and F64")
    for sizes in (shape, offsets):
        if not isinstance(sizes, list) or not all(type(n) is int and n >= 0 for n in sizes):
            _damaged(f"the shape or data_offsets of tensor {excerpt(name)} are not lists of sizes")
    if len(shape) > 64 or len(offsets) != 2:
        _damaged(f"tensor {excerpt(name)} has {len(shape)} dimensions and {len(offsets)} data_offsets")
    size = math.prod(shape) * dtype.itemsize
    if offsets[1] - offsets[0] != size:
        _damaged(f"tensor {excerpt(name)} takes {size} bytes, its data_offsets are {excerpt(offsets)}")
    return Entry(offsets[0], offsets[1], name, dtype, tuple(shape))


def _read_tensors(file: BinaryIO, head: bytes, layout: list[Entry]) -> _Tensors:
    digest = hashlib.sha256(head[: _CHECKSUM.start] + b"0" * _DIGITS + head[_CHECKSUM.stop :])
    tensors = {}
    for entry in layout:
        block: NDArray[Any] = np.empty(entry.shape, entry.dtype)
        if cast(io.BufferedReader, file).readinto(_bytes_of(block)) != block.nbytes:
            raise ValueError("it is truncated: it became shorter while it was read")
        digest.update(_bytes_of(block))
        tensors[entry.name] = block.astype(entry.dtype.newbyteorder("="), copy=False)
    if head[_CHECKSUM] != digest.hexdigest().encode():
        _damaged("its checksum does not match its contents")
    return tensors
