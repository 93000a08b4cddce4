"""When training ends, and whether ConvergenceWarning says so: scikit-learn's rules, at their edges."""

import math
import warnings

import numpy as np
import pytest
from sklearn import neural_network as theirs

import cnet
from cnet import estimators as ours

EPOCHS = 12


def outcome(estimator, x, y, calls=1):
    """Epochs, and the warnings' kinds and words, of each of some fits."""
    told = []
    for _ in range(calls):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator.fit(x, y)
        told.append((estimator.n_iter_, [(each.category.__name__, str(each.message)) for each in caught]))
    return told


RATES = [{}, {"solver": "sgd", "learning_rate_init": 0.05},
         *({"solver": "sgd", "learning_rate": rate, "learning_rate_init": 0.05} for rate in ("invscaling", "adaptive"))]


@pytest.mark.parametrize("patience", [1, 2, EPOCHS - 2, EPOCHS - 1, EPOCHS, EPOCHS + 1, math.inf])
@pytest.mark.parametrize("tol", [0.0, 1e-4, 0.05, 1e9])
@pytest.mark.parametrize("rate", RATES, ids=["adam", "constant", "invscaling", "adaptive"])
@pytest.mark.parametrize("early", [False, True], ids=["loss", "score"])
def test_epochs_and_warnings_are_scikit_learns(data, patience, tol, rate, early):
    x, y = data["iris"]
    options = {"hidden_layer_sizes": 6, "max_iter": EPOCHS, "random_state": 1, "tol": tol, "early_stopping": early,
               "n_iter_no_change": patience, **rate}
    for kind in ("MLPClassifier", "MLPRegressor"):
        expected, got = (outcome(getattr(module, kind)(**options), x, y) for module in (theirs, ours))
        assert got == expected


def test_all_is_seen_at_these_edges(data):
    """Among the cases are fits that end early, fits that end with the last epoch, and fits that are too short."""
    x, y = data["iris"]

    def of(**options):
        return outcome(ours.MLPClassifier(6, max_iter=EPOCHS, random_state=1, **options), x, y)[0]

    assert of(tol=1e9, n_iter_no_change=3)[0] == 5 and of(tol=1e9, n_iter_no_change=3)[1] == []
    # The first epoch always improves; the count exceeds 10 in the twelfth, the last one.
    assert of(tol=1e9, n_iter_no_change=EPOCHS - 2) == (EPOCHS, [])
    for patience in (EPOCHS - 1, EPOCHS, math.inf):
        epochs, told = of(tol=1e9, n_iter_no_change=patience)
        assert epochs == EPOCHS and "Maximum iterations (12) reached" in told[0][1] and len(told) == 1


@pytest.mark.parametrize("calls", [3])
@pytest.mark.parametrize("rate", RATES, ids=["adam", "constant", "invscaling", "adaptive"])
def test_warm_starts_count_as_scikit_learns(data, rate, calls):
    x, y = data["iris"]
    options = {"hidden_layer_sizes": 6, "max_iter": EPOCHS, "random_state": 1, "tol": 0.02, "n_iter_no_change": 4,
               "warm_start": True, **rate}
    expected, got = (outcome(module.MLPClassifier(**options), x, y, calls) for module in (theirs, ours))
    assert got == expected


@pytest.mark.parametrize("max_iter", [1, 2])
def test_the_shortest_fits(data, max_iter):
    x, y = data["iris"]
    expected, got = (
        outcome(module.MLPClassifier(6, max_iter=max_iter, n_iter_no_change=max_iter, random_state=1), x, y)
        for module in (theirs, ours)
    )
    assert got == expected and "Maximum iterations" in got[0][1][0][1]


@pytest.mark.parametrize("patience", [2, EPOCHS - 2, EPOCHS, math.inf])
@pytest.mark.parametrize("tol", [1e-4, 1e9])
def test_schedules_of_cnet_go_by_the_same_rules(data, patience, tol):
    x, y = data["iris"]
    options = {"hidden_layer_sizes": 6, "max_iter": EPOCHS, "random_state": 1, "tol": tol, "n_iter_no_change": patience}
    plain = ours.MLPClassifier(**options)
    expected = outcome(plain, x, y)
    assert outcome(ours.MLPClassifier(schedule="constant", **options), x, y) == expected
    falling = ours.MLPClassifier(schedule=cnet.schedules.Cosine(), **options)
    got = outcome(falling, x, y)
    # The rules, of the losses alone.
    best, without, epochs = math.inf, 0, 0
    for loss in falling.loss_curve_:
        without = without + 1 if loss > best - tol else 0
        best, epochs = min(best, loss), epochs + 1
        if without > patience:
            break
    ended = without > patience
    assert got[0][0] == epochs == len(falling.loss_curve_)
    assert [kind for kind, _ in got[0][1]] == ([] if ended else ["ConvergenceWarning"])
    assert ended or epochs == EPOCHS
    np.testing.assert_allclose(falling.loss_curve_[:1], plain.loss_curve_[:1], rtol=0.05)
