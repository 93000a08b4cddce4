"""The specification beyond the chapter's network: any depth, activation and loss, with weights."""

import functools
import itertools
import math

import numpy as np
import pytest

from cnet import reference
from cnet.losses import LOSSES

# Other ones than the defaults, which a loss has that is not named here.
PARAMETER = {name: cls().parameter for name, cls in LOSSES.items()} | {"huber": 0.7, "quantile": 0.8}
DEPTHS = (1, 2, 3, 4)


def small_network(sizes, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    params = {}
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(sizes), 1):
        params[f"W{layer}"] = rng.normal(0, 1, (n_in, n_out)).astype(dtype)
        params[f"b{layer}"] = rng.normal(0, 0.5, n_out).astype(dtype)
    return params


def sizes_of(depth):
    return (2, 3, 4, 3)[:depth] + (2,)


def targets_for(loss_function, shape, seed=0):
    """Targets of a loss, as general as it takes them."""
    rng = np.random.default_rng(seed)
    if loss_function == "cross_entropy":
        return rng.dirichlet(np.ones(shape[1]), shape[0])
    if loss_function == "binary_cross_entropy":
        return rng.random(shape)
    if loss_function == "poisson":
        return rng.poisson(1.5, shape).astype(float)
    return rng.normal(0, 1, shape)


def batch(loss_function, rows=5, outputs=2):
    return np.random.default_rng(1).normal(0, 1, (rows, 2)), targets_for(loss_function, (rows, outputs))


def assert_gradient(params, x, t, activation, **options):
    expected = reference.numerical_gradient(params, x, t, activation, 1e-6, **options)
    actual = reference.gradient(params, x, t, activation, **options)
    assert list(actual) == list(params)
    for name in params:
        np.testing.assert_allclose(actual[name], expected[name], rtol=1e-7, atol=2e-8)


# ---- activations -----------------------------------------------------------------


def test_gelu_is_right_far_below_zero():
    # -10 * Phi(-10), with Phi(-10) = 7.619853024160527e-24 from tables.
    assert reference.activate(np.array([-10.0]), "gelu")[0] == pytest.approx(-7.619853024160527e-23, rel=1e-12)


@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
def test_no_activation_overflows_or_is_undefined(activation):
    for dtype in (np.float32, np.float64):
        a = np.array([-1e30, -800, 800, 1e18], dtype)
        with np.errstate(all="raise"):
            z = reference.activate(a, activation)
            slope = reference.activation_grad(z, activation, a)
        assert z.dtype == slope.dtype == dtype and np.isfinite(z).all() and np.isfinite(slope).all()


# ---- losses ----------------------------------------------------------------------

LOG2, LOG3 = math.log(2), math.log(3)
# Loss, parameter, scores, targets; prediction, loss of the row and derivative with respect to the scores.
BY_HAND = [
    ("cross_entropy", None, [0, LOG3], 1, [0.25, 0.75], 2 * LOG2 - LOG3, [0.25, -0.25]),
    ("cross_entropy", None, [0, LOG3], [1, 0], [0.25, 0.75], 2 * LOG2, [-0.75, 0.75]),
    ("cross_entropy", None, [0, LOG3], [0.5, 0.5], [0.25, 0.75], 2 * LOG2 - LOG3 / 2, [-0.25, 0.25]),
    ("binary_cross_entropy", None, [LOG3], [0], [0.75], 2 * LOG2, [0.75]),
    ("binary_cross_entropy", None, [0, -LOG3], [1, 0.5], [0.5, 0.25], 3 * LOG2 - LOG3 / 2, [-0.5, -0.25]),
    ("binary_cross_entropy", None, [1000, -1000], [0, 1], [1, 0], 2000, [1, -1]),
    ("squared_error", None, [1, 4], [3, 1], [1, 4], 6.5, [-2, 3]),
    ("absolute_error", None, [1, 4, 2], [3, 1, 2], [1, 4, 2], 5, [-1, 1, 0]),
    ("huber", 1.0, [1, 4, 0.5], [3, 1, 0], [1, 4, 0.5], 1.5 + 2.5 + 0.125, [-1, 1, 0.5]),
    ("huber", 2.5, [1, 4], [3, 1], [1, 4], 2 + 4.375, [-2, 2.5]),
    ("poisson", None, [LOG2, 0], [2, 0], [2, 1], 1, [0, 1]),
    ("poisson", None, [0], [2], [1], 2 * LOG2 - 1, [-1]),
    ("quantile", 0.9, [1, 4, 2], [3, 1, 2], [1, 4, 2], 1.8 + 0.3, [-0.9, 0.1, 0]),
]


def scores_as_inputs(width):
    """A network without hidden layers whose scores are its inputs."""
    return {"W1": np.eye(width), "b1": np.zeros(width)}


@pytest.mark.parametrize(("loss_function", "parameter", "s", "t", "y", "value", "delta"), BY_HAND)
def test_losses_by_hand(loss_function, parameter, s, t, y, value, delta):
    params, x, t = scores_as_inputs(len(s)), np.array([s], float), np.array([t])
    options = {"loss_function": loss_function, "loss_parameter": parameter}
    predicted = reference.predict(params, x, "relu", loss_function=loss_function)
    np.testing.assert_allclose(predicted, [y], rtol=1e-14, atol=1e-300)
    assert reference.loss(params, x, t, "relu", **options) == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(reference.gradient(params, x, t, "relu", **options)["b1"], delta, rtol=1e-14, atol=1e-16)


def test_every_loss_is_calculated_by_hand():
    assert {case[0] for case in BY_HAND} == set(reference.LOSSES)


def test_a_single_output_takes_targets_as_a_vector():
    params, x = scores_as_inputs(1), np.array([[LOG3], [0.0]])
    for t in (np.array([0, 1]), np.array([[0], [1]]), np.array([False, True])):
        loss = reference.loss(params, x, t, "relu", loss_function="binary_cross_entropy")
        assert loss == pytest.approx(1.5 * LOG2, rel=1e-14)


def test_label_smoothing_is_that_of_targets_smoothed_by_hand():
    params, (x, _) = small_network((2, 3, 2)), batch("squared_error")
    cases = {
        "cross_entropy": (np.array([1, 0, 1, 0, 1]), np.array([[0.1, 0.9], [0.9, 0.1]] * 2 + [[0.1, 0.9]])),
        "binary_cross_entropy": (np.array([[1, 0], [0.5, 0.25]] * 2 + [[0, 0]]),
                                 np.array([[0.9, 0.1], [0.5, 0.3]] * 2 + [[0.1, 0.1]])),
    }
    for loss_function, (t, smoothed) in cases.items():
        actual = reference.loss(params, x, t, "tanh", loss_function=loss_function, label_smoothing=0.2)
        expected = reference.loss(params, x, smoothed, "tanh", loss_function=loss_function)
        assert actual == pytest.approx(expected, rel=1e-14)
    for loss_function in set(reference.LOSSES) - set(cases):
        with pytest.raises(ValueError, match=f"label_smoothing must be 0 with {loss_function}, not 0.2"):
            reference.loss(params, x, np.ones((5, 2)), "tanh", loss_function=loss_function, loss_parameter=0.5,
                           label_smoothing=0.2)


def test_accuracy_by_hand():
    s, weight = np.array([[2.0, 1], [-1, 3], [0.5, 0.1], [-1, -2]]), np.array([1.0, 2, 4, 8])
    shares = functools.partial(reference.accuracy, scores_as_inputs(2), s, activation="relu")
    assert shares(t=np.array([0, 1, 1, 0])) == 0.75
    assert shares(t=np.array([0, 1, 1, 0]), sample_weight=weight) == 11 / 15
    assert shares(t=np.array([[0.6, 0.4], [0.6, 0.4], [0, 1], [1, 0]])) == 0.5
    labels = np.array([[1, 1], [0, 1], [0.5, 0.6], [0, 0.4]])
    assert shares(t=labels, loss_function="binary_cross_entropy") == 0.75
    assert shares(t=labels, loss_function="binary_cross_entropy", sample_weight=weight) == 11 / 15
    for loss_function in (name for name, loss in reference.LOSSES.items() if loss.hits is None):
        assert shares(t=labels, loss_function=loss_function) is None


# ---- gradients -------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weights"])
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
@pytest.mark.parametrize("loss_function", reference.LOSSES)
def test_gradient_agrees_with_central_differences(loss_function, activation, depth, weighted):
    x, t = batch(loss_function)
    weight = np.array([0.5, 2, 0, 1, 3]) if weighted else None
    assert_gradient(small_network(sizes_of(depth)), x, t, activation, loss_function=loss_function,
                    loss_parameter=PARAMETER.get(loss_function), sample_weight=weight)


def test_gradient_with_everything_at_once_agrees_with_central_differences():
    x, t = batch("cross_entropy")
    masks = [reference.dropout_mask(1, 0, 0, layer, (5, n), 0.3) for layer, n in enumerate((2, 3, 4))]
    masks[1] = None
    assert_gradient(small_network(sizes_of(3)), x, t, ["gelu", "elu"], label_smoothing=0.1, masks=masks,
                    sample_weight=np.arange(5), weight_decay_lambda=0.3)


def test_the_penalty_is_half_the_squares_of_weights_alone():
    params = {"W1": np.array([[1.0, 2], [3, 4]]), "b1": np.array([100.0, 200])}
    x, t = batch("squared_error")
    options = {"loss_function": "squared_error"}
    with_penalty = reference.loss(params, x, t, "relu", weight_decay_lambda=0.2, **options)
    assert with_penalty - reference.loss(params, x, t, "relu", **options) == pytest.approx(3, rel=1e-9)


@pytest.mark.parametrize("loss_function", reference.LOSSES)
def test_whole_weights_are_repeated_rows(loss_function):
    x, t = batch(loss_function)
    weight, params = np.array([2, 0, 1, 3, 1]), small_network((2, 4, 2))
    options = {"loss_function": loss_function, "loss_parameter": PARAMETER.get(loss_function)}
    repeated = (params, x.repeat(weight, axis=0), t.repeat(weight, axis=0), "silu")
    weighted = functools.partial(reference.gradient, params, x, t, "silu", sample_weight=weight, **options)
    for name, expected in reference.gradient(*repeated, **options).items():
        np.testing.assert_allclose(weighted()[name], expected, rtol=1e-12, atol=1e-14)
    assert reference.loss(params, x, t, "silu", sample_weight=weight, **options) == pytest.approx(
        reference.loss(*repeated, **options), rel=1e-13)


def test_weights_that_sum_to_zero_give_zero():
    x, t = batch("cross_entropy")
    params = small_network((2, 4, 2))
    assert reference.loss(params, x, t, "relu", sample_weight=np.zeros(5)) == 0
    assert not any(g.any() for g in reference.gradient(params, x, t, "relu", sample_weight=np.zeros(5)).values())


@pytest.mark.parametrize("loss_function", reference.LOSSES)
def test_float32_stays_float32(loss_function):
    x, t = batch(loss_function)
    params = small_network(sizes_of(3), dtype=np.float32)
    options = {"loss_function": loss_function, "loss_parameter": PARAMETER.get(loss_function)}
    for activation in reference.ACTIVATIONS:
        assert reference.predict(params, x, activation, loss_function=loss_function).dtype == np.float32
        grads = reference.gradient(params, x, t, activation, sample_weight=np.arange(5), **options)
        assert {g.dtype for g in grads.values()} == {np.dtype(np.float32)}


# ---- one entry is enough -----------------------------------------------------------


def test_one_entry_adds_an_activation_a_loss_and_an_optimizer(monkeypatch):
    activation, loss, optimizer = (
        type(next(iter(table.values())))
        for table in (reference.ACTIVATIONS, reference.LOSSES, reference.OPTIMIZERS)
    )
    monkeypatch.setitem(reference.ACTIVATIONS, "softplus", activation(
        lambda a: np.logaddexp(a, 0), lambda a, z: 1 - np.exp(-z)))
    monkeypatch.setitem(reference.LOSSES, "log_cosh", loss(
        lambda s: s, lambda s, t, parameter: np.log(np.cosh(s - t)).sum(axis=1),
        lambda s, t, parameter: np.tanh(s - t)))

    def sign_descent(W, g, state, rate, t):
        W -= rate * np.sign(g)

    monkeypatch.setitem(reference.OPTIMIZERS, "sign", optimizer(0, sign_descent))
    params, (x, t) = small_network((2, 4, 2)), batch("squared_error")
    assert_gradient(params, x, t, "softplus", loss_function="log_cosh")
    losses = reference.fit(params, x, t, "softplus", iterations=40, batch_size=5, learning_rate=0.01,
                           sampling="shuffle", key=0, loss_function="log_cosh", optimizer="sign")
    assert losses[-1] < losses[0]
