"""Central differences of the whole network, and training by them, against the naive way."""

import functools
import math
import os
import signal
import threading
from decimal import Decimal, localcontext

import numpy as np
import pytest

import cnet
from cnet import reference
from cnet.core import _numerical

ACTIVATIONS = ["sigmoid", "relu", "tanh"]
# One of each; none or some a multiple of a vector; more samples than are held at once.
SIZES = [(1, 1, 1, 1), (1, 1, 2, 3), (3, 1, 5, 1), (2, 3, 1, 7), (7, 17, 3, 5), (4, 3, 6, 300), (3, 2, 40, 16)]


def make(sizes, activation, dtype=np.float64, kind="float64", seed=0):
    """A network with weights large enough to matter, sparse inputs, labels, and its parameters."""
    n_in, n_hidden, n_out, n = sizes
    rng = np.random.default_rng(seed)
    net = cnet.TwoLayerNet(n_in, n_hidden, n_out, 0.5, activation=activation, dtype=dtype, rng=seed)
    net.params["b1"] = rng.normal(0, 0.5, n_hidden)
    net.params["b2"] = rng.normal(0, 0.5, n_out)
    if kind == "uint8":
        x = rng.integers(0, 256, (n, n_in), dtype=np.uint8)
    else:
        x = rng.normal(0, 1, (n, n_in)).astype(kind)
    x[rng.random(x.shape) < 0.5] = 0
    params = {name: np.array(array, np.float64) for name, array in net.params.items()}
    return net, x, rng.integers(0, n_out, n), params


def assert_close(actual, expected, limit=1e-9):
    """max|difference| over all arrays, by the largest expected entry; 1e-9 where all are zero."""
    largest = max(np.abs(array).max() for array in expected.values())
    for name, array in expected.items():
        assert actual[name].dtype == np.float64 and actual[name].shape == array.shape
        assert np.abs(actual[name] - array).max() <= limit * (largest if largest > 1e-6 else 1)


@pytest.mark.parametrize("h", [1e-4, 1e-2, 1.0, 40.0])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_the_naive_way_gives_the_same(isa, sizes, activation, h):
    net, x, t, params = make(sizes, activation)
    assert_close(net.numerical_gradient(x, t, h), reference.numerical_gradient(params, x, t, activation, h))


@pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_kind_of_input(kind, dtype):
    net, x, t, params = make((9, 5, 4, 21), "tanh", dtype, kind)
    expected = reference.numerical_gradient(params, x if kind == "uint8" else x.astype(np.float64), t, "tanh")
    assert_close(net.numerical_gradient(x, t), expected)


def test_many_outputs():
    net, x, t, params = make((2, 2, 1000, 3), "sigmoid")
    assert_close(net.numerical_gradient(x, t, 1e-2), reference.numerical_gradient(params, x, t, "sigmoid", 1e-2))


def test_central_differences_are_not_the_derivative():
    """At h = 1e-2 the two differ by far more than the tolerance: one cannot stand in for the other."""
    net, x, t, params = make((7, 6, 5, 20), "sigmoid")
    derivative = reference.gradient(params, x, t, "sigmoid")
    by_differences = net.numerical_gradient(x, t, h=1e-2)
    largest = max(np.abs(array).max() for array in derivative.values())
    assert max(np.abs(by_differences[name] - derivative[name]).max() for name in derivative) > 1e-6 * largest


def exact_derivative(params, x, label, activation, h, name, index):
    """A central difference of one sample's loss in 60 digits."""
    functions = {
        "sigmoid": lambda a: 1 / (1 + (-a).exp()),
        "tanh": lambda a: 2 / (1 + (-2 * a).exp()) - 1,
        "relu": lambda a: max(a, Decimal(0)),
    }

    def loss(move):
        def value(which, *at):
            return Decimal(float(params[which][at])) + (move if (which, at) == (name, index) else 0)

        n_in, n_hidden = params["W1"].shape
        z = []
        for j in range(n_hidden):
            a = value("b1", j) + sum(Decimal(float(x[i])) * value("W1", i, j) for i in range(n_in))
            z.append(functions[activation](a))
        scores = []
        for k in range(params["b2"].size):
            scores.append(value("b2", k) + sum(z[j] * value("W2", j, k) for j in range(n_hidden)))
        return sum(s.exp() for s in scores).ln() - scores[label]

    with localcontext() as context:
        context.prec = 60
        step = Decimal(h)
        return float((loss(step) - loss(-step)) / (2 * step))


@pytest.mark.parametrize("h", [1e-12, 1e-7, 1e-4, 5e-4, 1.2e-3, 3e-3, 0.1, 3.0])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_hidden_weights_in_sixty_digits(isa, activation, h):
    """As exact as the moved activation is, on both sides of the move where the kernels take another way.

    The weights of a unit differ by up to 6, so that is a move of about 3e-4.
    """
    net, x, t, params = make((3, 5, 4, 1), activation)
    net.params["W2"] = params["W2"] = np.random.default_rng(5).uniform(-3, 3, (5, 4))
    x[:] = [[0.75, 0, -1.5]]
    actual = net.numerical_gradient(x, t, h)
    limit = 1e-14 + 1e-15 / h
    for name, index in [("W1", (0, 0)), ("W1", (2, 3)), ("W1", (2, 4)), ("b1", (1,))]:
        expected = exact_derivative(params, x[0], t[0], activation, h, name, index)
        assert abs(actual[name][index] - expected) <= limit * max(1, abs(expected))


@pytest.mark.parametrize("size", [1e8, 1e12, 1e15, 1e17])
def test_rounding_of_large_pre_activations_is_a_move_too(isa, size):
    """At 1e15 neighbouring numbers lie 0.125 apart: a unit moves by that or not at all, far beyond h."""
    h, w = 1e-4, 500.0
    net = cnet.TwoLayerNet(1, 1, 2, 0.0, activation="relu", dtype=np.float64, rng=0)
    net.params["b1"] = [size]
    net.params["W2"] = [[w, 0.0]]
    net.params["b2"] = [-w * size, 0.0]
    up, down = w * ((size + h) - size), w * ((size - h) - size)
    expected = (softplus(-up) - softplus(-down)) / (2 * h)
    actual = net.numerical_gradient([0.0], 0, h)
    assert actual["b1"][0] == pytest.approx(expected, rel=1e-9)


def softplus(a):
    """log(1 + exp(a)), in libm's functions."""
    return max(a, 0.0) + math.log1p(math.exp(-abs(a)))


@pytest.mark.parametrize("score", [-900.0, -40.0, -3.0, 0.0, 0.7, 25.0, 800.0])
@pytest.mark.parametrize("h", [1e-3, 0.3, 2.0, 50.0, 1500.0])
def test_two_outputs_have_a_closed_form(isa, score, h):
    """With scores (s, 0) and label 0 the loss is softplus(-s); any h and s, to rounding."""
    net = cnet.TwoLayerNet(1, 1, 2, 0.0, dtype=np.float64, rng=0)
    net.params["b2"] = [score, 0.0]
    expected = (softplus(-score - h) - softplus(-score + h)) / (2 * h)
    unit = 2e-16 * max(1.0, abs(score), h) / h
    db2 = net.numerical_gradient([1.0], 0, h)["b2"]
    np.testing.assert_allclose(db2, [expected, -expected], rtol=1e-15, atol=4 * unit)


@pytest.mark.parametrize("n_out", [2, 3, 7, 100, 1000])
def test_one_hidden_unit_has_a_closed_form(isa, n_out):
    """ReLU passes a on, and only the label's weight, w, is not 0: loss = log(1 + (O - 1) exp(-w a))."""
    net = cnet.TwoLayerNet(1, 1, n_out, 0.0, activation="relu", dtype=np.float64, rng=0)
    w, a, h = 1.7, 2.5, 2.0
    net.params["b1"] = [a]
    weights = np.zeros((1, n_out))
    weights[0, n_out - 1] = w
    net.params["W2"] = weights
    others = math.log(n_out - 1)
    expected = (softplus(others - w * (a + h)) - softplus(others - w * (a - h))) / (2 * h)
    actual = net.numerical_gradient([0.0], n_out - 1, h)
    np.testing.assert_allclose(actual["b1"], [expected], rtol=0, atol=1e-14)
    assert actual["W1"].tolist() == [[0.0]]


@pytest.mark.parametrize("scale", [1e3, 1e150])
def test_huge_weights_stay_finite(isa, scale):
    net, x, t, _ = make((3, 4, 3, 9), "relu")
    for name in ("W1", "W2"):
        net.params[name] *= scale
    assert all(np.isfinite(array).all() for array in net.numerical_gradient(x, t, 1e-2).values())


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_same_bits_at_any_number_of_threads(isa, activation):
    net, x, t, _ = make((37, 11, 5, 290), activation)
    one = _numerical.numerical_gradient(net._core, x, t, 1e-4, 1)
    for n_threads in (2, 3, 7):
        for array, other in zip(one, _numerical.numerical_gradient(net._core, x, t, 1e-4, n_threads), strict=True):
            np.testing.assert_array_equal(array, other)


def test_a_batch_of_mnist(mnist_dir):
    """Some of the weights, each moved in NumPy."""
    (x, t), _ = cnet.datasets.load_mnist(normalize=False, data_home=mnist_dir, download=False)
    x, t = x[:100], t[:100]
    net = cnet.TwoLayerNet(784, 50, 10, dtype=np.float64, rng=0)
    params = {name: np.array(array) for name, array in net.params.items()}
    rng = np.random.default_rng(0)
    for h in (1e-4, 1e-2):
        actual = net.numerical_gradient(x, t, h)
        largest = max(np.abs(array).max() for array in actual.values())
        for name, array in params.items():
            for at in rng.integers(0, array.size, 40):
                index = np.unravel_index(at, array.shape)
                value = array[index]
                array[index] = value + h
                up = reference.loss(params, x, t, "sigmoid")
                array[index] = value - h
                down = reference.loss(params, x, t, "sigmoid")
                array[index] = value
                assert abs(actual[name][index] - (up - down) / (2 * h)) < 1e-9 * largest


# ---- training ----------------------------------------------------------------------


@pytest.fixture
def by_differences():
    """The reference's fit, with numerical gradients."""
    return functools.partial(reference.fit, derivatives=reference.numerical_gradient)


@pytest.mark.parametrize(("dtype", "limit"), [(np.float64, 1e-9), (np.float32, 2e-5)])
@pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("sampling", ["replacement", "shuffle"])
def test_fit_agrees_with_reference(by_differences, sampling, kind, dtype, limit):
    net, x, t, params = make((6, 5, 3, 31), "tanh", dtype, kind)
    options = {"iterations": 11, "batch_size": 7, "learning_rate": 0.5, "sampling": sampling}
    exact_x = x if kind == "uint8" else x.astype(np.float64)
    losses = by_differences(params, exact_x, t, "tanh", key=net.seed, **options)
    history = net.fit(x, t, gradient="numerical", **options)
    np.testing.assert_allclose(history.loss, losses, rtol=0, atol=10 * limit)
    assert history.iterations == 11 and history.epochs == 3
    for name, array in net.params.items():
        assert array.dtype == dtype
        assert np.abs(array - params[name]).max() < limit * np.abs(params[name]).max()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fit_has_the_same_bits_at_any_number_of_threads(isa, dtype):
    trained = []
    for n_threads in (1, 2, 3):
        net, x, t, _ = make((20, 7, 4, 60), "sigmoid", dtype, "uint8")
        net.fit(x, t, gradient="numerical", iterations=10, batch_size=13, n_threads=n_threads)
        trained.append(net)
    for other in trained[1:]:
        for name, array in trained[0].params.items():
            np.testing.assert_array_equal(array, other.params[name])


def test_it_takes_backpropagations_rows_and_measures_the_same():
    """Epoch by epoch: history, validation and callbacks are those of the ordinary fit."""
    results = []
    for gradient in ("backprop", "numerical"):
        net, x, t, _ = make((8, 6, 3, 40), "sigmoid")
        seen = []
        history = net.fit(
            x, t, gradient=gradient, epochs=3, batch_size=9, sampling="shuffle", validation_data=(x, t),
            callback=seen.append,
        )
        results.append((net, history, seen))
    (one, history, seen), (other, by_differences, seen_too) = results
    np.testing.assert_allclose(history.loss, by_differences.loss, atol=1e-7)
    np.testing.assert_allclose(history.validation_loss, by_differences.validation_loss, atol=1e-7)
    np.testing.assert_array_equal(history.train_accuracy, by_differences.train_accuracy)
    np.testing.assert_array_equal(history.validation_accuracy, by_differences.validation_accuracy)
    assert [info.iteration for info in seen] == [info.iteration for info in seen_too] == [5, 10, 15]
    for name, array in one.params.items():
        np.testing.assert_allclose(array, other.params[name], atol=1e-7)


def test_a_second_fit_goes_on_and_a_callback_may_assign():
    net, x, t, _ = make((5, 4, 3, 20), "tanh")

    def assign(info):
        if info.epoch == 1:
            info.network.params["b1"] = np.ones(4)

    # The second epoch's steps are too small to leave what the callback assigned.
    net.fit(x, t, gradient="numerical", epochs=2, learning_rate=1e-9, callback=assign)
    np.testing.assert_allclose(net.params["b1"], 1, atol=1e-8)
    assert not (net.params["b1"] == 1).any()
    once, *_ = make((5, 4, 3, 20), "tanh")
    once.fit(x, t, gradient="numerical", epochs=4, batch_size=10)
    twice, *_ = make((5, 4, 3, 20), "tanh")
    for _ in range(2):
        twice.fit(x, t, gradient="numerical", epochs=2, batch_size=10)
    for name, array in once.params.items():
        np.testing.assert_array_equal(array, twice.params[name])


def test_a_ramp_of_the_learning_rate_is_followed():
    ramp = cnet.optimizers.LinearRamp(0.5, warmup=0.3)
    trained = []
    for gradient in ("backprop", "numerical"):
        net, x, t, _ = make((5, 4, 3, 20), "tanh")
        net.fit(x, t, gradient=gradient, iterations=10, learning_rate=ramp)
        trained.append(net)
    for name, array in trained[0].params.items():
        np.testing.assert_allclose(array, trained[1].params[name], atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("error")
def test_divergence_is_raised(dtype):
    net, x, t, _ = make((5, 4, 3, 20), "relu", dtype)
    with pytest.raises(cnet.DivergenceError, match="learning rate"):
        net.fit(x, t, gradient="numerical", iterations=100, learning_rate=1e308)
    assert all(np.isfinite(array).all() for array in net.params.values())


@pytest.mark.parametrize("optimizer", ["momentum", cnet.optimizers.Momentum(momentum=0.5)])
def test_momentum_is_refused(optimizer):
    net, x, t, _ = make((5, 4, 3, 20), "relu")
    with pytest.raises(ValueError, match='gradient="numerical".*sgd'):
        net.fit(x, t, gradient="numerical", optimizer=optimizer)


def test_bad_data_are_refused_as_by_the_ordinary_fit():
    net, x, t, _ = make((5, 4, 3, 20), "relu", np.float32)
    for bad, labels, message in [
        (x[0], t[0], r"\(N, 5\)"), (np.where(x == x[3, 0], np.nan, x), t, "not finite"),
        (np.full_like(x, 1e39), t, "too large"), (x, t[:5], "shape"), (x, t + 3, "not a class"),
    ]:
        with pytest.raises(ValueError, match=message):
            net.fit(bad, labels, gradient="numerical")
    with pytest.raises(ValueError, match="more than the 20 samples"):
        net.fit(x, t, gradient="numerical", sampling="shuffle", batch_size=21)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_leaves_whole_parameters_and_a_history():
    # Small enough for many iterations before the signal, even where every instruction is emulated.
    net, x, t, _ = make((30, 8, 4, 400), "sigmoid", np.float32, "uint8")
    before = net.params["W1"].copy()
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        net.fit(x, t, gradient="numerical", iterations=10**6, batch_size=100)
    timer.join()
    assert net.history.iterations < 10**6
    assert net.history.iterations == len(net.history.loss) > 0
    assert (net.history.train_accuracy <= 1).all()
    assert not np.array_equal(before, net.params["W1"])
    assert all(np.isfinite(array).all() for array in net.params.values())


@pytest.mark.parametrize("sampling", ["replacement", "shuffle"])
def test_the_command_line_trains_by_differences_and_resumes(tmp_path, capsys, sampling):
    pytest.importorskip("tqdm")
    from cnet.cli import main

    x, t = cnet.datasets.make_digits(60, rng=3)
    for part, rows in (("train", slice(0, 40)), ("t10k", slice(40, None))):
        cnet.datasets.write_idx(tmp_path / f"{part}-images-idx3-ubyte", x[rows].reshape(-1, 28, 28))
        cnet.datasets.write_idx(tmp_path / f"{part}-labels-idx1-ubyte", t[rows])
    options = ["--hidden", "5", "--batch-size", "10", "--gradient", "numerical", "--sampling", sampling]
    folder = str(tmp_path / "run")
    assert main(["train", "--data", str(tmp_path), "--iterations", "6", "--out", folder, *options]) == 0
    assert main(["train", "--resume", folder, "--iterations", "9"]) == 0
    assert "iteration 9" in capsys.readouterr().out
    net = cnet.TwoLayerNet(784, 5, 10, rng=0)
    net.fit(x[:40], t[:40], iterations=9, batch_size=10, gradient="numerical", sampling=sampling)
    resumed = cnet.load(tmp_path / "run" / "model.safetensors")
    for name, array in net.params.items():
        np.testing.assert_array_equal(resumed.params[name], array)
