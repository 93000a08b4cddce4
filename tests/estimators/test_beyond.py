"""What scikit-learn's estimators do not have, each against an independent source."""

import io

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import log_loss, make_scorer, mean_absolute_error, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_sample_weight

import cnet
from cnet.estimators import MLPClassifier, MLPRegressor
from cnet.losses import Huber, Quantile
from cnet.optimizers import SGD, AdamW

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def assert_equal_fits(one, other):
    assert one.loss_curve_ == other.loss_curve_
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(one, name), getattr(other, name), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("weight", ["balanced", {0: 1.0, 1: 5.0, 2: 0.5}])
@pytest.mark.parametrize("early", [False, True])
def test_class_weights_are_sample_weights_by_label(data, weight, early):
    x, y = data["iris"]
    y = np.where(np.arange(150) % 5 == 0, 0, y)
    given = np.random.default_rng(0).uniform(0.5, 2, 150)
    one = MLPClassifier(max_iter=5, random_state=0, class_weight=weight, early_stopping=early)
    other = MLPClassifier(max_iter=5, random_state=0, early_stopping=early)
    one.fit(x, y, sample_weight=given)
    other.fit(x, y, sample_weight=given * compute_sample_weight(weight, y))
    assert_equal_fits(one, other)
    if early:
        # The held-out samples count by their own weights.
        held = train_test_split(np.arange(150), test_size=0.1, random_state=generator_after_weights(one))[1]
        one.fit(x, y, sample_weight=given)
        right = one.predict(x[held]) == y[held]
        assert one.best_validation_score_ == pytest.approx(np.average(right, weights=given[held]))


def generator_after_weights(fitted):
    """What a fit's generator is when its weights have been drawn."""
    generator = np.random.RandomState(fitted.random_state)
    for weights in fitted.coefs_:
        generator.uniform(size=weights.shape)
        generator.uniform(size=weights.shape[1])
    return generator


def test_class_weights_by_names_and_what_is_wrong_with_them(data):
    x, y = data["binary"]
    names = np.array(["ill", "well"])[y]
    one = MLPClassifier(max_iter=3, random_state=0, class_weight={"ill": 4}).fit(x, names)
    other = MLPClassifier(max_iter=3, random_state=0).fit(x, y, sample_weight=np.where(y == 0, 4, 1))
    assert_equal_fits(one, other)
    for wrong in ("even", 3):
        with pytest.raises(ValueError, match="class_weight must be"):
            clone(one).set_params(class_weight=wrong).fit(x, names)
    with pytest.raises(ValueError, match="needs all samples"):
        MLPClassifier(class_weight="balanced").partial_fit(x, y, classes=[0, 1])


def descent_by_hand(x, t, fitted, rate, epochs, dropped=None):
    """Weights of a linear softmax classifier after plain descent on all samples, with L2 shared by all."""
    w, b = fitted.coefs_[0].copy(), fitted.intercepts_[0].copy()
    for _ in range(epochs):
        scores = x @ w + b
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        w -= rate * (x.T @ (p - t) + fitted.alpha * w) / len(x)
        b -= rate * (p - t).mean(axis=0)
    return w, b


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_an_optimizer_of_cnet_and_label_smoothing(data, smoothing):
    x, y = data["iris"]
    fitted = MLPClassifier((), optimizer=SGD(lr=0.05), batch_size=150, alpha=3.0, max_iter=1, random_state=0,
                           label_smoothing=smoothing)
    start = clone(fitted).set_params(optimizer=SGD(lr=1e-300)).fit(x, y)
    targets = (1 - smoothing) * np.eye(3)[y] + smoothing / 3
    w, b = descent_by_hand(x, targets, start, 0.05, 7)
    fitted.set_params(max_iter=7).fit(x, y)
    np.testing.assert_allclose(fitted.coefs_[0], w, atol=1e-12)
    np.testing.assert_allclose(fitted.intercepts_[0], b, atol=1e-12)


def test_adam_by_cnet_differs_by_its_epsilon_alone(data):
    x, y = data["iris"]
    theirs = MLPClassifier(max_iter=10, random_state=0, epsilon=1e-14).fit(x, y)
    ours = MLPClassifier(max_iter=10, random_state=0, optimizer=cnet.optimizers.Adam(epsilon=1e-14)).fit(x, y)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)


def test_decoupled_weight_decay(data):
    x, y = data["values"]
    options = {"max_iter": 1, "batch_size": len(x), "random_state": 0, "alpha": 0.0, "learning_rate_init": 0.01}
    plain = MLPRegressor(optimizer="adamw", **options).set_params(optimizer=AdamW(weight_decay=0.0)).fit(x, y)
    decayed = MLPRegressor(optimizer=AdamW(weight_decay=0.5), **options).fit(x, y)
    start = MLPRegressor(optimizer=SGD(lr=1e-300), **options).fit(x, y)
    for a, b, w in zip(decayed.coefs_, plain.coefs_, start.coefs_, strict=True):
        np.testing.assert_allclose(a, b - 0.01 * 0.5 * w, atol=1e-12)


def test_a_schedule_is_a_factor_on_the_learning_rate(data):
    x, y = data["iris"]
    options = {"max_iter": 4, "batch_size": 40, "random_state": 0, "alpha": 0.0, "n_iter_no_change": 99}
    halved = MLPClassifier(schedule=lambda iteration, total: 0.5, learning_rate_init=0.02, **options).fit(x, y)
    assert_equal_fits(halved, MLPClassifier(learning_rate_init=0.01, **options).fit(x, y))
    rates = []
    MLPClassifier(schedule="linear", learning_rate_init=0.02, callbacks=lambda info: rates.append(info.learning_rate),
                  **options).fit(x, y)
    expected = 0.02 * cnet.schedules.Linear().factors(16)[3::4]
    np.testing.assert_allclose(rates, expected)
    with pytest.raises(ValueError, match="partial_fit goes without schedule"):
        MLPClassifier(schedule="linear").partial_fit(x, y, classes=[0, 1, 2])


def test_averaged_weights(data):
    x, y = data["values"]
    raw = []
    options = {"max_iter": 1, "batch_size": len(x), "random_state": 0}
    start = MLPRegressor(optimizer=SGD(lr=1e-300), **options).fit(x, y).coefs_[0]
    plain = MLPRegressor(**options)
    for epochs in (1, 2, 3):
        raw.append(clone(plain).set_params(max_iter=epochs).fit(x, y).coefs_[0])
    averaged = clone(plain).set_params(max_iter=3, averaging=0.75).fit(x, y)
    expected = start
    for each in raw:
        expected = 0.75 * expected + 0.25 * each
    np.testing.assert_allclose(averaged.coefs_[0], expected, atol=1e-12)


@pytest.mark.parametrize("options", [{"dropout": 0.5}, {"dropout": [0.5]}, {"input_dropout": 0.3}])
def test_dropout(data, options):
    x, y = data["digits"]
    plain = MLPClassifier(max_iter=15, random_state=0, learning_rate_init=0.01)
    dropping = clone(plain).set_params(**options)
    one = clone(dropping).fit(x, y)
    assert_equal_fits(one, clone(dropping).set_params(n_threads=2).fit(x, y))
    assert one.loss_ > plain.fit(x, y).loss_ and one.score(x, y) > 0.9
    again = clone(dropping).set_params(random_state=1).fit(x, y)
    assert again.loss_curve_ != one.loss_curve_
    # Each epoch of partial_fit drops other units.
    parts = MLPClassifier(random_state=0, shuffle=False, learning_rate_init=1e-12, **options)
    for _ in range(2):
        parts.partial_fit(x, y, classes=np.arange(10))
    assert abs(parts.loss_curve_[0] - parts.loss_curve_[1]) > 1e-6


@pytest.mark.parametrize(("loss", "value"), [
    ("absolute_error", lambda r: np.abs(r)), (Quantile(0.9), lambda r: np.maximum(-0.9 * r, 0.1 * r)),
    (Huber(0.5), lambda r: np.where(np.abs(r) < 0.5, r**2 / 2, 0.5 * (np.abs(r) - 0.25))), ("huber", None),
])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_losses_of_cnet(data, loss, value, solver):
    x, y = data["values"]
    fitted = MLPRegressor(loss, 20, solver=solver, max_iter=100, random_state=0, learning_rate_init=0.01, alpha=0)
    fitted.fit(x, y)
    assert clone(fitted).loss == loss
    if solver == "lbfgs" and value is not None:
        assert fitted.loss_ == pytest.approx(value(fitted.predict(x) - y).mean())
    if isinstance(loss, Quantile):
        assert 0.8 < (y < fitted.predict(x)).mean() <= 1


@pytest.mark.parametrize("activation", ["gelu", ["silu", "logistic"], "sigmoid"])
def test_activations_of_cnet(data, activation):
    x, y = data["iris"]
    fitted = MLPClassifier((9, 5), activation, max_iter=3, random_state=0, dtype="float32").fit(x, y)
    names = {"gelu": ("gelu", "gelu"), "sigmoid": ("sigmoid",) * 2}.get(str(activation), ("silu", "sigmoid"))
    z, hidden = x.astype(np.float32), []
    for name, w, b in zip(names, fitted.coefs_, fitted.intercepts_, strict=False):
        z = cnet.reference.activate(z @ w + b, name)
        hidden.append(z)
    for expected, got in zip(hidden, fitted.hidden_activations(x), strict=True):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("early", [False, True])
def test_samples_to_validate_with(data, early):
    x, y = data["digits"]
    names = np.array([f"d{i}" for i in range(10)])[y]
    frame = pd.DataFrame(x, columns=[f"c{i}" for i in range(64)])
    weight = np.random.default_rng(0).uniform(0.5, 2, 200)
    fitted = MLPClassifier(max_iter=8, random_state=0, early_stopping=early, record_train_score=True)
    fitted.fit(frame[:500], names[:500], X_val=frame[500:], y_val=names[500:], sample_weight_val=weight)
    # All samples train, whoever watches.
    plain = MLPClassifier(max_iter=8, random_state=0).fit(frame[:500], names[:500])
    assert fitted.loss_curve_ == plain.loss_curve_
    assert len(fitted.validation_scores_) == len(fitted.validation_loss_curve_) == len(fitted.train_score_curve_) == 8
    best = int(np.argmax(fitted.validation_scores_)) + 1 if early else 8
    np.testing.assert_allclose(fitted.score(frame[500:], names[500:], weight), fitted.validation_scores_[best - 1])
    np.testing.assert_allclose(fitted.score(frame[:500], names[:500]), fitted.train_score_curve_[best - 1])
    loss = log_loss(names[500:], fitted.predict_proba(frame[500:]), sample_weight=weight)
    np.testing.assert_allclose(loss, fitted.validation_loss_curve_[best - 1])
    assert plain.validation_scores_ is None and not hasattr(plain, "validation_loss_curve_")
    with pytest.raises(ValueError, match="X_val and y_val go together"):
        fitted.fit(frame, names, X_val=frame)
    with pytest.raises(ValueError, match="not in `self.classes_`"):
        fitted.fit(frame, names, X_val=frame, y_val=np.array(["x"] * 700))
    with pytest.raises(ValueError, match="goes with epochs"):
        MLPClassifier(solver="lbfgs").fit(x, y, X_val=x, y_val=y)


@pytest.mark.parametrize("scoring", ["roc_auc", make_scorer(roc_auc_score, response_method="predict_proba")])
def test_a_scorer_chooses_the_weights(data, scoring):
    x, y = data["binary"]
    frame = pd.DataFrame(x).rename(columns=str)
    fitted = MLPClassifier(5, max_iter=15, random_state=0, early_stopping=True, scoring=scoring).fit(
        frame[:400], y[:400], X_val=frame[400:], y_val=y[400:])
    assert fitted.best_validation_score_ == max(fitted.validation_scores_)
    assert roc_auc_score(y[400:], fitted.predict_proba(frame[400:])[:, 1]) == fitted.best_validation_score_


def test_a_scorer_of_numbers(data):
    x, y = data["values"]
    fitted = MLPRegressor(max_iter=15, random_state=0, early_stopping=True, scoring="neg_mean_absolute_error")
    fitted.fit(x[:300], y[:300], X_val=x[300:], y_val=y[300:])
    assert -mean_absolute_error(y[300:], fitted.predict(x[300:])) == pytest.approx(fitted.best_validation_score_)


def test_callbacks_of_cnet(data, tmp_path):
    x, y = data["digits"]
    seen, best = [], cnet.BestParams("validation_loss")

    def stop_after_four(info):
        seen.append((info.epoch, info.iteration, info.loss, info.validation_accuracy, info.train_accuracy > 0.05))
        return info.epoch == 4

    fitted = MLPClassifier(random_state=0, callbacks=[stop_after_four, best, cnet.Checkpoint(tmp_path / "net")])
    fitted.fit(x[:500], y[:500], X_val=x[500:], y_val=y[500:])
    assert fitted.n_iter_ == 4
    assert seen == [(i + 1, 3 * (i + 1), fitted.loss_curve_[i], fitted.validation_scores_[i], True) for i in range(4)]
    assert best.value == min(fitted.validation_loss_curve_)
    np.testing.assert_array_equal(cnet.load(tmp_path / "net").predict(x), fitted.predict_proba(x))


def test_what_a_callback_assigns_is_trained_on(data):
    x, y = data["values"]

    def forget(info):
        if info.epoch == 3:
            for name in info.network.params:
                info.network.params[name] = np.zeros_like(info.network.params[name])

    fitted = MLPRegressor(max_iter=3, random_state=0, callbacks=forget).fit(x, y)
    assert not any(w.any() for w in fitted.coefs_)


def test_callbacks_of_scikit_learn(data):
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 brought callbacks")
    x, y = data["iris"]

    class Recorder:
        def __init__(self):
            self.calls, self.scores = [], []

        def setup(self, estimator, context):
            self.calls.append("setup")

        def teardown(self, estimator, context):
            self.calls.append("teardown")

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            self.scores.append(fitted_estimator.score(x, y))
            return len(self.scores) == 5

    recorder = Recorder()
    assert isinstance(recorder, callback.FitCallback)
    fitted = MLPClassifier(random_state=0, record_train_score=True).set_callbacks(recorder).fit(x, y)
    assert recorder.calls == ["setup", "teardown"] and fitted.n_iter_ == 5
    assert recorder.scores[:5] == fitted.train_score_curve_


def test_a_progress_bar(data, monkeypatch):
    pytest.importorskip("tqdm")
    x, y = data["iris"]
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    MLPClassifier(max_iter=7, random_state=0, verbose="bar").fit(x, y)
    assert "7/7" in shown.getvalue() and "loss=" in shown.getvalue()


@pytest.mark.parametrize("dtype", ["float32", np.float64])
def test_the_type_of_computation(data, dtype):
    x, y = data["iris"]
    for given in (np.float32, np.float64):
        fitted = MLPClassifier(max_iter=3, random_state=0, dtype=dtype).fit(x.astype(given), y)
        assert fitted.coefs_[0].dtype == dtype and fitted.predict_proba(x.astype(given)).dtype == dtype


@pytest.mark.parametrize("name", ["iris", "binary", "several"])
def test_scores_of_classes(data, name):
    x, y = data[name]
    fitted = MLPClassifier(max_iter=30, random_state=0, learning_rate_init=0.01).fit(x, y)
    scores, p = fitted.decision_function(x), fitted.predict_proba(x)
    if name == "iris":
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        np.testing.assert_allclose(e / e.sum(axis=1, keepdims=True), p, atol=1e-12)
    else:
        np.testing.assert_allclose(1 / (1 + np.exp(-scores)), p[:, 1] if name == "binary" else p, atol=1e-12)


@pytest.mark.parametrize(("kind", "name"), [
    (MLPClassifier, "iris"), (MLPClassifier, "binary"), (MLPClassifier, "several"), (MLPRegressor, "outputs"),
    (MLPRegressor, "counts"),
])
def test_to_a_network_of_cnet_and_back(data, kind, name, tmp_path):
    x, y = data[name]
    more = {"loss": "poisson"} if name == "counts" else {}
    fitted = kind(hidden_layer_sizes=(8, 7), activation="logistic", max_iter=3, random_state=0, **more).fit(x, y)
    net = fitted.to_net()
    net.save(tmp_path / "net")
    loaded = cnet.load(tmp_path / "net")
    outputs = fitted.predict_proba(x) if kind is MLPClassifier else fitted.predict(x)
    expected = outputs[:, 1:] if name == "binary" else outputs.reshape(len(x), -1)
    np.testing.assert_array_equal(loaded.predict(x), expected)
    back = kind.from_net(loaded, max_iter=3)
    np.testing.assert_array_equal(back.predict(x), fitted.predict(x))
    assert back.get_params()["hidden_layer_sizes"] == (8, 7) and back.activation == "logistic"
    assert clone(back).max_iter == 3 and back.out_activation_ == fitted.out_activation_
    # Its memory is its own.
    loaded.params["W1"] = np.zeros_like(loaded.params["W1"])
    np.testing.assert_array_equal(back.predict(x), fitted.predict(x))
    back.partial_fit(x, y)


def test_from_networks_that_do_not_fit(data):
    net = cnet.MultiLayerNet(4, [], 2, loss="cross_entropy", rng=0)
    classifier = MLPClassifier.from_net(net, classes=["a", "b"])
    assert classifier.predict_proba(np.eye(4)).shape == (4, 2) and set(classifier.predict(np.eye(4))) <= {"a", "b"}
    assert classifier.decision_function(np.eye(4)).shape == (4, 2)
    with pytest.raises(ValueError, match="classes must be 2 different labels"):
        MLPClassifier.from_net(net, classes=["b", "a"])
    with pytest.raises(ValueError, match="needs a network with a loss of numbers"):
        MLPRegressor.from_net(net)
    with pytest.raises(ValueError, match="needs a network with cross-entropy"):
        MLPClassifier.from_net(cnet.MultiLayerNet(4, [], 2, loss="huber"))
    with pytest.raises(TypeError, match="net must be a network of cnet"):
        MLPRegressor.from_net("net")
