"""``cnet evaluate``: the accuracy of the right network on the right images."""

import json
import os
import shutil
from pathlib import Path

import pytest

import cnet
from cnet.cli import main


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


def accuracy_of(net, x, t):
    return pytest.approx((net.predict(x).argmax(axis=1) == t).mean())


def test_a_run_is_measured_on_its_own_images(trained, data, tmp_path, capsys, monkeypatch):
    """From any folder, whether it is named by its folder or by its model file."""
    monkeypatch.chdir(tmp_path)
    _, (x, t) = cnet.datasets.load_mnist(normalize=False, data_home=data)
    net = cnet.load(os.path.join(trained, "model.safetensors"))
    for model in (trained, os.path.join(trained, "model.safetensors")):
        assert main(["evaluate", model, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["n"], told["data"]) == (200, data)
        assert told["accuracy"] == accuracy_of(net, x, t)
    # Elsewhere a model file has no images of its own.
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(Path(trained, "model.safetensors").read_bytes())
    assert main(["evaluate", str(copy), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"] == "drawn"


def test_images_that_were_named_relatively(data, tmp_path, train, capsys, monkeypatch):
    shutil.copytree(data, tmp_path / "images")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    assert train("images", "run", "--epochs", "2") == 0
    assert json.loads(Path("run", "history.json").read_text())["settings"]["data"] == str(tmp_path / "images")
    monkeypatch.chdir(tmp_path / "elsewhere")
    run = os.path.join("..", "run")
    assert main(["evaluate", run]) == 0
    assert main(["train", "--resume", run, "--epochs", "3"]) == 0
    capsys.readouterr()

    # Images that changed are told of; images that are gone, too, and what to do.
    x, t = cnet.datasets.make_digits(50, rng=1)
    for part in ("train", "t10k"):
        for path in (tmp_path / "images").glob(f"{part}-*"):
            path.unlink()
        cnet.datasets.write_idx(tmp_path / "images" / f"{part}-images-idx3-ubyte", x.reshape(-1, 28, 28))
        cnet.datasets.write_idx(tmp_path / "images" / f"{part}-labels-idx1-ubyte", t)
    assert main(["evaluate", run]) == 0
    err = capsys.readouterr().err
    assert err.startswith("cnet: warning: ") and "not the images" in err and err.count("\n") == 1
    shutil.rmtree(tmp_path / "images")
    assert main(["evaluate", run]) == 1
    assert "--data can name another place" in capsys.readouterr().err
    assert main(["evaluate", run, "--data", data]) == 0
    assert main(["train", "--resume", run, "--data", data, "--epochs", "4"]) == 0
