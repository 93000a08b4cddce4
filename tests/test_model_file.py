"""The model file: readable by the official package, all or nothing, every byte verified."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import pickle
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import textwrap
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnet.model_file import read_model, write_model

POSIX = os.name == "posix"
ROOT = POSIX and os.geteuid() == 0
ZEROS = b"0" * 64
METADATA = {"format_version": "1", "sizes": "2,3", "note": 'π "quoted" \\ \n 𝄞'}


def sample_tensors() -> dict[str, np.ndarray]:
    return {
        "W1": np.array([[1.5, -0.0, 1e-45]], dtype=np.float32),
        "b1": np.array([0.1, np.nan, -1e308]),
        "scalar": np.array(7.25),
        "empty": np.zeros((0, 3), dtype=np.float32),
    }


def seal(header: bytes, data: bytes = b"") -> bytes:
    """A file image with a right checksum, built from the format's description.

    The header has 64 zeros where the checksum belongs.
    """
    image = struct.pack("<Q", len(header)) + header + data
    return image.replace(ZEROS, hashlib.sha256(image).hexdigest().encode(), 1)


def header_with(entries: str, metadata: str = "") -> bytes:
    """A header that begins as the format of cnet wants it, and goes on as the caller likes."""
    text = '{"__metadata__":{"cnet_checksum":"' + "0" * 64 + '"' + metadata + "}" + entries + "}"
    return text.encode()


ENTRY = ',"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
EIGHT = struct.pack("<2f", 1.5, -2.0)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("model_file") / "model"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    write_model(path, sample_tensors(), METADATA)
    return path


def refusal(path: Path, image: bytes) -> str:
    """The message with which a file of these bytes is refused."""
    path.write_bytes(image)
    with pytest.raises(ValueError) as info:
        read_model(path)
    assert repr(str(path)) in str(info.value)
    return str(info.value)


def assert_same_bits(actual: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert actual.keys() == expected.keys()
    for name, array in expected.items():
        assert actual[name].shape == array.shape
        assert actual[name].dtype == array.dtype.newbyteorder("=")
        assert actual[name].tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()


# --- What is written ----------------------------------------------------------------------------


def test_round_trip(model: Path) -> None:
    tensors, metadata = read_model(model)
    assert_same_bits(tensors, sample_tensors())
    assert metadata == METADATA


def test_arrays_that_are_read_belong_to_the_caller(model: Path) -> None:
    for array in read_model(model)[0].values():
        assert array.dtype.isnative
        assert array.flags.c_contiguous and array.flags.writeable and array.flags.owndata
        assert type(array) is np.ndarray


def test_the_official_package_reads_our_files(model: Path) -> None:
    numpy_files = pytest.importorskip("safetensors.numpy")
    safetensors = pytest.importorskip("safetensors")
    assert_same_bits(numpy_files.load_file(model), sample_tensors())
    with safetensors.safe_open(model, "numpy") as file:
        metadata = file.metadata()
    assert len(metadata.pop("cnet_checksum")) == 64
    assert metadata == METADATA


def test_a_file_of_the_official_package_is_refused_for_its_missing_checksum(
    tmp_path: Path,
) -> None:
    numpy_files = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "official"
    for metadata in (None, {"cnet_version": "1"}):
        image = numpy_files.save({"a": np.ones(3, np.float32)}, metadata)
        assert "was not written by cnet" in refusal(path, image)


def test_a_file_of_the_official_package_is_read_once_it_is_sealed(tmp_path: Path) -> None:
    numpy_files = pytest.importorskip("safetensors.numpy")
    tensors = {"a": np.arange(6.0).reshape(2, 3), "b": np.float32([[4]]), "c": np.zeros((2, 0))}
    # One metadata entry, because the package writes several in any order.
    image = numpy_files.save(tensors, {"cnet_checksum": "0" * 64})
    path = tmp_path / "sealed"
    path.write_bytes(image.replace(ZEROS, hashlib.sha256(image).hexdigest().encode(), 1))
    assert_same_bits(read_model(path)[0], tensors)


def test_layout_follows_the_format(model: Path) -> None:
    image = model.read_bytes()
    (length,) = struct.unpack("<Q", image[:8])
    assert length % 8 == 0
    header = json.loads(image[8 : 8 + length])
    checksum = header.pop("__metadata__")["cnet_checksum"]
    assert hashlib.sha256(image.replace(checksum.encode(), ZEROS)).hexdigest() == checksum
    position = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        array = sample_tensors()[name]
        assert entry["data_offsets"] == [position, position + array.nbytes]
        assert position % array.itemsize == 0
        begin = 8 + length + position
        assert image[begin : begin + array.nbytes] == array.astype(f"<f{array.itemsize}").tobytes()
        position += array.nbytes
    assert len(image) == 8 + length + position


def test_any_layout_and_byte_order_in_memory_is_written_in_c_order(tmp_path: Path) -> None:
    path = tmp_path / "model"
    base = np.arange(24.0).reshape(4, 6)
    tensors = {"f": np.asfortranarray(base), "view": base[::2, ::-3], "big": base.astype(">f8")}
    write_model(path, tensors, {})
    actual = read_model(path)[0]
    for name, array in tensors.items():
        np.testing.assert_array_equal(actual[name], array)
        assert actual[name].dtype == np.float64 and actual[name].dtype.isnative


def test_no_tensors_and_no_metadata(tmp_path: Path) -> None:
    write_model(tmp_path / "model", {}, {})
    assert read_model(tmp_path / "model") == ({}, {})


@pytest.mark.parametrize(
    ("tensors", "metadata", "error", "word"),
    [
        ({"a": [1.0]}, {}, TypeError, "list"),
        ({"a": np.float64(1.0)}, {}, TypeError, "'a'"),
        ({"a": np.ones(2, int)}, {}, TypeError, "int"),
        ({"a": np.ones(2, np.float16)}, {}, TypeError, "float16"),
        ({"a": np.ones(2, complex)}, {}, TypeError, "complex"),
        ({"a": np.array([None])}, {}, TypeError, "object"),
        ({1: np.ones(2)}, {}, TypeError, "name"),
        ({"__metadata__": np.ones(2)}, {}, ValueError, "__metadata__"),
        ({"\ud800": np.ones(2)}, {}, ValueError, "Unicode"),
        ([], {}, TypeError, "tensors"),
        ({}, [], TypeError, "metadata"),
        ({}, {"a": 1}, TypeError, "'a'"),
        ({}, {1: "a"}, TypeError, "key"),
        ({}, {"a": "\udc80"}, ValueError, "Unicode"),
        ({}, {"cnet_checksum": "0"}, ValueError, "reserved"),
        ({}, {"a": "x" * (1 << 20)}, ValueError, "1048576"),
    ],
)
def test_bad_contents_are_refused_before_anything_is_written(
    tmp_path: Path, tensors: Any, metadata: Any, error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        write_model(tmp_path / "model", tensors, metadata)
    assert os.listdir(tmp_path) == []


# --- Where it is written ------------------------------------------------------------------------


@pytest.mark.parametrize("path", [3, b"model", None, 1.5, ["model"]])
def test_a_path_is_a_str_or_a_pathlike(path: Any) -> None:
    with pytest.raises(TypeError, match="path"):
        write_model(path, {}, {})
    with pytest.raises(TypeError, match="path"):
        read_model(path)


@pytest.mark.parametrize("name", ["model", "model.npz", "ünï 𝄞", "a" * (255 if POSIX else 100)])
def test_exactly_the_path_given_is_written(tmp_path: Path, name: str) -> None:
    write_model(str(tmp_path / name), {"a": np.ones(1)}, {})
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert read_model(str(tmp_path / name))[0]["a"] == 1


def test_a_relative_path_is_written_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_model("model", {}, {})
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("ending", ["", "/", "/.", "/..", "/new/", "/new/."])
def test_a_folder_is_not_replaced(tmp_path: Path, ending: str) -> None:
    with pytest.raises(OSError):
        write_model(str(tmp_path) + ending, {}, {})
    with pytest.raises(OSError):
        read_model(str(tmp_path) + ending)
    assert os.listdir(tmp_path) == []


def test_errors_of_the_system_name_the_path_that_was_given(tmp_path: Path) -> None:
    path = str(tmp_path / "missing" / "model")
    for call in (lambda: write_model(path, {}, {}), lambda: read_model(path)):
        with pytest.raises(FileNotFoundError) as info:
            call()
        assert info.value.filename == path
    for call in (lambda: write_model("", {}, {}), lambda: read_model("")):
        with pytest.raises(OSError):
            call()
    for call in (lambda: write_model("a\0b", {}, {}), lambda: read_model("a\0b")):
        with pytest.raises(ValueError, match="null"):
            call()


@pytest.mark.skipif(not POSIX, reason="symbolic links need a privilege elsewhere")
def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    link, target = tmp_path / "link", folder / "target"
    link.symlink_to(Path("folder") / "target")
    for value in (1.0, 2.0):  # The link dangles the first time.
        write_model(link, {"a": np.array(value)}, {})
        assert link.is_symlink() and not target.is_symlink()
        assert read_model(link)[0]["a"] == read_model(target)[0]["a"] == value
    assert sorted(os.listdir(tmp_path)) == ["folder", "link"]
    assert os.listdir(folder) == ["target"]


@pytest.mark.skipif(not POSIX, reason="symbolic links need a privilege elsewhere")
def test_a_loop_of_links_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError):
        write_model(tmp_path / "loop", {}, {})
    assert (tmp_path / "loop").is_symlink() and len(os.listdir(tmp_path)) == 1


@pytest.mark.skipif(not POSIX, reason="permission bits")
def test_permissions_come_from_the_umask_or_from_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model"
    before = os.umask(0o027)
    try:
        write_model(path, {}, {})
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        for mode in (0o600, 0o666, 0o755):
            path.chmod(mode)
            write_model(path, {}, {})
            assert stat.S_IMODE(path.stat().st_mode) == mode
    finally:
        os.umask(before)


@pytest.mark.skipif(not POSIX or ROOT, reason="needs a user whom permissions bind")
def test_a_write_protected_file_is_not_replaced(model: Path) -> None:
    model.chmod(0o444)
    with pytest.raises(PermissionError):
        write_model(model, {}, {})
    assert_same_bits(read_model(model)[0], sample_tensors())


@pytest.mark.skipif(not POSIX, reason="named pipes")
def test_pipes_and_devices_are_refused_without_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, "/dev/zero"):
        with pytest.raises(ValueError, match="not a file"):
            read_model(path)
        with pytest.raises(OSError, match="not a file"):
            write_model(path, {}, {})
    # Opening a device can have effects of its own, so it is refused before that.
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", lambda *arguments: pytest.fail("it was opened"))
        with pytest.raises(ValueError, match="not a file"):
            read_model("/dev/zero")
    assert stat.S_ISFIFO(pipe.stat().st_mode) and os.listdir(tmp_path) == ["pipe"]
    assert stat.S_ISCHR(os.stat("/dev/zero").st_mode)


@pytest.mark.skipif(not POSIX, reason="named pipes")
def test_a_file_that_becomes_a_pipe_is_refused_without_waiting(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = model.parent / "pipe"
    os.mkfifo(pipe)

    def give_up(*arguments: object) -> None:
        raise AssertionError("it waits for a writer")

    real_stat = os.stat
    monkeypatch.setattr(os, "stat", lambda path: real_stat(model))
    handler = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(5)
    try:
        with pytest.raises(ValueError, match="not a file"):
            read_model(pipe)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)


@pytest.mark.skipif(not POSIX, reason="permission bits")
def test_a_private_file_is_never_readable_by_others(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.chmod(0o600)
    monkeypatch.setattr(os, "chmod", lambda *arguments: pytest.fail("it was created too open"))
    before = os.umask(0)
    try:
        write_model(model, {}, {})
    finally:
        os.umask(before)
    assert stat.S_IMODE(model.stat().st_mode) == 0o600


# --- Files that are open already -----------------------------------------------------------------


def image_of_sample(folder: Path) -> bytes:
    write_model(folder / "image", sample_tensors(), METADATA)
    image = (folder / "image").read_bytes()
    (folder / "image").unlink()
    return image


@pytest.mark.parametrize("kind", ["BytesIO", "file", "unbuffered", "spooled"])
def test_an_open_file_is_written_and_read_at_its_position(tmp_path: Path, kind: str) -> None:
    opened: dict[str, Any] = {
        "BytesIO": io.BytesIO,
        "file": lambda: open(tmp_path / "model", "w+b"),
        "unbuffered": lambda: open(tmp_path / "model", "w+b", buffering=0),
        "spooled": tempfile.SpooledTemporaryFile,
    }
    with opened[kind]() as file:
        file.write(b"before")
        write_model(file, sample_tensors(), METADATA)
        assert file.tell() == 6 + len(image_of_sample(tmp_path))
        file.seek(0)
        assert file.read() == b"before" + image_of_sample(tmp_path)
        file.seek(6)
        tensors, metadata = read_model(file)
        assert file.read() == b"" and not file.closed
    assert_same_bits(tensors, sample_tensors())
    assert metadata == METADATA
    for array in tensors.values():
        assert array.flags.c_contiguous and array.flags.writeable and array.flags.owndata


@pytest.mark.skipif(not POSIX, reason="pipes")
def test_a_file_that_cannot_go_back_is_read(tmp_path: Path) -> None:
    end, begin = os.pipe()
    os.write(begin, image_of_sample(tmp_path))
    os.close(begin)
    with open(end, "rb", buffering=0) as file:
        assert_same_bits(read_model(file)[0], sample_tensors())


def test_a_member_of_an_archive_is_written_and_read(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "zip", "w") as archive, archive.open("model", "w") as file:
        write_model(file, sample_tensors(), METADATA)
    with zipfile.ZipFile(tmp_path / "zip") as archive, archive.open("model") as file:
        assert_same_bits(read_model(file)[0], sample_tensors())


def test_damage_in_an_open_file_is_noticed(tmp_path: Path) -> None:
    image = image_of_sample(tmp_path)
    for position in range(0, len(image), 7):
        damaged = bytearray(image)
        damaged[position] ^= 1
        with pytest.raises(ValueError, match="^cannot read the open BytesIO: "):
            read_model(io.BytesIO(damaged))
    for length in range(0, len(image), 5):
        with pytest.raises(ValueError, match="truncated"):
            read_model(io.BytesIO(image[:length]))
    with pytest.raises(ValueError, match="damaged: more follows its tensors"):
        read_model(io.BytesIO(image + b"\0"))


def test_an_open_file_without_an_end_takes_no_memory() -> None:
    class Endless(io.RawIOBase):
        start = seal(header_with(entry(shape="[1000000000000]", offsets="[0,4000000000000]")))

        def read(self, size: int = -1) -> bytes:
            piece, self.start = self.start[:size], self.start[size:]
            return piece or self.more(size)

        def more(self, size: int) -> bytes:
            self.left = getattr(self, "left", 100) - 1
            return bytes(min(size, 1000)) if self.left > 0 else b""

    tracemalloc.start()
    with pytest.raises(ValueError, match="truncated: its tensors take 4000000000000 bytes, 99000 are there"):
        read_model(Endless())  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_open_files_that_do_not_serve(model: Path) -> None:
    image = model.read_bytes()
    with open(model, encoding="latin-1") as text, pytest.raises(TypeError, match="opened as text.*'rb'"):
        read_model(text)  # type: ignore[arg-type]
    for text in (io.StringIO(), io.TextIOWrapper(io.BytesIO()), tempfile.NamedTemporaryFile("w+")):
        with text, pytest.raises(TypeError, match="opened as text.*'wb'"):
            write_model(text, {}, {})  # type: ignore[arg-type]
    with open(model, "rb") as file, pytest.raises(io.UnsupportedOperation):
        write_model(file, {}, {})
    with open(model, "ab") as file, pytest.raises(io.UnsupportedOperation):
        read_model(file)
    with open(model, "rb") as file:
        pass
    with pytest.raises(ValueError, match="closed file"):
        read_model(file)
    assert model.read_bytes() == image


def test_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    write_model("~/model", {}, {"a": "b"})
    assert os.listdir(tmp_path) == ["model"]
    assert read_model(Path("~/model")) == read_model("~/model") == ({}, {"a": "b"})


@pytest.mark.skipif(not POSIX, reason="such names are possible there only")
def test_a_files_name_and_content_do_not_reach_the_terminal(tmp_path: Path) -> None:
    escape = "\\u001b[2J\\u009b\\u202e"
    for number, image in enumerate(
        [
            b"\x1b[2J\x1b]0;title\x07" * 5,
            seal(header_with(ENTRY.replace('"a"', f'"{escape}"').replace("[2]", "[3]"), ""), EIGHT),
            seal(header_with(entry(dtype=f'"{escape}"')), EIGHT),
            seal(header_with(entry(), f',"{escape}":1'), EIGHT),
            seal(header_with(entry(), f',"{escape}":"a","{escape}":"b"'), EIGHT),
            seal(header_with(',"' + "x" * 100_000 + '":1'), EIGHT),
        ]
    ):
        message = refusal(tmp_path / f"{number}\x1b[2J\n", image)
        assert message.isprintable() and len(message) < 500 + len(str(tmp_path))


# --- All or nothing -----------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize(
    "failure",
    [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), MemoryError()],
)
def test_a_failure_leaves_the_old_file_and_nothing_else(
    model: Path, monkeypatch: pytest.MonkeyPatch, function: str, failure: BaseException
) -> None:
    before = model.read_bytes()
    seen = []

    def fail(*arguments: object) -> None:
        seen.append(sorted(os.listdir(model.parent)))
        raise failure

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(type(failure)) as info:
        write_model(model, {"a": np.ones(3)}, {})
    monkeypatch.undo()
    # It had begun: the temporary file was there, in the same folder.
    assert len(seen[0]) == 2 and model.name in seen[0]
    if isinstance(failure, OSError):
        assert info.value.errno == errno.ENOSPC and info.value.filename == str(model)
    assert model.read_bytes() == before
    assert os.listdir(model.parent) == [model.name]


@pytest.mark.skipif(not POSIX, reason="a limit on the size of files")
def test_a_write_that_the_system_refuses_leaves_the_old_file(model: Path) -> None:
    import resource

    before = model.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError) as info:
            write_model(model, {"a": np.ones(50_000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert info.value.errno == errno.EFBIG
    assert model.read_bytes() == before
    assert os.listdir(model.parent) == [model.name]


@pytest.mark.skipif(not POSIX, reason="SIGKILL")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_killed_process_leaves_the_old_file_or_the_new_one(model: Path, moment: str) -> None:
    program = f"""
        import os, signal
        import numpy as np
        from cnet.model_file import write_model
        replace = os.replace
        def die(source, target):
            if {moment == "after"}:
                replace(source, target)
            os.kill(os.getpid(), signal.SIGKILL)
        os.replace = die
        write_model({str(model)!r}, {{"a": np.array(1.0)}}, {{}})
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], env=environment)
    assert done.returncode == -signal.SIGKILL
    tensors = read_model(model)[0]
    assert_same_bits(tensors, {"a": np.array(1.0)} if moment == "after" else sample_tensors())


def test_the_bytes_reach_the_disk_before_the_name_changes(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        events.append("folder" if folder else os.fstat(descriptor).st_size)
        real_fsync(descriptor)

    def replace(source: str, target: str) -> None:
        events.append("replace")
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_model(model, {"a": np.ones(1000)}, {})
    monkeypatch.undo()
    assert events == [model.stat().st_size, "replace", "folder"][: 3 if POSIX else 2]


def test_a_folder_that_cannot_be_synced_is_no_failure(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_fsync = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write_model(model, {"a": np.array(1.0)}, {})
    assert read_model(model)[0]["a"] == 1


# --- What is refused when reading ---------------------------------------------------------------


def test_every_flipped_bit_is_noticed(model: Path, scratch: Path) -> None:
    image = model.read_bytes()
    for position in range(len(image)):
        for bit in range(8):
            damaged = bytearray(image)
            damaged[position] ^= 1 << bit
            refusal(scratch, bytes(damaged))


def test_every_truncation_and_extension_is_noticed(model: Path, scratch: Path) -> None:
    image = model.read_bytes()
    for length in range(len(image)):
        assert "truncated" in refusal(scratch, image[:length])
    assert "damaged" in refusal(scratch, image + b"\0")
    assert "damaged" in refusal(scratch, image + image)


def test_damaged_data_is_called_damaged(model: Path, scratch: Path) -> None:
    image = bytearray(model.read_bytes())
    image[-1] ^= 1
    assert "damaged: its checksum" in refusal(scratch, bytes(image))


def other_files() -> dict[str, bytes]:
    npz, npy = io.BytesIO(), io.BytesIO()
    np.savez(npz, a=np.ones(3))
    np.save(npy, np.ones(30))
    return {
        "PNG": b"\x89PNG\r\n\x1a\n" + bytes(50),
        "npz": npz.getvalue(),
        "npy": npy.getvalue(),
        "pickle": pickle.dumps({"W1": list(range(100))}),
        "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(50),
        "gzip": b"\x1f\x8b\x08\0" + bytes(50),
        "IDX": struct.pack(">4I", 0x803, 60000, 28, 28) + bytes(50),
    }


@pytest.mark.parametrize("kind", list(other_files()))
def test_other_kinds_of_files_are_recognised(tmp_path: Path, kind: str) -> None:
    message = refusal(tmp_path / "other", other_files()[kind])
    assert "not a cnet model" in message and kind in message


def test_unknown_and_empty_files_are_refused(tmp_path: Path) -> None:
    assert "not a cnet model" in refusal(tmp_path / "text", b"Call me Ishmael. Some years ago")
    assert "0 bytes" in refusal(tmp_path / "empty", b"")


def test_a_hand_made_file_is_read(scratch: Path) -> None:
    # It shows that the hostile files below fail for their own faults only.
    scratch.write_bytes(seal(header_with(ENTRY, ',"k":"v"') + b"  ", EIGHT))
    tensors, metadata = read_model(scratch)
    assert tensors["a"].tolist() == [1.5, -2.0] and metadata == {"k": "v"}
    scratch.write_bytes(
        seal(
            header_with(
                ',"b":{"data_offsets":[8,8],"shape":[4,0],"dtype":"F64"}'
                ',"c":{"dtype":"F32","shape":[],"data_offsets":[8,12]}' + ENTRY
            ),
            EIGHT + EIGHT[:4],
        )
    )
    tensors, metadata = read_model(scratch)
    assert tensors["b"].shape == (4, 0) and tensors["c"] == np.float32(1.5) and metadata == {}


def entry(dtype: str = '"F32"', shape: str = "[2]", offsets: str = "[0,8]") -> str:
    return f',"a":{{"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}}}'


HOSTILE = {
    "dtype I64": entry('"I64"', "[1]"),
    "dtype BF16": entry('"BF16"', "[4]"),
    "dtype no text": entry("{}"),
    "shape no list": entry(shape='"2"'),
    "shape bool": entry('"F64"', "[true]"),
    "shape float": entry(shape="[2.0]"),
    "shape exponent": entry(shape="[2e0]"),
    "shape NaN": entry(shape="[NaN]"),
    "shape Infinity": entry(shape="[Infinity]"),
    "shape null": entry(shape="[null]"),
    "shape negative": entry(shape="[-1,-2]"),
    "shape nested": entry(shape="[[2]]"),
    "shape wrong": entry(shape="[3]"),
    "shape huge": entry(shape="[9223372036854775808]"),
    "shape product wraps to 2": entry(shape="[9223372036854775809,2]"),
    "shape of many": entry(shape="[" + ",".join(["1"] * 65) + ",2]"),
    "shape zero and huge": entry(shape="[0,99999999999999999999]", offsets="[0,0]"),
    "shape zero and overflow": entry(
        shape="[0,4611686018427387904,4611686018427387904]", offsets="[0,0]"
    ),
    "a number of many digits": entry(shape="[" + "9" * 100_000 + "]"),
    "offsets one": entry(offsets="[8]"),
    "offsets three": entry(offsets="[0,8,8]"),
    "offsets none": entry(offsets="[]"),
    "offsets negative": entry(offsets="[-8,0]"),
    "offsets reversed": entry(offsets="[8,0]"),
    "offsets bool": entry(shape="[0]", offsets="[false,false]"),
    "offsets float": entry(offsets="[0.0,8.0]"),
    "offsets huge": entry(shape="[2305843009213693951]", offsets="[0,9223372036854775804]"),
    "offsets too wide": entry(shape="[1]"),
    "offsets beyond the file": entry(shape="[1000000000]", offsets="[0,4000000000]"),
    "gap in front": entry(shape="[1]", offsets="[4,8]"),
    "gap behind": entry(shape="[1]", offsets="[0,4]"),
    "no tensor for the data": "",
    "overlap": ENTRY + ',"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}',
    "the same bytes twice": ENTRY + ENTRY.replace('"a"', '"b"'),
    "name twice": ENTRY + ENTRY,
    "key twice": ',"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}',
    "metadata twice": ENTRY + ',"__metadata__":{}',
    "metadata again, as a list": ENTRY + ',"__metadata__":[]',
    "key missing": ',"a":{"dtype":"F32","shape":[2]}',
    "key too many": ',"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":0}',
    "entry no object": ',"a":[]',
    "entry null": ',"a":null',
    "surrogate name": ENTRY.replace('"a"', '"\\ud800"'),
    "trailing comma": ENTRY + ",",
    "text after the header": ENTRY + '} {"x":1',
    "control character": ENTRY.replace('"a"', '"\x01"'),
    "unbalanced": ENTRY + "}",
    "open": ENTRY + ',"b":{',
    "open string": ENTRY + ',"' + '\\"' * 200_000,
    "nested lists": ENTRY + ',"b":' + "[" * 400_000,
    "nested objects": ENTRY + ',"b":' + '{"b":' * 150_000 + "1" + "}" * 150_000,
}
HOSTILE_METADATA = {
    "value no text": ',"k":1',
    "value null": ',"k":null',
    "value object": ',"k":{}',
    "value NaN": ',"k":NaN',
    "surrogate value": ',"k":"\\udfff"',
    "surrogate key": ',"\\ud800":"v"',
    "checksum twice": ',"cnet_checksum":"' + "0" * 64 + '"',
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_headers_are_refused_even_with_a_right_checksum(scratch: Path, name: str) -> None:
    message = refusal(scratch, seal(header_with(HOSTILE[name]), EIGHT))
    assert "checksum" not in message


def test_overlaps_and_gaps_are_named(scratch: Path) -> None:
    for name in ("overlap", "the same bytes twice", "gap in front"):
        assert "begins at" in refusal(scratch, seal(header_with(HOSTILE[name]), EIGHT))


@pytest.mark.parametrize("name", list(HOSTILE_METADATA))
def test_hostile_metadata_is_refused(scratch: Path, name: str) -> None:
    message = refusal(scratch, seal(header_with(ENTRY, HOSTILE_METADATA[name]), EIGHT))
    assert "does not match" not in message


def test_bytes_that_are_not_utf8_are_refused(scratch: Path) -> None:
    header = header_with(ENTRY).replace(b'"a"', b'"\xff"')
    assert "UTF-8" in refusal(scratch, seal(header, EIGHT))


def test_a_checksum_in_capitals_is_refused(model: Path, scratch: Path) -> None:
    image = model.read_bytes()
    begin = image.index(b'"cnet_checksum":"') + 17
    capitals = image[begin : begin + 64].upper()
    assert capitals != image[begin : begin + 64]
    assert "checksum" in refusal(scratch, image[:begin] + capitals + image[begin + 64 :])


@pytest.mark.parametrize("length", [0, 1, 40, 106, (1 << 20) + 1, 2**31, 2**63, 2**64 - 1])
def test_wrong_header_lengths_are_refused(scratch: Path, length: int) -> None:
    header = header_with(ENTRY)
    refusal(scratch, struct.pack("<Q", length) + header + EIGHT)


def test_a_raised_recursion_limit_does_not_crash_on_deep_nesting(scratch: Path) -> None:
    limit = sys.getrecursionlimit()
    scratch.write_bytes(seal(header_with(HOSTILE["nested lists"]), EIGHT))
    sys.setrecursionlimit(10_000_000)
    try:
        with pytest.raises(ValueError, match="nested"):
            read_model(scratch)
    finally:
        sys.setrecursionlimit(limit)


def test_a_number_of_a_million_digits_takes_no_time(scratch: Path) -> None:
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    begin = time.process_time()
    try:
        refusal(scratch, seal(header_with(entry(shape="[" + "9" * 900_000 + "]")), EIGHT))
    finally:
        sys.set_int_max_str_digits(limit)
    assert time.process_time() - begin < 2  # int() of all digits takes over ten seconds in 3.11.


def test_a_file_that_shrinks_while_it_is_read_is_truncated(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = header_with(entry(shape="[4]", offsets="[0,16]"))
    scratch.write_bytes(seal(header, EIGHT))
    longer = list(os.stat(scratch))
    longer[stat.ST_SIZE] += 8
    monkeypatch.setattr(os, "fstat", lambda descriptor: os.stat_result(longer))
    with pytest.raises(ValueError, match="truncated: it became shorter"):
        read_model(scratch)


def test_too_little_memory_is_an_oserror(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def empty(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "empty", empty)
    with pytest.raises(OSError) as info:
        read_model(model)
    assert info.value.errno == errno.ENOMEM and info.value.filename == str(model)


@pytest.mark.skipif(not POSIX, reason="sparse files")
def test_a_huge_file_is_judged_by_its_header(scratch: Path) -> None:
    begin = header_with(ENTRY)
    short = begin.index(b"0" * 64) - 1
    for length, header in (
        (50_000_000, begin),
        (short, begin),
        (50_000_000, b'{"a":' + bytes(300)),
    ):
        scratch.write_bytes(struct.pack("<Q", length) + header)
        os.truncate(scratch, 100_000_000)
        tracemalloc.start()
        with pytest.raises(ValueError):
            read_model(scratch)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1_000_000
    scratch.unlink()


@settings(deadline=None, max_examples=200)
@given(image=st.binary(max_size=300))
def test_random_bytes_are_refused(scratch: Path, image: bytes) -> None:
    refusal(scratch, image)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@settings(deadline=None, max_examples=200)
@given(
    tree=st.dictionaries(
        st.text(max_size=5),
        JSON
        | st.fixed_dictionaries(
            {
                "dtype": st.sampled_from(["F32", "F64", "F16"]) | JSON,
                "shape": st.lists(st.integers(-1, 3), max_size=3) | JSON,
                "data_offsets": st.lists(st.integers(-1, 24), min_size=2, max_size=2) | JSON,
            }
        ),
        min_size=1,
    ),
    size=st.integers(0, 24),
)
def test_any_json_is_read_or_refused(scratch: Path, tree: dict[str, Any], size: int) -> None:
    entries = "," + json.dumps(tree)[1:-1]
    scratch.write_bytes(seal(header_with(entries), bytes(size)))
    try:
        tensors, _ = read_model(scratch)
    except ValueError:
        return
    assert tensors.keys() == tree.keys()
    assert sum(array.nbytes for array in tensors.values()) == size


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_any_change_of_several_bytes_is_noticed(scratch: Path, data: st.DataObject) -> None:
    write_model(scratch, sample_tensors(), METADATA)
    image = scratch.read_bytes()
    begin = data.draw(st.integers(0, len(image)))
    end = data.draw(st.integers(begin, min(begin + 20, len(image))))
    changed = image[:begin] + data.draw(st.binary(max_size=20)) + image[end:]
    if changed != image:
        refusal(scratch, changed)
