"""What the classifier and the regressor have in common: a fit from validated data to fitted attributes."""

from __future__ import annotations

import numbers
import warnings
from abc import ABCMeta, abstractmethod
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ..core._network import Network
from ..core._one_fit import alone
from ..losses import Loss
from ..options import FitOptions, check_options
from .compiled import draw_parameters, make_network, network_of, state_of, with_state
from .lbfgs import minimise
from .settings import STOCHASTIC, Settings, check_settings
from .stochastic import Descent, Epochs, Progress, Watch, descent_for, train

__all__ = ["MultiLayerEstimator", "has_partial_fit"]

Array = npt.NDArray[Any]


def has_partial_fit(estimator: Any) -> bool:
    """Whether partial_fit is there: not for a solver that needs all samples at once."""
    if estimator.solver not in STOCHASTIC:
        raise AttributeError(
            f"partial_fit is only available for stochastic solvers, {' and '.join(STOCHASTIC)}; "
            f"{estimator.solver!r} is not one"
        )
    return True


class MultiLayerEstimator(BaseEstimator, metaclass=ABCMeta):
    """The base of `MLPClassifier` and `MLPRegressor`.

    A subclass says what its targets are (`_read_targets`), its loss, and how predictions are scored.
    """

    _network: Network
    _progress: Progress
    _optimizer: Descent

    @abstractmethod
    def _read_targets(self, y: Any, incremental: bool, warm: bool) -> tuple[Array, int, str]:
        """Check targets; return them as the estimator's scores take them, the outputs, the output's activation."""

    @abstractmethod
    def _targets(self, y: Array, dtype: np.dtype[Any]) -> Array:
        """Targets as cnet's loss takes them, of what `_read_targets` returned."""

    @abstractmethod
    def _loss_function(self) -> Loss:
        """The loss, of the parameters and the output's activation."""

    @abstractmethod
    def _score(self, x: Array, y: Array, weight: Array | None) -> float:
        """Score predictions of the network as it stands."""

    def _stratify(self, y: Array) -> Array | None:
        """What held-out rows are drawn by, so that each class has its share."""
        return None

    def _loss_scale(self) -> float:
        """What cnet's loss is multiplied by to be scikit-learn's."""
        return 1.0

    def _loss_of_network(self) -> tuple[str, float]:
        loss = self._loss_function()
        return loss.name, loss.parameter

    def _hidden_activations(self) -> tuple[str, ...]:
        return check_settings(self).activations

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on samples and their targets, from new weights, or with `warm_start` from those there are.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            float32 stays float32; all else becomes float64. Bytes are plain numbers, not pixels.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels of classes, indicators of several labels, or numbers.
        sample_weight : array-like of shape (n_samples,), default None
            A factor on each sample's loss; not negative.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter or the data are wrong, or the parameters are no longer finite.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` was reached before the loss or the score stopped improving.
        """
        return self._train(X, y, sample_weight, incremental=False)

    def _train(self, X: Any, y: Any, sample_weight: Any, incremental: bool) -> Self:
        settings = check_settings(self)
        if incremental and settings.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True: there are no epochs to choose from")
        first = not hasattr(self, "coefs_") or not (settings.warm_start or incremental)
        x, y = self._check_data(X, y, first)
        weight = _check_weight(sample_weight, len(x))
        y, n_outputs, output = self._read_targets(y, incremental, settings.warm_start)
        self.n_outputs_, self.out_activation_ = n_outputs, output
        random_state = check_random_state(self.random_state)
        sizes = [x.shape[1], *settings.hidden, n_outputs]
        if first:
            self._begin(sizes, settings, x.dtype, random_state)
        network = self._network_to_train(sizes, settings, x.dtype, incremental and not first)
        if settings.solver == "lbfgs":
            alone(network, lambda: self._minimise(network, x, y, weight, settings))
        else:
            alone(network, lambda: self._descend(network, x, y, weight, settings, random_state, incremental))
        return self

    def _check_data(self, X: Any, y: Any, first: bool) -> tuple[Array, Any]:
        x, y = validate_data(
            self, X, y, reset=first, accept_sparse=["csr", "csc"], multi_output=True, dtype=(np.float64, np.float32),
            **self._y_checks(),
        )
        return _dense(x), y

    def _y_checks(self) -> dict[str, Any]:
        return {}

    def _begin(
        self, sizes: list[int], settings: Settings, dtype: np.dtype[Any], random_state: np.random.RandomState
    ) -> None:
        """New weights, and all that is counted at its beginning."""
        logistic = settings.activations[:1] == ("sigmoid",)
        self.coefs_, self.intercepts_ = draw_parameters(sizes, logistic, dtype, random_state)
        self.n_layers_ = len(sizes)
        self.n_iter_ = self.t_ = 0
        self._progress = Progress()
        vars(self).pop("_network", None)
        vars(self).pop("_optimizer", None)
        if settings.solver != "lbfgs":
            self._begin_lists(settings)

    def _begin_lists(self, settings: Settings) -> None:
        self.loss_curve_: list[float] = []
        watched = settings.early_stopping
        self.best_loss_ = None if watched else np.inf
        self.validation_scores_: list[float] | None = [] if watched else None
        self.best_validation_score_ = -np.inf if watched else None

    def _network_to_train(
        self, sizes: list[int], settings: Settings, dtype: np.dtype[Any], keeps_state: bool
    ) -> Network:
        """The network that the fit will train, with the parameters that there are; ``coefs_`` become its arrays."""
        former = network_of(self)
        if keeps_state and former is vars(self).get("_network") and former.dtype == dtype:
            former.weight_decay = settings.alpha
            return former
        if former.sizes != tuple(sizes):
            raise ValueError(f"training that goes on needs a network of the sizes {list(former.sizes)}, got data and "
                             f"parameters for {sizes}; fit a new estimator, or set warm_start=False")
        if settings.solver == "lbfgs":
            dtype = np.dtype(np.float64)
        network = make_network(
            former.weights, former.biases, settings.activations, *self._loss_of_network(), settings.alpha, dtype
        )
        if keeps_state and network.dtype == former.dtype:
            network.optimizer_state = former.optimizer_state
        self._adopt(network)
        return network

    def _adopt(self, network: Network) -> None:
        """Let the fitted attributes be this network's memory."""
        self._network = network
        self.coefs_, self.intercepts_ = list(network.weights), list(network.biases)

    def _minimise(self, network: Network, x: Array, y: Array, weight: Array | None, settings: Settings) -> None:
        dtype = x.dtype
        targets = self._targets(y, network.dtype)
        loss, self.n_iter_ = minimise(network, x.astype(np.float64, copy=False), targets, weight, settings)
        if not all(np.isfinite(array).all() for array in (*network.weights, *network.biases)):
            raise ValueError("Solver produced non-finite parameter weights. The input data may contain large values "
                             "and need to be preprocessed.")
        penalty = loss - network.loss_and_accuracy(x.astype(np.float64, copy=False), targets, weight=weight)[0]
        self.loss_ = (loss - penalty) * self._loss_scale() + penalty
        if dtype != network.dtype:
            self._adopt(make_network(
                network.weights, network.biases, settings.activations, *self._loss_of_network(), settings.alpha, dtype
            ))

    def _descend(
        self, network: Network, x: Array, y: Array, weight: Array | None, settings: Settings,
        random_state: np.random.RandomState, incremental: bool,
    ) -> None:
        if not incremental or not hasattr(self, "_optimizer"):
            self._optimizer = descent_for(settings)
            network.optimizer_state = None
        if not hasattr(self, "_progress"):
            self._progress = Progress()
        if not hasattr(self, "loss_curve_"):
            self._begin_lists(settings)
        score = None
        if settings.early_stopping:
            x, y, weight, held_out = self._split(x, y, weight, settings, random_state)

            def score() -> float:
                return self._score(*held_out)

        epochs = Epochs(
            network, x, self._targets(y, network.dtype), weight, self._options(settings, len(x)), self._optimizer,
            1 if incremental else settings.max_iter,
        )
        self.n_iter_ = 0
        watch = Watch(self, network, settings, score)
        train(epochs, watch, random_state, len(x), self._loss_scale(), incremental)

    def _options(self, settings: Settings, n_rows: int) -> FitOptions:
        batch_size = min(200, n_rows) if settings.batch_size is None else settings.batch_size
        if batch_size > n_rows:
            warnings.warn(f"batch_size={batch_size} is larger than the number of samples, {n_rows}: it is clipped to it",
                          stacklevel=2)
            batch_size = n_rows
        return check_options(
            n_hidden=len(settings.hidden), loss=self._loss_function(), batch_size=batch_size, sampling="shuffle",
            optimizer=self._optimizer.optimizer,
        )

    def _split(
        self, x: Array, y: Array, weight: Array | None, settings: Settings, random_state: np.random.RandomState
    ) -> tuple[Array, Array, Array | None, tuple[Array, Array, Array | None]]:
        """Rows to train with, and those held out: drawn as scikit-learn draws them."""
        kept, held = train_test_split(
            np.arange(len(x)), random_state=random_state, test_size=settings.validation_fraction,
            stratify=self._stratify(y),
        )
        if len(held) < 2:
            raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your "
                             f"dataset: {len(held)} of {len(x)} samples are held out, 2 are needed")
        weights = (None, None) if weight is None else (weight[kept], weight[held])
        return x[kept], y[kept], weights[0], (x[held], y[held], weights[1])

    def _outputs(self, X: Any) -> Array:
        """What the last layer's activation gives for samples (n_samples, n_outputs), after all checks."""
        check_is_fitted(self, "coefs_")
        # Whether all is finite is looked at where it is read; scikit-learn's check then says what is not.
        x = self._check_inputs(X, finite=False)
        network = network_of(self)
        try:
            outputs: Array = network.predict(_dense(x))
        except ValueError:
            self._check_inputs(X, finite=True)
            raise
        return outputs

    def _check_inputs(self, X: Any, finite: bool) -> Any:
        return validate_data(
            self, X, reset=False, accept_sparse=["csr", "csc"], dtype=(np.float64, np.float32), ensure_all_finite=finite
        )

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        network = state.get("_network")
        if network is not None:
            state["_network"] = state_of(network)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        held = state.get("_network")
        super().__setstate__({name: value for name, value in state.items() if name != "_network"})
        if held is not None:
            self._adopt(with_state(network_of(self), held))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _dense(x: Any) -> Array:
    """Samples as an array, also those of a sparse matrix."""
    return x.toarray() if hasattr(x, "toarray") else x


def _check_weight(sample_weight: Any, n_rows: int) -> Array | None:
    """The samples' weights (n_rows,), or None; one number stands for all."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, numbers.Real):
        return np.full(n_rows, float(sample_weight))
    weight = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weight.ndim != 1:
        raise ValueError(f"Sample weights must be 1D array or scalar, got {weight.ndim}D array")
    if len(weight) != n_rows:
        raise ValueError(f"sample_weight must hold one weight for each of {n_rows} samples, got shape {weight.shape}")
    if not weight.any():
        raise ValueError("sample_weight is zero for every sample; at least one weight must be above 0")
    return weight
