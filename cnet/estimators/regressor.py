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
from .base import MultiLayerEstimator, has_partial_fit
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
    verbose : bool or int, default False
        Whether to print each epoch's loss.
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
        R² on the held-out samples after each epoch.
    best_validation_score_ : float or None
        The highest of them.
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
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun

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

    def _y_checks(self) -> dict[str, Any]:
        return {"y_numeric": True}

    def _read_targets(self, y: Any, incremental: bool, warm: bool) -> tuple[Array, int, str]:
        loss = self._loss_function()
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        columns = y.reshape(len(y), -1)
        return columns, columns.shape[1], "exp" if isinstance(loss, Poisson) else "identity"

    def _targets(self, y: Array, dtype: np.dtype[Any]) -> Array:
        return y.astype(dtype, copy=False)

    def _loss_function(self) -> Loss:
        try:
            loss = as_loss(self.loss)
        except (TypeError, ValueError):
            loss = None
        if loss is None or loss.name not in NAMES:
            raise ParameterError(f"loss must be one of {listed(NAMES)}, or such a loss of cnet.losses, got "
                                 f"{excerpt(self.loss)}")
        return loss

    def _loss_scale(self) -> float:
        # scikit-learn reports the mean over outputs of squared errors; their gradient is that of the sum.
        return 1.0 / self.n_outputs_ if isinstance(self._loss_function(), SquaredError) else 1.0

    def _score(self, x: Array, y: Array, weight: Array | None) -> float:
        return r2(y, self._network.predict(x), weight)

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
