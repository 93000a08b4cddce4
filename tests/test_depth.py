"""The core at any depth, from one layer of weights to eight, against plain NumPy in float64."""

import numpy as np
import pytest

from cnet.core._network import Network
from cnet.core._record import Record
from cnet.core._trainer import Trainer
from cnet.options import FitOptions

SIZES = [(9, 4), (37, 13, 5), (21, 12, 7, 3), (70, 33, 8, 17, 4), (19, 6, 5, 4, 3, 4, 5, 6, 7)]
ACTIVATIONS = {
    "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), lambda z: z * (1 - z)),
    "relu": (lambda a: np.maximum(a, 0), lambda z: (z > 0).astype(float)),
    "tanh": (np.tanh, lambda z: 1 - z * z),
}
TOLERANCE = {"float32": 2e-5, "float64": 1e-12}


def make(sizes, activation, dtype, first_layer):
    """A network with drawn parameters."""
    rng = np.random.default_rng(len(sizes))
    net = Network(sizes, activation, np.dtype(dtype))
    for weight, bias in zip(net.weights, net.biases, strict=True):
        weight[...] = rng.normal(0, 1 / np.sqrt(len(weight)), weight.shape)
        bias[...] = rng.normal(0, 0.2, bias.shape)
    net.forced_first_layer = first_layer
    return net


def parameters(net):
    return [w.astype(np.float64) for w in net.weights], [b.astype(np.float64) for b in net.biases]


def forward(weights, biases, activation, x):
    """Activations of every layer, the inputs first, and the probabilities last."""
    z = [x]
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        z.append(ACTIVATIONS[activation][0](z[-1] @ W + b))
    scores = z[-1] @ weights[-1] + biases[-1]
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return [*z, e / e.sum(axis=1, keepdims=True)]


def loss_of(weights, biases, activation, x, t):
    return -np.log(forward(weights, biases, activation, x)[-1][np.arange(len(t)), t]).mean()


def gradient_of(weights, biases, activation, x, t):
    *z, y = forward(weights, biases, activation, x)
    d = y.copy()
    d[np.arange(len(t)), t] -= 1
    d /= len(t)
    dW, db = [], []
    for layer in reversed(range(len(weights))):
        dW.insert(0, z[layer].T @ d)
        db.insert(0, d.sum(axis=0))
        if layer:
            d = d @ weights[layer].T * ACTIVATIONS[activation][1](z[layer])
    return dW, db


def make_data(sizes, rows, dtype=np.float64):
    rng = np.random.default_rng(rows)
    x = np.where(rng.random((rows, sizes[0])) < 0.3, rng.normal(size=(rows, sizes[0])), 0)
    return x.astype(dtype).astype(np.float64), rng.integers(0, sizes[-1], rows)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_gradient_in_numpy_is_that_of_finite_differences(activation):
    sizes = (5, 4, 6, 3)
    weights, biases = parameters(make(sizes, activation, "float64", "auto"))
    x, t = make_data(sizes, 7)
    dW, db = gradient_of(weights, biases, activation, x, t)
    for arrays, derivatives in ((weights, dW), (biases, db)):
        for array, derivative in zip(arrays, derivatives, strict=True):
            for i in np.ndindex(array.shape):
                value = array[i]
                losses = []
                for moved in (value + 1e-6, value - 1e-6):
                    array[i] = moved
                    losses.append(loss_of(weights, biases, activation, x, t))
                array[i] = value
                assert abs((losses[0] - losses[1]) / 2e-6 - derivative[i]) < 1e-8


@pytest.mark.parametrize("first_layer", ["sparse", "dense"])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: "-".join(map(str, sizes)))
def test_passes_at_any_depth(isa, sizes, activation, dtype, first_layer):
    net = make(sizes, activation, dtype, first_layer)
    weights, biases = parameters(net)
    for rows in (1, 17, 130):
        x, t = make_data(sizes, rows, dtype)
        close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
        np.testing.assert_allclose(net.predict(x), forward(weights, biases, activation, x)[-1], **close)
        assert abs(net.loss_and_accuracy(x, t)[0] - loss_of(weights, biases, activation, x, t)) < TOLERANCE[dtype]
        expected = gradient_of(weights, biases, activation, x, t)
        for actual, wanted in zip(net.gradient(x, t), expected, strict=True):
            for one, other in zip(actual, wanted, strict=True):
                np.testing.assert_allclose(one, other, **close)


def train(net, x, t, batch_size, iterations, rate, n_threads):
    """Descend with every row in every batch, or (shuffled) in batches of an epoch's order."""
    options = FitOptions(batch_size=batch_size, sampling="shuffle", n_threads=n_threads)
    trainer = Trainer(net, x, t, None, options, key=1, first_epoch=0, iterations=iterations)
    record = Record(False, 0.0, per_epoch=-(-len(t) // batch_size))
    while record.iterations < iterations:
        assert trainer.advance(record, np.full(iterations - record.iterations, rate))


@pytest.mark.parametrize("rows", [23, 130, 1500])
@pytest.mark.parametrize("first_layer", ["sparse", "dense"])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: "-".join(map(str, sizes)))
def test_descent_at_any_depth(isa, sizes, dtype, first_layer, rows):
    """Every batch holds every row, so that the order of the rows does not matter beyond rounding."""
    net = make(sizes, "tanh", dtype, first_layer)
    weights, biases = parameters(net)
    x, t = make_data(sizes, rows, dtype)
    train(net, x, t, rows, 5, 0.3, 2)
    for _ in range(5):
        for arrays, derivatives in zip((weights, biases), gradient_of(weights, biases, "tanh", x, t), strict=True):
            for array, derivative in zip(arrays, derivatives, strict=True):
                array -= 0.3 * derivative
    for actual, expected in ((net.weights, weights), (net.biases, biases)):
        for one, other in zip(actual, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE[dtype] * 10)


@pytest.mark.parametrize("first_layer", ["sparse", "dense"])
@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: "-".join(map(str, sizes)))
def test_the_same_bits_at_any_number_of_threads_and_depth(sizes, first_layer):
    x, t = make_data(sizes, 300, np.float32)
    results = []
    for n_threads in (1, 2, 5):
        net = make(sizes, "relu", "float32", first_layer)
        train(net, x, t, 40, 16, 0.1, n_threads)
        results.append(b"".join(array.tobytes() for array in (*net.weights, *net.biases)))
    assert results[0] == results[1] == results[2]


def test_more_layers_than_there_is_room_for_are_refused():
    with pytest.raises(ValueError, match="1 to 17 layers"):
        Network((2,) * 19, "relu", np.dtype(np.float32))
