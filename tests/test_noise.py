"""Noise on inputs: its distribution, its bits, and what it leaves alone."""

import numpy as np
import pytest

import cnet
from cnet import reference

WIDTH = 1000


def drawn(width=WIDTH, n=1, scale=1.0, dtype="float64", net=None):
    """The noise of n rows, which becomes the weights: they are 0 before a step. With `net`, that of its next epoch."""
    if net is None:
        net = cnet.MultiLayerNet(width, [], n, loss="squared_error", dtype=dtype, rng=7)
    net.params.update({name: np.zeros_like(array) for name, array in net.params.items()})
    # Row i's output i alone is wrong, by -1: the others' derivatives are 0.
    net.fit(np.zeros((n, width), dtype), -np.eye(n), batch_size=n, sampling="shuffle", learning_rate=float(n),
            input_noise=scale, iterations=1)
    return net, -net.params["W1"].T


def test_numbers_are_those_of_the_normal_distribution():
    """Moments, and the distribution function at some points (a table's), within four standard deviations of each."""
    _, rows = drawn(n=100)
    numbers = rows.ravel()
    n = numbers.size
    assert len(np.unique(numbers)) == n
    for power, expected, variance in [(1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)]:
        assert abs((numbers**power).mean() - expected) < 4 * np.sqrt(variance / n)
    for bound, below in [(-3, 0.0013499), (-2, 0.0227501), (-1, 0.1586553), (-0.5, 0.3085375), (0, 0.5),
                         (0.5, 0.6914625), (1, 0.8413447), (2, 0.9772499), (3, 0.9986501)]:
        assert abs((numbers < bound).mean() - below) < 4 * np.sqrt(below * (1 - below) / n)


def test_rows_columns_and_epochs_have_noise_of_their_own():
    net, rows = drawn(width=4096, n=8)
    _, later = drawn(width=4096, n=8, net=net)
    n = rows.shape[1]
    many = np.concatenate([rows, rows[:, ::-1], np.roll(rows, 1, axis=1), np.roll(rows, 32, axis=1), later])
    correlations = np.corrcoef(many)[np.triu_indices(len(many), 1)]
    assert abs(correlations).max() < 5 / np.sqrt(n)


@pytest.mark.parametrize(("dtype", "near"), [("float64", 1e-14), ("float32", 1e-5)])
@pytest.mark.parametrize("width", [1, 31, 64, 65, WIDTH])
def test_numbers_are_the_references(isa, dtype, near, width):
    net, rows = drawn(width, 3, 0.5, dtype)
    order = reference.shuffle_rows(net.seed, 0, 3)
    expected = 0.5 * reference.normal_numbers(net.seed, 0, 0, (3, width))
    np.testing.assert_allclose(rows[order], expected, rtol=0, atol=near)


def test_pixels_are_noisy_from_0_to_1():
    """Pixels, and the same as floats, with the same noise."""
    x, t = cnet.datasets.make_digits(100, rng=0)
    nets = [cnet.TwoLayerNet(784, 10, 10, "he", activation="relu", rng=0) for _ in range(2)]
    for net, inputs in zip(nets, (x, x / np.float32(255)), strict=True):
        net.fit(inputs, t, epochs=2, input_noise=0.3, input_dropout=0.2)
    for name, array in nets[0].params.items():
        np.testing.assert_allclose(array, nets[1].params[name], rtol=0, atol=1e-5)
