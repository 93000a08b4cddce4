"""Plain arrays skip scikit-learn's validation; what is wrong with others is said by scikit-learn, in its words."""

import warnings

import numpy as np
import pytest
from sklearn import neural_network as theirs

from cnet import estimators as ours
from cnet.estimators import validation

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(30, 4))
LABELS = np.arange(30) % 3
HUGE = np.where(np.arange(30)[:, None] < 3, 1e308, X)


def with_one(value, place=(7, 2)):
    x = X.copy()
    x[place] = value
    return x


INPUTS = {
    "NaN": with_one(np.nan), "infinite": with_one(-np.inf), "two infinities": with_one([np.inf, -np.inf], (7, [1, 2])),
    "a vector": X[:, 0], "a cube": X[None], "a number": np.float64(1), "too wide": np.hstack([X, X]),
    "narrow": X[:, :3], "no rows": X[:0], "no columns": X[:, :0], "complex": X + 1j, "objects": X.astype(object),
    "a word": np.full(X.shape, "a", object), "a list": X.tolist(), "integers": (10 * X).astype(int),
    "swapped bytes": X.astype(">f8"), "half precision": X.astype(np.float16), "a view": X[:, ::-1],
    "Fortran's order": np.asfortranarray(X), "a masked array": np.ma.masked_less(X, 0),
}
# scikit-learn takes what is masked for numbers, and says NumPy's words of words.
NO_NUMBERS = {"a word": "X must hold numbers, got text", "a masked array": "X is a masked array with masked values"}
TARGETS = {
    "NaN": np.where(LABELS == 1, np.nan, LABELS),
    "infinite": np.where(LABELS == 1, np.inf, LABELS),
    "short": LABELS[:-1], "none": None,
    "a cube": LABELS.reshape(30, 1, 1), "a number": 3, "no rows": LABELS[:0], "a list": LABELS.tolist(),
    "a column": LABELS[:, None], "complex": LABELS + 1j, "text": LABELS.astype(str), "bytes": LABELS.astype("S"),
    "objects": LABELS.astype(object), "no columns": np.empty((30, 0)),
}


def outcome(call, *arguments):
    """What a call does: the error and its words, the warnings and theirs."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            call(*arguments)
            error = None
        except (TypeError, ValueError) as raised:
            error = str(raised)
    return error, {str(each.message) for each in caught if "iterations" not in str(each.message).lower()}


def both(kind="MLPClassifier", **options):
    return [getattr(module, kind)(max_iter=2, random_state=0, **options) for module in (theirs, ours)]


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_of_all_kinds_have_the_same_outcome(name):
    predicted = [outcome(each.fit(X, LABELS).predict, INPUTS[name]) for each in both()]
    for expected, got in (predicted, [outcome(each.fit, INPUTS[name], LABELS) for each in both()]):
        if name in NO_NUMBERS:
            assert NO_NUMBERS[name] in got[0]
        else:
            assert got == expected


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_targets_of_all_kinds_are_refused_in_the_same_words(kind, name):
    expected, got = (outcome(each.fit, X, TARGETS[name]) for each in both(kind))
    if kind == "MLPRegressor" and name in ("text", "bytes"):
        # NumPy's error there.
        assert expected[0] is not None and "y must hold numbers, got text" in got[0]
    elif expected[0] is None or "Unknown label type" in expected[0]:
        # cnet says more of it, or takes it.
        assert (got[0] is None) == (expected[0] is None)
    else:
        assert got == expected


def test_names_are_missed_and_forgotten_as_by_scikit_learn():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=list("abcd"))
    fitted = [each.fit(table, LABELS) for each in both()]
    expected, got = (outcome(each.predict, X) for each in fitted)
    assert got == expected and "feature names" in str(got[1])
    for each in fitted:
        each.fit(X, LABELS)
        assert not hasattr(each, "feature_names_in_")


def test_finite_numbers_whose_sum_is_not_are_taken():
    model = both()[1].fit(X, LABELS)
    with np.errstate(all="ignore"):
        assert np.isinf(HUGE.sum())
    assert validation.validated(model, HUGE, validation.FLOATS, finite=True) is HUGE


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_plain_arrays_go_the_short_way(dtype, monkeypatch):
    monkeypatch.setattr(validation, "validate_data", None)
    x = X.astype(dtype)
    for kind, y in (("MLPClassifier", LABELS), ("MLPClassifier", LABELS.astype(str)), ("MLPRegressor", X[:, :2])):
        model = both(kind)[1].fit(x, y)
        assert model.n_features_in_ == 4 and len(model.predict(x)) == 30
        with pytest.raises(TypeError, match="not callable"):
            model.predict(x.tolist())
