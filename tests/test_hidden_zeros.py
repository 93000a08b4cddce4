"""Hidden layers many of whose values are zero: products pass over the zeros, and no bit tells."""

import numpy as np
import pytest

import cnet

# (hidden units, activation, dropout): widths that fill no panel or word, layers too narrow, and zeros by dropout.
NETS = [
    ((130, 257, 70), "relu", 0),
    ((200, 256), "relu", 0),  # predictions copy the tiles of rows of 1,024 or 2,048 bytes
    ((96, 64), "relu", 0.5),
    ((200, 40, 160), "tanh", [0.6, 0.0, 0.7]),
    ((140, 150, 160), ["relu", "gelu", "relu"], 0),
]


def data(rows=260, inputs=37):
    rng = np.random.default_rng(3)
    x = np.where(rng.random((rows, inputs)) < 0.4, rng.normal(size=(rows, inputs)), 0).astype(np.float32)
    return x, rng.integers(0, 5, rows)


def trained(hidden, activation, dropout, dtype="float32", watches=True, n_threads=1, inputs=37, **options):
    """The bytes of trained parameters and of predictions."""
    x, t = data(inputs=inputs)
    net = cnet.MultiLayerNet(x.shape[1], hidden, 5, activation=activation, dtype=dtype, rng=0)
    net._core.watches_zeros = watches
    net.fit(x, t, iterations=12, dropout=dropout, n_threads=n_threads, rng=1, **options)
    parameters = b"".join(array.tobytes() for array in net.params.values())
    return parameters, net.predict(np.tile(x, (9, 1))).tobytes(), net.evaluate(x, t)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("net", NETS, ids=str)
@pytest.mark.parametrize(("optimizer", "options"), [
    ("adam", {"batch_size": 100}), ("sgd", {"batch_size": 33}), ("momentum", {"batch_size": 130, "clip_norm": 1.0}),
])
def test_fits_and_predictions_have_the_bits_of_dense_products(isa, optimizer, options, net, dtype):
    dense = trained(*net, dtype, watches=False, optimizer=optimizer, **options)
    for n_threads in (1, 2, 3):
        assert trained(*net, dtype, n_threads=n_threads, optimizer=optimizer, **options) == dense


@pytest.mark.parametrize("dtype", ["float32", "float64"])
# Whole vectors and words, neither, more than one tile of weights; weights that are copied where they are not aligned.
@pytest.mark.parametrize(("inputs", "hidden"), [(64, (160,)), (71, (136, 130)), (300, (129,)), (128, (100,))], ids=str)
@pytest.mark.parametrize(("optimizer", "options"), [
    ("adam", {"batch_size": 100}), ("sgd", {"batch_size": 33}), ("momentum", {"batch_size": 130, "clip_norm": 1.0}),
])
def test_inputs_with_many_zeros_have_the_bits_of_dense_products(isa, optimizer, options, inputs, hidden, dtype):
    net = hidden, "tanh", 0, dtype
    dense = trained(*net, watches=False, inputs=inputs, optimizer=optimizer, **options)
    for n_threads in (1, 2, 3):
        assert trained(*net, n_threads=n_threads, inputs=inputs, optimizer=optimizer, **options) == dense


@pytest.mark.parametrize("watches", [True, False])
def test_zeros_of_inputs_are_passed_over(watches):
    """A weight that is not finite is met by 0 inputs only: 0 times it is not computed."""
    x, _ = data(inputs=64)
    x[:, 5] = 0
    net = cnet.MultiLayerNet(64, [128], 5, rng=0)
    weights = np.array(net.params["W1"])
    weights[5] = np.inf
    net._core.weights[0][...] = weights
    net._core.watches_zeros = watches
    assert np.isfinite(net.predict(x)).all() == watches


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_thread_has_room_of_its_own_for_bitmaps(dtype):
    """Layers whose rows have different numbers of words, which the threads go through at different times."""
    nets = {trained((512, 200, 130), "relu", 0, dtype, n_threads=n, optimizer="adam")[0] for n in (1, 2, 2, 2, 4)}
    assert len(nets) == 1


def test_layers_without_zeros_are_left_to_the_dense_product():
    """The batch before decides: a network whose units are all awake trains to the same bits, too."""
    x, t = data()
    results = []
    for watches in (True, False):
        net = cnet.MultiLayerNet(x.shape[1], (128, 160), 5, rng=0)
        for name in ("b1", "b2"):
            net.params[name] = np.full_like(net.params[name], 30)
        net._core.watches_zeros = watches
        net.fit(x, t, iterations=8, learning_rate=1e-4, batch_size=64, rng=2)
        results.append(b"".join(array.tobytes() for array in net.params.values()))
    assert results[0] == results[1]
