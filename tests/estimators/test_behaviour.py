"""What estimators do beside training: parameters, warnings, messages, copies, labels of all kinds."""

import copy
import pickle
import re

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
import threadpoolctl
from sklearn import neural_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import compute_sample_weight
from sklearn.utils._param_validation import InvalidParameterError

from cnet import losses, optimizers, schedules
from cnet.estimators import MLPClassifier, MLPRegressor

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def arrays(estimator):
    return [*estimator.coefs_, *estimator.intercepts_]


@quiet
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_copy_predicts_the_same_bits_and_goes_on_as_the_original(data, copied, solver):
    x, y = data["sparse"]
    original = MLPClassifier(random_state=0, solver=solver, learning_rate="invscaling")
    for _ in range(3):
        original.partial_fit(x, y, classes=np.arange(10))
    other = copied(original)
    np.testing.assert_array_equal(other.predict_proba(x), original.predict_proba(x))
    for each in (original, other):
        each.partial_fit(x, y)
    assert all((one == two).all() for one, two in zip(arrays(original), arrays(other), strict=True))
    assert original.coefs_[0] is not other.coefs_[0] and original.loss_curve_ == other.loss_curve_


@quiet
def test_a_model_that_joblib_maps_into_memory(data, tmp_path):
    x, y = data["values"]
    fitted = MLPRegressor(max_iter=3, random_state=0).fit(x, y)
    joblib.dump(fitted, tmp_path / "model")
    loaded = joblib.load(tmp_path / "model", mmap_mode="r")
    np.testing.assert_array_equal(loaded.predict(x), fitted.predict(x))
    loaded.partial_fit(x, y)


@quiet
def test_weights_can_be_changed_in_place_and_replaced(data):
    x, y = data["values"]
    fitted = MLPRegressor(max_iter=3, random_state=0, activation="tanh").fit(x, y)
    fitted.coefs_[1][...] = 0
    fitted.intercepts_[1][...] = 2.5
    np.testing.assert_array_equal(fitted.predict(x), np.full(len(x), 2.5))
    rng = np.random.default_rng(0)
    fitted.coefs_ = [rng.normal(size=(10, 7)), rng.normal(size=(7, 1))]
    fitted.intercepts_ = [rng.normal(size=7), rng.normal(size=1)]
    expected = np.tanh(x @ fitted.coefs_[0] + fitted.intercepts_[0]) @ fitted.coefs_[1] + fitted.intercepts_[1]
    np.testing.assert_allclose(fitted.predict(x), expected[:, 0], atol=1e-12)
    fitted.intercepts_[1] = np.zeros(2)
    with pytest.raises(ValueError, match="coefs_ and intercepts_ do not fit together"):
        fitted.predict(x)


@quiet
@pytest.mark.parametrize("y", [
    np.array(["no", "yes"])[np.arange(60) % 2], np.array(["a", "b", "c"], object)[np.arange(60) % 3],
    pd.Series(pd.Categorical.from_codes(np.arange(60) % 3, ["x", "y", "z"])), (np.arange(60) % 2).astype(bool),
    np.arange(60) % 3 - 7.0, np.arange(60) % 2 + 2**40,
], ids=["strings", "objects", "categories", "booleans", "floats", "large"])
def test_labels_of_any_kind(y):
    x = np.eye(6)[np.arange(60) % 6]
    fitted = MLPClassifier(max_iter=200, random_state=0, learning_rate_init=0.01).fit(x, y)
    np.testing.assert_array_equal(fitted.predict(x), np.asarray(y))
    np.testing.assert_array_equal(fitted.classes_, np.unique(np.asarray(y)))
    assert fitted.predict(x).dtype == np.asarray(y).dtype
    assert fitted.predict_proba(x).shape == (60, len(fitted.classes_)) and fitted.score(x, y) == 1


@quiet
def test_one_class_alone():
    x = np.eye(5)
    fitted = MLPClassifier(max_iter=2).fit(x, ["a"] * 5)
    assert fitted.predict(x).tolist() == ["a"] * 5
    with pytest.raises(ValueError, match="not in `self.classes_`"):
        fitted.partial_fit(x, ["b"] * 5)


@quiet
@pytest.mark.parametrize("later", [
    {"activation": "tanh"}, {"hidden_layer_sizes": (5, 5)}, {"dropout": 2}, {"loss": "squared_error"},
    {"loss": "no loss"},
])
def test_parameters_set_after_a_fit_change_nothing_before_the_next(data, later):
    x, y = data["iris"]
    fitted = MLPRegressor(max_iter=3, random_state=0, loss="poisson").fit(x, y)
    before = fitted.predict(x)
    fitted.set_params(**later)
    replaced = copy.deepcopy(fitted)
    replaced.coefs_ = [weights.copy() for weights in replaced.coefs_]
    for each in (fitted, pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted), replaced, copy.copy(replaced)):
        np.testing.assert_array_equal(each.predict(x), before)


@quiet
def test_a_copy_of_replaced_arrays_has_no_state_of_others(data):
    x, y = data["iris"]
    fitted = MLPClassifier(8, max_iter=3, random_state=0).fit(x, y)
    other = MLPClassifier(12, max_iter=3, random_state=0).fit(x, y)
    fitted.coefs_, fitted.intercepts_ = other.coefs_, other.intercepts_
    fitted.set_params(hidden_layer_sizes=12)
    copied = pickle.loads(pickle.dumps(fitted))
    assert copied._network.optimizer_state is None
    for one, two in zip(arrays(copied.partial_fit(x, y)), arrays(fitted.partial_fit(x, y)), strict=True):
        np.testing.assert_array_equal(one, two)


@quiet
def test_partial_fit_goes_on_with_parameters_set_since_or_refuses_them(data):
    x, y = data["iris"]
    models = []
    for kind in (MLPRegressor, neural_network.MLPRegressor):
        model = kind(hidden_layer_sizes=8, random_state=0).partial_fit(x, y)
        models.append(model.set_params(activation="tanh", alpha=0.1).partial_fit(x, y))
    for ours, theirs in zip(*map(arrays, models), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    fitted = MLPRegressor(hidden_layer_sizes=8, random_state=0).partial_fit(x, y)
    np.testing.assert_array_equal(
        fitted.set_params(loss="poisson").partial_fit(x, y).predict(x), fitted.to_net().predict(x).ravel()
    )
    assert fitted.to_net().loss_function.name == "poisson"
    for sizes in (9, (8, 8)):
        with pytest.raises(ValueError, match="needs a network of the sizes"):
            fitted.set_params(hidden_layer_sizes=sizes).partial_fit(x, y)
    with pytest.raises(ValueError, match="needs a network of the sizes"):
        fitted.set_params(hidden_layer_sizes=8).partial_fit(x, np.column_stack([y, y]))


@quiet
def test_a_further_fit_without_a_better_score_keeps_the_best_weights(data):
    x, y = data["iris"]
    fitted = MLPClassifier(
        random_state=0, warm_start=True, early_stopping=True, max_iter=30, learning_rate_init=0.01
    ).fit(x, y)
    best, score = [each.copy() for each in arrays(fitted)], fitted.best_validation_score_
    fitted.fit(x, y)
    assert fitted.best_validation_score_ == score
    for one, two in zip(arrays(fitted), best, strict=True):
        np.testing.assert_array_equal(one, two)


@quiet
def test_wrong_weights_and_targets_are_named_as_they_were_given(data):
    x, y = data["iris"]
    weight = np.ones(len(y))
    weight[100] = -1
    for early_stopping in (False, True):
        with pytest.raises(ValueError, match=re.escape("sample_weight[100] = -1.0")):
            MLPClassifier(early_stopping=early_stopping).fit(x, y, weight)
        with pytest.raises(ValueError, match=re.escape("sample_weight_val[100] = -1.0")):
            MLPClassifier(early_stopping=early_stopping).fit(x, y, X_val=x, y_val=y, sample_weight_val=weight)
        with pytest.raises(ValueError, match=re.escape("below 0: y[100] = -1.0")):
            MLPRegressor(early_stopping=early_stopping, loss="poisson").fit(x, weight)
    for wrong in (-1, np.nan, np.inf):
        with pytest.raises(ValueError, match="class_weight must hold finite numbers of 0 or more"):
            MLPClassifier(class_weight={0: wrong}).fit(x, y)
    with pytest.raises(ValueError, match='batch_size must be "auto" or a whole number'):
        MLPClassifier(batch_size="big").fit(x, y)
    with pytest.raises(ValueError, match='verbose must be True, False, a whole number or "bar"'):
        MLPClassifier(verbose="loud").fit(x, y)


@quiet
def test_several_labels_as_a_sparse_matrix(data):
    x, y = data["several"]
    dense = MLPClassifier(max_iter=5, random_state=0).fit(x, y)
    sparse = MLPClassifier(max_iter=5, random_state=0).fit(x, scipy.sparse.csr_matrix(y))
    predicted = sparse.predict(x)
    assert scipy.sparse.issparse(predicted)
    np.testing.assert_array_equal(predicted.toarray(), dense.predict(x))


@quiet
@pytest.mark.parametrize("container", [scipy.sparse.csr_matrix, scipy.sparse.csc_matrix, scipy.sparse.csr_array])
def test_sparse_inputs_give_what_dense_ones_give(data, container):
    x, y = data["sparse"]
    dense = MLPClassifier(max_iter=5, random_state=0).fit(x, y)
    sparse = MLPClassifier(max_iter=5, random_state=0).fit(container(x), y)
    np.testing.assert_array_equal(sparse.predict_proba(container(x)), dense.predict_proba(x))


@quiet
def test_bytes_are_plain_numbers(data):
    x, y = data["digits"]
    pixels = np.round(x * 16).astype(np.uint8)
    fitted = MLPClassifier(max_iter=3, random_state=0).fit(pixels, y)
    same = MLPClassifier(max_iter=3, random_state=0).fit(pixels.astype(float), y)
    np.testing.assert_array_equal(fitted.predict_proba(pixels), same.predict_proba(pixels.astype(float)))


@quiet
def test_predictions_do_not_depend_on_how_rows_are_divided(data):
    for name in ("digits", "sparse"):
        x, y = data[name]
        fitted = MLPClassifier(max_iter=3, random_state=0).fit(x, y)
        whole = fitted.predict_proba(x)
        for size in (1, 7, 64, 333):
            parts = [fitted.predict_proba(x[begin : begin + size]) for begin in range(0, len(x), size)]
            np.testing.assert_array_equal(np.concatenate(parts), whole)


@quiet
def test_names_of_columns_are_checked(data):
    x, y = data["iris"]
    frame = pd.DataFrame(x, columns=list("abcd"))
    fitted = MLPClassifier(max_iter=2, early_stopping=True).fit(frame, y)
    assert fitted.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(frame[list("dcba")])


@quiet
def test_in_pipelines_and_searches(data):
    x, y = data["iris"]
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(random_state=0, max_iter=60, learning_rate_init=0.01))
    assert (cross_val_predict(pipeline, x, y, cv=3) == y).mean() > 0.9
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4, 1.0], "mlpclassifier__solver": ["adam", "lbfgs"]},
                          cv=3, n_jobs=2).fit(x, y)
    assert search.best_score_ > 0.9


@quiet
@pytest.mark.filterwarnings("ignore:scipy.optimize:DeprecationWarning")
def test_in_ensembles_and_behind_routed_metadata(data):
    x, y = data["iris"]
    weight = np.where(y == 0, 2.0, 1.0)
    small = MLPClassifier(30, max_iter=80, random_state=0, learning_rate_init=0.02)
    for ensemble in (
        CalibratedClassifierCV(small, cv=3), StackingClassifier([("net", small)], cv=3), OneVsRestClassifier(small),
        BaggingClassifier(small, 3, random_state=0), VotingClassifier([("a", small), ("b", small)], voting="soft"),
    ):
        assert ensemble.fit(x, y).score(x, y) > 0.8, ensemble
    expected = clone(small).fit(x, y, sample_weight=weight, X_val=x, y_val=y)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = clone(small).set_fit_request(sample_weight=True, X_val=True, y_val=True)
        pipeline = make_pipeline(routed).fit(x, y, sample_weight=weight, X_val=x, y_val=y)
    assert pipeline[-1].loss_curve_ == expected.loss_curve_
    assert pipeline[-1].validation_loss_curve_ == expected.validation_loss_curve_
    assert "MLPClassifier" in small._repr_html_()


def test_parameters_are_those_of_scikit_learn_with_its_defaults():
    from sklearn import neural_network

    for ours in (MLPClassifier, MLPRegressor):
        theirs = getattr(neural_network, ours.__name__)()
        expected, got = theirs.get_params(), ours().get_params()
        # Earlier versions have fewer.
        assert {name: got[name] for name in expected} == expected
        assert clone(ours(alpha=3)).alpha == 3


@pytest.mark.parametrize(("name", "value"), [
    ("hidden_layer_sizes", 0), ("hidden_layer_sizes", (3, -1)), ("hidden_layer_sizes", "3"),
    ("hidden_layer_sizes", 1.5), ("hidden_layer_sizes", {3}), ("hidden_layer_sizes", {3: 1}),
    ("hidden_layer_sizes", 10**30), ("hidden_layer_sizes", [[3]]), ("hidden_layer_sizes", True),
    ("hidden_layer_sizes", (5,) * 17), ("activation", "sine"), ("activation", ["relu", "tanh"]), ("solver", "newton"),
    ("alpha", -1), ("alpha", "much"), ("batch_size", 0), ("batch_size", "all"), ("learning_rate", "falling"),
    ("learning_rate_init", 0), ("power_t", -1), ("max_iter", 0), ("shuffle", 1), ("tol", -1), ("verbose", "yes"),
    ("warm_start", None), ("momentum", 1.1), ("nesterovs_momentum", 0), ("early_stopping", 1),
    ("validation_fraction", 1.0), ("beta_1", 1.0), ("beta_2", -0.1), ("epsilon", 0), ("n_iter_no_change", 0),
    ("max_fun", 0), ("random_state", "x"), ("random_state", -1), ("random_state", 2**32), ("random_state", True),
    ("random_state", 1.0), ("random_state", np.random.default_rng(0)),
    ("verbose", -1), ("dropout", 1.0), ("dropout", [0.1, 0.2]),
    ("input_dropout", -0.1), ("averaging", 1.0), ("optimizer", "newton"), ("optimizer", 3), ("schedule", "rising"),
    ("scoring", "beauty"), ("scoring", 3), ("record_train_score", 1), ("callbacks", 3), ("dtype", "int8"),
    ("dtype", "word"), ("n_threads", 0),
])
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_wrong_parameter_is_named_when_the_fit_begins(kind, name, value):
    estimator = kind(**{name: value})
    with pytest.raises(InvalidParameterError, match=name) as caught:
        estimator.fit(np.eye(4), [0, 1, 0, 1])
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, TypeError)
    assert not hasattr(estimator, "coefs_")


def test_a_loss_that_there_is_not():
    for wrong in ("hinge", 3, ["squared_error"]):
        with pytest.raises(ValueError, match="loss must be"):
            MLPRegressor(loss=wrong).fit(np.eye(4), [0, 1, 0, 1])
    with pytest.raises(ValueError, match="below 0"):
        MLPRegressor(loss="poisson").fit(np.eye(4), [0, 1, 0, -1])
    for name, wrong in (("loss", losses.Huber), ("optimizer", optimizers.AdamW), ("schedule", schedules.Cosine)):
        with pytest.raises(ValueError, match=rf"{name} must be .*, got the class \w+; write {wrong.__name__}\(\)"):
            MLPRegressor(**{name: wrong}).fit(np.eye(4), [0, 1, 0, 1])


@quiet
def test_weights_of_classes(data):
    x, y = data["iris"]
    names = np.array(["a", "b", "c"])[y]
    for labels, weights in ((y, {0: 1, 1: 2.5, 2: 0}), (y, {1: 3}), (names, {"a": 0.5, "c": 2}), (names, "balanced"),
                            (y[:120], "balanced"), (y, {np.int64(0): 2, 1: 2, 2: np.float32(2), 7: 1})):
        given = MLPClassifier(8, max_iter=4, random_state=0, class_weight=weights).fit(x[: len(labels)], labels)
        factors = compute_sample_weight(weights, labels)
        expected = MLPClassifier(8, max_iter=4, random_state=0).fit(x[: len(labels)], labels, sample_weight=factors)
        for one, other in zip(arrays(given), arrays(expected), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)
    several = MLPClassifier(8, max_iter=2, class_weight=[{0: 1, 1: 2}, {0: 1, 1: 3}])
    several.fit(x, np.stack([y == 0, y == 1], axis=1))
    # A batch without one of the classes, and with one that has no weight.
    MLPClassifier(8, class_weight={0: 1, 1: 2}).partial_fit(x[y != 1], y[y != 1], classes=[0, 1, 2])


@pytest.mark.parametrize(("weights", "message"), [
    ("even", 'must be None, "balanced" or a dict of weights by label'), (3, "must be None"), ([1, 2], "must be None"),
    ({0: -1}, "finite numbers of 0 or more, got -1 for 0"), ({0: np.nan}, "got nan for 0"), ({1: "2"}, "got '2' for 1"),
    ({0: True}, "got True for 0"),
    ({"0": 1, "1": 1}, "names '0', which is not among the classes .*, and has no weight for"),
])
def test_wrong_weights_of_classes(data, weights, message):
    x, y = data["iris"]
    with pytest.raises(InvalidParameterError, match=f"class_weight .*{message}"):
        MLPClassifier(class_weight=weights).fit(x, y)
    with pytest.raises(InvalidParameterError, match="class_weight of several labels"):
        MLPClassifier(class_weight=weights).fit(x, np.stack([y == 0, y == 1], axis=1))


@pytest.mark.parametrize(("options", "message"), [
    ({"solver": "sgd", "optimizer": "rmsprop"}, "solver or optimizer, not both"),
    ({"solver": "sgd", "learning_rate": "adaptive", "schedule": "cosine"}, "learning_rate or schedule, not both"),
    ({"optimizer": "adamw", "learning_rate": "adaptive"}, 'learning_rate=.adaptive. belongs to solver="sgd"; an opt'),
    ({"early_stopping": True, "validation_fraction": 0.0}, "validation_fraction must be above 0 with early_stopping"),
    ({"scoring": "r2"}, "scoring has nothing to score: set early_stopping=True"),
    *(({"solver": "lbfgs", name: value}, f"{name} goes with mini-batches") for name, value in (
        ("dropout", 0.5), ("schedule", "cosine"), ("scoring", "r2"), ("averaging", 0.9), ("record_train_score", True),
        ("callbacks", print),
    )),
])
def test_parameters_that_do_not_go_together(options, message):
    with pytest.raises(ValueError, match=message):
        MLPRegressor(**options).fit(np.eye(4), [0, 1, 0, 1])


def test_wrong_data(data):
    x, y = data["iris"]
    cases = [
        (MLPClassifier(), x, np.linspace(0, 1, 150), None, "Unknown label type"),
        (MLPClassifier(), x, np.stack([y, y], axis=1), None, "Unknown label type"),
        (MLPClassifier(), x[:, 0], y, None, "1D array|array-like"),
        (MLPClassifier(), np.where(x == x[0, 0], np.nan, x), y, None, "NaN"),
        (MLPClassifier(), x, y, np.ones(3), "sample_weight must hold one weight for each of 150"),
        (MLPClassifier(), x, y, np.ones((150, 2)), "1D"),
        (MLPClassifier(), x, y, -np.ones(150), "sample_weight"),
        (MLPClassifier(), x, y, np.zeros(150), "zero"),
        (MLPClassifier(early_stopping=True), x[[0, 1, 60, 61]], y[[0, 1, 60, 61]], None, "too small|test_size"),
    ]
    for estimator, inputs, targets, weight, message in cases:
        with pytest.raises(ValueError, match=message):
            estimator.fit(inputs, targets, sample_weight=weight)


@quiet
def test_predict_refuses_what_is_not_finite_as_scikit_learn_does(data):
    x, y = data["iris"]
    fitted = MLPClassifier(max_iter=2).fit(x, y)
    for wrong, message in ((np.nan, "Input X contains NaN"), (np.inf, "Input X contains infinity")):
        with pytest.raises(ValueError, match=message):
            fitted.predict(np.full((2, 4), wrong))
    with pytest.raises(ValueError, match="3 features, but MLPClassifier is expecting 4"):
        fitted.predict(x[:, :3])


def test_warnings(data):
    x, y = data["iris"]
    with pytest.warns(ConvergenceWarning, match=re.escape("Maximum iterations (3) reached")):
        MLPClassifier(max_iter=3).fit(x, y)
    with pytest.warns(UserWarning, match="batch_size=999 is larger"):
        MLPClassifier(batch_size=999, tol=10.0).fit(x, y)
    with pytest.warns(DataConversionWarning):
        MLPClassifier(tol=10.0).fit(x, y[:, None])
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge after 2 iterations"):
        MLPClassifier(solver="lbfgs", max_iter=2).fit(x, y)


@quiet
def test_scipys_minimiser_has_one_thread_of_its_blas_while_it_works(data, monkeypatch):
    from cnet.estimators import lbfgs

    def limits():
        return {each["num_threads"] for each in threadpoolctl.threadpool_info() if each["user_api"] == "blas"}

    seen, call = set(), lbfgs._Objective.__call__

    def looks(self, vector):
        seen.update(limits())
        return call(self, vector)

    monkeypatch.setattr(lbfgs._Objective, "__call__", looks)
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = limits()
        MLPClassifier(solver="lbfgs", max_iter=3).fit(*data["iris"])
        assert limits() == before
    assert seen == {1}


@pytest.mark.parametrize("answer", ["high", None, [1.0]])
def test_a_scorer_returns_a_number(data, answer):
    x, y = data["iris"]
    with pytest.raises(ValueError, match="scoring must return a number, got"):
        MLPClassifier(early_stopping=True, scoring=lambda *given: answer).fit(x, y)


def test_what_diverges_is_an_error_and_keeps_finite_weights(data):
    x, y = data["values"]
    wild = MLPRegressor(solver="sgd", activation="identity", learning_rate_init=1e3, random_state=0, max_iter=200)
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        wild.fit(x, y)
    assert all(np.isfinite(array).all() for array in arrays(wild))
    watched = clone(wild).set_params(early_stopping=True)
    with pytest.warns(ConvergenceWarning, match="no longer finite"):
        watched.fit(x, y)
    assert np.isnan(watched.validation_scores_[-1])
    assert watched.best_validation_score_ == np.nanmax(watched.validation_scores_)


@quiet
def test_verbose_prints_a_line_for_each_epoch(data, capsys):
    x, y = data["iris"]
    fitted = MLPClassifier(max_iter=3, verbose=True, random_state=0).fit(x, y)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"Iteration {i}, loss = {loss:.8f}" for i, loss in enumerate(fitted.loss_curve_, 1)]
    MLPClassifier(tol=10.0, verbose=1, n_iter_no_change=2, early_stopping=True).fit(x, y)
    printed = capsys.readouterr().out
    assert "Validation score: " in printed and "Validation score did not improve more than tol=10.000000" in printed
    MLPClassifier(tol=10.0, verbose=1, n_iter_no_change=1, solver="sgd", learning_rate="adaptive").fit(x, y)
    printed = capsys.readouterr().out
    assert "Setting learning rate to 0.000200" in printed and "Learning rate too small. Stopping." in printed


def test_an_interrupt_keeps_what_was_learnt(data, monkeypatch):
    from cnet.estimators import stochastic

    x, y = data["iris"]
    run, calls = stochastic.Epochs.run, []

    def interrupted(self, orders, rates):
        run(self, orders, rates)
        calls.append(len(orders))
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(stochastic.Epochs, "run", interrupted)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        fitted = MLPClassifier(random_state=0).fit(x, y)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == sum(calls) < 200


def test_partial_fit_is_not_there_for_lbfgs_and_needs_its_classes(data):
    x, y = data["iris"]
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        MLPClassifier().partial_fit(x, y)
    fitted = MLPClassifier().partial_fit(x, y, classes=[0, 1, 2, 3])
    with pytest.raises(ValueError, match="classes must hold all labels that there will be, got none"):
        MLPClassifier().partial_fit(x, y, classes=[])
    with pytest.raises(ValueError, match="classes is a masked array"):
        MLPClassifier().partial_fit(x, y, classes=np.ma.masked_equal([0, 1, 2], 1))
    with pytest.raises(ValueError, match="not the same as on the last call"):
        fitted.partial_fit(x, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping"):
        MLPClassifier(early_stopping=True).partial_fit(x, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="same classes as in the previous call"):
        MLPClassifier(warm_start=True, tol=10.0).fit(x, y).fit(x, np.minimum(y, 1))
    with pytest.raises(ValueError, match="needs a network of the sizes"):
        MLPClassifier(warm_start=True, tol=10.0).fit(x, y).set_params(hidden_layer_sizes=3).fit(x, y)
