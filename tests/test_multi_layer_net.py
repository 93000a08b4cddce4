"""MultiLayerNet at any depth and with any loss, against the reference."""

import copy
import pickle

import numpy as np
import pytest

import cnet
from cnet import reference
from cnet.core import _network
from cnet.losses import LOSSES, Huber, Quantile
from cnet.optimizers import OPTIMIZERS

DEPTHS = [0, 1, 2, 5, 16]
TOLERANCE = {"float32": 2e-4, "float64": 1e-11}
# The tables' names, as far as the kernels know them.
LOSS_NAMES = [name for name in LOSSES if name in _network.LOSSES]
ACTIVATIONS = _network.ACTIVATIONS
LOSS_OBJECTS = {"huber": Huber(0.7), "quantile": Quantile(0.3)}
PARAMETERS = {name: LOSS_OBJECTS.get(name, cls()).parameter for name, cls in LOSSES.items()}


def targets_of(loss, rng, shape):
    """Some that the loss has a meaning for."""
    if loss == "cross_entropy":
        return rng.integers(0, shape[1], shape[0])
    if loss == "binary_cross_entropy":
        return rng.integers(0, 2, shape).astype(float)
    if loss == "poisson":
        return rng.poisson(2.0, shape).astype(float)
    return rng.normal(size=shape)


def make(depth, loss="cross_entropy", dtype="float64", sizes=(7, 6, 3), rows=11, weight_decay_lambda=0.0):
    """A network with biases, inputs and targets, and its parameters in float64."""
    n_in, n_hidden, n_out = sizes
    rng = np.random.default_rng(depth)
    # Every activation in turn.
    names = [ACTIVATIONS[i % len(ACTIVATIONS)] for i in range(depth)]
    net = cnet.MultiLayerNet(n_in, [n_hidden + i % 2 for i in range(depth)], n_out, names, "xavier",
                             weight_decay_lambda, loss=LOSS_OBJECTS.get(loss, loss), dtype=dtype, rng=depth)
    for name, array in net.params.items():
        if name[0] == "b":
            net.params[name] = rng.normal(0, 0.3, array.shape)
    x = rng.normal(size=(rows, n_in)).astype(dtype)
    params = {name: array.astype(np.float64) for name, array in net.params.items()}
    return net, x, targets_of(loss, rng, (rows, n_out)), params, names


def options_of(loss, **more):
    return {"loss_function": loss, "loss_parameter": PARAMETERS[loss], **more}


def largest(arrays):
    return max(np.abs(array).max() for array in arrays.values())


def assert_close(actual, expected, limit):
    assert list(actual) == list(expected)
    for name, array in expected.items():
        assert actual[name].shape == array.shape
        assert np.abs(actual[name] - array).max() <= limit * max(1.0, largest(expected))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("loss", LOSS_NAMES)
@pytest.mark.parametrize("depth", DEPTHS)
def test_passes_agree_with_the_reference(isa, depth, loss, dtype):
    for decay in (0.0, 0.03):
        net, x, t, params, names = make(depth, loss, dtype, weight_decay_lambda=decay)
        wide, limit = x.astype(np.float64), TOLERANCE[dtype]
        np.testing.assert_allclose(net.predict(x), reference.predict(params, wide, names, loss_function=loss),
                                   rtol=limit, atol=limit)
        for weight in (None, np.random.default_rng(1).integers(0, 3, len(x))):
            options = options_of(loss, sample_weight=weight, weight_decay_lambda=decay)
            expected = reference.loss(params, wide, t, names, **options)
            assert net.loss(x, t, weight) == pytest.approx(expected, rel=limit, abs=limit)
            gradient = net.gradient(x, t, weight)
            assert {array.dtype.name for array in gradient.values()} == {dtype}
            assert_close(gradient, reference.gradient(params, wide, t, names, **options), limit)
            measures = net.evaluate(x, t, weight)
            assert measures["loss"] == net.loss(x, t, weight)
            accuracy = reference.accuracy(params, wide, t, names, loss_function=loss, sample_weight=weight)
            if accuracy is None:
                assert "accuracy" not in measures
                with pytest.raises(ValueError, match=f"accuracy has no meaning .* {loss}.*evaluate"):
                    net.accuracy(x, t, weight)
            else:
                assert net.accuracy(x, t, weight) == pytest.approx(accuracy) == measures["accuracy"]


@pytest.mark.parametrize("loss", LOSS_NAMES)
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_numerical_gradient_is_that_of_the_reference(depth, loss):
    net, x, t, params, names = make(depth, loss, sizes=(4, 3, 2), rows=5, weight_decay_lambda=0.1)
    for weight in (None, [1.0, 0.0, 2.0, 0.5, 1.0]):
        options = options_of(loss, sample_weight=weight, weight_decay_lambda=0.1)
        expected = reference.numerical_gradient(params, x, t, names, **options)
        assert_close(net.numerical_gradient(x, t, sample_weight=weight), expected, 1e-9)
    single = net.numerical_gradient(x[0], t[0], 1e-3)
    expected = reference.numerical_gradient(params, x[:1], t[:1], names, 1e-3, **options_of(
        loss, weight_decay_lambda=0.1))
    assert_close(single, expected, 1e-9)


def test_numerical_gradient_with_rows_of_probabilities():
    net, x, _, params, names = make(1, sizes=(4, 3, 3), rows=5)
    t = np.random.default_rng(0).dirichlet(np.ones(3), 5)
    expected = reference.numerical_gradient(params, x, t, names)
    assert_close(net.numerical_gradient(x, t), expected, 1e-9)


@pytest.mark.parametrize("way", ["backprop", "numerical"])
@pytest.mark.parametrize("loss", LOSS_NAMES)
@pytest.mark.parametrize("depth", [0, 1, 2, 4])
def test_descent_goes_down_the_gradient_of_the_loss_and_its_penalty(depth, loss, way):
    """Every batch holds every row, so that their order does not matter beyond rounding."""
    net, x, t, params, names = make(depth, loss, sizes=(4, 3, 2), rows=6, weight_decay_lambda=0.2)
    history = net.fit(x, t, epochs=3, batch_size=6, sampling="shuffle", learning_rate=0.05, gradient=way)
    options = options_of(loss)
    for i in range(3):
        assert history.loss[i] == pytest.approx(reference.loss(params, x, t, names, **options), rel=1e-7)
        for name, derivative in reference.gradient(params, x, t, names, weight_decay_lambda=0.2, **options).items():
            params[name] -= 0.05 * derivative
    assert_close(net.params, params, 1e-12 if way == "backprop" else 1e-7)
    has_accuracy = reference.LOSSES[loss].hits is not None
    assert (history.train_accuracy is not None) is has_accuracy


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_numerical_training_of_the_same_batches_agrees_with_backprop(dtype):
    for depth in (0, 1, 3):
        one, x, t, _, _ = make(depth, "squared_error", dtype)
        other = copy.deepcopy(one)
        for net, way in ((one, "backprop"), (other, "numerical")):
            net.fit(x, t, iterations=7, batch_size=4, gradient=way)
        for name, array in one.params.items():
            np.testing.assert_allclose(other.params[name], array, atol=1e-6)


# ---- initial weights ----

@pytest.mark.parametrize("dtype", TOLERANCE)
def test_two_layers_begin_as_the_chapter_s_network_does(dtype):
    for std in (0.01, "he", "xavier", 0):
        chapter = cnet.TwoLayerNet(9, 5, 3, std, activation="tanh", dtype=dtype, rng=4)
        net = cnet.MultiLayerNet(9, [5], 3, "tanh", std, dtype=dtype, rng=4)
        assert net.params == chapter.params and net.seed == chapter.seed
    assert isinstance(chapter, cnet.MultiLayerNet) and not isinstance(net, cnet.TwoLayerNet)


@pytest.mark.parametrize(("std", "gain"), [("relu", 2), ("he", 2), ("sigmoid", 1), ("xavier", 1)])
def test_initial_weights_are_as_wide_as_the_rule_says(std, gain):
    net = cnet.MultiLayerNet(300, [200, 400], 100, weight_init_std=std, rng=0)
    for name, n_in in {"W1": 300, "W2": 200, "W3": 400}.items():
        assert net.params[name].std() == pytest.approx((gain / n_in) ** 0.5, rel=0.02)
        assert abs(net.params[name].mean()) < 0.002
    assert not any(net.params[f"b{layer}"].any() for layer in (1, 2, 3))
    # The book's class takes a number, too.
    assert cnet.MultiLayerNet(300, [200], 100, "relu", 0.5).params["W2"].std() == pytest.approx(0.5, rel=0.02)


# ---- the constructor ----

BAD = [
    ((4, 3, 2), {}, TypeError, r"hidden_size_list must be a list of integers, got int; .* write \[3\]"),
    ((4, "3", 2), {}, TypeError, "hidden_size_list must be a list"), ((4, None, 2), {}, TypeError, "hidden_size_list"),
    ((4, [3] * 17, 2), {}, ValueError, "hidden_size_list must hold at most 16 sizes, got 17"),
    ((4, [3, 0], 2), {}, ValueError, r"hidden_size_list\[1\] must be from 1"),
    ((4, [3.0], 2), {}, TypeError, r"hidden_size_list\[0\] must be an integer"),
    ((4, [True], 2), {}, TypeError, r"hidden_size_list\[0\]"), ((0, [3], 2), {}, ValueError, "input_size"),
    ((4, [3], -1), {}, ValueError, "output_size"),
    ((4, [3], 2, "softmax"), {}, ValueError, "activation must be one of"),
    ((4, [3], 2, ["relu"] * 2), {}, ValueError, "activation must hold one name for each of 1 hidden layers, got 2"),
    ((4, [3], 2, 5), {}, TypeError, "activation"), ((4, [3], 2, [None]), {}, TypeError, r"activation\[0\]"),
    ((4, [3], 2, "relu", "nothing"), {}, ValueError, "weight_init_std must be one of 'relu', 'he', 'sigmoid', 'xav"),
    ((4, [3], 2, "relu", -1), {}, ValueError, "weight_init_std"), ((4, [3], 2, "relu", None), {}, TypeError, "weight_"),
    ((4, [3], 2, "relu", 1e300), {}, ValueError, "too large for float32"),
    ((4, [3], 2, "relu", 0.1, -1), {}, ValueError, "weight_decay_lambda must be finite and not negative"),
    ((4, [3], 2, "relu", 0.1, "1"), {}, TypeError, "weight_decay_lambda"),
    ((4, [3], 2, "relu", 0.1, float("nan")), {}, ValueError, "weight_decay_lambda"),
    ((4, [3], 2), {"loss": "nothing"}, ValueError, "loss must be one of"),
    ((4, [3], 2), {"loss": Huber}, TypeError, r"write Huber\(\)"), ((4, [3], 2), {"loss": None}, TypeError, "loss"),
    ((4, [3], 2), {"dtype": "float16"}, ValueError, "dtype"), ((4, [3], 2), {"rng": "1"}, TypeError, "rng"),
]


@pytest.mark.parametrize(("arguments", "options", "error", "message"), BAD, ids=range(len(BAD)))
def test_bad_arguments_are_named(arguments, options, error, message):
    with pytest.raises(error, match=message):
        cnet.MultiLayerNet(*arguments, **options)


def test_what_a_network_is_made_of():
    net = cnet.MultiLayerNet(4, (3, np.int64(5)), 2, ["relu", "tanh"], loss="squared_error", rng=0)
    assert net.sizes == (4, 3, 5, 2) and net.activation == ("relu", "tanh") and net.dtype == np.float32
    assert list(net.params) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    assert [array.shape for array in net.params.values()] == [(4, 3), (3,), (3, 5), (5,), (5, 2), (2,)]
    assert net.loss_function == LOSSES["squared_error"]() and net.weight_decay_lambda == 0
    assert repr(net) == ("MultiLayerNet(4, [3, 5], 2, activation=('relu', 'tanh'), loss='squared_error', "
                         "dtype=float32)")
    assert cnet.MultiLayerNet(4, np.array([3, 5]), 2, ["tanh", "tanh"]).activation == "tanh"
    bare = cnet.MultiLayerNet(4, [], 2, weight_decay_lambda=0.5, dtype="float64")
    assert list(bare.params) == ["W1", "b1"] and bare.activation == ()
    assert repr(bare) == ("MultiLayerNet(4, [], 2, activation=(), weight_decay_lambda=0.5, loss='cross_entropy', "
                          "dtype=float64)")
    assert repr(cnet.TwoLayerNet(4, 3, 2)) == "TwoLayerNet(4, 3, 2, activation='sigmoid', dtype=float32)"
    for name, value in (("weight_decay_lambda", 1), ("loss_function", Huber()), ("sizes", (1, 2))):
        with pytest.raises(AttributeError):
            setattr(net, name, value)


def test_losses_with_a_parameter_come_back_as_they_were():
    for loss in LOSS_NAMES:
        net = cnet.MultiLayerNet(2, [2], 2, loss=LOSS_OBJECTS.get(loss, loss))
        assert net.loss_function == LOSS_OBJECTS.get(loss, LOSSES[loss]())
        assert (repr(net.loss_function) in repr(net)) is bool(PARAMETERS[loss])


# ---- measures ----

def identity_net(loss):
    """One output, which is the input."""
    net = cnet.MultiLayerNet(1, [], 1, loss=loss, dtype="float64")
    net.params.update(W1=[[1.0]], b1=[0.0])
    return net


def test_measures_of_values_by_hand():
    net, x = identity_net("squared_error"), [[1.0], [2.0], [4.0]]
    # Errors 1, 0, -1 of targets 2, 2, 3, whose mean is 7/3: r2 = 1 - 2 / (2/9 + 2/9 ... ) = 1 - 2 / (2/3).
    measures = net.evaluate(x, [2.0, 2.0, 3.0])
    assert measures == pytest.approx({"loss": 1 / 3, "r2": -2.0, "mean_absolute_error": 2 / 3})
    assert net.evaluate(x, [[2.0], [2.0], [3.0]]) == measures
    # Whole numbers as weights are repeated rows.
    weighted = net.evaluate(x, [2.0, 2.0, 3.0], [2, 0, 1])
    assert weighted == pytest.approx(net.evaluate([[1.0], [1.0], [4.0]], [2.0, 2.0, 3.0]))
    assert net.evaluate(x, [1.0, 2.0, 4.0])["r2"] == 1
    # Targets that are all the same have no variance.
    assert net.evaluate(x, [5.0, 5.0, 5.0])["r2"] == 0 and net.evaluate([[2.0], [2.0]], [2.0, 2.0])["r2"] == 1
    # Their mean, rounded, is not quite the same: 0.1 ten times adds up to less than 1.
    assert net.evaluate(np.ones((10, 1)), np.full(10, 0.1))["r2"] == 0
    single = net.evaluate([3.0], 5.0)
    assert single["loss"] == 2 and np.isnan(single["r2"]) and single["mean_absolute_error"] == 2


@pytest.mark.parametrize("weight", [[0, 0], [1, -1], [1, np.nan], [1], [[1, 1]], "ab", [1, np.inf], [1e308, 1e308],
                                    [5e-324, 0]])
def test_bad_weights_are_refused_everywhere(weight):
    net = cnet.MultiLayerNet(3, [2], 2, rng=0)
    x, t = np.eye(3)[:2], [0, 1]
    for call in (net.loss, net.accuracy, net.gradient, net.evaluate):
        with pytest.raises((TypeError, ValueError), match="sample_weight"):
            call(x, t, weight)
    with pytest.raises((TypeError, ValueError), match="sample_weight"):
        net.numerical_gradient(x, t, sample_weight=weight)


# ---- the optimizer's state ----

@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name in _network.OPTIMIZERS])
def test_the_state_of_an_optimizer_travels(name, tmp_path):
    net, x, t, _, _ = make(2)
    net.fit(x, t, epochs=2, batch_size=4, optimizer=name)
    state = net._core.optimizer_state
    # Both tables tell how many arrays there are.
    assert (state.name, len(state.arrays)) == (name, OPTIMIZERS[name].n_states)
    net.save(tmp_path / "with", optimizer_state=True)
    net.save(tmp_path / "without")
    forgetful = copy.deepcopy(net)
    forgetful.reset_optimizer()
    others = [copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net)), cnet.load(tmp_path / "with")]
    bare = cnet.load(tmp_path / "without")
    for each in (net, *others, bare, forgetful):
        each.fit(x, t, epochs=2, batch_size=4, optimizer=name)
    assert all(other.params == net.params for other in others)
    assert bare.params == forgetful.params
    assert (bare.params == net.params) is (OPTIMIZERS[name].n_states == 0)


def test_assigned_parameters_keep_the_state_of_the_optimizer():
    net, x, t, _, _ = make(1)
    net.fit(x, t, epochs=2, batch_size=4, optimizer="momentum")
    state = net._core.optimizer_state
    net.params = net.params.copy()
    net.params.update(b1=net.params["b1"])
    assert net._core.optimizer_state is state
    net.reset_optimizer()
    assert net._core.optimizer_state is None
