"""``cnet check-gradients``: it agrees with what is right, and finds what is wrong."""

import json

import pytest

import cnet
from cnet.cli import main


@pytest.mark.parametrize("options", [[], ["--activation", "tanh"], ["--dtype", "float32", "--samples", "1"]])
def test_check_gradients(options, capsys):
    assert main(["check-gradients", "--hidden", "4", "--json", *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["agree"] and set(told["parameters"]) == {"W1", "b1", "W2", "b2"}


def test_check_gradients_finds_a_wrong_gradient(one_error, monkeypatch, trained, capsys):
    right = cnet.TwoLayerNet.gradient

    def wrong(self, x, t):
        gradient = right(self, x, t)
        gradient["b1"] *= 1.01
        return gradient

    monkeypatch.setattr(cnet.TwoLayerNet, "gradient", wrong)
    assert main(["check-gradients", "--hidden", "4"]) == 1
    assert "differ" in one_error()
    assert main(["check-gradients", "--model", trained, "--dtype", "float32"]) == 2
