"""A folder of a run: what is there stays until there is something better, and one run has it at a time."""

import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import cnet
from cnet.cli import lock, main, session
from cnet.cli.console import Failure
from cnet.cli.progress import Progress
from cnet.cli.run_folder import load_model, read_checkpoint, read_record

FILES = ["checkpoint.safetensors", "curves.png", "history.json", "model.safetensors"]
LEFT_BY_A_KILL = ".cnet-0123456789abcdef.tmp"


def contents(folder):
    return {name: (folder / name).read_bytes() for name in os.listdir(folder)}


def started(data, folder, *options):
    """A run in a process of its own that goes on for ever, once it has its first epoch."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cnet", "train", "--data", data, "--epochs", "300,000,000", "--hidden", "11",
         "--out", str(folder), *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    for line in process.stdout:
        if line.startswith("epoch   2"):
            return process
    raise AssertionError(process.communicate()[1])


def keep_each_epoch(monkeypatch):
    monkeypatch.setattr(session, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(session, "CHECKPOINT_SHARE", float("inf"))


def interrupt_at(monkeypatch, iteration):
    """Ctrl-C at the first report of at least so many iterations."""
    update = Progress.update

    def interrupted(self, n):
        update(self, n)
        if self.n >= iteration:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "update", interrupted)


def test_a_second_run_is_refused(data, tmp_path, capsys, one_error):
    process = started(data, tmp_path)
    try:
        for command in (["train", "--data", data, "--out", str(tmp_path)], ["train", "--resume", str(tmp_path)]):
            before = (tmp_path / "checkpoint.safetensors").read_bytes()
            assert main(command) == 1
            assert f"{tmp_path}: another run is training into this folder" in one_error()
            assert read_checkpoint(str(tmp_path))[1].settings.hidden == 11
            assert before
    finally:
        process.kill()
        process.communicate()
    # The lock died with its process, and so did the claim to what it was writing.
    (tmp_path / LEFT_BY_A_KILL).write_bytes(b"half a model")
    assert main(["train", "--data", data, "--epochs", "2", "--out", str(tmp_path)]) == 0
    assert sorted(os.listdir(tmp_path)) == FILES


def test_only_temporary_files_of_cnet_are_removed(data, tmp_path, train):
    kept = [".cnet-notes.tmp", "cnet-0123456789abcdef.tmp", ".cnet-0123456789abcdef.tmp.txt", "notes.txt"]
    for name in [*kept, LEFT_BY_A_KILL]:
        (tmp_path / name).write_text("x")
    (tmp_path / ".cnet-00ff00ff00ff00ff.tmp").mkdir()
    assert train(data, tmp_path, "--iterations", "3") == 0
    assert set(os.listdir(tmp_path)) == {*FILES, *kept, ".cnet-00ff00ff00ff00ff.tmp"}


def test_the_lock_within_one_process(tmp_path):
    with lock.owning(str(tmp_path)):
        with pytest.raises(Failure, match="another run"), lock.owning(str(tmp_path)):
            pass
        # Who was refused has not taken the lock file away.
        with pytest.raises(Failure, match="another run"), lock.owning(str(tmp_path)):
            pass
    with lock.owning(str(tmp_path)):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_a_lock_on_a_file_that_is_gone_is_none(tmp_path, monkeypatch):
    """Its last owner removes the file between the two steps of the next one."""
    take = lock._lock
    removed = []

    def late(descriptor):
        if not removed:
            removed.append(os.unlink(tmp_path / lock.LOCK))
        take(descriptor)

    monkeypatch.setattr(lock, "_lock", late)
    with lock.owning(str(tmp_path)):
        monkeypatch.setattr(lock, "_lock", take)
        with pytest.raises(Failure, match="another run"), lock.owning(str(tmp_path)):
            pass


def test_where_there_are_no_locks(data, tmp_path, train, monkeypatch, capsys):
    def none(descriptor):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(lock, "_lock", none)
    assert train(data, tmp_path, "--iterations", "3") == 0
    err = capsys.readouterr().err
    assert err.startswith("cnet: warning: ") and "no locks" in err and err.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == FILES


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
def test_a_killed_run_leaves_the_model_before_it(data, tmp_path, train, model_bytes):
    assert train(data, tmp_path, "--epochs", "3", "--seed", "1") == 0
    before = contents(tmp_path)
    process = started(data, tmp_path, "--seed", "2")
    # Long enough for a checkpoint of its own.
    limit = time.monotonic() + 60
    while read_checkpoint(str(tmp_path))[1].settings.seed == 1 and time.monotonic() < limit:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    after = contents(tmp_path)
    assert {name: after[name] for name in FILES[1:]} == {name: before[name] for name in FILES[1:]}
    assert read_record(str(tmp_path)).settings.seed == 1
    # The second run goes on, to the bits of one that was not killed.
    done = read_checkpoint(str(tmp_path))[1].iterations // 7
    assert done > 0
    assert main(["train", "--resume", str(tmp_path), "--epochs", str(done + 2)]) == 0
    assert train(data, tmp_path / "whole", "--epochs", str(done + 2), "--seed", "2") == 0
    assert model_bytes(tmp_path) == model_bytes(tmp_path / "whole")
    assert read_record(str(tmp_path)).settings.seed == 2


def test_divergence_in_an_empty_folder(data, tmp_path, capsys, train):
    assert train(data, tmp_path, "--activation", "relu", "--learning-rate", "1e30") == 1
    assert "last whole epoch" not in capsys.readouterr().err
    assert json.loads((tmp_path / "history.json").read_text())["state"] == "diverged"
    assert not (tmp_path / "model.safetensors").exists()
    # Its first weights are no network to predict with.
    for command in (["evaluate", str(tmp_path)], ["predict", str(tmp_path), "x.png"]):
        assert main(command) == 1
        assert "no trained network" in capsys.readouterr().err
    # A new run's checkpoint is not taken for a part of that history.
    assert train(data, tmp_path, "--epochs", "1") == 0
    assert read_record(str(tmp_path)).state == "finished"


def test_ctrl_c_within_the_first_epoch_leaves_what_is_there(data, tmp_path, capsys, monkeypatch, train):
    assert train(data, tmp_path, "--epochs", "3") == 0
    before = contents(tmp_path)
    capsys.readouterr()
    interrupt_at(monkeypatch, 1)
    # Ticks come by time: this one within the first epoch.
    assert train(data, tmp_path, "--iterations", "5", "--seed", "9") == 130
    err = capsys.readouterr().err
    assert "is still the one from before" in err and err.count("\n") == 1
    assert contents(tmp_path) == before


def test_ctrl_c_after_an_epoch_keeps_the_new_one(data, tmp_path, monkeypatch, train):
    assert train(data, tmp_path, "--epochs", "3", "--seed", "1") == 0
    interrupt_at(monkeypatch, 14)
    assert train(data, tmp_path, "--epochs", "9", "--seed", "9") == 130
    record = read_record(str(tmp_path))
    assert (record.state, record.settings.seed) == ("interrupted", 9)
    assert cnet.load(tmp_path / "model.safetensors").iterations == record.iterations >= 14


def test_ctrl_c_before_the_first_mini_batch(data, tmp_path, monkeypatch, train, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cnet.TwoLayerNet, "fit", interrupted)
    assert train(data, tmp_path, "--epochs", "3") == 130
    assert os.listdir(tmp_path) == ["checkpoint.safetensors"]
    with pytest.raises(Failure, match="no trained network"):
        load_model(str(tmp_path))
    monkeypatch.undo()
    assert main(["train", "--resume", str(tmp_path)]) == 0


class InterruptAtLine:
    """Ctrl-C at the n-th line that the session, its record or its folder executes from the third epoch's end on."""

    FILES = tuple(os.path.join("cli", name) for name in ("session.py", "record.py", "run_folder.py"))

    def __init__(self, n):
        self.left, self.epochs = n, 0

    def __call__(self, frame, event, argument):
        if not frame.f_code.co_filename.endswith(self.FILES):
            return None
        self.epochs += frame.f_code.co_name == "end_epoch"
        return self.line if self.epochs >= 3 else None

    def line(self, frame, event, argument):
        if event == "line":
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self.line


@pytest.mark.slow
def test_ctrl_c_at_each_line(data, tmp_path, monkeypatch, train, model_bytes):
    """Wherever it comes, what is left is whole, and goes on to the same bits."""
    keep_each_epoch(monkeypatch)
    assert train(data, tmp_path / "whole", "--epochs", "4") == 0
    whole = read_record(str(tmp_path / "whole"))
    for n in range(1, 1000):
        folder = tmp_path / str(n)
        former, tracer = sys.gettrace(), InterruptAtLine(n)
        sys.settrace(tracer)
        try:
            status = train(data, folder, "--epochs", "4")
        finally:
            sys.settrace(former)
        if tracer.left > 0:
            break
        assert status == 130, n
        assert set(os.listdir(folder)) <= set(FILES), n
        read_record(str(folder))
        if n % 5 == 0:
            assert main(["evaluate", str(folder)]) == 0, n
        assert main(["train", "--resume", str(folder), "--epochs", "4"]) == 0, n
        assert model_bytes(folder) == model_bytes(tmp_path / "whole"), n
        record = read_record(str(folder))
        assert record.loss.tolist() == whole.loss.tolist() and record.epochs == whole.epochs, n
        assert record.state == "finished", n
    assert n > 100


def test_checkpoints_come_by_time(data, tmp_path, monkeypatch, train):
    written = []
    write = session.run_folder.write_checkpoint

    def counted(folder, record, snapshot):
        written.append(snapshot.iterations)
        write(folder, record, snapshot)

    monkeypatch.setattr(session.run_folder, "write_checkpoint", counted)
    monkeypatch.setattr(session, "CHECKPOINT_SECONDS", 1e9)
    assert train(data, tmp_path / "rarely", "--epochs", "50") == 0
    assert written == [0, 350]
    written.clear()
    keep_each_epoch(monkeypatch)
    assert train(data, tmp_path / "always", "--epochs", "3") == 0
    assert written == [0, 7, 14, 21, 21]


def test_a_slow_disk_has_the_more_rest(data, tmp_path, monkeypatch, train):
    written = []
    write = session.run_folder.write_checkpoint

    def slow(folder, record, snapshot):
        written.append(snapshot.iterations)
        write(folder, record, snapshot)
        time.sleep(0.05)

    monkeypatch.setattr(session.run_folder, "write_checkpoint", slow)
    monkeypatch.setattr(session, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(session, "CHECKPOINT_SHARE", 1e-6)
    assert train(data, tmp_path, "--epochs", "5") == 0
    assert written == [0, 7, 35]


def test_an_epoch_costs_the_same_however_many_there_were(monkeypatch):
    """Nothing that was recorded is copied when an epoch is added."""
    from types import SimpleNamespace

    from cnet.cli import record

    settings = record.Settings("drawn", 0, 1, "relu", 1, 0.1, "shuffle", "backprop", 0, 9000, 3)
    growing = record.Record(settings)
    copies = []
    concatenate = np.concatenate
    monkeypatch.setattr(record.np, "concatenate", lambda parts: copies.append(len(parts)) or concatenate(parts))
    info = SimpleNamespace(losses=np.ones(3), validation_accuracy=0.5, validation_loss=1.0, train_accuracy=0.5)
    for epoch in range(1, 2001):
        growing.add_epoch(info, 3 * epoch, 0.5)
    assert not copies and growing.iterations == 6000
    np.testing.assert_array_equal(growing.loss, np.ones(6000))
    assert len(copies) == 1 and growing.epochs["iteration"] == list(range(3, 6001, 3))


def test_a_checkpoint_that_fails_does_not_end_training(data, tmp_path, monkeypatch, capsys, train):
    write = session.run_folder.write_checkpoint

    def full(folder, record, snapshot):
        if 0 < snapshot.iterations < 21:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.path.join(folder, "checkpoint.safetensors"))
        write(folder, record, snapshot)

    monkeypatch.setattr(session.run_folder, "write_checkpoint", full)
    keep_each_epoch(monkeypatch)
    assert train(data, tmp_path, "--epochs", "3") == 0
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and err.startswith("cnet: warning: ") and "No space left" in err
    assert read_checkpoint(str(tmp_path))[1].iterations == 21


def test_whatever_ends_training_leaves_the_last_epoch(data, tmp_path, monkeypatch, train, one_error):
    def no_memory(self, name, *_, **__):
        if name == "epoch   3":
            raise MemoryError

    monkeypatch.setattr(Progress, "epoch_line", no_memory)
    assert train(data, tmp_path, "--epochs", "9") == 1
    assert "not enough memory" in one_error()
    assert read_checkpoint(str(tmp_path))[1].iterations == 21


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files")
def test_a_disk_that_is_full_leaves_the_model_before_it(data, tmp_path, train, python):
    assert train(data, tmp_path, "--epochs", "2", "--seed", "1") == 0
    before = contents(tmp_path)
    program = f"""
import resource, sys
from cnet.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
sys.exit(main(["train", "--data", {data!r}, "--epochs", "2", "--hidden", "11", "--out", {str(tmp_path)!r}]))
"""
    done = python("-c", program)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "model.safetensors: File too large" in done.stderr
    assert contents(tmp_path) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(data, tmp_path, train, one_error):
    tmp_path.chmod(0o500)
    assert train(data, tmp_path, "--epochs", "2") == 1
    assert one_error() == f"cnet: error: {tmp_path}: Permission denied\n"


def test_a_folder_made_for_nothing_is_removed(data, tmp_path, capsys):
    assert main(["train", "--data", str(tmp_path / "none"), "--out", str(tmp_path / "run")]) == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_a_loss_that_is_finite_but_absurd_is_warned_of(data, tmp_path, capsys, train):
    assert train(data, tmp_path / "absurd", "--epochs", "2", "--learning-rate", "1e30") == 0
    err = capsys.readouterr().err
    assert err.startswith("cnet: warning: ") and "learning rate 1e+30" in err and err.count("\n") == 1
    # Hardly trained and badly trained networks are no reason, nor is one that has learned by heart.
    for options in (["--iterations", "1"], ["--learning-rate", "1e-9"], ["--epochs", "40", "--learning-rate", "1"]):
        for activation in ("sigmoid", "relu", "tanh"):
            assert train(data, tmp_path / "right", "--activation", activation, *options) == 0
            assert capsys.readouterr().err == ""


def test_signals_are_what_they_were():
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
