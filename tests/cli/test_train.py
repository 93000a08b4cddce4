"""``cnet train``: what it writes and prints, and how it fails."""

import errno
import json
import os
import re
import sys

import numpy as np
import pytest

import cnet
from cnet.cli import main
from cnet.cli.run_folder import read_record

FILES = ["checkpoint.safetensors", "curves.png", "history.json", "model.safetensors"]
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.draws
def test_train_writes_a_run_and_says_so(train, data, tmp_path, capsys):
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


def test_train_is_the_same_as_fit(train, data, tmp_path):
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


def test_a_second_run_replaces_the_first(train, model_bytes, data, tmp_path):
    train(data, tmp_path, "--iterations", "9", "--seed", "1")
    first = model_bytes(tmp_path)
    train(data, tmp_path, "--iterations", "9", "--seed", "2")
    assert model_bytes(tmp_path) != first
    assert read_record(str(tmp_path)).settings.seed == 2


@pytest.mark.draws
def test_divergence_is_a_failure(train, data, tmp_path, capsys):
    train(data, tmp_path, "--epochs", "1")
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    capsys.readouterr()
    assert train(data, tmp_path, "--activation", "relu", "--learning-rate", "1e30") == 1
    out, err = capsys.readouterr()
    assert "diverged" in err and "1e+30" in err and err.count("\n") == 1
    # The model of the earlier run stays, and with it what was measured on the way to it.
    assert f"{tmp_path / 'model.safetensors'} is still the one from before" in err
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == before


def test_json_is_one_document(train, data, tmp_path, capsys):
    assert train(data, tmp_path, "--iterations", "9", "--json") == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["state"] == "finished" and document["iterations"] == 9
    assert document["files"] == ["model.safetensors", "history.json", "curves.png"]
    assert "epoch   1" in err


def test_without_matplotlib(train, one_error, data, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert train(data, tmp_path, "--iterations", "5") == 0
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and "matplotlib is not installed" in err
    assert "curves.png" not in out
    assert sorted(os.listdir(tmp_path)) == [name for name in FILES if name != "curves.png"]
    assert main(["plot", str(tmp_path)]) == 1
    assert "need matplotlib" in one_error()


@pytest.mark.parametrize("name", ["checkpoint.safetensors", "history.json"])
def test_a_failing_disk(train, one_error, data, tmp_path, capsys, monkeypatch, name):
    """Whatever is written last, the failure is one line and names the file."""

    from cnet import atomic_file, model_file
    from cnet.cli import run_folder

    def full(path):
        if path.endswith(name):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        return atomic_file.replacing(path)

    for module in (model_file, run_folder):
        monkeypatch.setattr(module, "replacing", full)
    assert train(data, tmp_path, "--iterations", "5") == 1
    assert f"{name}: No space left on device" in one_error()


def test_long_epochs_say_how_far_they_are(train, data, tmp_path, capsys, monkeypatch):
    from cnet.cli import progress

    monkeypatch.setattr(progress, "QUIET_SECONDS", -1.0)
    assert train(data, tmp_path, "--iterations", "8") == 0
    err = capsys.readouterr().err
    assert re.search(r"iteration [1-8] of 8, loss .* samples/s, \d+ (s|min|h).* left$", err, re.M)
