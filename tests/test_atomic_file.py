"""Writing whole or not at all, where the system allows it, and what is kept where it does not."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import warnings
from pathlib import Path

import pytest

from cnet import CnetWarning
from cnet.atomic_file import replacing

OLD, NEW = b"old content, which is longer", b"new content"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    return path


def write(path: Path, content: bytes = NEW) -> None:
    with replacing(str(path)) as file:
        file.write(content)


def failing(function, number: int, times: int = 10**9):
    """The function, whose first `times` calls fail with an error number of the system."""
    left = times

    def wrapped(*arguments, **options):
        nonlocal left
        if left:
            left -= 1
            raise OSError(number, os.strerror(number))
        return function(*arguments, **options)

    return wrapped


def refuse_creating(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """No file can be created; those that are there can be opened."""
    real = os.open

    def refusing(path, flags, *rest):
        if flags & os.O_CREAT:
            raise OSError(number, os.strerror(number))
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", refusing)


@pytest.mark.parametrize("name", ["EINVAL", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"])
def test_a_file_system_that_cannot_flush(file: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(os, "fsync", failing(os.fsync, getattr(errno, name)))
    renamed = []
    real = os.replace
    monkeypatch.setattr(os, "replace", lambda *names: (renamed.append(names), real(*names)))
    write(file)
    assert file.read_bytes() == NEW and len(renamed) == 1
    assert os.listdir(file.parent) == ["file"]


@pytest.mark.parametrize("name", ["EIO", "ENOSPC", "EDQUOT"])
def test_a_flush_that_fails_is_a_failure(file: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(os, "fsync", failing(os.fsync, getattr(errno, name)))
    with pytest.raises(OSError) as caught:
        write(file)
    assert caught.value.errno == getattr(errno, name) and caught.value.filename == str(file)
    assert file.read_bytes() == OLD and os.listdir(file.parent) == ["file"]


@pytest.mark.parametrize("name", ["EBUSY", "EXDEV", "EPERM", "ENOSYS", "ENOTSUP"])
@pytest.mark.parametrize("there", [True, False])
def test_a_file_that_cannot_be_renamed_to(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str, there: bool
) -> None:
    if there:
        file.chmod(0o640)
    else:
        file.unlink()
    monkeypatch.setattr(os, "replace", failing(os.replace, getattr(errno, name)))
    with pytest.warns(CnetWarning, match="written in place: it cannot be replaced by renaming"):
        write(file)
    assert file.read_bytes() == NEW and os.listdir(file.parent) == ["file"]
    if there and os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["EROFS", "EACCES", "EPERM", "ENOSYS", "ENOTSUP"])
def test_a_folder_in_which_nothing_can_be_created(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    refuse_creating(monkeypatch, getattr(errno, name))
    with pytest.warns(CnetWarning, match="written in place"):
        write(file)
    with pytest.raises(OSError) as caught:
        write(file.parent / "another")
    assert caught.value.errno == getattr(errno, name)
    assert caught.value.filename == str(file.parent / "another")
    assert not hasattr(caught.value, "__notes__")
    assert file.read_bytes() == NEW and os.listdir(file.parent) == ["file"]


@pytest.mark.parametrize("name", ["EACCES", "EIO", "ENOSPC"])
def test_any_other_failure_to_rename_is_a_failure(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """EACCES is what Windows answers while another process has the file open: it would read half of it."""
    monkeypatch.setattr(os, "replace", failing(os.replace, getattr(errno, name)))
    with pytest.raises(OSError):
        write(file)
    assert file.read_bytes() == OLD and os.listdir(file.parent) == ["file"]


@pytest.mark.parametrize("failure", [ValueError("no"), KeyboardInterrupt(), OSError(errno.EIO, "no")])
def test_a_block_that_fails_where_nothing_can_be_created(
    file: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    refuse_creating(monkeypatch, errno.EROFS)
    with pytest.raises(type(failure)), replacing(str(file)) as opened:
        opened.write(NEW)
        raise failure
    assert file.read_bytes() == OLD


@pytest.mark.parametrize("created", [True, False])
@pytest.mark.parametrize("failure", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()])
def test_a_failure_in_the_middle_of_writing_in_place(
    file: Path, monkeypatch: pytest.MonkeyPatch, created: bool, failure: BaseException
) -> None:
    """The old content is put back: at the moment of the flush all of the new one is in the file."""
    monkeypatch.setattr(os, "replace", failing(os.replace, errno.EBUSY))
    if not created:
        refuse_creating(monkeypatch, errno.EROFS)
    seen = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if os.path.sameopenfile(descriptor, opened.fileno()):
            seen.append(file.read_bytes())
            if len(seen) == 1:
                raise failure
        real(descriptor)

    with open(file, "rb") as opened:
        monkeypatch.setattr(os, "fsync", fsync)
        with pytest.raises(type(failure)):
            write(file)
    assert seen[:2] == [NEW, OLD]
    assert file.read_bytes() == OLD and os.listdir(file.parent) == ["file"]


def test_what_is_large_does_not_lie_in_memory(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = tempfile.TemporaryFile
    monkeypatch.setattr("cnet.atomic_file._IN_MEMORY", 10)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda *a, **o: made.append(real(*a, **o)) or made[-1])
    monkeypatch.setattr(os, "replace", failing(os.replace, errno.EBUSY))
    with pytest.warns(CnetWarning):
        write(file, bytes(3 << 20))
    assert file.read_bytes() == bytes(3 << 20) and os.listdir(file.parent) == ["file"]
    assert len(made) == 1 and made[0].closed


def test_a_temporary_file_that_cannot_be_removed_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", failing(os.replace, errno.EIO))
    monkeypatch.setattr(os, "unlink", failing(os.unlink, errno.EPERM))
    with pytest.raises(OSError) as caught:
        write(file)
    (left,) = set(os.listdir(file.parent)) - {"file"}
    assert left in caught.value.__notes__[0] and file.read_bytes() == OLD


def test_a_warning_made_an_error_comes_when_the_file_is_whole(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "replace", failing(os.replace, errno.EBUSY))
    with warnings.catch_warnings(), pytest.raises(CnetWarning):
        warnings.simplefilter("error")
        write(file)
    assert file.read_bytes() == NEW and os.listdir(file.parent) == ["file"]


# --- The same on real mounts ---------------------------------------------------------------------

MOUNT = ["unshare", "-m", "bash", "-euc"]


def can_mount() -> bool:
    if not (sys.platform == "linux" and shutil.which("unshare") and shutil.which("bash")):
        return False
    return subprocess.run([*MOUNT, "mount -t tmpfs tmpfs /tmp"], capture_output=True).returncode == 0


PROGRAM = """
    import sys, warnings
    import numpy as np
    import cnet
    net = cnet.TwoLayerNet(30, 20, 3, rng=0)
    for path in sys.argv[1:]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                net.save(path)
                same = np.array_equal(cnet.load(path).params["W1"], net.params["W1"])
                print(path, "saved" if same else "WRONG", *(w.category.__name__ for w in caught))
            except OSError as error:
                print(path, type(error).__name__, error.errno, error.filename == path)
"""


def test_real_mounts(tmp_path: Path) -> None:
    """A mounted file, one in a folder that is read-only, an overlay, and a tmpfs that is full."""
    if not can_mount():
        pytest.skip("mounting needs Linux and root")
    setup = """
        mkdir source readonly lower upper work overlay full
        for name in source/mounted source/inside readonly/inside mounted lower/file; do echo old >$name; done
        mount --bind source/mounted mounted
        mount --bind readonly readonly
        mount -o remount,ro,bind readonly
        mount --bind source/inside readonly/inside
        mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay || cp lower/file overlay
        mount -t tmpfs -o size=64k tmpfs full
        echo old >full/file
        dd if=/dev/zero of=full/filler bs=1k count=100 2>/dev/null || true
        "$0" -c "$1" mounted readonly/inside readonly/new overlay/file full/file full/new
        cat full/file
        find . -name '.cnet*'
    """
    done = subprocess.run(
        [*MOUNT, textwrap.dedent(setup), sys.executable, textwrap.dedent(PROGRAM)],
        cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "mounted saved CnetWarning",
        "readonly/inside saved CnetWarning",
        f"readonly/new OSError {errno.EROFS} True",
        "overlay/file saved",
        f"full/file OSError {errno.ENOSPC} True",
        f"full/new OSError {errno.ENOSPC} True",
        "old",
    ]


def test_a_mounted_file_on_a_full_disk_keeps_what_it_held(tmp_path: Path) -> None:
    """Written in place, the new content does not fit: the old one is put back."""
    if not can_mount():
        pytest.skip("mounting needs Linux and root")
    setup = """
        mkdir full
        mount -t tmpfs -o size=64k tmpfs full
        seq 2000 >full/file
        touch mounted
        mount --bind full/file mounted
        dd if=/dev/zero of=full/filler bs=1k count=100 2>/dev/null || true
        "$0" -c "$1" mounted
        seq 2000 | cmp - mounted
        find . -name '.cnet*'
    """
    program = PROGRAM.replace("30, 20, 3", "300, 200, 3")
    done = subprocess.run(
        [*MOUNT, textwrap.dedent(setup), sys.executable, textwrap.dedent(program)],
        cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"mounted OSError {errno.ENOSPC} True"]
