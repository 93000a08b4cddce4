"""Optimizers: compared with the reference and with closed forms, and the validation of their arguments."""

import copy
import inspect
import math
import pickle

import numpy as np
import pytest

import cnet
from cnet import optimizers, reference
from cnet.core._network import OPTIMIZERS as COMPILED
from cnet.core._state import OptimizerState
from cnet.optimizers import OPTIMIZERS, SGD, Adam, AdamW, LinearRamp, Momentum, as_optimizer


def problem(n_in=70, n_out=5, n=260, kind="uint8"):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (n, n_in), dtype=np.uint8) if kind == "uint8" else rng.normal(0, 1, (n, n_in)).astype(kind)
    x[rng.random(x.shape) < 0.7] = 0
    return x, rng.integers(0, n_out, n)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("first_layer", ["sparse", "dense"])
@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_what_memory_held_before_does_not_matter(isa, optimizer, first_layer, dtype):
    """Steps go through the padding behind a row's weights, which a product may leave unwritten."""
    x, t = problem(n_in=17, n=40)
    rng = np.random.default_rng(1)
    for hidden in (5, 13, 25, 28, 49, 56, 60, 113, 120):
        net = cnet.TwoLayerNet(17, hidden, 5, 0.1, dtype=dtype, rng=3)
        net._core.forced_first_layer = first_layer
        freed = [np.full(size, np.nan) for size in rng.integers(1, 30_000, 20)]
        del freed
        net.fit(x, t, iterations=3, batch_size=20, optimizer=optimizer, learning_rate=1e-3)
        assert all(np.isfinite(array).all() for array in net.params.values())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("first_layer", ["sparse", "dense"])
@pytest.mark.parametrize("kind", ["uint8", "float64"])
@pytest.mark.parametrize("batch_size", [1, 17, 130, 1500])
def test_momentum_agrees_with_reference(isa, kind, batch_size, first_layer, dtype):
    x, t = problem(kind=kind)
    net = cnet.TwoLayerNet(70, 21, 5, 0.3, dtype=dtype, rng=3)
    net._core.forced_first_layer = first_layer
    params = {name: np.array(array, np.float64) for name, array in net.params.items()}
    exact_x = x if kind == "uint8" else x.astype(dtype).astype(np.float64)
    ramp = LinearRamp(0.2, warmup=0.3)
    losses = reference.fit(
        params, exact_x, t, "sigmoid", key=net.seed, iterations=40, batch_size=batch_size,
        learning_rate=ramp.rates(40), momentum=0.8, sampling="replacement",
    )
    history = net.fit(x, t, iterations=40, batch_size=batch_size, learning_rate=ramp, optimizer=Momentum(momentum=0.8))
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
        net._core.forced_first_layer = first_layer
        net.fit(x, t, iterations=30, batch_size=33, optimizer="momentum", n_threads=n_threads)
        nets.append(net)
    for net in nets[1:]:
        for name, array in nets[0].params.items():
            np.testing.assert_array_equal(array, net.params[name])


def test_momentum_of_zero_and_names():
    x, t = problem()
    nets = [cnet.TwoLayerNet(70, 21, 5, 0.3, dtype=np.float64, rng=3) for _ in range(5)]
    given = ["sgd", SGD(), Momentum(momentum=0), "momentum", Momentum(momentum=0.9)]
    for net, optimizer in zip(nets, given, strict=True):
        net.fit(x, t, iterations=10, optimizer=optimizer)
    for first, second in ((0, 1), (0, 2), (3, 4)):
        np.testing.assert_allclose(nets[first].params["W1"], nets[second].params["W1"], rtol=1e-12)
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
        ({"optimizer": "nonsense"}, ValueError, "optimizer must be one of 'sgd', .*'adamw'.*, got 'nonsense'"),
        ({"optimizer": 0.9}, TypeError, "optimizer .* got float"),
        ({"optimizer": Momentum}, TypeError, r"optimizer .* got the class Momentum; write Momentum\(\)"),
        ({"optimizer": optimizers.Optimizer}, TypeError, "optimizer .* got type"),
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


# ---- the objects ----------------------------------------------------------------------

# Default rates: in fit, and in update (the book's).
RATES = {
    "sgd": (0.1, 0.01), "momentum": (0.1, 0.01), "nesterov": (0.1, 0.01), "adagrad": (0.01, 0.01),
    "rmsprop": (0.01, 0.01), "adam": (0.001, 0.001), "adamw": (0.001, 0.001),
}
# Hyper-parameters, as the reference has them.
DEFAULTS = {
    name: inspect.getfullargspec(each.step).kwonlydefaults or {} for name, each in reference.OPTIMIZERS.items()
}


def test_the_table_is_complete():
    assert set(OPTIMIZERS) == set(DEFAULTS) == set(COMPILED)
    assert {cls.__name__ for cls in OPTIMIZERS.values()} == set(optimizers.__all__) - {"LinearRamp"}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_a_value(name):
    cls, made = OPTIMIZERS[name], as_optimizer(name)
    assert cls.__name__.lower() == name.replace("_", "") and cls.n_states == reference.OPTIMIZERS[name].n_states
    assert (made.default_lr, made.update_lr) == RATES.get(name, (made.default_lr, made.update_lr))
    assert made.name == name and made.lr is None and made.hyper() == DEFAULTS[name]
    assert as_optimizer(made) is made and type(made) is cls
    given = cls(lr=0.5, **{key: value / 2 for key, value in DEFAULTS[name].items()})
    assert given.lr == 0.5 and given.hyper() == {key: value / 2 for key, value in DEFAULTS[name].items()}
    assert eval(repr(given), vars(optimizers)) == given == cls(lr=np.float64(0.5), **given.hyper())
    assert given != made and made == cls() and hash(made) == hash(cls()) and made != name
    assert all(made != OPTIMIZERS[other]() for other in OPTIMIZERS if other != name)
    for parameter in inspect.signature(cls).parameters.values():
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        with pytest.raises(AttributeError, match=parameter.name):
            setattr(made, parameter.name, 0.3)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_bad_hyper_parameters_are_named(name):
    for parameter in ("lr", *DEFAULTS[name]):
        for bad in (-0.1, math.nan, math.inf, 10**400):
            with pytest.raises(ValueError, match=f"^{parameter} must be "):
                OPTIMIZERS[name](**{parameter: bad})
        for bad in ("0.5", True, [0.5], 1j, np.ones(2), *(() if parameter == "lr" else (None,))):
            with pytest.raises(TypeError, match=f"^{parameter} must be a number, got "):
                OPTIMIZERS[name](**{parameter: bad})
    for parameter in {"momentum", "decay_rate", "beta1", "beta2"} & set(DEFAULTS[name]):
        assert OPTIMIZERS[name](**{parameter: 0}).hyper()[parameter] == 0
        with pytest.raises(ValueError, match=f"{parameter} must be below 1, got 1.0"):
            OPTIMIZERS[name](**{parameter: 1})
    for parameter in {"lr", "epsilon"} & {"lr", *DEFAULTS[name]}:
        with pytest.raises(ValueError, match=f"{parameter} must be finite and above 0, got 0"):
            OPTIMIZERS[name](**{parameter: 0})
    with pytest.raises(TypeError, match="positional"):
        OPTIMIZERS[name](0.9)
    assert OPTIMIZERS[name](lr=1).lr == 1.0


# ---- update ---------------------------------------------------------------------------


def faded(share, gradients):
    """The sum of all gradients so far, each times `share` for every step since, after each step."""
    return [math.fsum(share ** (t - k) * gradients[k] for k in range(t + 1)) for t in range(len(gradients))]


def end_of(name, start, rate, gradients, decays=True):
    """Where a number arrives, by closed forms of the state; with optimizers that came later, by the reference.

    `decays`: it is a weight, not a bias.
    """
    if name not in RATES:
        weight = np.full((1, 1) if decays else 1, start, np.float64)
        state = [np.zeros_like(weight) for _ in range(reference.OPTIMIZERS[name].n_states)]
        for t, g in enumerate(gradients, 1):
            reference.OPTIMIZERS[name].step(weight, np.full_like(weight, g), state, rate, t)
        return weight.item()
    h = DEFAULTS[name] if decays else {}
    squares = [g * g for g in gradients]
    w = start
    for t, g in enumerate(gradients):
        if name == "sgd":
            w -= rate * g
        elif name in ("momentum", "nesterov"):
            v = faded(0.9, gradients)[t]
            w -= rate * (v if name == "momentum" else g + 0.9 * v)
        elif name == "adagrad":
            w -= rate * g / (math.sqrt(math.fsum(squares[: t + 1])) + 1e-7)
        elif name == "rmsprop":
            w -= rate * g / (math.sqrt(0.01 * faded(0.99, squares)[t]) + 1e-7)
        else:
            mean = 0.1 * faded(0.9, gradients)[t] / (1 - 0.9 ** (t + 1))
            spread = math.sqrt(0.001 * faded(0.999, squares)[t] / (1 - 0.999 ** (t + 1)))
            w = w * (1 - rate * h.get("weight_decay", 0)) - rate * mean / (spread + 1e-8)
    return w


GRADIENTS = [1.0, -0.5, 3.0, 0.0, 1e-3, -7.0, 0.25]


@pytest.mark.parametrize("lr", [None, 0.3])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_are_those_of_the_formulas(name, lr):
    rate = OPTIMIZERS[name].update_lr if lr is None else lr
    optimizer = OPTIMIZERS[name](lr=lr)
    plain = OPTIMIZERS[name](lr=lr, **({"weight_decay": 0} if "weight_decay" in DEFAULTS[name] else {}))
    params = {"W": np.array([[2.0, -1.0], [0.5, 0.0]]), "b": np.ones(1, np.float32)}
    numbers = {"x": -7.0, "n": 3, "f": np.float32(1), "z": np.array(2.0)}
    same = dict(params)
    for g in GRADIENTS:
        optimizer.update(params, {"W": np.full((2, 2), g), "b": [g], "more": None})
        plain.update(numbers, {"x": g, "n": g, "f": g, "z": g})
    assert all(params[key] is same[key] for key in same)
    for w, start in zip(params["W"].ravel(), [2, -1, 0.5, 0], strict=True):
        assert w == pytest.approx(end_of(name, start, rate, GRADIENTS), rel=1e-13, abs=1e-14)
    # Biases and numbers do not decay.
    assert params["b"].dtype == np.float32
    assert params["b"][0] == pytest.approx(end_of(name, 1, rate, GRADIENTS, decays=False), rel=1e-5, abs=1e-6)
    for key, start in (("x", -7), ("n", 3), ("z", 2)):
        assert numbers[key] == pytest.approx(end_of(name, start, rate, GRADIENTS, decays=False), rel=1e-13)
    assert type(numbers["x"]) is type(numbers["n"]) is float and type(numbers["f"]) is np.float32


def test_the_book_has_the_same_momentum_and_nearly_the_same_adam():
    """Its momentum has the rate inside the velocity, its Adam epsilon = 1e-7 before the correction."""
    w = v = 0.0
    for g in GRADIENTS:
        v = 0.9 * v - 0.05 * g
        w += v
    params = {"w": 0.0}
    optimizer = Momentum(lr=0.05)
    for g in GRADIENTS:
        optimizer.update(params, {"w": g})
    assert params["w"] == pytest.approx(w, rel=1e-14)
    w = m = v = 0.0
    params, optimizer = {"w": 0.0}, Adam()
    for t, g in enumerate(GRADIENTS, 1):
        m, v = m + 0.1 * (g - m), v + 0.001 * (g**2 - v)
        w -= 0.001 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (math.sqrt(v) + 1e-7)
        optimizer.update(params, {"w": g})
    assert params["w"] == pytest.approx(w, rel=1e-5) and params["w"] != w


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_network_is_trained_by_a_loop_written_by_hand(name):
    x, t = problem(kind="float64")
    net = cnet.TwoLayerNet(70, 12, 5, 0.3, rng=0)
    optimizer = OPTIMIZERS[name]()
    before = net.loss(x, t)
    for _ in range(30):
        optimizer.update(net.params, net.gradient(x, t))
    assert net.loss(x, t) < before


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))],
                         ids=["copy", "deepcopy", "pickle"])
def test_a_copy_goes_on_alone(name, duplicate):
    optimizer = OPTIMIZERS[name](lr=0.25)
    params = {"x": 1.0}
    optimizer.update(params, {"x": 1.0})
    twin, start = duplicate(optimizer), params["x"]
    assert twin == optimizer and hash(twin) == hash(optimizer)
    ends = []
    for one in (optimizer, twin):
        params = {"x": start}
        one.update(params, {"x": -0.5})
        ends.append(params["x"])
    assert ends[0] == ends[1] == pytest.approx(end_of(name, 1, 0.25, [1.0, -0.5], decays=False))


def test_fit_does_not_write_to_the_optimizer():
    x, t = problem()
    optimizer = Momentum(momentum=0.8)
    before = dict(vars(optimizer))
    cnet.TwoLayerNet(70, 3, 5).fit(x, t, iterations=3, optimizer=optimizer)
    assert vars(optimizer) == before and optimizer._states == {} and optimizer._steps == 0


def test_fit_takes_the_rate_of_the_optimizer():
    x, t = problem()
    ends = []
    for options in (
        {}, {"learning_rate": 0.1}, {"optimizer": SGD(lr=0.1)}, {"optimizer": SGD(lr=3), "learning_rate": 0.1},
        {"optimizer": SGD(lr=0.3)}, {"learning_rate": 0.3},
    ):
        net = cnet.TwoLayerNet(70, 3, 5, rng=0)
        net.fit(x, t, iterations=3, **options)
        ends.append(net.params["W1"].tobytes())
    assert len(set(ends[:4])) == len(set(ends[4:])) == 1 and ends[0] != ends[4]


@pytest.mark.parametrize(("params", "grads", "error", "message"), [
    ([1.0], {}, TypeError, "params must be a mapping of names to arrays or numbers, got list"),
    ({"W": 1.0, "b": 1.0}, 3, TypeError, "grads must be a mapping"),
    ({"W": 1.0, "b": 1.0}, {"W": 1.0}, ValueError, "grads .* missing: 'b'"),
    ({"W": 1.0, "b": [1.0]}, {"W": 1.0, "b": [1.0]}, TypeError, r"params\['b'\] .* got list"),
    ({"W": 1.0, "b": "1"}, {"W": 1.0, "b": 1.0}, TypeError, r"params\['b'\] .* got str"),
    ({"W": 1.0, "b": True}, {"W": 1.0, "b": 1.0}, TypeError, r"params\['b'\] .* got bool"),
    ({"W": 1.0, "b": np.ones(2, int)}, {"W": 1.0, "b": np.ones(2)}, TypeError, r"params\['b'\] .* got dtype int64"),
    ({"W": 1.0, "b": np.ones(2)}, {"W": 1.0, "b": 1.0}, ValueError, r"grads\['b'\] .* \(2,\), got \(\)"),
    ({"W": 1.0, "b": 1.0}, {"W": 1.0, "b": [1.0]}, ValueError, r"grads\['b'\] .* \(\), got \(1,\)"),
    ({"W": 1.0, "b": 1.0}, {"W": 1.0, "b": None}, TypeError, r"grads\['b'\] must hold real numbers"),
    ({"W": 1.0, "b": 1.0}, {"W": 1.0, "b": 1j}, TypeError, r"grads\['b'\] must hold real numbers"),
    ({"W": 1.0, "b": np.broadcast_to(1.0, 2)}, {"W": 1.0, "b": [1, 2]}, ValueError, r"params\['b'\] .* read-only"),
])
def test_bad_updates_change_nothing(params, grads, error, message):
    for name in OPTIMIZERS:
        optimizer = OPTIMIZERS[name]()
        with pytest.raises(error, match=message):
            optimizer.update(params, grads)
        assert optimizer._steps == 0 and not optimizer._states
    assert not isinstance(params, dict) or params["W"] == 1.0


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "sgd"])
def test_one_optimizer_serves_one_set_of_parameters(name):
    optimizer, kind = OPTIMIZERS[name](), OPTIMIZERS[name].__name__
    optimizer.update({"W": np.ones(3)}, {"W": np.ones(3)})
    with pytest.raises(ValueError, match=rf"params\['W'\] had shape \(3,\) .* got \(4,\).*make a new {kind}"):
        optimizer.update({"W": np.ones(4)}, {"W": np.ones(4)})
    with pytest.raises(ValueError, match=rf"'b' was not among .* make a new {kind}"):
        optimizer.update({"W": np.ones(3), "b": 1.0}, {"W": np.ones(3), "b": 1.0})
    assert optimizer._steps == 1


def test_the_decay_of_adamw_comes_before_the_step():
    params = {"W": np.array([[1.0]])}
    AdamW(lr=0.5, weight_decay=0.5, epsilon=1e-300).update(params, {"W": np.array([[3.0]])})
    # 1 * (1 - 0.25) - 0.5; the other order would give (1 - 0.5) * 0.75.
    assert params["W"][0, 0] == pytest.approx(0.25, rel=1e-14)


def zeros_like(net, count):
    """State of `count` arrays for each parameter of a network."""
    parameters = net._core.weights, net._core.biases
    return tuple(tuple(tuple(np.zeros_like(array) for array in arrays) for arrays in parameters) for _ in range(count))


@pytest.mark.parametrize(("arrays", "message"), [
    (lambda net: zeros_like(cnet.MultiLayerNet(6, [7], 3), 2), r"expected float32\(6, 4\), got float32\(6, 7\)"),
    (lambda net: zeros_like(cnet.MultiLayerNet(6, [4], 3, dtype="float64"), 2), "expected float32.*got float64"),
    (lambda net: zeros_like(net, 1), "must be 2 arrays of each parameter, got 1"),
])
def test_a_state_of_other_shapes_is_refused_before_a_kernel_reads_it(arrays, message):
    net = cnet.MultiLayerNet(6, [4], 3, rng=0)
    before = {name: array.copy() for name, array in net.params.items()}
    net._core.optimizer_state = OptimizerState("adam", arrays(net))
    with pytest.raises(ValueError, match=message):
        net.fit(np.ones((5, 6), np.float32), [0, 1, 2, 0, 1], iterations=1, batch_size=5, optimizer="adam")
    for name, array in net.params.items():
        np.testing.assert_array_equal(array, before[name])
    net.reset_optimizer()
    net.fit(np.ones((5, 6), np.float32), [0, 1, 2, 0, 1], iterations=1, batch_size=5, optimizer="adam")
