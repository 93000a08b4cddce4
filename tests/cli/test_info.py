"""``cnet info MODEL``: what a model is, and how it was trained."""

import json
import os

import numpy as np
import pytest

import cnet
from cnet.cli import main


@pytest.fixture
def regression(tmp_path):
    """A model file of another kind than those of the command line: three inputs, values as targets, Adam's state."""
    x = np.linspace(-1, 1, 60).reshape(20, 3)
    net = cnet.MultiLayerNet(3, [5, 4], 2, ["gelu", "tanh"], weight_decay_lambda=0.25, loss=cnet.losses.Huber(delta=2),
                             dtype="float64", rng=0)
    net.fit(x, x[:, :2] ** 2, epochs=3, batch_size=10, optimizer="adam")
    path = tmp_path / "values.safetensors"
    net.save(path, optimizer_state=True)
    return str(path)


def test_a_model_file(regression, capsys):
    assert main(["info", regression]) == 0
    size = os.path.getsize(regression)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"{regression}: MultiLayerNet, 3-5-4-2, gelu-tanh, float64",
        "  layer  shape   activation  parameters  bytes",
        "      1  3 -> 5  gelu                20    160",
        "      2  5 -> 4  tanh                24    192",
        "      3  4 -> 2  identity            10     80",
        "  total                              54    432",
        "predicts: 2 numbers, from 3 numbers up to 1",
        "loss: Huber(delta=2.0), with the L2 penalty 0.25",
        "trained: 6 iterations in 3 epochs, on floats up to 1",
        "optimizer's state: adam, after 6 steps",
        f"file: {size:,} bytes: header {size - 3 * 432:,}, parameters 432, optimizer's state 864; "
        "safetensors, cnet's version 2; its checksum matches",
    ]
    assert main(["info", regression, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["run"] is None and told["optimizer"] == {"name": "adam", "steps": 6}
    assert (told["kind"], told["sizes"], told["parameters"]) == ("MultiLayerNet", [3, 5, 4, 2], 54)
    assert (told["loss"], told["loss_parameter"], told["weight_decay_lambda"]) == ("huber", 2.0, 0.25)
    shapes = {"W2": [5, 4], "b2": [4]}
    assert told["layers"][1] == {"layer": 2, "activation": "tanh", "shapes": shapes, "parameters": 24, "bytes": 192}
    assert told["bytes"] == 432
    held = told["file"]
    assert held["bytes"] == size == held["header_bytes"] + sum(each["bytes"] for each in held["tensors"])
    assert held["tensors"][2] == {"name": "W2", "dtype": "float64", "shape": [5, 4], "bytes": 160}
    assert held["metadata"]["optimizer_steps"] == "6"


def test_an_onnx_file(tmp_path, capsys, one_error):
    pytest.importorskip("onnx")
    path = str(tmp_path / "net.ONNX")
    cnet.export.onnx(cnet.MultiLayerNet(3, [5], 2, "gelu", loss=cnet.losses.Huber(delta=2), rng=0), path)
    size = os.path.getsize(path)
    assert main(["info", path]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{path}: ONNX, 3-5-2, gelu, float32",
        "  layer  shape   activation  parameters  bytes",
        "      1  3 -> 5  gelu                20     80",
        "      2  5 -> 2  identity            12     48",
        "  total                              32    128",
        "predicts: 2 numbers, from 3 numbers",
        "loss: Huber(delta=2.0)",
        f"file: {size:,} bytes: parameters 128, all else {size - 128:,}; ONNX",
    ]
    assert main(["info", path, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["kind"] == "ONNX" and told["parameters"] == 32 and told["file"] == {"path": path, "bytes": size}
    assert "seed" not in told
    with open(path, "r+b") as file:
        file.truncate(size // 2)
    assert main(["info", path]) == 1
    assert "is truncated or damaged" in one_error()
    assert main(["info", str(tmp_path / "none.onnx")]) == 1
    assert "none.onnx" in one_error()


def test_a_run(trained, capsys):
    assert main(["info", trained]) == 0
    text = capsys.readouterr().out
    for part in ("TwoLayerNet, 784-50-10, relu, float32", "39,760  159,040",
                 "predicts: the probability of each of 10 classes, from 784 pixels (bytes, divided by 255)",
                 "84 iterations in 12 epochs",
                 "run: finished; 84 mini-batches of 100, learning rate 0.5, seed 0", "test accuracy"):
        assert part in text
    assert main(["info", trained, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["run"]["settings"]["learning_rate"] == 0.5 and told["run"]["last_epoch"]["iteration"] == 84


def test_a_run_that_was_cut_off(data, tmp_path, capsys):
    """Its checkpoint has the optimizer's state."""
    options = ["--layers", "6,5", "--optimizer", "adamw", "--early-stop", "2", "--epochs", "2", "--out", str(tmp_path)]
    assert main(["train", "--data", data, *options]) == 0
    for name in ("model.safetensors", "history.json"):
        (tmp_path / name).unlink()
    capsys.readouterr()
    assert main(["info", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    # Of 784-6-5-10 in float32; the optimizer has two numbers for each.
    for part in ("measurements ", "parameters 19,220", "best parameters so far 19,220", "optimizer's state 38,440"):
        assert part in text
    assert "adamw, after 14 steps" in text and "run: cut off; " in text
    assert "weight-decay 0.01, validation-split 0.1, early stopping after 2 epochs" in text


def test_the_checkpoint_of_a_run_is_named_so(trained, one_error):
    for command in (["info"], ["export", "--format", "numpy"], ["page"]):
        assert main([*command, os.path.join(trained, "checkpoint.safetensors")]) == 1
        assert "is the checkpoint of a run, not a model; name the run's folder" in one_error()


def test_a_damaged_history_does_not_hide_the_model(trained, tmp_path, capsys, model_bytes):
    (tmp_path / "model.safetensors").write_bytes(model_bytes(trained))
    (tmp_path / "history.json").write_text("nonsense")
    assert main(["info", str(tmp_path)]) == 0
    assert "run:" not in capsys.readouterr().out


@pytest.mark.parametrize(("options", "words"), [
    ({}, "the probability of each of 3 classes, from 4 numbers"),
    ({"loss": "binary_cross_entropy"}, "the probability of each of 3 labels, from 4 numbers"),
    ({"loss": "binary_cross_entropy", "output_size": 1}, "the probability of a label, from 4 numbers"),
    ({"loss": "poisson"}, "3 expected counts, from 4 numbers"),
    ({"loss": "absolute_error"}, "3 numbers (median), from 4 numbers"),
    ({"loss": cnet.losses.Quantile(0.9), "output_size": 1}, "1 number (quantile 0.9), from 4 numbers"),
], ids=str)
def test_what_a_network_is_for(options, words, tmp_path, capsys):
    cnet.MultiLayerNet(**{"input_size": 4, "hidden_size_list": [2], "output_size": 3, **options}).save(tmp_path / "net")
    assert main(["info", str(tmp_path / "net")]) == 0
    assert f"predicts: {words}" in capsys.readouterr().out


def test_a_committee(tmp_path, capsys):
    nets = [cnet.MultiLayerNet(4, [2], 3, rng=seed) for seed in range(2)]
    path = tmp_path / "committee.safetensors"
    cnet.Committee(nets).save(path)
    assert main(["info", str(path)]) == 0
    text = capsys.readouterr().out
    assert "predicts: the probability of each of 3 classes, from 4 numbers" in text
    # 19 parameters each, of four bytes.
    assert f"file: {path.stat().st_size:,} bytes: header " in text and "parameters 152; safetensors" in text
    assert main(["info", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"]["metadata"]["networks"] == "2"


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data + b"x", lambda data: b"PK\3\4" + data,
                                    lambda data: data[:-1] + bytes([data[-1] ^ 1]), lambda data: b""])
def test_a_damaged_file(regression, damage, one_error):
    with open(regression, "rb") as file:
        data = damage(file.read())
    with open(regression, "wb") as file:
        file.write(data)
    assert main(["info", regression]) == 1
    assert "cannot read" in one_error()


@pytest.mark.parametrize("command", [["evaluate", "MODEL"], ["predict", "MODEL", "x.png"],
                                     ["check-gradients", "--model", "MODEL"]], ids=lambda command: command[0])
def test_what_does_not_classify_is_said_so(regression, one_error, command):
    assert main([regression if word == "MODEL" else word for word in command]) == 1
    error = one_error()
    assert "has the loss huber" in error and "needs a network with the loss cross_entropy" in error
