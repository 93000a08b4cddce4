"""The table of a network, and the names of its parameters elsewhere."""

import numpy as np
import pytest

import cnet
from cnet.exchange import names, summary


def test_a_summary_counts_what_is_there(some_network):
    net, _ = some_network
    found = summary(net)
    assert found.parameters == sum(array.size for array in net.params.values())
    assert found.bytes == sum(array.nbytes for array in net.params.values())
    for each in found.layers:
        assert net.params[f"W{each.layer}"].shape == (each.inputs, each.outputs)
        own = [net.params[f"{letter}{each.layer}"] for letter in "Wb"]
        assert (each.parameters, each.bytes) == (sum(a.size for a in own), sum(a.nbytes for a in own))
    assert tuple(each.activation for each in found.layers[:-1]) == net._core.activations
    lines = str(found).splitlines()
    assert len(lines) == len(found.layers) + 3 and len(set(map(len, lines[1:]))) == 1


def test_the_outputs_function_is_the_losses():
    # What predict makes of scores, by its formula.
    scores = np.array([[0.5, -1.0, 2.0]])
    functions = {"softmax": lambda s: np.exp(s) / np.exp(s).sum(), "sigmoid": lambda s: 1 / (1 + np.exp(-s)),
                 "exp": np.exp, "identity": lambda s: s}
    seen = set()
    for name in ("cross_entropy", "binary_cross_entropy", "squared_error", "absolute_error", "huber", "poisson",
                 "quantile"):
        net = cnet.MultiLayerNet(3, [], 3, loss=name, dtype="float64")
        net.params = {"W1": np.eye(3), "b1": np.zeros(3)}
        function = summary(net).layers[-1].activation
        seen.add(function)
        np.testing.assert_allclose(net.predict(scores), functions[function](scores), rtol=1e-12)
    assert seen == set(functions)


def test_a_summary_in_words():
    net = cnet.MultiLayerNet(1000, [200], 1, "gelu", weight_decay_lambda=0.5, loss=cnet.losses.Quantile(0.9),
                             dtype="float64")
    assert str(summary(net)).splitlines() == [
        "MultiLayerNet, loss Quantile(q=0.9), L2 penalty 0.5, float64",
        "layer  shape         activation  parameters      bytes",
        "    1  1,000 -> 200  gelu           200,200  1,601,600",
        "    2  200 -> 1      identity           201      1,608",
        "total                               200,401  1,603,208",
    ]
    with pytest.raises(TypeError, match="net must be a network of cnet"):
        summary("net")
    with pytest.raises(TypeError, match="got Committee; pass one of its networks"):
        summary(cnet.Committee([net]))


def test_names():
    net = cnet.MultiLayerNet(4, [3, 5], 2)
    expected = {
        "pytorch": ["0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"],
        "flax": [f"params/Dense_{i}/{name}" for i in range(3) for name in ("kernel", "bias")],
        "keras": ["dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias"],
        "sklearn": ["coefs_[0]", "intercepts_[0]", "coefs_[1]", "intercepts_[1]", "coefs_[2]", "intercepts_[2]"],
    }
    for framework, theirs in expected.items():
        found = names(net, framework)
        assert list(found) == list(net.params) and [each.name for each in found.values()] == theirs
        transposed = [name for name, each in found.items() if each.transposed]
        assert transposed == (["W1", "W2", "W3"] if framework == "pytorch" else [])
    with pytest.raises(ValueError, match="framework must be one of 'pytorch'.*got 'caffe'"):
        names(net, "caffe")
