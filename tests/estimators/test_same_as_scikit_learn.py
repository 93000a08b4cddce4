"""Starts, batches, loss curves, scores and weights are scikit-learn's, to 1e-6 over twenty epochs in float64."""

import warnings

import numpy as np
import pytest
import sklearn
from sklearn import neural_network as theirs
from sklearn.exceptions import ConvergenceWarning

from cnet import estimators as ours

EPOCHS = 20
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.skipif(sklearn.__version__.startswith("1.6"), reason="1.7 brought sample weights and the Poisson loss"),
]

CLASSIFIER, REGRESSOR = "MLPClassifier", "MLPRegressor"

SGD = {"solver": "sgd", "learning_rate_init": 0.1}
CASES = [
    (CLASSIFIER, "digits", {}),
    (CLASSIFIER, "digits", {"activation": "tanh", "hidden_layer_sizes": (30, 20), "alpha": 1.0}),
    (CLASSIFIER, "digits", {"activation": "logistic", "batch_size": 33, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}),
    (CLASSIFIER, "digits", {"activation": "identity", "shuffle": False}),
    (CLASSIFIER, "digits", {"hidden_layer_sizes": ()}),
    (CLASSIFIER, "digits", {"early_stopping": True, "n_iter_no_change": 3}),
    (CLASSIFIER, "sparse", {"alpha": 1.0}),
    (CLASSIFIER, "sparse", {**SGD, "alpha": 1.0}),
    (CLASSIFIER, "sparse", {**SGD, "alpha": 0.0, "nesterovs_momentum": False}),
    (CLASSIFIER, "sparse", {**SGD, "momentum": 0.0}),
    (CLASSIFIER, "iris", {"alpha": 0.0}),
    (CLASSIFIER, "iris", {**SGD, "momentum": 1.0, "learning_rate_init": 1e-4}),
    (CLASSIFIER, "binary", {"early_stopping": True}),
    (CLASSIFIER, "several", {"alpha": 0.1}),
    (CLASSIFIER, "several", {"early_stopping": True, "validation_fraction": 0.3}),
    (REGRESSOR, "values", {"early_stopping": True}),
    (REGRESSOR, "values", {**SGD, "learning_rate_init": 0.01, "activation": "tanh"}),
    (REGRESSOR, "counts", {"loss": "poisson", "activation": "tanh"}),
    (REGRESSOR, "outputs", {"alpha": 1.0}),
    (REGRESSOR, "outputs", {"early_stopping": True, "loss": "squared_error"}),
    (REGRESSOR, "many", {"batch_size": 1500}),
    *((CLASSIFIER, "digits", {
        **SGD, "learning_rate": rate, "nesterovs_momentum": nesterov, "tol": 1e-2, "n_iter_no_change": 2,
    }) for rate in ("constant", "invscaling", "adaptive") for nesterov in (True, False)),
]


def both(kind, **options):
    options = {"max_iter": EPOCHS, "random_state": 5, "n_iter_no_change": 100} | options
    return getattr(theirs, kind)(**options), getattr(ours, kind)(**options)


def assert_same(expected, got, tolerance=1e-6):
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(got, name) == getattr(expected, name), name
    np.testing.assert_allclose(got.loss_, expected.loss_, rtol=0, atol=tolerance)
    for name in ("loss_curve_", "validation_scores_", "best_loss_", "best_validation_score_"):
        one, other = getattr(expected, name, "none"), getattr(got, name, "none")
        if one is None or isinstance(one, str):
            assert other == one, name
        else:
            np.testing.assert_allclose(other, one, rtol=0, atol=tolerance, err_msg=name)
    for name in ("coefs_", "intercepts_"):
        for one, other in zip(getattr(expected, name), getattr(got, name), strict=True):
            assert other.dtype == one.dtype
            np.testing.assert_allclose(other, one, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize(("kind", "name", "options"), CASES, ids=[f"{kind}-{name}-{i}" for i, (kind, name, _) in
                                                                  enumerate(CASES)])
@pytest.mark.parametrize("weighed", [False, True], ids=["plain", "weighed"])
def test_a_fit(data, kind, name, options, weighed):
    x, y = data[name]
    weight = np.random.default_rng(2).uniform(0.1, 3, len(x)) if weighed else None
    expected, got = both(kind, **options)
    expected.fit(x, y, sample_weight=weight)
    got.fit(x, y, sample_weight=weight)
    assert_same(expected, got)
    np.testing.assert_allclose(got.score(x, y), expected.score(x, y), atol=1e-9)
    if kind == CLASSIFIER:
        np.testing.assert_array_equal(got.classes_, expected.classes_)
        np.testing.assert_array_equal(got.predict(x), expected.predict(x))
        np.testing.assert_allclose(got.predict_proba(x), expected.predict_proba(x), atol=1e-6)
        np.testing.assert_allclose(got.predict_log_proba(x), expected.predict_log_proba(x), atol=1e-6)
    else:
        np.testing.assert_allclose(got.predict(x), expected.predict(x), atol=1e-6)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_number_of_threads_changes_no_bit(data, threads, monkeypatch):
    import cnet

    x, y = data["sparse"]
    expected = ours.MLPClassifier(max_iter=5, random_state=0, alpha=1.0).fit(x, y)
    cnet.set_num_threads(threads)
    try:
        got = ours.MLPClassifier(max_iter=5, random_state=0, alpha=1.0).fit(x, y)
    finally:
        cnet.set_num_threads(None)
    assert got.loss_curve_ == expected.loss_curve_
    for one, other in zip(expected.coefs_, got.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_float32_stays_near(data):
    x, y = data["digits"]
    expected, got = both(CLASSIFIER)
    expected.fit(x.astype(np.float32), y)
    got.fit(x.astype(np.float32), y)
    np.testing.assert_allclose(got.loss_curve_, expected.loss_curve_, rtol=0, atol=1e-5)
    # Adam makes a step of up to the learning rate of a gradient that is all rounding.
    assert_same(expected, got, 1e-3)
    assert got.predict_proba(x.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("options", [{}, {**SGD, "learning_rate": "invscaling"}, {**SGD, "momentum": 0.0}])
def test_partial_fits_go_on(data, options):
    x, y = data["digits"]
    expected, got = both(CLASSIFIER, **options)
    for _ in range(3):
        for begin in (0, 350):
            rows = slice(begin, begin + 350)
            for each in (expected, got):
                each.partial_fit(x[rows], y[rows], classes=np.arange(10))
    assert_same(expected, got)


def test_a_warm_start_goes_on(data):
    x, y = data["values"]
    expected, got = both(REGRESSOR, warm_start=True, max_iter=6, early_stopping=True)
    for _ in range(3):
        expected.fit(x, y)
        got.fit(x, y)
        assert_same(expected, got)


def test_one_generator_serves_several_fits(data):
    x, y = data["iris"]
    draws = []
    for module in (theirs, ours):
        generator = np.random.RandomState(3)
        for _ in range(2):
            # It ends before max_iter: no more orders are drawn than are used.
            fitted = module.MLPClassifier(random_state=generator, n_iter_no_change=2, tol=0.05, max_iter=300).fit(x, y)
        draws.append((fitted.n_iter_, generator.randint(1 << 30)))
    assert draws[0] == draws[1] and draws[0][0] < 300


@pytest.mark.parametrize(("kind", "name"), [(CLASSIFIER, "iris"), (CLASSIFIER, "binary"), (REGRESSOR, "values")])
def test_lbfgs(data, kind, name):
    x, y = data[name]
    weight = np.random.default_rng(2).uniform(0.1, 3, len(x))
    expected, got = both(kind, solver="lbfgs", max_iter=8, alpha=0.1)
    for each in (expected, got):
        with pytest.warns(ConvergenceWarning):
            each.fit(x, y, sample_weight=weight)
    assert_same(expected, got)


def test_lbfgs_of_several_outputs_minimises_what_its_gradient_says(data):
    """scikit-learn minimises the mean over outputs with the gradient of their sum, and ends higher."""
    x, y = data["outputs"]
    expected, got = both(REGRESSOR, solver="lbfgs", max_iter=30, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected.fit(x, y)
        got.fit(x, y)
    residual = ((got.predict(x) - y) ** 2).mean() / 2
    penalty = sum((w**2).sum() for w in got.coefs_) * got.alpha / 2 / len(x)
    assert got.loss_ == pytest.approx(residual + penalty)
    assert got.loss_ < expected.loss_ + 1e-3
