"""What exporters read of a network."""

import dataclasses

import numpy as np
import pytest

import cnet
from cnet import reference
from cnet.export.description import OUTPUTS, describe
from cnet.losses import LOSSES


def test_it_holds_all_that_a_network_computes(cases):
    """Its own formula gives the predictions."""
    for net, x, expected in cases:
        description = describe(net, "float64")
        z = reference.networks.as_inputs(x, description.dtype)
        for layer in description.layers:
            assert layer.weights.shape == (layer.n_inputs, layer.n_outputs) and layer.weights.dtype == np.float64
            z = reference.activate(z @ layer.weights + layer.biases, layer.activation)
        softmax = description.output == "softmax"
        y = reference.softmax(z) if softmax else reference.LOSSES[description.loss].output(z)
        np.testing.assert_allclose(y, expected, rtol=1e-12)
        assert (description.sizes, description.activations) == (net.sizes, net._core.activations)
        assert description.n_parameters == sum(array.size for array in net.params.values())
        assert (description.n_inputs, description.n_outputs) == (x.shape[1], expected.shape[1])
        assert describe(net).dtype == net.dtype


@pytest.mark.parametrize("name", LOSSES)
def test_the_output_is_the_one_that_the_loss_has_in_the_specification(name):
    s = np.array([[-1.0, 0.5, 2.0]])
    functions = {"identity": lambda s: s, "softmax": reference.softmax, "exp": np.exp,
                 "sigmoid": lambda s: 1 / (1 + np.exp(-s))}
    assert set(functions) == set(OUTPUTS)
    description = describe(cnet.MultiLayerNet(2, [], 3, loss=name))
    np.testing.assert_allclose(reference.LOSSES[name].output(s), functions[description.output](s), rtol=1e-12)
    assert description.has_classes == (name == "cross_entropy")
    assert description.has_labels == (name == "binary_cross_entropy")
    assert description.loss_parameter == {"huber": 1.0, "quantile": 0.5}.get(name, 0.0)


def test_it_is_a_snapshot_and_cannot_be_changed(network):
    description = describe(network)
    before = description.layers[0].weights.copy()
    network.params["W1"] += 1
    np.testing.assert_array_equal(description.layers[0].weights, before)
    with pytest.raises(ValueError, match="read-only"):
        description.layers[0].weights[0, 0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        description.output = "exp"


def test_what_it_was_trained_on():
    net = cnet.TwoLayerNet(9, 3, 2, rng=0)
    assert describe(net).trained_on == "unknown" and not describe(net).pixels
    net.fit(np.arange(90, dtype=np.uint8).reshape(10, 9), np.arange(10) % 2, epochs=1)
    assert describe(net).pixels


@pytest.mark.parametrize(("change", "arguments", "error", "message"), [
    (None, ("float16",), ValueError, "dtype must be float32 or float64, got 'float16'"),
    (None, ("nonsense",), TypeError, "dtype must be float32 or float64"),
    (np.nan, (), ValueError, "some of its parameters W1 are not finite numbers"),
    (1e300, ("float32",), ValueError, "some of its parameters W1 are too large for float32"),
])
def test_what_is_refused(change, arguments, error, message):
    net = cnet.MultiLayerNet(4, [3], 2, dtype="float64", rng=0)
    if change is not None:
        net.params["W1"] = np.full((4, 3), change)
    with pytest.raises(error, match=message):
        describe(net, *arguments)


def test_only_networks_are_described():
    with pytest.raises(TypeError, match="net must be a MultiLayerNet or a TwoLayerNet, got dict"):
        describe({})

    class Estimator:
        def to_net(self):
            """As the estimators have it."""

    with pytest.raises(TypeError, match=r"got Committee; pass one of net.networks"):
        describe(cnet.Committee([cnet.TwoLayerNet(2, 3, 2)]))
    with pytest.raises(TypeError, match=r"got Estimator; pass net.to_net\(\)"):
        describe(Estimator())
