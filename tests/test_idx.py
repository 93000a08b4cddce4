"""The IDX file format: bytes assembled by hand with struct are the independent source."""

from __future__ import annotations

import gzip
import importlib.util
import math
import os
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnet.datasets import read_idx, write_idx

# The type byte of the format's table, NumPy's name of the element and struct's letter for it.
TYPES = [
    (0x08, "uint8", "B", [0, 1, 127, 128, 255, 7]),
    (0x09, "int8", "b", [0, 1, 127, -128, -1, 7]),
    (0x0B, "int16", "h", [0, 1, 32767, -32768, -1, 258]),
    (0x0C, "int32", "i", [0, 1, 2**31 - 1, -(2**31), -1, 16909060]),
    (0x0D, "float32", "f", [0.0, -0.0, 1.5, -2.25, math.inf, 2.0**-149]),
    (0x0E, "float64", "d", [0.0, -0.0, 0.1, -1e300, -math.inf, 5e-324]),
]


def idx_bytes(type_byte: int, letter: str, shape: tuple[int, ...], values: list) -> bytes:
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, type_byte, len(shape), *shape)
    return header + struct.pack(f">{len(values)}{letter}", *values)


def write(folder: Path, content: bytes, name: str = "some.idx") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("type_byte,dtype,letter,values", TYPES)
@pytest.mark.parametrize("zipped", [False, True])
def test_read_each_element_type(tmp_path, type_byte, dtype, letter, values, zipped):
    content = idx_bytes(type_byte, letter, (2, 3), values)
    # The names say the opposite of the content: only the content counts.
    name = "some.idx" if zipped else "some.idx.gz"
    array = read_idx(write(tmp_path, gzip.compress(content) if zipped else content, name))
    assert same_bits(array, np.array(values, dtype=dtype).reshape(2, 3))
    assert array.dtype.isnative
    assert array.flags.c_contiguous and array.flags.writeable and array.flags.aligned
    array[0, 0] = 1


@pytest.mark.parametrize("type_byte,dtype,letter,values", TYPES)
@pytest.mark.parametrize("name", ["some.idx", "some.idx.gz"])
def test_write_each_element_type(tmp_path, type_byte, dtype, letter, values, name):
    path = tmp_path / name
    write_idx(path, np.array(values, dtype=dtype).reshape(3, 2))
    content = path.read_bytes()
    if name.endswith(".gz"):
        content = gzip.decompress(content)
    assert content == idx_bytes(type_byte, letter, (3, 2), values)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize(
    "shape", [(), (0,), (1,), (5,), (0, 3), (3, 0, 2), (2, 3, 4), (1,) * 32, (2,) * 10]
)
@pytest.mark.parametrize("name", ["a.idx", "a.idx.gz"])
def test_any_number_of_dimensions(tmp_path, shape, name):
    count = math.prod(shape)
    values = [i % 1000 - 500 for i in range(count)]
    array = read_idx(write(tmp_path, idx_bytes(0x0B, "h", shape, values)))
    assert same_bits(array, np.array(values, dtype=np.int16).reshape(shape))
    write_idx(tmp_path / name, array)
    content = (tmp_path / name).read_bytes()
    content = gzip.decompress(content) if name.endswith(".gz") else content
    assert content == idx_bytes(0x0B, "h", shape, values)


def test_more_dimensions_than_numpy_holds(tmp_path):
    for ndim in (65, 255):
        path = write(tmp_path, idx_bytes(0x08, "B", (1,) * ndim, [7]))
        with pytest.raises(ValueError, match=rf"some\.idx: .*at most 64 .*given {ndim}"):
            read_idx(path)


def test_zero_elements_do_not_hide_an_impossible_shape(tmp_path):
    path = write(tmp_path, idx_bytes(0x0E, "d", (0, 2**32 - 1, 2**32 - 1, 2**32 - 1), []))
    with pytest.raises(ValueError, match=r"some\.idx: .*shape that NumPy can hold.*4294967295"):
        read_idx(path)


LABELS = idx_bytes(0x08, "B", (3,), [5, 0, 4])


@pytest.mark.parametrize(
    "content,message",
    [
        (b"", "not an IDX file.*given nothing"),
        (b"\0", "not an IDX file.*given 00"),
        (b"\0\0\x08", "not an IDX file.*given 00 00 08"),
        (b"\x01" + LABELS[1:], "not an IDX file.*given 01 00 08 01"),
        (b"\0\x01" + LABELS[2:], "not an IDX file.*given 00 01 08 01"),
        (b"\0\0\x0a\x01" + LABELS[4:], "08, 09, 0b, 0c, 0d, 0e.*given 00 00 0a 01"),
        (b"PK\x03\x04 a zip archive", "not an IDX file.*given 50 4b 03 04"),
        (LABELS[:7], "1 dimensions is cut short: expected 8 bytes, given 7"),
        (LABELS[:-1], r"uint8 .*shape \(3,\): expected 3 bytes .*given 2$"),
        (LABELS[:8], r"expected 3 bytes .*given 0$"),
        (LABELS + b"\0", r"expected 3 bytes .*given more$"),
        (idx_bytes(0x0C, "i", (2,), [1]), r"int32 .*shape \(2,\): expected 8 bytes .*given 4$"),
        (idx_bytes(0x08, "B", (), []), r"shape \(\): expected 1 bytes .*given 0$"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_wrong_content_is_a_value_error_that_names_the_file(tmp_path, content, message, zipped):
    path = write(tmp_path, gzip.compress(content) if zipped else content, "wrong.idx")
    with pytest.raises(ValueError, match=rf"wrong\.idx: .*{message}"):
        read_idx(path)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("shape", [(2**32 - 1,) * 3, (2**31,), (2**32 - 1,) * 64])
def test_a_huge_declaration_allocates_nothing(tmp_path, zipped, shape):
    content = idx_bytes(0x0E, "d", shape, [1.0, 2.0])
    path = write(tmp_path, gzip.compress(content) if zipped else content)
    with pytest.raises(ValueError, match="given 16$"):
        read_idx(path)
    tracemalloc.start()
    with pytest.raises(ValueError):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_a_gzip_bomb_is_not_inflated(tmp_path, monkeypatch):
    """Ten declared bytes, 64 MiB of zeros behind them: inflating stops after a buffer's worth."""
    content = idx_bytes(0x08, "B", (10,), [0] * 10) + bytes(64 << 20)
    path = write(tmp_path, gzip.compress(content, compresslevel=1))
    inflated = 0
    crc32 = zlib.crc32

    def counting(data, *rest):
        # GzipFile takes the checksum of each piece that it inflates, and of nothing else.
        nonlocal inflated
        inflated += len(data)
        return crc32(data, *rest)

    monkeypatch.setattr(zlib, "crc32", counting)
    tracemalloc.start()
    with pytest.raises(ValueError, match="expected 10 bytes after it, given more"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0 < inflated <= 1 << 18
    assert peak < 4 << 20


def test_damaged_gzip(tmp_path):
    whole = gzip.compress(idx_bytes(0x08, "B", (4000,), [i * i % 251 for i in range(4000)]))
    # The last eight bytes are the checksum and the length of what was compressed.
    # The first byte behind the header of ten begins a block; 7 is a kind that does not exist.
    reserved = whole[:10] + b"\x07" + whole[11:]
    for damaged in (whole[: len(whole) // 2], whole[:-1], whole[:3], whole + b"rubbish", reserved):
        with pytest.raises(ValueError, match=r"bad\.gz: .*gzip"):
            read_idx(write(tmp_path, damaged, "bad.gz"))
    for position in (2, len(whole) // 2, len(whole) - 8, len(whole) - 1):
        flipped = bytearray(whole)
        flipped[position] ^= 0x40
        with pytest.raises(ValueError, match=r"bad\.gz: "):
            read_idx(write(tmp_path, bytes(flipped), "bad.gz"))


def test_gzip_of_several_members(tmp_path):
    """The gzip format (RFC 1952) allows a file to be cut into members; they are joined."""
    content = gzip.compress(LABELS[:5]) + gzip.compress(LABELS[5:])
    assert read_idx(write(tmp_path, content)).tolist() == [5, 0, 4]


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    prefix=st.sampled_from(
        [b"", b"\0\0", b"\0\0\x08\x01", b"\0\0\x0d\x02\0\0\0\x02", b"\x1f\x8b"]
    ),
    rest=st.binary(max_size=40),
    zipped=st.booleans(),
)
def test_any_bytes_are_read_or_refused(tmp_path, prefix, rest, zipped):
    content = prefix + rest
    path = write(tmp_path, gzip.compress(content) if zipped else content)
    try:
        array = read_idx(path)
    except ValueError as error:
        assert "some.idx" in str(error)
    else:
        assert len(content) == 4 + 4 * array.ndim + array.nbytes
        assert array.shape == struct.unpack_from(f">{content[3]}I", content, 4)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), which=st.sampled_from(TYPES), zipped=st.booleans())
def test_round_trip_keeps_every_bit(tmp_path, data, which, zipped):
    """NaN payloads included: the elements are compared as bytes."""
    dtype = np.dtype(which[1])
    shape = data.draw(st.lists(st.integers(0, 4), max_size=4).map(tuple))
    size = math.prod(shape) * dtype.itemsize
    array = np.frombuffer(data.draw(st.binary(min_size=size, max_size=size)) + b"\0" * 8, "u1")
    array = array[:size].view(dtype).reshape(shape)
    path = tmp_path / ("a.gz" if zipped else "a")
    write_idx(path, array)
    assert same_bits(read_idx(path), array)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        read_idx(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="absent"):
        write_idx(tmp_path / "absent" / "a.idx", np.zeros(1, np.uint8))
    with pytest.raises(TypeError):
        read_idx(0)  # an open file's number is not a path
    with pytest.raises(OSError):
        read_idx(tmp_path)


LAYOUTS = {
    "every second column": lambda a: a[:, ::2],
    "transposed": lambda a: a.T,
    "Fortran order": np.asfortranarray,
    "reversed": lambda a: a[::-1],
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "big-endian": lambda a: a.astype(">i4"),
    "broadcast": lambda a: np.broadcast_to(a[:1], (5, 6)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_write_any_memory_layout(tmp_path, layout):
    array = LAYOUTS[layout](np.arange(24, dtype=np.int32).reshape(4, 6) * 70000)
    array.flags.writeable = False
    write_idx(tmp_path / "a", array)
    expected = [int(value) for row in array.tolist() for value in row]
    assert (tmp_path / "a").read_bytes() == idx_bytes(0x0C, "i", array.shape, expected)


@pytest.mark.parametrize(
    "array,advice",
    [
        (np.zeros(2, np.int64), "given int64: cast it to int32"),
        (np.zeros(2, bool), "given bool: cast it to uint8"),
        (np.zeros(2, np.uint16), "given uint16: cast it to int32"),
        (np.zeros(2, np.uint32), "given uint32: cast it to int32.*float64"),
        (np.zeros(2, np.float16), "given float16: cast it to float32"),
        (np.zeros(2, complex), "given complex128: .*real and imaginary"),
        (np.array([None, 1], dtype=object), "given object: expected an array of numbers"),
        (np.array(["a", "b"]), "given <U1: expected an array of numbers"),
        (np.zeros(2, "M8[s]"), "given datetime64.*: expected an array of numbers"),
        (np.zeros(2, [("a", "u1")]), "expected an array of numbers"),
    ],
)
def test_write_refuses_types_that_idx_lacks(tmp_path, array, advice):
    with pytest.raises(TypeError, match=f"IDX holds uint8, .*{advice}"):
        write_idx(tmp_path / "a", array)
    assert os.listdir(tmp_path) == []


def test_write_refuses_masked_values(tmp_path):
    array = np.ma.masked_array([1, 2, 3], mask=[False, True, False], dtype=np.uint8)
    with pytest.raises(ValueError, match="array is a masked array with masked values"):
        write_idx(tmp_path / "masked", array)
    assert not os.listdir(tmp_path)
    write_idx(tmp_path / "whole", array.filled(7))
    write_idx(tmp_path / "nothing masked", np.ma.masked_array(array.filled(7)))
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "nothing masked").read_bytes()


def test_write_refuses_a_dimension_beyond_32_bits(tmp_path):
    array = np.broadcast_to(np.uint8(1), (2**32, 0))
    with pytest.raises(ValueError, match=r"below 2\*\*32, given shape \(4294967296, 0\)"):
        write_idx(tmp_path / "a", array)
    assert os.listdir(tmp_path) == []


def test_paths_of_any_kind(tmp_path):
    array = np.array([1, 2], np.uint8)
    for path in (tmp_path / "ä 1", str(tmp_path / "b.gz"), os.fsencode(tmp_path / "c")):
        write_idx(path, array)
        assert read_idx(path).tolist() == [1, 2]


def test_gzipped_bytes_are_reproducible(tmp_path):
    array = np.arange(100, dtype=np.uint8)
    write_idx(tmp_path / "a.gz", array)
    write_idx(tmp_path / "other.gz", array)
    first = (tmp_path / "a.gz").read_bytes()
    assert first == (tmp_path / "other.gz").read_bytes()
    # RFC 1952: byte 3 holds the flags (0: no name), bytes 4 to 7 the time.
    assert first[:8] == b"\x1f\x8b\x08" + bytes(5)


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step, error):
    path = tmp_path / "a.gz"
    write_idx(path, np.array([1, 2], np.uint8))

    def fail(*args):
        # What was written so far lies beside the target, in a file of another name.
        assert len(os.listdir(tmp_path)) == 2
        raise error

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(error)):
        write_idx(path, np.array([3, 4], np.uint8))
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["a.gz"]
    assert read_idx(path).tolist() == [1, 2]
    write_idx(path, np.array([3, 4], np.uint8))
    assert read_idx(path).tolist() == [3, 4]


@pytest.mark.parametrize("name", ["a", "a.gz"])
def test_everything_is_on_the_disk_before_the_rename(tmp_path, monkeypatch, name):
    synced = []
    fsync, replace = os.fsync, os.replace

    def sync(descriptor):
        fsync(descriptor)
        synced.append(os.fstat(descriptor).st_size)

    def rename(source, target):
        assert len(synced) == 1
        replace(source, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", rename)
    write_idx(tmp_path / name, np.arange(100, dtype=np.uint8))
    assert synced[0] == (tmp_path / name).stat().st_size


def test_write_spares_what_is_not_a_regular_file(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_idx(tmp_path / "folder", np.zeros(1, np.uint8))
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links and modes are POSIX here")
def test_symbolic_link_and_permissions(tmp_path):
    write_idx(tmp_path / "real", np.array([1], np.uint8))
    (tmp_path / "link").symlink_to("real")
    write_idx(tmp_path / "link", np.array([2], np.uint8))
    assert (tmp_path / "link").is_symlink()
    assert read_idx(tmp_path / "real").tolist() == [2]
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "real").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_import_is_light():
    """What only reading, writing or downloading needs is imported by them."""
    # Stand-ins for the packages above the two modules keep out what other modules import.
    package = importlib.util.find_spec("cnet.datasets")
    assert package is not None
    folder = list(package.submodule_search_locations or [])
    code = (
        "import os, sys, types, numpy, numpy.ma\n"
        "for name in 'cnet', 'cnet.datasets':\n"
        "    sys.modules[name] = types.ModuleType(name)\n"
        f"sys.modules['cnet.datasets'].__path__ = {folder!r}\n"
        f"sys.modules['cnet'].__path__ = [os.path.dirname(path) for path in {folder!r}]\n"
        "before = set(sys.modules)\n"
        "import cnet.datasets.mnist\n"
        "print(*(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert imported >= {"cnet.datasets.idx", "cnet.datasets.mnist"}
    heavy = {"gzip", "zlib", "hashlib", "tempfile", "pathlib", "pooch", "requests", "tqdm"}
    assert not imported & heavy
