"""What is printed, and what happens where nobody can read it."""

import os
import re
import subprocess
import sys
import warnings

import pytest

import _cnet_command
import cnet
from cnet.cli import evaluate, main
from cnet.cli.run_folder import read_checkpoint


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(
    "command", [["info"], ["info", "--json"], ["--help"], ["check-gradients", "--hidden", "2"]]
)
def test_standard_output_that_is_full(command):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cnet", *command],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr == "cnet: error: cannot write to standard output: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a closed pipe is another error there")
def test_standard_output_that_is_closed(data, tmp_path):
    command = ["-m", "cnet", "train", "--data", data, "--epochs", "100000", "--out", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert err == "cnet: error: cannot write to standard output: Broken pipe\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a closed pipe is another error there")
@pytest.mark.parametrize("command", [["--help"], ["digits", "--help"], ["info"], ["info", "--json"]])
def test_who_has_read_enough_is_not_complained_to(command):
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [sys.executable, "-m", "cnet", *command], stdout=theirs, stderr=subprocess.PIPE, text=True, timeout=60
    )
    os.close(theirs)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("columns", "colour"), [(120, True), (46, False)])
def test_on_a_terminal_there_is_one_bar(data, tmp_path, columns, colour):
    pytest.importorskip("tqdm")
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns)}
    environment.pop("NO_COLOR", None)
    if not colour:
        environment["NO_COLOR"] = "1"
    command = ["train", "--data", data, "--iterations", "400", "--out", str(tmp_path)]
    shown = on_terminal(command, environment)
    assert "test accuracy" in shown or columns < 80
    assert "\x1b[A" not in shown
    assert "samples/s" in shown and re.search(r"loss \d\.\d", shown)
    failed = on_terminal(["evaluate", "none"], environment)
    assert ("\x1b[31m" in failed) == colour


@pytest.mark.parametrize(
    ("columns", "epoch", "iteration"),
    [
        (80, "epoch   1: loss 0.5000, train accuracy 87.50 %, test accuracy 75.00 %",
         "iteration 10,000: loss 0.5000, train accuracy 87.50 %, test accuracy 75.00 %"),
        (60, "epoch   1: loss 0.5000, train 87.50 %, test 75.00 %",
         "iteration 10,000: loss 0.5000, train 87.50 %, test 75.00 %"),
        (40, "epoch   1: loss 0.5000, test 75.00 %", "iteration 10,000: test 75.00 %"),
        (20, "epoch   1: test 75.00 %", "iteration 10,000: test 75.00 %"),
    ],
)
def test_an_epochs_line_fits_the_terminal(columns, epoch, iteration, capsys, monkeypatch):
    from cnet.cli.progress import Progress

    monkeypatch.setenv("COLUMNS", str(columns))
    progress = Progress(batch_size=100, total=7, done=0, as_json=False)
    for name in ("epoch   1", "iteration 10,000"):
        progress.epoch_line(name, 0.5, 0.875, 0.75)
    assert capsys.readouterr().out.splitlines() == [epoch, iteration]


def on_terminal(arguments, environment):
    """What a command writes to a terminal."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cnet", *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs, env=environment,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    process.wait(timeout=60)
    os.close(ours)
    return shown.decode()


def test_without_tqdm_a_terminal_gets_plain_lines(train, data, tmp_path, capsys, monkeypatch):
    from cnet.cli import progress

    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(progress, "is_terminal", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "100")
    assert train(data, tmp_path, "--iterations", "9") == 0
    out, err = capsys.readouterr()
    assert not err
    assert [line.split(":")[0] for line in out.splitlines()[2:4]] == ["epoch   1", "iteration 9"]


def test_a_program_without_a_console(data, tmp_path, train, monkeypatch, capsys):
    """There standard error is None, and nothing of it comes out elsewhere."""
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["evaluate", "none"]) == 1
    assert main(["nonsense"]) == 2
    assert capsys.readouterr().out == ""
    assert train(data, tmp_path, "--iterations", "3", "--json") == 0
    assert capsys.readouterr().out.count("\n") == 1


def test_a_warning_is_one_line(monkeypatch, trained, data, capsys):
    load = evaluate.load_any

    def warned(path):
        warnings.warn("not what\nwas meant\x1b[2J", cnet.CnetWarning, stacklevel=1)
        return load(path)

    monkeypatch.setattr(evaluate, "load_any", warned)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(["evaluate", trained, "--data", data]) == 0
    assert capsys.readouterr().err == "cnet: warning: not what was meant\\x1b[2J\n"


def test_a_closed_pipe_leaves_the_last_epoch(data, tmp_path, monkeypatch, one_error):
    """As after ``| head``: training ends, and goes on from there."""
    lines = []

    class Pipe:
        encoding = "utf-8"

        def write(self, text):
            lines.append(text)
            if text.startswith("epoch   5"):
                raise BrokenPipeError(32, "Broken pipe")

        def flush(self):
            pass

    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Pipe())
        assert main(["train", "--data", data, "--epochs", "9", "--out", str(tmp_path)]) == 1
    assert "Broken pipe" in one_error()
    assert read_checkpoint(str(tmp_path))[1].iterations == 35
    assert main(["train", "--resume", str(tmp_path)]) == 0


def test_ctrl_c_while_the_program_starts(monkeypatch, capsys):
    class Interrupted:
        def main(self):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "cnet.cli", Interrupted())
    assert _cnet_command.main() == 130
    assert capsys.readouterr().err == "cnet: error: interrupted\n"
