"""Networks to and from scikit-learn, whose own perceptrons say what is right."""

import warnings

import numpy as np
import pytest

import cnet
from cnet.exchange import from_sklearn, names, to_sklearn

pytest.importorskip("sklearn")

from sklearn import neural_network  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402

from cnet import estimators  # noqa: E402

from .conftest import COUNT, agree, drawn  # noqa: E402

ACTIVATIONS = ("identity", "sigmoid", "tanh", "relu")


def predictions(mlp, x):
    """What a network of cnet predicts, by an estimator."""
    if not hasattr(mlp, "predict_proba"):
        return mlp.predict(x).reshape(len(x), -1)
    probabilities = mlp.predict_proba(x)
    return probabilities[:, 1:] if mlp.n_outputs_ == 1 else probabilities


def of_both(net, x):
    """What a network predicts, as `predictions` has it: of two classes the second's probability."""
    y = net.predict(x)
    return y[:, 1:] if net.loss_function.name == "cross_entropy" and net.sizes[-1] == 2 else y


@pytest.mark.parametrize("seed", range(COUNT))
def test_predictions_are_kept(seed):
    net, x = drawn(seed, ACTIVATIONS, same=True)
    if net.loss_function.name == "cross_entropy" and net.sizes[-1] == 1:
        with pytest.raises(ValueError, match="knows one class"):
            to_sklearn(net)
        return
    mlp = to_sklearn(net)
    assert type(mlp).__module__.startswith("sklearn.")
    agree(predictions(mlp, x), of_both(net, x))
    if hasattr(mlp, "classes_") and net.loss_function.name == "cross_entropy":
        np.testing.assert_array_equal(mlp.predict(x), net.predict(x).argmax(axis=1))
    back = from_sklearn(mlp, rng=0)
    agree(back.predict(x), of_both(net, x))
    assert back.dtype == net.dtype


@pytest.mark.parametrize("seed", range(COUNT))
def test_predictions_are_kept_by_cnets_estimators(seed):
    net, x = drawn(seed)
    mlp = to_sklearn(net, package="cnet")
    assert type(mlp).__module__.startswith("cnet.")
    back = from_sklearn(mlp)
    np.testing.assert_array_equal(back.predict(x), net.predict(x))
    assert back.loss_function == net.loss_function and back.params == net.params


@pytest.mark.parametrize("outputs", [2, 3])
@pytest.mark.parametrize("activation", ["logistic", "relu"])
def test_a_fitted_classifier(outputs, activation):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 5)), np.array(["ant", "bee", "cat"])[rng.integers(outputs, size=80)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp = neural_network.MLPClassifier((7, 6), activation=activation, max_iter=20, random_state=0).fit(X, y)
    net = from_sklearn(mlp, rng=0)
    agree(net.predict(X), predictions(mlp, X))
    if outputs == 3:
        assert net.loss_function.name == "cross_entropy"
        again = to_sklearn(net, classes=mlp.classes_, max_iter=30)
        np.testing.assert_array_equal(again.predict(X), mlp.predict(X))
        np.testing.assert_array_equal(again.predict_proba(X), mlp.predict_proba(X))
        assert again.max_iter == 30 and again.score(X, y) == mlp.score(X, y)
    else:
        assert net.loss_function.name == "binary_cross_entropy"
        again = to_sklearn(net, classes=["ant", "bee"])
        np.testing.assert_array_equal(again.predict(X), mlp.predict(X))


def test_several_labels():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)), rng.integers(2, size=(60, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp = neural_network.MLPClassifier((5,), max_iter=20, random_state=0).fit(X, y)
    net = from_sklearn(mlp)
    assert net.loss_function.name == "binary_cross_entropy"
    again = to_sklearn(net)
    np.testing.assert_array_equal(again.predict(X), mlp.predict(X))
    agree(again.predict_proba(X), mlp.predict_proba(X))
    with pytest.raises(ValueError, match="numbers several labels from 0"):
        to_sklearn(net, classes=["a", "b", "c"])


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_a_fitted_regressor(loss):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4)).astype(np.float32)
    y = np.abs(X[:, :2]).astype(np.float32)
    if "loss" not in neural_network.MLPRegressor._get_param_names():
        pytest.skip("this scikit-learn has one loss")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp = neural_network.MLPRegressor(loss, (5,), max_iter=20, random_state=0).fit(X, y)
    net = from_sklearn(mlp)
    assert net.loss_function.name == loss and net.dtype == np.float32
    agree(net.predict(X), mlp.predict(X))
    agree(to_sklearn(net).predict(X), mlp.predict(X))


@pytest.mark.parametrize("options", [{}, {"solver": "sgd"}, {"early_stopping": True}, {"solver": "lbfgs"}])
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "squared_error"])
def test_training_goes_on(loss, options):
    """As it does from the estimator's own fit."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4))
    net = cnet.MultiLayerNet(4, [6], 3, loss=loss, dtype="float64", rng=0)
    y = rng.integers(3, size=80) if loss == "cross_entropy" else rng.integers(2, size=(80, 3))
    mlp = to_sklearn(net, warm_start=True, max_iter=3, random_state=0, **options)
    before = [array.copy() for array in mlp.coefs_]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp.fit(X, y)
    assert not np.array_equal(before[0], mlp.coefs_[0]) and np.abs(before[0] - mlp.coefs_[0]).max() < 1
    if not options:
        again = to_sklearn(net, random_state=0)
        again.partial_fit(X, y)
        assert again.t_ == 80 and len(again.loss_curve_) == 1
        # The loss at the beginning is that of the network.
        if loss == "cross_entropy":
            assert again.loss_curve_[0] == pytest.approx(net.loss(X, y), abs=1e-4)


def test_names_are_scikit_learns():
    net = cnet.MultiLayerNet(3, [4], 2, loss="squared_error", rng=0)
    mlp = to_sklearn(net)
    for name, (other, transposed) in names(net, "sklearn").items():
        assert not transposed
        np.testing.assert_array_equal(eval(other, vars(mlp).copy()), net.params[name])


def test_the_parameters_are_copies():
    net = cnet.MultiLayerNet(3, [4], 2, loss="squared_error", rng=0)
    before = net.params.copy()
    mlp = to_sklearn(net)
    back = from_sklearn(mlp)
    for array in (*mlp.coefs_, *mlp.intercepts_):
        array += 1
    assert net.params == before == back.params


def test_what_scikit_learn_has_not():
    gelu = cnet.MultiLayerNet(3, [4], 2, "gelu")
    mixed = cnet.MultiLayerNet(3, [4, 4], 2, ["relu", "tanh"])
    for net in (gelu, mixed):
        with pytest.raises(ValueError, match='package="cnet"'):
            to_sklearn(net)
    net = cnet.MultiLayerNet(3, [4], 2, loss="huber")
    for package in ("sklearn", "cnet"):
        with pytest.raises(ValueError, match="classes must be None"):
            to_sklearn(net, package=package, classes=[0, 1])
    with pytest.raises(ValueError, match="package must be one of"):
        to_sklearn(net, package="keras")
    with pytest.raises(ValueError, match="ascending"):
        to_sklearn(cnet.MultiLayerNet(3, [4], 3), classes=[2, 1, 0])


def test_what_is_no_fitted_perceptron():
    from sklearn.pipeline import make_pipeline

    for wrong in (neural_network.MLPClassifier(), estimators.MLPRegressor()):
        with pytest.raises(ValueError, match="is not fitted yet"):
            from_sklearn(wrong)
    with pytest.raises(TypeError, match="got Pipeline; of a Pipeline"):
        from_sklearn(make_pipeline(neural_network.MLPClassifier()))
    with pytest.raises(TypeError, match="net must be a network of cnet.*got MLPClassifier; call its to_net"):
        to_sklearn(estimators.MLPClassifier())
    mlp = to_sklearn(cnet.MultiLayerNet(3, [4], 2, loss="squared_error"))
    mlp.coefs_[0] = mlp.coefs_[0][:, :3]
    with pytest.raises(ValueError, match="do not fit together"):
        from_sklearn(mlp)
    mlp = to_sklearn(cnet.MultiLayerNet(3, [4], 2, loss="squared_error"))
    mlp.coefs_[0][0, 0] = np.inf
    with pytest.raises(ValueError, match="W1 has values that are not finite"):
        from_sklearn(mlp)
