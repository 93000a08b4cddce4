"""The IDX file format: bytes assembled by hand with struct are the independent source."""

from __future__ import annotations

import gzip
import importlib.util
import io
import math
import os
import struct
import subprocess
import sys
import tempfile
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


@pytest.mark.parametrize("type_byte,dtype,letter,values", TYPES)
def test_a_large_array_is_not_copied(tmp_path, monkeypatch, type_byte, dtype, letter, values):
    count = (4 << 20) // np.dtype(dtype).itemsize // 6
    path = write(tmp_path, gzip.compress(idx_bytes(type_byte, letter, (count, 6), values * count), compresslevel=1))
    expected = np.array(values * count, dtype=dtype).reshape(count, 6)
    assert same_bits(read_idx(path), expected)
    monkeypatch.setattr("cnet.datasets.idx._LARGE", 1 << 20)
    tracemalloc.start()
    array = read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert same_bits(array, expected) and array.dtype.isnative
    assert array.flags.c_contiguous and array.flags.writeable and array.flags.aligned
    assert peak < 8 << 20  # with a copy over 8.5


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
@pytest.mark.parametrize(
    "shape,limit,message",
    [
        ((2**32 - 1,) * 3, {}, r"more than 10\*\*20 bytes"),
        ((500_000_001,), {}, "take 4,000,000,008 bytes: expected at most 4,000,000,000 "),
        ((2**31,), {}, "take 17,179,869,184 bytes: expected at most 4,000,000,000 .*max_bytes"),
        ((2**32 - 1,) * 64, {}, r"more than 10\*\*20 bytes"),
        ((500_000_000,), {}, "expected 4000000000 bytes after it, given 16$"),
        ((2**40 // 2**10, 2**10), {"max_bytes": 2**60}, "given 16$"),
        ((3,), {"max_bytes": 23}, "take 24 bytes: expected at most 23 "),
        ((3,), {"max_bytes": np.int64(24)}, "given 16$"),
    ],
)
def test_a_huge_declaration_allocates_nothing(tmp_path, zipped, shape, limit, message):
    content = idx_bytes(0x0E, "d", shape, [1.0, 2.0])
    path = write(tmp_path, gzip.compress(content) if zipped else content)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path, **limit)
    assert len(str(caught.value)) < 400
    tracemalloc.start()
    with pytest.raises(ValueError):
        read_idx(path, **limit)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_the_limit_is_the_largest_array_that_is_read(tmp_path):
    path = write(tmp_path, LABELS)
    assert read_idx(path, max_bytes=3).tolist() == [5, 0, 4]
    for wrong in (0, -1, 2**63):
        with pytest.raises(ValueError, match="max_bytes must be from 1"):
            read_idx(path, max_bytes=wrong)
    for wrong in (None, 1.5, "4GB", True):
        with pytest.raises(TypeError, match="max_bytes must be an integer"):
            read_idx(path, max_bytes=wrong)
    with pytest.raises(TypeError):
        read_idx(path, 10)  # by name only


def test_a_bomb_within_its_header_stops_at_the_limit(tmp_path):
    """A header that tells the truth about 64 MiB, and a caller who wants no more than one."""
    bomb = gzip.compress(idx_bytes(0x08, "B", (64 << 20,), []) + bytes(64 << 20), compresslevel=1)
    assert len(bomb) < 1 << 19
    tracemalloc.start()
    with pytest.raises(ValueError, match="67,108,864 bytes: expected at most 1,048,576"):
        read_idx(write(tmp_path, bomb), max_bytes=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices")
def test_a_pipe_or_a_device_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for path in (tmp_path / "pipe", tmp_path / "link", "/dev/zero", "/dev/null"):
        with pytest.raises(ValueError, match="not a file"):
            read_idx(path)
        with pytest.raises(OSError):
            write_idx(path, np.zeros(1, np.uint8))
    assert sorted(os.listdir(tmp_path)) == ["link", "pipe"]


def test_home_folder(tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    write_idx("~/labels.gz", np.array([5, 0, 4], np.uint8))
    assert os.listdir(tmp_path) == ["labels.gz"]
    assert read_idx(Path("~/labels.gz")).tolist() == [5, 0, 4]


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kind", ["BytesIO", "file", "unbuffered", "pipe", "gzip"])
def test_read_an_open_file_from_its_position(tmp_path, kind, zipped):
    content = gzip.compress(LABELS) if zipped else LABELS
    path = write(tmp_path, b"before" + content)
    if kind == "BytesIO":
        file = io.BytesIO(path.read_bytes())
    elif kind == "pipe":
        if os.name != "posix":
            pytest.skip("a pipe that holds what is written")
        end, begin = os.pipe()
        os.write(begin, path.read_bytes())
        os.close(begin)
        file = open(end, "rb")
    elif kind == "gzip":
        write(tmp_path, gzip.compress(b"before" + content), "a.gz")
        file = gzip.open(tmp_path / "a.gz")
    else:
        file = open(path, "rb", buffering=0 if kind == "unbuffered" else -1)
    with file:
        assert file.read(6) == b"before"
        assert same_bits(read_idx(file), np.array([5, 0, 4], np.uint8))
        assert file.read() == b"" and not file.closed


@pytest.mark.parametrize("kind", ["BytesIO", "file", "unbuffered", "spooled", "gzip"])
def test_write_into_an_open_file_at_its_position(tmp_path, kind):
    path = tmp_path / "a.gz"
    file = {
        "BytesIO": io.BytesIO,
        "file": lambda: open(path, "w+b"),
        "unbuffered": lambda: open(path, "w+b", buffering=0),
        "spooled": tempfile.SpooledTemporaryFile,
        "gzip": lambda: gzip.open(path, "wb"),
    }[kind]()
    with file:
        file.write(b"before")
        write_idx(file, np.array([5, 0, 4], np.uint8))
        file.write(b"after")
        assert not file.closed
        if kind == "gzip":
            file.close()
            written = gzip.decompress(path.read_bytes())
        else:
            file.seek(0)
            written = file.read()
    assert written == b"before" + LABELS + b"after"


def test_a_file_without_a_buffer_that_takes_a_part_at_a_time():
    class Slow(io.RawIOBase):
        taken = b""

        def writable(self):
            return True

        def write(self, data):
            self.taken += bytes(data[:5])
            return min(5, len(data))

    slow = Slow()
    write_idx(slow, np.arange(100, dtype=np.uint8))
    assert slow.taken == idx_bytes(0x08, "B", (100,), list(range(100)))


def test_open_files_that_do_not_serve(tmp_path):
    path = write(tmp_path, LABELS)
    with open(path, encoding="latin-1") as text, pytest.raises(TypeError, match="opened as text.*'rb'"):
        read_idx(text)
    with open(tmp_path / "new", "w", encoding="latin-1") as text:
        with pytest.raises(TypeError, match="opened as text.*'wb'"):
            write_idx(text, np.zeros(1, np.uint8))
    for text in (io.StringIO("x"), tempfile.NamedTemporaryFile("w+")):
        with text, pytest.raises(TypeError, match="opened as text"):
            read_idx(text)
    with open(path, "rb") as file, pytest.raises(io.UnsupportedOperation):
        write_idx(file, np.zeros(1, np.uint8))
    with open(tmp_path / "new", "wb") as file, pytest.raises(io.UnsupportedOperation):
        read_idx(file)
    with open(path, "rb") as file:
        pass
    with pytest.raises(ValueError, match="closed file"):
        read_idx(file)
    for nothing in (3, None, 1.5, ["a"], np.zeros(3)):
        with pytest.raises(TypeError, match="an os.PathLike or an open binary file, got"):
            read_idx(nothing)
        with pytest.raises(TypeError, match="an os.PathLike or an open binary file, got"):
            write_idx(nothing, np.zeros(1, np.uint8))
    with pytest.raises(ValueError, match="the open BytesIO: not an IDX file"):
        read_idx(io.BytesIO(b"something"))
    with open(path, "r+b") as file:
        file.truncate(10)
        with pytest.raises(ValueError, match=r"some\.idx: .*given 2$"):
            read_idx(file)


@pytest.mark.skipif(os.name != "posix", reason="such names are possible there only")
def test_a_files_name_and_content_do_not_reach_the_terminal(tmp_path):
    for name in ("a\x1b[2J", "b\nb", "c\x9b1m", "d\u202ed"):
        with pytest.raises(ValueError) as caught:
            read_idx(write(tmp_path, b"\x1b]0;title\x07", name))
        assert str(caught.value).isprintable()
    with pytest.raises(ValueError) as caught:
        read_idx(os.fsencode(write(tmp_path, b"", os.fsdecode(b"e\xff"))))
    assert str(caught.value).isprintable()


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
