"""``cnet info MODEL``: what a model is, and how it was trained."""

import json

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
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"{regression}: MultiLayerNet, 3-5-4-2, gelu-tanh, float64",
        "  layer 1: 3 -> 5, gelu; W1 (3, 5), b1 (5,); 20 parameters",
        "  layer 2: 5 -> 4, tanh; W2 (5, 4), b2 (4,); 24 parameters",
        "  layer 3: 4 -> 2, identity; W3 (4, 2), b3 (2,); 10 parameters",
        "parameters: 54",
        "loss: Huber(delta=2.0), with the L2 penalty 0.25",
        "trained: 6 iterations in 3 epochs, on floats up to 1",
        "optimizer's state: adam, after 6 steps",
    ]
    assert main(["info", regression, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["run"] is None and told["optimizer"] == {"name": "adam", "steps": 6}
    assert (told["kind"], told["sizes"], told["parameters"]) == ("MultiLayerNet", [3, 5, 4, 2], 54)
    assert (told["loss"], told["loss_parameter"], told["weight_decay_lambda"]) == ("huber", 2.0, 0.25)
    shapes = {"W2": [5, 4], "b2": [4]}
    assert told["layers"][1] == {"layer": 2, "activation": "tanh", "shapes": shapes, "parameters": 24}


def test_a_run(trained, capsys):
    assert main(["info", trained]) == 0
    text = capsys.readouterr().out
    for part in ("TwoLayerNet, 784-50-10, relu, float32", "parameters: 39,760", "84 iterations in 12 epochs",
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
    assert "adamw, after 14 steps" in text and "run: cut off; " in text
    assert "weight-decay 0.01, validation-split 0.1, early stopping after 2 epochs" in text


def test_a_damaged_history_does_not_hide_the_model(trained, tmp_path, capsys, model_bytes):
    (tmp_path / "model.safetensors").write_bytes(model_bytes(trained))
    (tmp_path / "history.json").write_text("nonsense")
    assert main(["info", str(tmp_path)]) == 0
    assert "run:" not in capsys.readouterr().out


@pytest.mark.parametrize("command", [["evaluate", "MODEL"], ["predict", "MODEL", "x.png"],
                                     ["check-gradients", "--model", "MODEL"]], ids=lambda command: command[0])
def test_what_does_not_classify_is_said_so(regression, one_error, command):
    assert main([regression if word == "MODEL" else word for word in command]) == 1
    error = one_error()
    assert "has the loss huber" in error and "needs a network with the loss cross_entropy" in error
