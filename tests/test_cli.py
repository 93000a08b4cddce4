"""The command line: what it writes and prints, how it goes on, and how it fails."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

import cnet
from cnet.cli import main, pictures
from cnet.cli.run_folder import read_checkpoint, read_record
from cnet.images import read_digit

FILES = ["checkpoint.safetensors", "curves.png", "history.json", "model.safetensors"]
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of IDX files: 700 digits to train with (7 mini-batches an epoch), 200 to test with."""
    folder = tmp_path_factory.mktemp("data")
    x, t = cnet.datasets.make_digits(900, rng=3)
    images = x.reshape(-1, 28, 28)
    for part, rows in (("train", slice(0, 700)), ("t10k", slice(700, None))):
        cnet.datasets.write_idx(folder / f"{part}-images-idx3-ubyte", images[rows])
        cnet.datasets.write_idx(folder / f"{part}-labels-idx1-ubyte.gz", t[rows])
    return str(folder)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A run that is finished."""
    folder = str(tmp_path_factory.mktemp("runs") / "run")
    options = ["--activation", "relu", "--learning-rate", "0.5", "--epochs", "12", "--out", folder]
    assert main(["train", "--data", data, *options]) == 0
    return folder


@pytest.fixture(autouse=True)
def quick_pictures(request, monkeypatch):
    """A picture takes longer than the training here: only tests of pictures draw any."""
    if "draws" not in request.keywords:
        monkeypatch.setattr(pictures, "write_curves", lambda record, path: Path(path).write_bytes(PNG))


def train(data, folder, *options):
    return main(["train", "--data", data, "--hidden", "11", "--out", str(folder), *options])


def python(*arguments, **options):
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=120, **options
    )


def model_bytes(folder):
    return (folder / "model.safetensors").read_bytes()


def one_error(capsys):
    """What is on standard error, which must be one line, and no traceback."""
    err = capsys.readouterr().err
    assert err.count("\n") == 1, err
    assert "error: " in err and "Traceback" not in err
    return err


@pytest.mark.draws
def test_train_writes_a_run_and_says_so(data, tmp_path, capsys):
    folder = tmp_path / "run"
    assert train(data, folder, "--iterations", "17", "--seed", "5") == 0
    assert sorted(os.listdir(folder)) == FILES
    assert (folder / "curves.png").read_bytes().startswith(PNG)
    out, err = capsys.readouterr()
    assert not err
    lines = out.splitlines()
    assert data in lines[0] and "700 to train with, 200 to test with" in lines[0]
    assert "784-11-10, sigmoid; 17 mini-batches of 100, learning rate 0.1, seed 5" in lines[1]
    assert [line.split(":")[0] for line in lines[2:5]] == ["epoch   1", "epoch   2", "iteration 17"]
    assert lines[5].startswith("trained 17 mini-batches in ")

    history = json.loads((folder / "history.json").read_text())
    assert history["state"] == "finished" and history["iterations"] == 17 == len(history["loss"])
    assert history["epochs"]["iteration"] == [7, 14, 17]
    assert history["settings"]["hidden"] == 11


def test_train_is_the_same_as_fit(data, tmp_path):
    train(data, tmp_path, "--iterations", "10", "--activation", "tanh", "--seed", "8")
    (x, t), (x_test, t_test) = cnet.datasets.load_mnist(normalize=False, data_home=data)
    net = cnet.TwoLayerNet(784, 11, 10, "xavier", activation="tanh", rng=8)
    history = net.fit(x, t, iterations=10)
    loaded = cnet.load(tmp_path / "model.safetensors")
    for name, array in net.params.items():
        np.testing.assert_array_equal(loaded.params[name], array)
    told = json.loads((tmp_path / "history.json").read_text())
    assert told["loss"] == history.loss.tolist()
    # Accuracies are of all images, not of the mini-batches.
    chosen = net.predict(x).argmax(axis=1)
    assert told["epochs"]["train_accuracy"][-1] == pytest.approx((chosen == t).mean(), abs=1e-12)
    chosen = net.predict(x_test).argmax(axis=1)
    assert told["epochs"]["test_accuracy"][-1] == pytest.approx((chosen == t_test).mean(), abs=1e-12)


@pytest.mark.parametrize("sampling", ["replacement", "shuffle"])
@pytest.mark.parametrize(("first", "then"), [(["--iterations", "17"], 30), (["--epochs", "2"], 21), ([], 7)])
def test_resuming_gives_the_same_bits(data, tmp_path, sampling, first, then):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    common = ["--sampling", sampling, "--batch-size", "100", "--seed", "2"]
    assert train(data, whole, "--iterations", str(then), *common) == 0
    assert train(data, parts, *(first or ["--iterations", "3"]), *common) == 0
    assert main(["train", "--resume", str(parts), "--iterations", str(then), "--threads", "1"]) == 0
    assert model_bytes(parts) == model_bytes(whole)
    one, other = (json.loads((folder / "history.json").read_text()) for folder in (whole, parts))
    for key in ("loss", "epochs", "settings", "iterations"):
        assert one[key] == other[key]


def test_resuming_after_a_kill_gives_the_same_bits(data, tmp_path):
    """As if the process had died within the third epoch: only the checkpoint is there."""
    assert train(data, tmp_path / "whole", "--epochs", "4") == 0
    assert train(data, tmp_path / "killed", "--epochs", "2") == 0
    for name in ("model.safetensors", "history.json", "curves.png"):
        (tmp_path / "killed" / name).unlink()
    assert main(["evaluate", str(tmp_path / "killed"), "--data", data]) == 0
    assert len(read_record(str(tmp_path / "killed")).loss) == 14
    assert main(["train", "--resume", str(tmp_path / "killed"), "--epochs", "4"]) == 0
    assert model_bytes(tmp_path / "killed") == model_bytes(tmp_path / "whole")


def test_resuming_a_finished_run_leaves_it(data, tmp_path, capsys):
    train(data, tmp_path, "--iterations", "9")
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    capsys.readouterr()
    assert main(["train", "--resume", str(tmp_path)]) == 0
    assert "is finished" in capsys.readouterr().out
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == before
    assert main(["train", "--resume", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["iterations"] == 9


def test_resuming_keeps_settings_and_data(data, tmp_path, capsys):
    train(data, tmp_path / "run", "--iterations", "9")
    run = str(tmp_path / "run")
    capsys.readouterr()
    assert main(["train", "--resume", run, "--hidden", "12"]) == 2
    assert "--hidden 12: the run in" in one_error(capsys)
    assert main(["train", "--resume", run, "--out", str(tmp_path)]) == 2
    assert "--out" in one_error(capsys)
    assert main(["train", "--resume", run, "--iterations", "3"]) == 2
    assert "7 iterations already" in one_error(capsys)
    other = str(tmp_path / "other")
    assert main(["digits", other, "--count", "700", "--test-count", "10"]) == 0
    capsys.readouterr()
    assert main(["train", "--resume", run, "--data", other]) == 1
    assert "not the images" in one_error(capsys)
    assert main(["train", "--resume", run, "--hidden", "11", "--data", data, "--iterations", "21"]) == 0


def test_a_second_run_replaces_the_first(data, tmp_path):
    train(data, tmp_path, "--iterations", "9", "--seed", "1")
    first = model_bytes(tmp_path)
    train(data, tmp_path, "--iterations", "9", "--seed", "2")
    assert model_bytes(tmp_path) != first
    assert read_record(str(tmp_path)).settings.seed == 2


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_keeps_the_model_and_can_be_resumed(data, tmp_path):
    folder = tmp_path / "run"
    command = ["-m", "cnet", "train", "--data", data, "--epochs", "1000000", "--out", str(folder)]
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if line.startswith("epoch   3"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.startswith("interrupted: ") and str(folder / "model.safetensors") in err
    assert sorted(os.listdir(folder)) == FILES
    record, (_, checkpoint) = read_record(str(folder)), read_checkpoint(str(folder))
    assert record.state == "interrupted"
    assert 21 <= checkpoint.iterations <= record.iterations < checkpoint.iterations + 14
    model = cnet.load(folder / "model.safetensors")
    assert model.iterations == record.iterations

    epochs = checkpoint.iterations // 7 + 2
    assert main(["train", "--resume", str(folder), "--epochs", str(epochs)]) == 0
    uninterrupted = ["--data", data, "--epochs", str(epochs), "--out", str(tmp_path / "whole")]
    assert main(["train", *uninterrupted]) == 0
    assert model_bytes(folder) == model_bytes(tmp_path / "whole")


@pytest.mark.draws
def test_divergence_is_a_failure(data, tmp_path, capsys):
    train(data, tmp_path, "--epochs", "1")
    capsys.readouterr()
    assert train(data, tmp_path, "--activation", "relu", "--learning-rate", "1e30") == 1
    out, err = capsys.readouterr()
    assert "diverged" in err and "1e+30" in err and err.count("\n") == 1
    # The model of the earlier run would be taken for this one's.
    assert not (tmp_path / "model.safetensors").exists()
    assert json.loads((tmp_path / "history.json").read_text())["state"] == "diverged"
    assert main(["plot", str(tmp_path), "--only", "curves"]) == 0


def test_json_is_one_document(data, tmp_path, capsys):
    assert train(data, tmp_path, "--iterations", "9", "--json") == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["state"] == "finished" and document["iterations"] == 9
    assert document["files"] == ["model.safetensors", "history.json", "curves.png"]
    assert "epoch   1" in err


def test_without_matplotlib(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert train(data, tmp_path, "--iterations", "5") == 0
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and "matplotlib is not installed" in err
    assert "curves.png" not in out
    assert sorted(os.listdir(tmp_path)) == [name for name in FILES if name != "curves.png"]
    assert main(["plot", str(tmp_path)]) == 1
    assert "need matplotlib" in one_error(capsys)


def test_without_pillow(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert main(["predict", trained, "x.png"]) == 1
    assert "needs Pillow" in one_error(capsys)
    assert main(["digits", str(tmp_path / "x.png")]) == 1
    assert "needs Pillow" in one_error(capsys)


def test_evaluate(trained, data, capsys):
    assert main(["evaluate", trained, "--data", data, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    _, (x, t) = cnet.datasets.load_mnist(normalize=False, data_home=data)
    net = cnet.load(os.path.join(trained, "model.safetensors"))
    right = net.predict(x).argmax(axis=1) == t
    assert told["n"] == 200
    assert told["accuracy"] == pytest.approx(right.mean()) and told["accuracy"] > 0.5
    assert told["loss"] == pytest.approx(net.loss(x, t))
    for label, share in told["accuracy_by_class"].items():
        assert share == pytest.approx(right[t == int(label)].mean())
    model = os.path.join(trained, "model.safetensors")
    assert main(["evaluate", model, "--data", data, "--part", "train"]) == 0
    assert "train accuracy" in capsys.readouterr().out


def test_predict(trained, tmp_path, capsys):
    image = pytest.importorskip("PIL.Image")
    x, _ = cnet.datasets.make_digits(12, rng=11)
    net = cnet.load(os.path.join(trained, "model.safetensors"))
    paths = [str(tmp_path / f"{i}.png") for i in range(12)]
    for pixels, path in zip(x.reshape(-1, 28, 28), paths, strict=True):
        image.fromarray(255 - pixels).resize((280, 280)).save(path)
    assert main(["predict", trained, *paths, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["results"]
    assert [result["image"] for result in told] == paths
    expected = net.predict(np.array([read_digit(path) for path in paths]))
    assert [result["digit"] for result in told] == expected.argmax(axis=1).tolist()
    np.testing.assert_allclose([result["probabilities"] for result in told], expected, atol=1e-5)
    assert sum(told[0]["probabilities"]) == pytest.approx(1, abs=1e-5)

    # One that cannot be read does not keep the others from it.
    assert main(["predict", trained, str(tmp_path / "none.png"), paths[0]]) == 1
    out, err = capsys.readouterr()
    assert out.startswith(paths[0]) and out.count("\n") == 1
    assert "none.png: No such file" in err and err.count("\n") == 1


@pytest.mark.draws
def test_plot(trained, data, tmp_path, capsys):
    names = ["curves.png", "weights.png", "confusion.png", "misread.png"]
    assert main(["plot", trained, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == [os.path.join(trained, name) for name in names]
    for name in names:
        with open(os.path.join(trained, name), "rb") as file:
            assert file.read(8) == PNG
    train(data, tmp_path / "other", "--iterations", "9")
    pictures = tmp_path / "pictures"
    assert main(["plot", trained, str(tmp_path / "other"), "--out", str(pictures), "--dark"]) == 0
    assert sorted(os.listdir(pictures)) == sorted(
        [f"{run}-{name}" for run in ("run", "other") for name in names] + ["comparison.png"]
    )


@pytest.mark.parametrize("options", [[], ["--activation", "tanh"], ["--dtype", "float32", "--samples", "1"]])
def test_check_gradients(options, capsys):
    assert main(["check-gradients", "--hidden", "4", "--json", *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["agree"] and set(told["parameters"]) == {"W1", "b1", "W2", "b2"}


def test_check_gradients_finds_a_wrong_gradient(monkeypatch, trained, capsys):
    right = cnet.TwoLayerNet.gradient

    def wrong(self, x, t):
        gradient = right(self, x, t)
        gradient["b1"] *= 1.01
        return gradient

    monkeypatch.setattr(cnet.TwoLayerNet, "gradient", wrong)
    assert main(["check-gradients", "--hidden", "4"]) == 1
    assert "differ" in one_error(capsys)
    assert main(["check-gradients", "--model", trained, "--dtype", "float32"]) == 2


def test_digits(tmp_path, capsys):
    image = pytest.importorskip("PIL.Image")
    assert main(["digits", str(tmp_path / "d.png"), "--count", "6", "--seed", "4", "--json"]) == 0
    x, t = cnet.datasets.make_digits(6, rng=4)
    assert json.loads(capsys.readouterr().out)["labels"] == t.tolist()
    with image.open(tmp_path / "d.png") as picture:
        sheet = np.asarray(picture)
    # Three to a row, with gaps of two pixels around each.
    assert sheet.shape == (2 * 30 + 2, 3 * 30 + 2)
    np.testing.assert_array_equal(sheet[32:60, 62:90], x[5].reshape(28, 28))

    assert main(["digits", str(tmp_path / "d"), "--count", "30", "--test-count", "20", "--seed", "4"]) == 0
    (x_train, t_train), (x_test, t_test) = cnet.datasets.load_mnist(
        normalize=False, data_home=tmp_path / "d", download=False
    )
    x, t = cnet.datasets.make_digits(50, rng=4)
    np.testing.assert_array_equal(np.concatenate([x_train, x_test]), x)
    np.testing.assert_array_equal(np.concatenate([t_train, t_test]), t)


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
        ["train", "--activation", "gelu"], ["evaluate"], ["predict", "model"], ["plot"], ["digits"],
        ["digits", "x.png", "--test-count", "3"], ["digits", "x.png", "--count", "1000000"],
        ["info", "more"], ["check-gradients", "--dtype", "int"],
    ],
)
def test_wrong_usage(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = one_error(capsys)
    assert error.startswith(("cnet: error: ", f"cnet {arguments[0]}: error: "))
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--data", "none"], "no such folder"), (["train", "--data", "file"], "is not a folder"),
        (["train", "--data", "empty"], "lacks some of"), (["train", "--out", "file/run"], "file/run"),
        (["train", "--data", "DATA", "--out", "file"], "file: "),
        (["train", "--data", "DATA", "--out", ""], "No such file"),
        (["train", "--data", "DATA", "--batch-size", "701", "--sampling", "shuffle"], "701 is more than"),
        (["train", "--resume", "none"], "no such folder"),
        (["train", "--resume", "empty"], "holds no checkpoint"),
        (["evaluate", "none"], "none: No such file"), (["evaluate", "file"], "not a cnet model"),
        (["evaluate", "empty"], "holds no model"), (["predict", "small", "x.png"], "100 pixels"),
        (["evaluate", "small", "--data", "DATA"], "100 pixels"),
        (["evaluate", "damaged"], "damaged"), (["plot", "none"], "no such folder"),
        (["plot", "bad-run"], "damaged"),
        (["check-gradients", "--model", "small"], "784 pixels"), (["digits", "none/x.png"], "no such folder"),
        (["digits", "file"], "file"), (["train", "--resume", "bad-run"], "not a cnet model"),
    ],
)
def test_failures(arguments, message, data, trained, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("neither a model nor a folder")
    (tmp_path / "empty").mkdir()
    cnet.TwoLayerNet(100, 3, 2, rng=0).save("small")
    content = bytearray(model_bytes_of(trained))
    content[-1] ^= 1
    (tmp_path / "damaged").write_bytes(content)
    (tmp_path / "bad-run").mkdir()
    (tmp_path / "bad-run" / "history.json").write_text('{"loss": []}')
    (tmp_path / "bad-run" / "checkpoint.safetensors").write_text("nonsense, and long enough" * 9)
    status = main([data if argument == "DATA" else argument for argument in arguments])
    assert status == (2 if "shuffle" in arguments else 1)
    assert message in one_error(capsys)


def model_bytes_of(folder):
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        return file.read()


def test_a_model_is_no_checkpoint(trained, tmp_path, capsys):
    (tmp_path / "checkpoint.safetensors").write_bytes(model_bytes_of(trained))
    assert main(["train", "--resume", str(tmp_path)]) == 1
    assert "not a checkpoint" in one_error(capsys)


@pytest.mark.parametrize("name", ["checkpoint.safetensors", "history.json"])
def test_a_failing_disk(data, tmp_path, capsys, monkeypatch, name):
    """Whatever is written last, the failure is one line and names the file."""
    import errno

    from cnet import atomic_file, model_file
    from cnet.cli import run_folder

    def full(path):
        if path.endswith(name):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        return atomic_file.replacing(path)

    for module in (model_file, run_folder):
        monkeypatch.setattr(module, "replacing", full)
    assert train(data, tmp_path, "--iterations", "5") == 1
    assert f"{name}: No space left on device" in one_error(capsys)


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


def as_installed(*arguments, **environment):
    """The command as the script runs it that pip makes of pyproject.toml's line."""
    root = Path(__file__).resolve().parents[1]
    scripts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    module, function = scripts["cnet"].split(":")
    program = f"import sys; from {module} import {function}; sys.exit({function}())"
    path = os.pathsep.join([str(root), *(entry for entry in sys.path if entry)])
    environment = {**os.environ, "PYTHONPATH": path, **environment}
    return python("-c", program, *arguments, env=environment)


def test_an_instruction_set_that_is_not_there_is_one_line():
    from cnet.core import _dispatch

    done = as_installed("info", CNET_ISA="sse9")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"cnet: error: CNET_ISA=sse9: instruction set 'sse9' cannot run here: expected one of "
        f"{', '.join(_dispatch.available())} (built: {', '.join(_dispatch.built())})\n"
    )
    # Here Python itself says it, with its own status.
    done = python("-m", "cnet", "info", env={**os.environ, "CNET_ISA": "sse9"})
    assert done.returncode != 0 and done.stderr.count("\n") == 1 and "CNET_ISA=sse9: " in done.stderr
    done = as_installed("--version", CNET_ISA="baseline")
    assert (done.returncode, done.stdout) == (0, f"cnet {cnet.__version__}\n")


def test_python_m_cnet_is_the_same():
    assert python("-m", "cnet", "--version").stdout == f"cnet {cnet.__version__}\n"
    assert python("-m", "cnet", "train", "--hidden", "0").returncode == 2
    assert python("-m", "cnet").stdout.startswith("usage: cnet COMMAND")


def test_help_fits_the_terminal(capsys, monkeypatch):
    for command in ("", "train", "evaluate", "predict", "plot", "check-gradients", "digits", "info"):
        for columns in (40, 80, 300):
            monkeypatch.setenv("COLUMNS", str(columns))
            assert main([*command.split(), "--help"]) == 0
            out = capsys.readouterr().out
            lines = [line for line in out.splitlines() if not line.startswith(("  cnet ", "usage: "))]
            assert max(map(len, lines)) <= min(columns, 100)
            assert "examples:" in out or "first steps:" in out


def test_help_imports_nothing_heavy():
    program = """
        import sys
        from cnet.cli import main, pictures
        main(["train", "--help"])
        heavy = {"matplotlib", "tqdm", "PIL", "pooch", "json", "pathlib"} & set(sys.modules)
        print(heavy - set(before))
    """
    start = "import sys, cnet; before = list(sys.modules)\n"
    done = python("-c", start + textwrap.dedent(program))
    assert done.stdout.splitlines()[-1] in ("set()", "{'json'}"), done.stderr


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


def test_long_epochs_say_how_far_they_are(data, tmp_path, capsys, monkeypatch):
    from cnet.cli import progress

    monkeypatch.setattr(progress, "QUIET_SECONDS", -1.0)
    assert train(data, tmp_path, "--iterations", "8") == 0
    err = capsys.readouterr().err
    assert "iteration 7 of 8, loss " in err and "samples/s" in err


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_before_training_is_130(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "cnet", "digits", str(tmp_path), "--count", "10000000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "cnet: error: interrupted\n")
    assert not os.listdir(tmp_path)


def test_without_tqdm_a_terminal_gets_plain_lines(data, tmp_path, capsys, monkeypatch):
    from cnet.cli import progress

    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(progress, "is_terminal", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "100")
    assert train(data, tmp_path, "--iterations", "9") == 0
    out, err = capsys.readouterr()
    assert not err
    assert [line.split(":")[0] for line in out.splitlines()[2:4]] == ["epoch   1", "iteration 9"]
