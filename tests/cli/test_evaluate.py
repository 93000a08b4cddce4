"""``cnet evaluate``: the accuracy of the right network on the right images."""

import json
import os

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
