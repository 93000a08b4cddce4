"""Inputs that are moved to where the loss is larger: by how much, when, and what is left alone."""

import numpy as np
import pytest

import cnet
from cnet import reference

RATE = 1e-6


def problem(n, width, dtype):
    rng = np.random.default_rng(3)
    net = cnet.MultiLayerNet(width, [7, 5], 3, ["relu", "tanh"], dtype=dtype, rng=2)
    return net, rng.uniform(-1, 1, (n, width)).astype(dtype), rng.integers(0, 3, n)


def sign_of_slope(net, row, label):
    """The sign of the loss's derivative by each input, by central differences."""
    h = 1e-6
    return np.array([
        np.sign(net.loss(row + h * unit, label) - net.loss(row - h * unit, label)) for unit in np.eye(len(row))])


@pytest.mark.parametrize("width", [1, 8, 33])
@pytest.mark.parametrize("n", [1, 5])
def test_the_gradient_is_that_of_moved_inputs(isa, width, n):
    """One step of plain descent, in the second epoch, whose only batch is moved."""
    net, x, t = problem(n, width, "float64")
    net.fit(x, t, iterations=1, batch_size=n, sampling="shuffle", learning_rate=RATE, adversarial=0.1)
    before = {name: array.copy() for name, array in net.params.items()}
    moved = x + 0.1 * np.array([sign_of_slope(net, row, label) for row, label in zip(x, t, strict=True)])
    expected = net.gradient(moved, t)
    net.fit(x, t, iterations=1, batch_size=n, sampling="shuffle", learning_rate=RATE, adversarial=0.1)
    for name, array in net.params.items():
        np.testing.assert_allclose((before[name] - array) / RATE, expected[name], rtol=0, atol=1e-7)


def test_every_second_batch_is_moved():
    """The losses that are recorded, with a rate at which nothing is learnt."""
    net, x, t = problem(10, 6, "float64")
    history = net.fit(x, t, epochs=2, batch_size=2, sampling="shuffle", learning_rate=1e-13, adversarial=0.2)
    plain = []
    for epoch in (0, 1):
        rows = reference.shuffle_rows(net.seed, epoch, 10).reshape(5, 2)
        plain += [net.loss(x[batch], t[batch]) for batch in rows]
    larger = [int(after > before + 1e-6) for after, before in zip(history.loss, plain, strict=True)]
    assert larger == [0, 1, 0, 1, 0] + [1, 0, 1, 0, 1]


def test_where_nothing_can_be_learnt_nothing_is_moved():
    """Weights of 0, and targets that are met."""
    net, x, _ = problem(4, 6, "float32")
    for name in ("W1", "W3"):
        net.params[name] = np.zeros_like(net.params[name])
    t = net.predict(x)
    first = net.fit(x, t, iterations=2, batch_size=4, sampling="shuffle", learning_rate=RATE, adversarial=0.5).loss
    assert first[0] == pytest.approx(np.log(3), abs=1e-6)
    assert first[1] == pytest.approx(np.log(3), abs=1e-6)


def test_it_makes_a_network_harder_to_fool():
    """Moved against their class by 0.1, more of the held-out digits are still read."""
    x, t = cnet.datasets.make_digits(1500, rng=0)
    x = x / np.float32(255)
    read = []
    for adversarial in (0.0, 0.1):
        net = cnet.MultiLayerNet(784, [64], 10, "relu", "he", rng=0)
        net.fit(x[:1000], t[:1000], epochs=15, optimizer="adam", adversarial=adversarial)
        delta = net.predict(x[1000:]) - np.eye(10)[t[1000:]]
        hidden = np.maximum(x[1000:] @ net.params["W1"] + net.params["b1"], 0)
        slope = (delta @ net.params["W2"].T * (hidden > 0)) @ net.params["W1"].T
        read.append(net.accuracy(x[1000:] + np.float32(0.1) * np.sign(slope).astype(np.float32), t[1000:]))
    assert read[1] > read[0] + 0.1
