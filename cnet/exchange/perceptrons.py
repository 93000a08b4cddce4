"""Networks to and from scikit-learn: its multi-layer perceptrons, and cnet's estimators."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..checks import check_choice, excerpt, listed
from ..losses import BinaryCrossEntropy, CrossEntropy, Loss, Poisson, SquaredError
from .assembled import assembled, check_net

if TYPE_CHECKING:
    from ..networks import MultiLayerNet

__all__ = ["from_sklearn", "to_sklearn"]

Array = npt.NDArray[Any]

# scikit-learn's names of the activations that it has.
ACTIVATIONS = {"identity": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}
# The loss by what scikit-learn calls the last layer's activation.
LOSSES: dict[str, type[Loss]] = {
    "softmax": CrossEntropy, "logistic": BinaryCrossEntropy, "identity": SquaredError, "exp": Poisson,
}


def from_sklearn(mlp: Any, *, rng: int | np.random.Generator | None = None) -> MultiLayerNet:
    """Make a network of a fitted multi-layer perceptron of scikit-learn, or of cnet's estimators.

    Parameters
    ----------
    mlp : sklearn.neural_network.MLPClassifier or MLPRegressor
        Fitted. Also cnet's estimators of these names.
    rng : None, int or numpy.random.Generator
        The seed of mini-batches, should the network be trained further.

    Returns
    -------
    MultiLayerNet
        With copies of the weights, of their dtype. It predicts probabilities of classes, in the order of
        ``mlp.classes_`` (of two classes the probability of the second alone), of each of several labels, or numbers.

    Raises
    ------
    TypeError, ValueError
        If it is no such estimator, is not fitted, or has what a network of cnet has not.

    See Also
    --------
    to_sklearn : The other way.

    Examples
    --------
    >>> import cnet
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier(max_iter=1000, random_state=0).fit(X, y)
    >>> net = cnet.exchange.from_sklearn(mlp)
    >>> bool(abs(net.predict(X) - mlp.predict_proba(X)).max() < 1e-6)
    True
    """
    kinds: Any = tuple(each for of in _packages() for each in (of.MLPClassifier, of.MLPRegressor))
    if not isinstance(mlp, kinds):
        hint = "; of a Pipeline or a search pass the fitted perceptron inside" if hasattr(mlp, "predict") else ""
        raise TypeError("mlp must be a fitted MLPClassifier or MLPRegressor, of scikit-learn or of cnet.estimators, "
                        f"got {type(mlp).__name__}{hint}")
    if not hasattr(mlp, "coefs_"):
        raise ValueError(f"this {type(mlp).__name__} is not fitted yet")
    if hasattr(mlp, "to_net"):
        net: MultiLayerNet = mlp.to_net()
        return assembled(net._core.weights, net._core.biases, net._core.activations, net.loss_function, rng)
    weights, biases = [np.asarray(W) for W in mlp.coefs_], [np.asarray(b) for b in mlp.intercepts_]
    activation = {theirs: name for name, theirs in ACTIVATIONS.items()}.get(mlp.activation)
    loss = LOSSES.get(mlp.out_activation_)
    if activation is None or loss is None:
        raise ValueError(f"activations must be among {listed(ACTIVATIONS.values())}, and {listed(LOSSES)} of the "
                         f"outputs, got {excerpt(mlp.activation)} and {excerpt(mlp.out_activation_)}")
    sizes = [W.shape[:1] for W in weights] + [b.shape for b in biases[-1:]]
    if [W.shape for W in weights] != [n + m for n, m in zip(sizes, sizes[1:], strict=False)] or len(
        {array.dtype for array in (*weights, *biases)}) != 1:
        raise ValueError("coefs_ and intercepts_ do not fit together: shapes "
                         f"{[W.shape for W in weights]} and {[b.shape for b in biases]}")
    return assembled(weights, biases, [activation] * (len(weights) - 1), loss(), rng)


def to_sklearn(net: MultiLayerNet, *, package: str = "sklearn", classes: Any = None, **parameters: Any) -> Any:
    """Make a fitted classifier or regressor of scikit-learn of a network.

    Parameters
    ----------
    net : cnet.MultiLayerNet
        With cross-entropy or binary cross-entropy for a classifier, with any other loss for a regressor.
    package : {"sklearn", "cnet"}, default "sklearn"
        Whose estimators: scikit-learn's own (``sklearn.neural_network``), which have no other hidden activations than
        identity, sigmoid, tanh and relu, the same for all layers; or `cnet.estimators`, which have all.
    classes : array_like, optional
        The labels in the order of the outputs, sorted; by default whole numbers from 0.
    **parameters : object
        More parameters of the estimator, such as ``max_iter``, for fits that go on.

    Returns
    -------
    sklearn.neural_network.MLPClassifier or MLPRegressor, or that of cnet.estimators
        With copies of the weights. ``partial_fit``, and with ``warm_start=True`` ``fit``, go on from them.

    Raises
    ------
    TypeError, ValueError
        If the network has what the estimator has not, or the classes do not belong to it.
    ModuleNotFoundError
        If scikit-learn is not installed.

    See Also
    --------
    from_sklearn : The other way.

    Notes
    -----
    scikit-learn's classifier has a single output for two classes. Of a network with cross-entropy and two outputs, it
    gets the difference of their weights, which gives the same probabilities. Its regressor knows two losses: of a
    network with another loss than "squared_error" or "poisson" it predicts the same, but would go on with the squared
    error. scikit-learn takes bytes for plain numbers: divide pixels by 255.

    Examples
    --------
    >>> import cnet
    >>> x, t = cnet.datasets.make_digits(2000, rng=0)
    >>> net = cnet.MultiLayerNet(784, [50], 10, rng=0)
    >>> history = net.fit(x / 255, t, epochs=5)
    >>> mlp = cnet.exchange.to_sklearn(net)
    >>> type(mlp).__module__
    'sklearn.neural_network._multilayer_perceptron'
    >>> bool(mlp.score(x / 255, t) == net.accuracy(x / 255, t))
    True
    """
    core, loss = check_net(net)._core, net.loss_function
    is_classifier = not loss.predicts_values
    if check_choice("package", package, ("sklearn", "cnet")) == "cnet":
        from .. import estimators

        if is_classifier:
            return estimators.MLPClassifier.from_net(net, classes=classes, **parameters)
        _refuse_classes(classes)
        return estimators.MLPRegressor.from_net(net, **parameters)
    kinds = set(core.activations)
    if len(kinds) > 1 or not kinds <= ACTIVATIONS.keys():
        raise ValueError(
            f"scikit-learn has one of the activations {listed(ACTIVATIONS)} for all hidden layers, this network "
            f'{excerpt(", ".join(core.activations))}; package="cnet" makes an estimator of cnet, which has all'
        )
    own = {"hidden_layer_sizes": tuple(net.sizes[1:-1]), "activation": ACTIVATIONS[kinds.pop() if kinds else "relu"]}
    if isinstance(loss, Poisson):
        own["loss"] = "poisson"
    estimator = _estimator(is_classifier, {**own, **parameters})
    weights, biases = ([np.array(array) for array in arrays] for arrays in (core.weights, core.biases))
    output = {kind.output: theirs for theirs, kind in LOSSES.items()}[loss.output]
    if is_classifier:
        output = _name_classes(estimator, loss, weights, biases, classes)
    else:
        _refuse_classes(classes)
    _fill(estimator, weights, biases, output)
    return estimator


def _packages() -> tuple[Any, Any]:
    """scikit-learn's perceptrons, and cnet's, which say what to install where scikit-learn is missing or too old."""
    from .. import estimators

    return import_module("sklearn.neural_network"), estimators


def _estimator(is_classifier: bool, parameters: dict[str, Any]) -> Any:
    """A new estimator of scikit-learn."""
    theirs, _ = _packages()
    kind = theirs.MLPClassifier if is_classifier else theirs.MLPRegressor
    if "loss" in parameters and "loss" not in kind._get_param_names():
        raise ValueError(f"a regressor with loss={parameters['loss']!r} needs scikit-learn 1.7 or later")
    return kind(**parameters)


def _refuse_classes(classes: Any) -> None:
    if classes is not None:
        raise ValueError("classes must be None: the network predicts numbers")


def _name_classes(estimator: Any, loss: Loss, weights: list[Array], biases: list[Array], classes: Any) -> str:
    """Give a classifier its classes, and a single output where there are two; return the output's activation."""
    from sklearn.preprocessing import LabelBinarizer

    n_outputs = len(biases[-1])
    softmax = isinstance(loss, CrossEntropy)
    if softmax and n_outputs == 1:
        raise ValueError("a network with cross-entropy and one output knows one class, scikit-learn's classifier has "
                         "at least two")
    several = not softmax and n_outputs > 1
    n_classes = 2 if n_outputs == 1 else n_outputs
    labels = np.arange(n_classes) if classes is None else np.asarray(classes)
    if labels.shape != (n_classes,) or not (labels[:-1] < labels[1:]).all():
        raise ValueError(f"classes must be {n_classes} different labels in ascending order, got {excerpt(classes)}")
    if several and classes is not None and not np.array_equal(labels, np.arange(n_classes)):
        raise ValueError("classes must be None: scikit-learn numbers several labels from 0")
    estimator._label_binarizer = LabelBinarizer().fit(np.eye(n_outputs, dtype=int) if several else labels)
    estimator.classes_ = estimator._label_binarizer.classes_
    if softmax and n_outputs == 2:
        weights[-1] = np.diff(weights[-1], axis=1)
        biases[-1] = np.diff(biases[-1])
        return "logistic"
    return "softmax" if softmax else "logistic"


def _fill(estimator: Any, weights: list[Array], biases: list[Array], output: str) -> None:
    """The attributes of a fitted estimator, of one that has not been trained for any epoch yet."""
    estimator.coefs_, estimator.intercepts_, estimator.out_activation_ = weights, biases, output
    estimator.n_features_in_, estimator.n_outputs_ = weights[0].shape[0], weights[-1].shape[1]
    estimator.n_layers_ = len(weights) + 1
    estimator.n_iter_ = estimator.t_ = estimator._no_improvement_count = 0
    estimator.loss_curve_ = []
    stops = bool(estimator.early_stopping)
    estimator.best_loss_ = None if stops else np.inf
    estimator.validation_scores_ = [] if stops else None
    estimator.best_validation_score_ = -np.inf if stops else None
    # What early stopping goes back to.
    estimator._best_coefs = [array.copy() for array in weights]
    estimator._best_intercepts = [array.copy() for array in biases]
