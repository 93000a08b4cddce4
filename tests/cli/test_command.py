"""The command itself: usage, failures, and how it starts."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

import cnet
from cnet.cli import main


def test_info(capsys):
    assert main(["info"]) == 0
    assert cnet.__version__ in capsys.readouterr().out
    assert main(["info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cnet"] == cnet.__version__


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"], ["train", "--nonsense"], ["train", "--hidden", "0"], ["train", "--hidden", "x"],
        ["train", "--learning-rate", "-1"], ["train", "--learning-rate", "nan"],
        ["train", "--threads", "9999"],
        ["train", "--epochs", "1", "--iterations", "1"], ["train", "--seed", "-1"], ["train", "--epo", "1"],
        ["train", "--out", ""], ["train", "--data="], ["train", "--resume", ""], ["predict", "model", ""],
        ["digits", ""],
        ["train", "--activation", "nonsense"], ["train", "--activation", "relu,nonsense"],
        ["evaluate"], ["predict", "model"], ["plot"], ["digits"],
        ["digits", "x.png", "--test-count", "3"], ["digits", "x.png", "--count", "1000000"],
        ["info", "some", "more"], ["check-gradients", "--dtype", "int"],
    ],
)
def test_wrong_usage(one_error, arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = one_error()
    assert error.startswith(("cnet: error: ", f"cnet {arguments[0]}: error: "))
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--data", "none"], "no such folder"), (["train", "--data", "file"], "is neither a folder nor"),
        (["train", "--data", "empty"], "lacks some of"), (["train", "--out", "file/run"], "file/run"),
        (["train", "--data", "DATA", "--out", "file"], "file: "),
        (["train", "--data", "DATA", "--batch-size", "701", "--sampling", "shuffle"], "701 is more than"),
        (["train", "--resume", "none"], "no such folder"),
        (["train", "--resume", "empty"], "holds no checkpoint"),
        (["evaluate", "none"], "none: No such file"), (["evaluate", "file"], "not a cnet model"),
        (["evaluate", "empty"], "holds no model"), (["predict", "small", "x.png"], "100 pixels"),
        (["evaluate", "small", "--data", "DATA"], "100 pixels"),
        (["evaluate", "damaged"], "damaged"), (["plot", "none"], "no such folder"),
        (["plot", "bad-run"], "damaged"), (["digits", "file"], "file: there is a file of this name"),
        (["plot", "RUN", "--out", "file"], "file: there is a file of this name"),
        (["check-gradients", "--model", "small"], "784 pixels"), (["digits", "none/x.png"], "no such folder"),
        (["digits", "file"], "file"), (["train", "--resume", "bad-run"], "not a cnet model"),
    ],
)
def test_failures(model_bytes, one_error, arguments, message, data, trained, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("neither a model nor a folder")
    (tmp_path / "empty").mkdir()
    cnet.TwoLayerNet(100, 3, 2, rng=0).save("small")
    content = bytearray(model_bytes(trained))
    content[-1] ^= 1
    (tmp_path / "damaged").write_bytes(content)
    (tmp_path / "bad-run").mkdir()
    (tmp_path / "bad-run" / "history.json").write_text('{"loss": []}')
    (tmp_path / "bad-run" / "checkpoint.safetensors").write_text("nonsense, and long enough" * 9)
    status = main([{"DATA": data, "RUN": trained}.get(argument, argument) for argument in arguments])
    assert status == (2 if "shuffle" in arguments else 1)
    assert message in one_error()


def as_installed(python, *arguments, **environment):
    """The command as the script runs it that pip makes of pyproject.toml's line."""
    root = Path(__file__).resolve().parents[2]
    scripts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    module, function = scripts["cnet"].split(":")
    program = f"import sys; from {module} import {function}; sys.exit({function}())"
    path = os.pathsep.join([str(root), *(entry for entry in sys.path if entry)])
    environment = {**os.environ, "PYTHONPATH": path, **environment}
    return python("-c", program, *arguments, env=environment)


def test_an_instruction_set_that_is_not_there_is_one_line(python):
    from cnet.core import _dispatch

    done = as_installed(python, "info", CNET_ISA="sse9")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"cnet: error: CNET_ISA=sse9: instruction set 'sse9' cannot run here: expected one of "
        f"{', '.join(_dispatch.available())} (built: {', '.join(_dispatch.built())})\n"
    )
    # Here Python itself says it, with its own status.
    done = python("-m", "cnet", "info", env={**os.environ, "CNET_ISA": "sse9"})
    assert done.returncode != 0 and done.stderr.count("\n") == 1 and "CNET_ISA=sse9: " in done.stderr
    done = as_installed(python, "--version", CNET_ISA="baseline")
    assert (done.returncode, done.stdout) == (0, f"cnet {cnet.__version__}\n")


def test_python_m_cnet_is_the_same(python):
    assert python("-m", "cnet", "--version").stdout == f"cnet {cnet.__version__}\n"
    assert python("-m", "cnet", "train", "--hidden", "0").returncode == 2
    assert python("-m", "cnet").stdout.startswith("usage: cnet COMMAND")


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_before_training_is_130(tmp_path):
    code = ("import sys, cnet.cli, cnet.datasets; print('imported', flush=True); "
            f"sys.exit(cnet.cli.main(['digits', {str(tmp_path)!r}, '--count', '10000000']))")
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    # On a busy machine, to import all takes more than any time that one would wait.
    assert process.stdout.readline() == "imported\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "cnet: error: interrupted\n")
    assert not os.listdir(tmp_path)
