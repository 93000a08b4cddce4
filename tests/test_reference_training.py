"""The specification of training: steps by hand, everything that a fit may do, dropout."""

import itertools
import math

import numpy as np
import pytest

from cnet import reference


def small_network(sizes, dtype=np.float64):
    rng = np.random.default_rng(0)
    params = {}
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(sizes), 1):
        params[f"W{layer}"] = rng.normal(0, 1, (n_in, n_out)).astype(dtype)
        params[f"b{layer}"] = rng.normal(0, 0.5, n_out).astype(dtype)
    return params


# ---- optimizers ------------------------------------------------------------------


def one_step(optimizer, W, g, state, rate=0.1, t=1, **hyper):
    """W and state after one step, all single numbers."""
    W, state = np.array([W]), [np.array([each]) for each in state]
    reference.OPTIMIZERS[optimizer].step(W, np.array([g]), state, rate, t, **hyper)
    return [W[0], *(each[0] for each in state)]


# Optimizer, state before, hyper-parameters; parameter and state after the second step.
BY_HAND = [
    ("sgd", [], {}, [0.8]),
    ("momentum", [3.0], {"momentum": 0.5}, [0.65, 3.5]),
    ("nesterov", [3.0], {"momentum": 0.5}, [0.625, 3.5]),
    # sqrt(12 + 4) + 1
    ("adagrad", [12.0], {"epsilon": 1.0}, [0.96, 16]),
    # sqrt(0.75 * 4 + 0.25 * 4) + 2
    ("rmsprop", [4.0], {"decay_rate": 0.75, "epsilon": 2.0}, [0.95, 4]),
    # Means 0.5 * 6 + 0.5 * 2 and 0.75 * 0 + 0.25 * 4; after two steps divided by 1 - 0.5^2 and 1 - 0.75^2.
    ("adam", [6.0, 0.0], {"beta1": 0.5, "beta2": 0.75, "epsilon": 0.0},
     [1 - 0.1 * (4 / 0.75) / math.sqrt(1 / 0.4375), 4, 1]),
    # No decay: the parameter is a vector, a bias.
    ("adamw", [6.0, 0.0], {"beta1": 0.5, "beta2": 0.75, "epsilon": 0.0, "weight_decay": 0.5},
     [1 - 0.1 * (4 / 0.75) / math.sqrt(1 / 0.4375), 4, 1]),
]


def test_every_optimizer_is_calculated_by_hand():
    assert {case[0] for case in BY_HAND} == set(reference.OPTIMIZERS)


@pytest.mark.parametrize(("optimizer", "state", "hyper", "expected"), BY_HAND)
def test_one_step_by_hand(optimizer, state, hyper, expected):
    assert one_step(optimizer, 1.0, 2.0, state, t=2, **hyper) == pytest.approx(expected, rel=1e-14)


def test_adamw_shrinks_weights_before_the_step():
    W = np.array([[1.0]])
    reference.OPTIMIZERS["adamw"].step(W, np.array([[2.0]]), [np.zeros((1, 1)), np.zeros((1, 1))], 0.1, 1,
                                       epsilon=0.0, weight_decay=0.5)
    # The first step of Adam is the rate: 1 * (1 - 0.1 * 0.5) - 0.1.
    assert W[0, 0] == pytest.approx(0.85, rel=1e-14)


# ---- fit -------------------------------------------------------------------------

FIT = {"batch_size": 3, "learning_rate": 0.05, "sampling": "shuffle", "key": 11}
EVERYTHING = {
    **FIT, "loss_function": "cross_entropy", "label_smoothing": 0.1, "weight_decay_lambda": 0.01,
    "dropout": [0.2, 0.4], "input_dropout": 0.1, "clip_norm": 0.5, "max_norm": 1.5, "averaging": 0.9,
}


def fit_problem(dtype=np.float64):
    rng = np.random.default_rng(5)
    return small_network((2, 5, 4, 2), dtype), rng.normal(0, 1, (10, 2)), rng.integers(0, 2, 10)


@pytest.mark.parametrize("optimizer", reference.OPTIMIZERS)
@pytest.mark.parametrize("sampling", ["shuffle", "replacement"])
def test_a_continued_fit_continues(optimizer, sampling):
    options = {**EVERYTHING, "optimizer": optimizer, "sampling": sampling}
    whole, x, t = fit_problem()
    weight = np.random.default_rng(6).random(10)
    all_losses = reference.fit(whole, x, t, ["tanh", "gelu"], iterations=12, sample_weight=weight, **options)
    halves, state = fit_problem()[0], {}
    for first_epoch in (0, 1, 2):
        losses = reference.fit(halves, x, t, ["tanh", "gelu"], iterations=4, first_epoch=first_epoch,
                               sample_weight=weight, state=state, **options)
        np.testing.assert_array_equal(losses, all_losses[4 * first_epoch : 4 * first_epoch + 4])
    assert state["steps"] == 12
    for name, array in whole.items():
        np.testing.assert_array_equal(array, halves[name])


def test_a_batch_without_weight_makes_no_step():
    params, x, t = fit_problem()
    rows = reference.shuffle_rows(11, 0, 10)
    weight = np.ones(10)
    weight[rows[3:6]] = 0
    seen, state = [], {}
    losses = reference.fit(params, x, t, "relu", iterations=4, sample_weight=weight, state=state, optimizer="adamw",
                           after_iteration=lambda p: seen.append(p["W2"].copy()), **FIT)
    assert losses[1] == 0 and losses[0] > 0 and state["steps"] == 3
    assert (seen[1] == seen[0]).all() and (seen[2] != seen[1]).any()


def test_one_rate_for_each_iteration():
    rates = np.array([0.5, 0, 0.1, 0])
    params, x, t = fit_problem()
    seen = [params["b3"].copy()]
    reference.fit(params, x, t, "relu", iterations=4, **{**FIT, "learning_rate": rates},
                  after_iteration=lambda p: seen.append(p["b3"].copy()))
    assert [bool((before != after).any()) for before, after in itertools.pairwise(seen)] == [True, False, True, False]


def test_clipping_bounds_the_norm_of_all_derivatives_together():
    steps = []
    for clip_norm in (None, 1e9, 0.01):
        params, x, t = fit_problem()
        before = {name: array.copy() for name, array in params.items()}
        reference.fit(params, x, t, "relu", iterations=1, **{**FIT, "learning_rate": 1.0}, clip_norm=clip_norm)
        steps.append(np.concatenate([(before[name] - params[name]).ravel() for name in params]))
    np.testing.assert_array_equal(steps[0], steps[1])
    assert np.linalg.norm(steps[2]) == pytest.approx(0.01, rel=1e-9)
    np.testing.assert_allclose(steps[2] / np.linalg.norm(steps[2]), steps[0] / np.linalg.norm(steps[0]), atol=1e-9)


def test_max_norm_scales_columns_of_weights_that_are_too_long():
    params = {"W1": np.array([[3.0, 0.3], [4, 0.4]]), "b1": np.array([7.0, 8])}
    x, t = np.ones((4, 2)), np.ones((4, 2))
    reference.fit(params, x, t, "relu", iterations=1, **{**FIT, "learning_rate": 0.0}, max_norm=2,
                  loss_function="squared_error")
    np.testing.assert_allclose(params["W1"], [[1.2, 0.3], [1.6, 0.4]], rtol=1e-14)
    assert params["b1"].tolist() == [7, 8]


def test_averaging_begins_with_the_weights_before_the_first_step():
    params, x, t = fit_problem()
    expected, seen = params["W1"].copy(), []
    reference.fit(params, x, t, "relu", iterations=6, averaging=0.75, **FIT,
                  after_iteration=lambda p: seen.append(p["W1"].copy()))
    for raw in seen:
        expected = 0.75 * expected + 0.25 * raw
    np.testing.assert_allclose(params["W1"], expected, rtol=1e-13)


def test_state_below_the_smallest_normal_number_is_zero():
    params, state = {"W1": np.ones((2, 2)), "b1": np.zeros(2)}, {}
    reference.fit(params, np.full((3, 2), 1e-155), np.zeros(3, int), "relu", iterations=1, optimizer="adagrad",
                  state=state, **FIT)
    assert (state["arrays"]["W1"][0] == 0).all() and (state["arrays"]["b1"][0] > 0).all()


def test_fit_by_differences_is_fit_by_backpropagation():
    trained = []
    for derivatives in (reference.gradient, reference.numerical_gradient):
        params, x, t = fit_problem()
        reference.fit(params, x, t, ["tanh", "silu"], iterations=6, derivatives=derivatives, optimizer="adam",
                      **EVERYTHING)
        trained.append(params)
    for name in trained[0]:
        np.testing.assert_allclose(trained[0][name], trained[1][name], rtol=0, atol=1e-5)


# ---- dropout ---------------------------------------------------------------------


def test_dropout_takes_the_word_of_each_row_and_unit():
    key, epoch, iteration, layer, p = 0x0123456789ABCDEF, 2, 5, 3, 0.3
    first, second = reference.philox4x32(key, np.array([iteration]), epoch, reference.PURPOSE_DROPOUT)[0, :2]
    own_key = int(first) + int(second) * 2**32
    mask = reference.dropout_mask(key, epoch, iteration, layer, (3, 7), p)
    for row, unit in np.ndindex(3, 7):
        word = int(reference.philox4x32(own_key, np.array([unit // 4]), row, layer)[0, unit % 4])
        # 0.3 * 2^32 = 1288490188.8
        assert mask[row, unit] == (1 / 0.7 if word >= 1288490188 else 0)


def test_dropout_keeps_a_word_at_the_threshold():
    first, second = reference.philox4x32(8, np.array([0]), 0, reference.PURPOSE_DROPOUT)[0, :2]
    word = int(reference.philox4x32(int(first) + int(second) * 2**32, np.array([0]), 0, 1)[0, 0])
    kept = [reference.dropout_mask(8, 0, 0, 1, (1, 1), each / 2**32)[0, 0] > 0 for each in (word, word + 1)]
    assert kept == [True, False]


def test_dropout_keeps_its_share_and_differs_in_all_that_names_it():
    first = reference.dropout_mask(1, 0, 0, 1, (400, 50), 0.2)
    kept = (first > 0).mean()
    # Five standard deviations of a binomial.
    assert abs(kept - 0.8) < 5 * math.sqrt(0.8 * 0.2 / first.size)
    for other in ((2, 0, 0, 1), (1, 1, 0, 1), (1, 0, 1, 1), (1, 0, 0, 2)):
        differ = ((first > 0) != (reference.dropout_mask(*other, (400, 50), 0.2) > 0)).mean()
        assert abs(differ - 0.32) < 0.03
    assert (reference.dropout_mask(1, 0, 0, 1, (9, 9), 0.0) == 1).all()


def test_fit_applies_the_masks_of_each_layer():
    params, x, t = fit_problem()
    start = {name: array.copy() for name, array in params.items()}
    rows = reference.shuffle_rows(11, 4, 10)[:3]
    masks = [reference.dropout_mask(11, 4, 0, 0, (3, 2), 0.25), None, reference.dropout_mask(11, 4, 0, 2, (3, 4), 0.5)]
    # By hand: the masks multiply what a layer takes.
    z1 = np.tanh((x[rows] * masks[0]) @ start["W1"] + start["b1"])
    z2 = np.maximum(z1 @ start["W2"] + start["b2"], 0) * masks[2]
    s = z2 @ start["W3"] + start["b3"]
    expected = (np.log(np.exp(s).sum(axis=1)) - s[np.arange(3), t[rows]]).mean()
    losses = reference.fit(params, x, t, ["tanh", "relu"], iterations=1, first_epoch=4, input_dropout=0.25,
                           dropout=[0, 0.5], **FIT)
    assert losses[0] == pytest.approx(expected, rel=1e-13)
    expected = reference.gradient(start, x[rows], t[rows], ["tanh", "relu"], masks=masks)["W2"]
    np.testing.assert_allclose((start["W2"] - params["W2"]) / 0.05, expected, rtol=1e-9, atol=1e-13)


# ---- types -----------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", reference.OPTIMIZERS)
def test_float32_stays_float32(optimizer):
    params, x, t = fit_problem(np.float32)
    state = {}
    reference.fit(params, x, t, "gelu", iterations=3, optimizer=optimizer, state=state, **EVERYTHING)
    arrays = [*params.values(), *itertools.chain.from_iterable(state["arrays"].values())]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
