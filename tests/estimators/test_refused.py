"""A fit that is refused changes nothing: not the estimator, not its network, not the caller's random numbers."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from cnet.core import _one_fit
from cnet.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore:A column-vector y")

RNG = np.random.default_rng(5)
X = RNG.normal(size=(40, 3))
Y = np.arange(40) % 3
NAN = np.where(np.arange(40)[:, None] == 4, np.nan, X)


def everything(estimator):
    """All that an estimator holds, in bytes; its network as a pickle has it."""
    held = {name: value for name, value in estimator.__getstate__().items() if name != "random_state"}
    network = getattr(estimator, "_network", None)
    return pickle.dumps([held, network and network.weight_decay])


# What is set before, what fit is given besides, what partial_fit is called with; all refused.
FITS = {
    "a parameter": ({"alpha": -1}, (X, Y), {}),
    "NaN": ({}, (NAN, Y), {}),
    "a short y": ({}, (X, Y[:-1]), {}),
    "a cube": ({}, (X, Y.reshape(40, 1, 1)), {}),
    "wide": ({}, (np.hstack([X, X]), Y[:-1]), {}),
    "a weight": ({}, (X, Y), {"sample_weight": -np.ones(40)}),
    "weights all 0": ({}, (X, Y), {"sample_weight": np.zeros(40)}),
    "half of a validation set": ({}, (X, Y), {"X_val": X}),
    "a narrow validation set": ({}, (X, Y), {"X_val": X[:, :2], "y_val": Y}),
    "a weight of it": ({}, (X, Y), {"X_val": X, "y_val": Y, "sample_weight_val": -np.ones(40)}),
    "too few held out": ({"early_stopping": True, "validation_fraction": 0.01}, (X, Y), {}),
    "scoring": ({"scoring": "accuracy"}, (X, Y), {}),
    "dropout": ({"hidden_layer_sizes": (4, 4), "dropout": [0.5]}, (X, Y), {}),
}
CLASSES = {
    "an unknown class held out": ({}, (X, Y), {"X_val": X, "y_val": Y + 1}),
    "numbers": ({}, (X, X[:, 0]), {}),
    "one of a class": ({"early_stopping": True}, (X, np.r_[np.zeros(39), 1.0]), {}),
    "class_weight": ({"class_weight": {9: 1}}, (X, Y), {}),
    "smoothing": ({"label_smoothing": 2}, (X, Y), {}),
}
NUMBERS = {
    "text": ({}, (X, Y.astype(str)), {}),
    "counts below 0": ({"loss": "poisson"}, (X, -Y), {}),
    "a loss": ({"loss": "hinge"}, (X, Y), {}),
    "too large": ({"dtype": np.float32}, (X, Y * 1e300), {}),
    "columns held out": ({}, (X, Y), {"X_val": X, "y_val": X}),
}
CASES = [(kind, name, case) for kind, more in ((MLPClassifier, CLASSES), (MLPRegressor, NUMBERS))
         for name, case in (FITS | more).items()]


def made(kind, fitted, solver="adam"):
    """An estimator with random numbers of its own; fitted for one epoch or new."""
    estimator = kind(hidden_layer_sizes=4, max_iter=3, random_state=np.random.RandomState(8), solver=solver)
    return estimator.fit(X, Y) if fitted else estimator


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(("kind", "name", "case"), CASES, ids=[f"{kind.__name__}-{name}" for kind, name, _ in CASES])
def test_a_refused_fit_changes_nothing(kind, name, case, fitted):
    settings, arguments, more = case
    for warm in (False, True):
        estimator = made(kind, fitted).set_params(warm_start=warm, **settings)
        before, numbers = everything(estimator), pickle.dumps(estimator.random_state.get_state())
        arrays = getattr(estimator, "coefs_", None)
        with pytest.raises((ValueError, TypeError)):
            estimator.fit(*arguments, **more)
        assert everything(estimator) == before
        assert pickle.dumps(estimator.random_state.get_state()) == numbers
        assert getattr(estimator, "coefs_", None) is arrays
    if fitted:
        estimator.predict(X)
    else:
        with pytest.raises(NotFittedError):
            estimator.predict(X)


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(("settings", "arguments"), [
    ({}, (NAN, Y)), ({}, (X[:, :2], Y[:-1])), ({}, (X, Y, -np.ones(40))), ({"early_stopping": True}, (X, Y)),
    ({"schedule": "cosine"}, (X, Y)), ({"alpha": 0.5}, (X, Y + 0.5)), ({"class_weight": "balanced"}, (X, Y)),
    ({"batch_size": 0}, (X, Y)),
])
def test_a_refused_partial_fit_changes_nothing(settings, arguments, fitted):
    estimator = made(MLPClassifier, False)
    if fitted:
        estimator.partial_fit(X, Y, classes=[0, 1, 2, 3])
        other = copy.deepcopy(estimator)
    estimator.set_params(**settings)
    before, numbers = everything(estimator), pickle.dumps(estimator.random_state.get_state())
    with pytest.raises((ValueError, TypeError)):
        estimator.partial_fit(*arguments, classes=[0, 1, 2, 3])
    assert everything(estimator) == before and pickle.dumps(estimator.random_state.get_state()) == numbers
    if fitted:
        # Training goes on as if nothing had been asked.
        estimator.set_params(**{name: getattr(other, name) for name in settings})
        for one, two in zip(estimator.partial_fit(X, Y).coefs_, other.partial_fit(X, Y).coefs_, strict=True):
            np.testing.assert_array_equal(one, two)


def test_other_classes_are_refused_and_those_known_stay():
    estimator = made(MLPClassifier, False).partial_fit(X, Y, classes=[0, 1, 2, 3])
    before = everything(estimator)
    for wrong in ({"classes": [0, 1, 2]}, {"classes": ["a", "b"]}):
        with pytest.raises(ValueError, match="not the same as on the last call"):
            estimator.partial_fit(X, Y, **wrong)
    with pytest.raises(ValueError, match="has classes not in"):
        estimator.partial_fit(X, Y + 2)
    assert everything(estimator) == before
    new = made(MLPClassifier, False)
    with pytest.raises(ValueError, match="has classes not in"):
        new.partial_fit(X, Y, classes=[0, 1])
    assert not hasattr(new, "classes_")


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_what_fails_before_training_begins_changes_nothing(solver, monkeypatch):
    estimator = made(MLPRegressor, True, solver).set_params(warm_start=True, alpha=0.25)
    before = everything(estimator)

    def fails(*arguments, **more):
        raise MemoryError

    name = "stochastic.Trainer" if solver == "adam" else "lbfgs.minimize"
    monkeypatch.setattr(f"cnet.estimators.{name}", fails)
    for call in (estimator.fit, estimator.partial_fit) if solver == "adam" else (estimator.fit,):
        with pytest.raises(MemoryError):
            call(X, Y)
        assert everything(estimator) == before


def test_a_fit_beside_another_one_is_refused():
    estimator = made(MLPRegressor, False).partial_fit(X, Y)
    network = estimator._network
    before = everything(estimator)

    def second():
        with pytest.raises(RuntimeError, match="trained already"):
            estimator.set_params(alpha=1.0).partial_fit(X, Y)

    _one_fit.alone(network, second)
    assert everything(estimator.set_params(alpha=0.0001)) == before


def test_global_random_numbers_are_not_drawn_by_a_refused_fit():
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    with pytest.raises(ValueError, match="too small"):
        MLPRegressor(early_stopping=True, validation_fraction=0.01).fit(X, Y)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
