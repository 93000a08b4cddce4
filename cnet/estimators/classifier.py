"""`MLPClassifier`: classes, or several labels at once."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target, unique_labels

from ..losses import BinaryCrossEntropy, CrossEntropy, Loss
from ..networks import MultiLayerNet
from .base import MultiLayerEstimator, has_partial_fit, store
from .class_weight import class_weights
from .compiled import check_net, parameters_of, scores_network
from .kinds import check_labels
from .labels import Labels, labels_of
from .scores import accuracy
from .settings import ParameterError

__all__ = ["MLPClassifier"]

Array = npt.NDArray[Any]


class MLPClassifier(ClassifierMixin, MultiLayerEstimator):
    """A classifier of dense layers, in the place of scikit-learn's.

    One of two classes has one output, a sigmoid; one of more classes a softmax; several labels at once a sigmoid for
    each.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
        Units of each hidden layer; ``()`` for none, at most 16 layers.
    activation : str or sequence of str, default "relu"
        Of the hidden layers: "identity", "logistic", "tanh", "relu", or another one of cnet's, which `MultiLayerNet`
        lists; one name for all, or one for each.
    solver : {"adam", "sgd", "lbfgs"}, default "adam"
        The first two take mini-batches; "lbfgs" is SciPy's minimiser of the loss of all samples.
    alpha : float, default 0.0001
        The L2 penalty: ``alpha / 2`` times the weights' sum of squares, divided by the number of samples.
    batch_size : int or "auto", default "auto"
        Samples of a mini-batch. "auto" is 200, or all if there are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"}, default "constant"
        For "sgd": always `learning_rate_init`; divided by the power `power_t` of the samples seen; or divided by 5
        whenever there was no improvement for `n_iter_no_change` epochs.
    learning_rate_init : float, default 0.001
        The first learning rate.
    power_t : float, default 0.5
        For "invscaling".
    max_iter : int, default 200
        The most epochs, or iterations of "lbfgs".
    shuffle : bool, default True
        Whether each epoch takes the samples in another order.
    random_state : int, RandomState or None, default None
        Of initial weights, of the samples held out and of their order, drawn as scikit-learn does: the same number
        gives the same start and the same batches there and here.
    tol : float, default 1e-4
        What counts as an improvement of the loss, or of the validation score.
    verbose : bool, int or "bar", default False
        Whether to print each epoch's loss; "bar" shows a progress bar, which needs tqdm.
    warm_start : bool, default False
        Whether `fit` goes on with the weights that there are.
    momentum : float, default 0.9
        For "sgd".
    nesterovs_momentum : bool, default True
        Whether it is Nesterov's.
    early_stopping : bool, default False
        Whether samples are held out, by whose accuracy training ends and the best weights are chosen.
    validation_fraction : float, default 0.1
        The share of them.
    beta_1, beta_2, epsilon : float, default 0.9, 0.999 and 1e-8
        For "adam".
    n_iter_no_change : int or inf, default 10
        How many epochs may pass without an improvement.
    max_fun : int, default 15000
        The most evaluations of the loss, for "lbfgs".
    class_weight : dict or "balanced", default None
        A factor on the loss of each class's samples, by label; "balanced": all classes count the same together.
    dropout : float or sequence of float, default 0.0
        The share of the hidden units that is left out in each mini-batch, for all hidden layers or one for each.
    input_dropout : float, default 0.0
        The same of the inputs.
    label_smoothing : float, default 0.0
        The share of each target that is spread over all classes.
    averaging : float, default None
        The decay of a moving average of the weights, which takes their place, such as 0.999.
    optimizer : str or object of `cnet.optimizers`, default None
        In the place of `solver`, such as "rmsprop" or ``cnet.optimizers.AdamW(weight_decay=0.01)``. Its learning rate,
        if it has none of its own, is `learning_rate_init`.
    schedule : str, object of `cnet.schedules` or function, default None
        In the place of `learning_rate`: a factor on it, such as "cosine", over `max_iter` epochs.
    scoring : str or function, default None
        The scorer of samples to validate with, as scikit-learn has them, such as "roc_auc".
    record_train_score : bool, default False
        Whether the score on the training samples is recorded after each epoch.
    callbacks : object or list, default None
        Called after each epoch with a `cnet.callbacks.EpochInfo`; training ends if one returns True.
    dtype : float32 or float64, default None
        In which to compute; None: float32 if the inputs are, else float64.
    n_threads : int, default None
        The most threads of a fit; None: chosen automatically. It changes no bit of the result.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, in the order of probabilities.
    coefs_, intercepts_ : list of ndarray
        Weights (n_in, n_out) and biases (n_out,) of each layer. They may be changed in place, or replaced.
    loss_ : float
        The last epoch's mean loss, with the penalty.
    loss_curve_ : list of float
        That of each epoch. Not for "lbfgs".
    best_loss_ : float or None
        The lowest of them; None with `early_stopping`.
    validation_scores_ : list of float or None
        The accuracy on the samples to validate with after each epoch; None without any.
    best_validation_score_ : float or None
        The highest of them.
    validation_loss_curve_ : list of float
        The loss of these samples after each epoch, without the penalty. Only where there are any.
    train_score_curve_ : list of float
        The score on the training samples after each epoch. Only with `record_train_score`.
    n_iter_ : int
        Epochs of the last fit.
    t_ : int
        Samples seen in all.
    n_features_in_ : int
        Columns of `X`.
    feature_names_in_ : ndarray of str
        Their names, if all columns have one.
    n_layers_, n_outputs_ : int
        Layers, counting the inputs; units of the last.
    out_activation_ : str
        "softmax" or "logistic".

    See Also
    --------
    cnet.MultiLayerNet : The same networks without scikit-learn.

    References
    ----------
    .. [1] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    .. [2] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks",
       AISTATS 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from cnet.estimators import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = MLPClassifier(max_iter=1000, random_state=0).fit(X, y)
    >>> classifier.score(X, y) > 0.95
    True
    """

    # What scikit-learn's classifier says of itself.
    loss = "log_loss"

    _takes_numbers = False
    _labels: Labels

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        class_weight: Any = None,
        dropout: Any = 0.0,
        input_dropout: float = 0.0,
        label_smoothing: float = 0.0,
        averaging: float | None = None,
        optimizer: Any = None,
        schedule: Any = None,
        scoring: Any = None,
        record_train_score: bool = False,
        callbacks: Any = None,
        dtype: Any = None,
        n_threads: int | None = None,
    ) -> None:
        store(self, locals())

    @available_if(has_partial_fit)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch on these samples, from the weights that there are.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
        sample_weight : array-like of shape (n_samples,), default None
        classes : array-like of shape (n_classes,), default None
            All labels that there will be. Needed in the first call, and the same in later ones.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `classes` is missing in the first call, or another one later, or what `fit` refuses.
        """
        return self._train(X, y, sample_weight, incremental=True, classes=classes)

    def _note_classes(self, y: Any, classes: Any) -> None:
        known = getattr(self, "classes_", None)
        if classes is None:
            if known is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            return
        given = unique_labels(check_labels("classes", classes))
        if not len(given):
            raise ValueError("classes must hold all labels that there will be, got none")
        if known is None:
            several = type_of_target(y).startswith("multilabel")
            self._labels = labels_of(y) if several else Labels(given)
            self.classes_ = given
        elif not np.array_equal(known, given):
            raise ValueError(f"`classes={classes!r}` is not the same as on the last call to partial_fit, was: "
                             f"{known!r}")

    def _read_targets(self, y: Any, incremental: bool, warm: bool, name: str = "y") -> tuple[Array, int, str]:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (warm or incremental):
            self._labels = labels_of(y)
            self.classes_ = self._labels.classes
        elif warm:
            classes = labels_of(y).classes
            if set(classes.tolist()) != set(self.classes_.tolist()):
                raise ValueError("warm_start can only be used where `y` has the same classes as in the previous call "
                                 f"to fit. Previously got {self.classes_}, `y` has {classes}")
        labels = self._labels
        return labels.numbers(y, name), labels.n_outputs, labels.output

    def _targets(self, y: Array, dtype: np.dtype[Any]) -> Array:
        return self._labels.targets(y, dtype)

    def _loss_function(self) -> Loss:
        return CrossEntropy() if self.out_activation_ == "softmax" else BinaryCrossEntropy()

    def _given(self, y: Array) -> Any:
        return self._labels.named(y)

    def _weigh(self, weight: Array | None, y: Array, incremental: bool) -> Array | None:
        if self.class_weight is None:
            return weight
        if incremental and isinstance(self.class_weight, str):
            raise ParameterError('class_weight="balanced" needs all samples: give partial_fit a dict of weights by '
                                 "label")
        factors = class_weights(self.class_weight, self._labels, y)
        if weight is not None:
            factors = factors * weight
        if not factors.any():
            besides = "" if weight is None else " times sample_weight"
            raise ParameterError(f"class_weight{besides} is 0 for every sample; at least one must be above 0")
        return factors

    def _stratify(self, y: Array) -> Array | None:
        # As scikit-learn's, which has one output for two classes.
        return (y != 0).reshape(-1, 1) if self.n_outputs_ == 1 else None

    def _score(self, x: Array, y: Array, weight: Array | None) -> float:
        outputs = self._network.predict(x)
        if not np.isfinite(outputs).all():
            return float("nan")
        return accuracy(y, self._labels.predicted(outputs), weight)

    def predict(self, X: Any) -> Any:
        """Predict the most probable class, or all labels of a probability above a half.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        outputs = self._outputs(X)
        return self._labels.named(self._labels.predicted(outputs))

    def predict_proba(self, X: Any) -> Array:
        """Predict the probability of each class; of several labels, of each on its own.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        outputs = self._outputs(X)
        if self.n_outputs_ > 1 or self._labels.several:
            return outputs
        return np.hstack([1 - outputs, outputs])

    def decision_function(self, X: Any) -> Array:
        """Compute the scores of classes, from which probabilities are computed: the higher, the more probable.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Of two classes, the second one's logarithmic odds.
        """
        scores = self._outputs(X, scores_network)
        return scores.ravel() if self.n_outputs_ == 1 and not self._labels.several else scores

    @classmethod
    def from_net(cls, net: MultiLayerNet, *, classes: Any = None, **parameters: Any) -> Self:
        """Make a fitted classifier of a network of cnet.

        Parameters
        ----------
        net : cnet.MultiLayerNet
            With cross-entropy, or binary cross-entropy: of one output for two classes, of more for several labels.
        classes : array-like, default None
            The labels in the order of the outputs, sorted; by default whole numbers from 0.
        **parameters : object
            More parameters of the classifier.

        Returns
        -------
        MLPClassifier
            With copies of the weights.

        Raises
        ------
        TypeError, ValueError
            If `net` is no such network, or the classes do not belong to it.
        """
        loss, n_outputs = check_net(net).loss_function.name, net.sizes[-1]
        if loss not in ("cross_entropy", "binary_cross_entropy"):
            raise ValueError(f"a classifier needs a network with cross-entropy or binary cross-entropy, got {loss}; "
                             "use MLPRegressor.from_net")
        several = loss == "binary_cross_entropy" and n_outputs > 1
        n_classes = 2 if loss == "binary_cross_entropy" and n_outputs == 1 else n_outputs
        labels = np.arange(n_classes) if classes is None else np.asarray(classes)
        if labels.shape != (n_classes,) or not (labels[:-1] < labels[1:]).all():
            raise ValueError(f"classes must be {n_classes} different labels in ascending order, got {classes!r}")
        made = cls(**parameters_of(net), **parameters)
        made._labels = Labels(labels, several=several, softmax=loss == "cross_entropy")
        made.classes_ = labels
        return made._take_net(net, n_outputs, made._labels.output)

    def predict_log_proba(self, X: Any) -> Array:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Minus infinity where a probability is 0.
        """
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            logarithms: Array = np.log(probabilities, out=probabilities)
        return logarithms

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
