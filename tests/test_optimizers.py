"""Optimizers and schedules: compared with the reference, and the validation of their arguments."""

import numpy as np
import pytest

import cnet
from cnet import reference
from cnet.optimizers import SGD, LinearRamp, Momentum


def problem(n_in=70, n_out=5, n=260, kind="uint8"):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (n, n_in), dtype=np.uint8) if kind == "uint8" else rng.normal(0, 1, (n, n_in)).astype(kind)
    x[rng.random(x.shape) < 0.7] = 0
    return x, rng.integers(0, n_out, n)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("first_layer", ["sparse", "dense"])
@pytest.mark.parametrize("kind", ["uint8", "float64"])
@pytest.mark.parametrize("batch_size", [1, 17, 130, 1500])
def test_momentum_agrees_with_reference(isa, kind, batch_size, first_layer, dtype):
    x, t = problem(kind=kind)
    net = cnet.TwoLayerNet(70, 21, 5, 0.3, dtype=dtype, rng=3)
    net._core.first_layer = first_layer
    params = {name: np.array(array, np.float64) for name, array in net.params.items()}
    exact_x = x if kind == "uint8" else x.astype(dtype).astype(np.float64)
    ramp = LinearRamp(0.2, warmup=0.3)
    losses = reference.fit(
        params, exact_x, t, "sigmoid", key=net.seed, iterations=40, batch_size=batch_size,
        learning_rate=ramp.rates(40), momentum=0.8, sampling="replacement",
    )
    history = net.fit(x, t, iterations=40, batch_size=batch_size, learning_rate=ramp, optimizer=Momentum(0.8))
    limit = 1e-11 if dtype == np.float64 else 3e-5
    np.testing.assert_allclose(history.loss, losses, rtol=0, atol=limit * 10)
    for name, array in net.params.items():
        assert np.abs(array - params[name]).max() < limit * np.abs(params[name]).max()


@pytest.mark.parametrize("first_layer", ["sparse", "dense"])
def test_momentum_has_the_same_bits_at_any_number_of_threads(first_layer):
    x, t = problem(n_in=200, n=400)
    nets = []
    for n_threads in (1, 2, 3, 4):
        net = cnet.TwoLayerNet(200, 21, 5, 0.3, rng=3)
        net._core.first_layer = first_layer
        net.fit(x, t, iterations=30, batch_size=33, optimizer="momentum", n_threads=n_threads)
        nets.append(net)
    for net in nets[1:]:
        for name, array in nets[0].params.items():
            np.testing.assert_array_equal(array, net.params[name])


def test_momentum_of_zero_and_names():
    x, t = problem()
    nets = [cnet.TwoLayerNet(70, 21, 5, 0.3, dtype=np.float64, rng=3) for _ in range(5)]
    for net, optimizer in zip(nets, ["sgd", SGD(), Momentum(0), "momentum", Momentum(0.9)], strict=True):
        net.fit(x, t, iterations=10, optimizer=optimizer)
    for first, second in ((0, 1), (0, 2), (3, 4)):
        np.testing.assert_array_equal(nets[first].params["W1"], nets[second].params["W1"])
    assert (nets[0].params["W1"] != nets[3].params["W1"]).any()


def test_linear_ramp():
    expected = [0.4, 0.8, 0.8, 2 / 3, 8 / 15, 0.4, 4 / 15, 2 / 15]
    np.testing.assert_allclose(LinearRamp(0.8, warmup=0.25).rates(8), expected)
    np.testing.assert_allclose(LinearRamp(1.0, warmup=0).rates(4), [1, 0.75, 0.5, 0.25])
    for n in (1, 2, 7, 1000):
        for warmup in (0, 0.01, 0.5, 0.999):
            rates = LinearRamp(0.3, warmup).rates(n)
            assert rates.shape == (n,) and rates.min() > 0 and rates.max() <= 0.3
            assert (np.diff(np.sign(np.diff(rates))) <= 0).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"optimizer": "adam"}, ValueError, "'sgd', 'momentum', got 'adam'"),
        ({"optimizer": 0.9}, TypeError, "optimizer .* got float"),
        ({"optimizer": Momentum}, TypeError, "optimizer"),
        ({"optimizer": Momentum(1)}, ValueError, "momentum must be below 1, got 1"),
        ({"optimizer": Momentum(-0.1)}, ValueError, "momentum"),
        ({"optimizer": Momentum("0.9")}, TypeError, "momentum"),
        ({"optimizer": Momentum(float("nan"))}, ValueError, "momentum"),
        ({"learning_rate": LinearRamp(0)}, ValueError, "peak"),
        ({"learning_rate": LinearRamp(0.1, 1)}, ValueError, "warmup must be below 1, got 1"),
        ({"learning_rate": LinearRamp(0.1, None)}, TypeError, "warmup"),
        ({"learning_rate": LinearRamp}, TypeError, "learning_rate"),
    ],
)
def test_doors(options, error, message):
    x, t = problem()
    with pytest.raises(error, match=message):
        cnet.TwoLayerNet(70, 3, 5).fit(x, t, iterations=1, **options)


def test_divergence_tells_the_rate_of_the_moment():
    x, t = problem(kind="float64")
    net = cnet.TwoLayerNet(70, 3, 5, 0.3, activation="relu", dtype=np.float64, rng=0)
    ramp = LinearRamp(1e200, 0.5)
    with pytest.raises(cnet.DivergenceError) as caught:
        net.fit(x * 1e3, t, iterations=20, learning_rate=ramp, optimizer="momentum")
    assert f"learning_rate = {ramp.rates(20)[caught.value.iteration]:g}" in str(caught.value)
