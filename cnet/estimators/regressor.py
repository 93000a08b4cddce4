"""`MLPRegressor`: numbers, one or several of each sample."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from ..checks import excerpt, listed
from ..losses import LOSSES, Loss, Poisson, SquaredError, as_loss
from ..networks import MultiLayerNet
from .base import MultiLayerEstimator, has_partial_fit, store
from .compiled import check_net, parameters_of
from .rows import is_sparse
from .scores import r2
from .settings import ParameterError

__all__ = ["MLPRegressor"]

Array = npt.NDArray[Any]

# Those of numbers.
NAMES = [name for name, kind in LOSSES.items() if kind.predicts_values]


class MLPRegressor(RegressorMixin, MultiLayerEstimator):
    """A regressor of dense layers, in the place of scikit-learn's.

    Parameters
    ----------
    loss : str or object of `cnet.losses`, default "squared_error"
        "squared_error" is half the squared difference, "poisson" half the deviance of counts, whose predictions are
        exponentials. Others are "absolute_error", "huber" and "quantile", or ``cnet.losses.Quantile(0.9)``.
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
        Whether samples are held out, by whose R² training ends and the best weights are chosen.
    validation_fraction : float, default 0.1
        The share of them.
    beta_1, beta_2, epsilon : float, default 0.9, 0.999 and 1e-8
        For "adam".
    n_iter_no_change : int or inf, default 10
        How many epochs may pass without an improvement.
    max_fun : int, default 15000
        The most evaluations of the loss, for "lbfgs".
    dropout : float or sequence of float, default 0.0
        The share of the hidden units that is left out in each mini-batch, for all hidden layers or one for each.
    input_dropout : float, default 0.0
        The same of the inputs.
    averaging : float, default None
        The decay of a moving average of the weights, which takes their place, such as 0.999.
    optimizer : str or object of `cnet.optimizers`, default None
        In the place of `solver`, such as "rmsprop" or ``cnet.optimizers.AdamW(weight_decay=0.01)``. Its learning rate,
        if it has none of its own, is `learning_rate_init`.
    schedule : str, object of `cnet.schedules` or function, default None
        In the place of `learning_rate`: a factor on it, such as "cosine", over `max_iter` epochs.
    scoring : str or function, default None
        The scorer of samples to validate with, as scikit-learn has them, such as "neg_mean_absolute_error".
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
    coefs_, intercepts_ : list of ndarray
        Weights (n_in, n_out) and biases (n_out,) of each layer. They may be changed in place, or replaced.
    loss_ : float
        The last epoch's mean loss, with the penalty.
    loss_curve_ : list of float
        That of each epoch. Not for "lbfgs".
    best_loss_ : float or None
        The lowest of them; None with `early_stopping`.
    validation_scores_ : list of float or None
        R² on the samples to validate with after each epoch; None without any.
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
        "identity", or "exp" of a Poisson loss.

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
    >>> from sklearn.datasets import make_regression
    >>> from cnet.estimators import MLPRegressor
    >>> X, y = make_regression(n_samples=200, n_features=20, random_state=1)
    >>> regressor = MLPRegressor(solver="lbfgs", random_state=1, tol=0.1, max_iter=1000).fit(X, y)
    >>> regressor.score(X, y) > 0.95
    True
    """

    _takes_numbers = True

    def __init__(
        self,
        loss: Any = "squared_error",
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
        dropout: Any = 0.0,
        input_dropout: float = 0.0,
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
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on these samples, from the weights that there are.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default None

        Returns
        -------
        self

        Raises
        ------
        ValueError
            What `fit` refuses.
        """
        return self._train(X, y, sample_weight, incremental=True)

    def _read_targets(self, y: Any, incremental: bool, warm: bool, name: str = "y") -> tuple[Array, int, str]:
        if is_sparse(y):
            raise ValueError(f"{name} must be dense for a regressor, got a sparse matrix; pass {name}.toarray()")
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        columns = y.reshape(len(y), -1)
        if isinstance(self._loss_function(), Poisson) and (columns < 0).any():
            row = int((columns < 0).any(axis=1).argmax())
            raise ValueError(f"the Poisson loss has no meaning for targets below 0: {name}[{row}] = {y[row]}")
        return columns, columns.shape[1], self._read_output()

    def _read_output(self) -> str:
        return "exp" if isinstance(self._loss_function(), Poisson) else "identity"

    def _targets(self, y: Array, dtype: np.dtype[Any]) -> Array:
        with np.errstate(over="ignore"):
            targets: Array = y.astype(dtype, copy=False)
        if targets.dtype != y.dtype and not np.isfinite(targets).all():
            row = int((~np.isfinite(targets)).any(axis=1).argmax())
            raise ValueError(f"a target is too large for {dtype}, in which the inputs are: sample {row} has {y[row]}; "
                             "scale the targets, or pass dtype=np.float64 to the constructor")
        return targets

    def _loss_function(self) -> Loss:
        try:
            loss = as_loss(self.loss)
        except (TypeError, ValueError):
            loss = None
        if loss is None or loss.name not in NAMES:
            given = excerpt(self.loss)
            if isinstance(self.loss, type) and self.loss in LOSSES.values():
                given = f"the class {self.loss.__name__}; write {self.loss.__name__}()"
            raise ParameterError(f"loss must be one of {listed(NAMES)}, or such a loss of cnet.losses, got {given}")
        return loss

    def _loss_scale(self) -> float:
        # scikit-learn reports the mean over outputs of squared errors; their gradient is that of the sum.
        return 1.0 / self.n_outputs_ if isinstance(self._loss_function(), SquaredError) else 1.0

    def _given(self, y: Array) -> Any:
        return y.ravel() if y.shape[1] == 1 else y

    def _score(self, x: Array, y: Array, weight: Array | None) -> float:
        return r2(y, self._network.predict(x), weight)

    @classmethod
    def from_net(cls, net: MultiLayerNet, **parameters: Any) -> Self:
        """Make a fitted regressor of a network of cnet.

        Parameters
        ----------
        net : cnet.MultiLayerNet
            With a loss of numbers, such as squared error.
        **parameters : object
            More parameters of the regressor.

        Returns
        -------
        MLPRegressor
            With copies of the weights.

        Raises
        ------
        TypeError, ValueError
            If `net` is no such network.
        """
        loss = check_net(net).loss_function
        if loss.name not in NAMES:
            raise ValueError(f"a regressor needs a network with a loss of numbers, got {loss.name}; use "
                             "MLPClassifier.from_net")
        made = cls(loss=loss if loss.parameter else loss.name, **parameters_of(net), **parameters)
        return made._take_net(net, net.sizes[-1], made._read_output())

    def predict(self, X: Any) -> Array:
        """Predict numbers.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        outputs = self._outputs(X)
        return outputs.ravel() if outputs.shape[1] == 1 else outputs
