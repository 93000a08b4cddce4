"""What the classifier and the regressor have in common: a fit from validated data to fitted attributes."""

from __future__ import annotations

import numbers
import warnings
from abc import abstractmethod
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array, check_random_state

from ..core._network import Network
from ..core._one_fit import alone
from ..options import FitOptions, check_options
from .compiled import draw_parameters, kind_of, make_network, network_of
from .descent import Descent, descent_for
from .fitted import FittedNetwork
from .lbfgs import minimise
from .rows import is_sparse, way_of
from .settings import STOCHASTIC, Settings, check_settings
from .stochastic import Epochs, train
from .validation import FLOATS, validated_with_targets
from .watch import Progress, Samples, Watch

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing: there are no callbacks."""

    def with_callbacks(method: Any) -> Any:
        return method

__all__ = ["MultiLayerEstimator", "has_partial_fit", "store"]

Array = npt.NDArray[Any]


def has_partial_fit(estimator: Any) -> bool:
    """Whether partial_fit is there: not for a solver that needs all samples at once."""
    if estimator.solver not in STOCHASTIC:
        raise AttributeError(
            f"partial_fit is only available for stochastic solvers, {' and '.join(STOCHASTIC)}; "
            f"{estimator.solver!r} is not one"
        )
    return True


def store(estimator: Any, parameters: dict[str, Any]) -> None:
    """What a constructor does, with its ``locals()``: keep each parameter as it was given."""
    for name, value in parameters.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)


class MultiLayerEstimator(CallbackSupportMixin, FittedNetwork):
    """The base of `MLPClassifier` and `MLPRegressor`.

    A subclass says what its targets are (`_read_targets`), its loss, and how predictions are scored.
    """

    _progress: Progress
    _optimizer: Descent

    @abstractmethod
    def _read_targets(self, y: Any, incremental: bool, warm: bool) -> tuple[Array, int, str]:
        """Check targets; return them as the estimator's scores take them, the outputs, the output's activation."""

    @abstractmethod
    def _targets(self, y: Array, dtype: np.dtype[Any]) -> Array:
        """Targets as cnet's loss takes them, of what `_read_targets` returned."""

    @abstractmethod
    def _score(self, x: Array, y: Array, weight: Array | None) -> float:
        """Score predictions of the network as it stands."""

    @abstractmethod
    def _given(self, y: Array) -> Any:
        """Targets as they were given, of what `_read_targets` returned."""

    def _weigh(self, weight: Array | None, y: Any, incremental: bool) -> Array | None:
        """The samples' weights in training."""
        return weight

    def _stratify(self, y: Array) -> Array | None:
        """What held-out rows are drawn by, so that each class has its share."""
        return None

    def _loss_scale(self) -> float:
        """What cnet's loss is multiplied by to be scikit-learn's."""
        return 1.0

    @with_callbacks
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train on samples and their targets, from new weights, or with `warm_start` from those there are.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            float32 stays float32; all else becomes float64. Bytes are plain numbers, not pixels.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels of classes, indicators of several labels, or numbers.
        sample_weight : array-like of shape (n_samples,), default None
            A factor on each sample's loss; not negative.
        X_val, y_val : array-like, default None
            Samples to validate with after each epoch: their loss and score are recorded. With `early_stopping` they
            take the place of those that would be held out.
        sample_weight_val : array-like, default None
            Their weights.

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
        return self._train(X, y, sample_weight, incremental=False, validation=(X_val, y_val, sample_weight_val))

    def _train(
        self, X: Any, y: Any, sample_weight: Any, incremental: bool, validation: tuple[Any, Any, Any] = (None,) * 3
    ) -> Self:
        settings = check_settings(self)
        if incremental and settings.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True: there are no epochs to choose from")
        if incremental and settings.schedule is not None:
            raise ValueError("partial_fit goes without schedule: nobody knows how many epochs there will be")
        first = not hasattr(self, "coefs_") or not (settings.warm_start or incremental)
        x, y = self._check_data(X, y, first, settings)
        weight = _check_weight(sample_weight, x.shape[0], "sample_weight")
        read, n_outputs, output = self._read_targets(y, incremental, settings.warm_start)
        self.n_outputs_, self.out_activation_ = n_outputs, output
        random_state = check_random_state(self.random_state)
        sizes = [x.shape[1], *settings.hidden, n_outputs]
        if first:
            self._begin(sizes, settings, x.dtype, random_state)
            network = self._new_network(settings, x.dtype)
        else:
            network = self._network_to_train(sizes, settings, x.dtype, incremental)
        samples = Samples(x, read, self._targets(read, network.dtype), weight)
        held_out = self._read_validation(*validation, settings, network.dtype)
        trained = self._weigh(weight, y, incremental)
        context = self._callback_context(settings, samples)
        if settings.solver == "lbfgs":
            alone(network, lambda: self._minimise(network, replace(samples, weight=trained), settings))
        else:
            alone(network, lambda: self._descend(
                network, samples, trained, held_out, settings, random_state, incremental, context))
        if context is not None:
            context.call_on_fit_task_end(estimator=self, X=x, y=y, reconstruction_attributes=dict)
        return self

    def _callback_context(self, settings: Settings, samples: Samples) -> Any:
        """scikit-learn's context of this fit for its callbacks; None if there are none."""
        if not getattr(self, "_skl_callbacks", None):
            return None
        context = self._init_callback_context(max_subtasks=settings.max_iter)
        context.call_on_fit_task_begin(
            estimator=self, X=samples.x, y=samples.y, metadata={"sample_weight": samples.weight}
        )
        return context

    def _check_data(self, X: Any, y: Any, first: bool, settings: Settings) -> tuple[Any, Any]:
        dtypes = FLOATS if settings.dtype is None else (settings.dtype,)
        x, y = validated_with_targets(self, X, y, dtypes, first, **self._y_checks())
        return (x.tocsr() if is_sparse(x) else x), y

    def _read_validation(self, X: Any, y: Any, weight: Any, settings: Settings, dtype: Any) -> Samples | None:
        """The samples to validate with that were given."""
        if X is None and y is None and weight is None:
            return None
        if X is None or y is None:
            raise ValueError("X_val and y_val go together: got one of them")
        if settings.solver == "lbfgs":
            raise ValueError('X_val goes with epochs: with solver="adam" or "sgd", or an optimizer, not with "lbfgs"')
        x, y = self._check_data(X, y, False, settings)
        read = self._read_targets(y, True, False)[0]
        if read.shape[1:] != () and read.shape[1] != self.n_outputs_:
            raise ValueError(f"y_val must have {self.n_outputs_} columns, as y has, got {read.shape[1]}")
        return Samples(x, read, self._targets(read, dtype), _check_weight(weight, x.shape[0], "sample_weight_val"))

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
        for name in ("_network", "_optimizer", "validation_loss_curve_", "train_score_curve_"):
            self.__dict__.pop(name, None)
        if settings.solver != "lbfgs":
            self._begin_lists(settings)

    def _begin_lists(self, settings: Settings) -> None:
        self.loss_curve_: list[float] = []
        self.best_loss_ = None if settings.early_stopping else np.inf
        self.validation_scores_: list[float] | None = None
        self.best_validation_score_: float | None = None

    def _continue_lists(self, settings: Settings, held_out: Samples | None) -> None:
        """The lists that this fit needs, and which those before it may not have needed."""
        if not hasattr(self, "loss_curve_"):
            self._begin_lists(settings)
        if held_out is not None and self.validation_scores_ is None:
            self.validation_scores_, self.best_validation_score_ = [], -np.inf
            self.validation_loss_curve_: list[float] = []
        if settings.record_train_score and not hasattr(self, "train_score_curve_"):
            self.train_score_curve_: list[float] = []

    def _new_network(self, settings: Settings, dtype: np.dtype[Any]) -> Network:
        """The network that the fit will train, with ``coefs_``, which become its arrays."""
        network = make_network(
            self.coefs_, self.intercepts_, settings.activations, *self._loss_of_network(), settings.alpha,
            np.float64 if settings.solver == "lbfgs" else dtype,
        )
        self._adopt(network)
        return network

    def _network_to_train(
        self, sizes: list[int], settings: Settings, dtype: np.dtype[Any], keeps_state: bool
    ) -> Network:
        """The same of a fit that goes on with the parameters, and in partial_fit the state, of those before."""
        former: Network = network_of(self)
        kept: Network | None = getattr(self, "_network", None)
        if former.sizes != tuple(sizes):
            raise ValueError(f"training that goes on needs a network of the sizes {list(former.sizes)}, got data and "
                             f"parameters for {sizes}; fit a new estimator, or set warm_start=False")
        same = kind_of(former) == (settings.activations, *self._loss_of_network())
        if keeps_state and former is kept and former.dtype == dtype and same:
            former.weight_decay = settings.alpha
            return former
        # The arrays of which `former` was made, or its own.
        network = self._new_network(settings, dtype)
        if keeps_state and network.dtype == former.dtype:
            network.optimizer_state = former.optimizer_state
        return network

    def _minimise(self, network: Network, samples: Samples, settings: Settings) -> None:
        x, targets, weight = samples.rows, samples.targets, samples.weight
        network.first_layer = way_of(x)
        loss, self.n_iter_ = minimise(network, x, targets, weight, settings)
        if not all(np.isfinite(array).all() for array in (*network.weights, *network.biases)):
            raise ValueError("Solver produced non-finite parameter weights. The input data may contain large values "
                             "and need to be preprocessed.")
        alone_loss = network.loss_and_accuracy(x, targets, weight=weight)[0]
        self.loss_ = alone_loss * self._loss_scale() + (loss - alone_loss)
        if samples.x.dtype != network.dtype:
            self._adopt(make_network(
                network.weights, network.biases, settings.activations, *self._loss_of_network(), settings.alpha,
                samples.x.dtype,
            ))
            self._network.first_layer = network.first_layer

    def _descend(
        self, network: Network, samples: Samples, trained: Array | None, held_out: Samples | None, settings: Settings,
        random_state: np.random.RandomState, incremental: bool, context: Any,
    ) -> None:
        """Epochs of mini-batches; `trained` are the samples' weights in training."""
        if not incremental or not hasattr(self, "_optimizer"):
            self._optimizer = descent_for(settings)
            network.optimizer_state = None
        if not hasattr(self, "_progress"):
            self._progress = Progress()
        if settings.early_stopping and held_out is None:
            kept, held = self._divide(samples.y, settings, random_state)
            samples, held_out = replace(samples, weight=trained).take(kept), samples.take(held)
        else:
            samples = replace(samples, weight=trained)
        self._continue_lists(settings, held_out)
        drops = any(settings.dropout) or settings.input_dropout
        epochs = Epochs(
            network, samples, self._options(settings, len(samples)), self._optimizer,
            1 if incremental else settings.max_iter, int(random_state.randint(2**31 - 1)) if drops else 0,
            self._progress.epochs,
        )
        self.n_iter_ = 0
        watch = Watch(self, network, settings, samples, held_out, context)
        train(epochs, watch, random_state, self._loss_scale(), incremental)

    def _measure(self, samples: Samples) -> float:
        """The score that was asked for, of the network as it stands."""
        scorer = check_settings(self).scoring if self.scoring is not None else None
        if scorer is None:
            return self._score(samples.rows, samples.y, samples.weight)
        # The samples have been checked, and have lost the names of their columns.
        seen = object.__new__(type(self))
        seen.__dict__.update(vars(self))
        seen.__dict__.pop("feature_names_in_", None)
        more = {} if samples.weight is None else {"sample_weight": samples.weight}
        return float(scorer(seen, samples.x, self._given(samples.y), **more))

    def _options(self, settings: Settings, n_rows: int) -> FitOptions:
        batch_size = min(200, n_rows) if settings.batch_size is None else settings.batch_size
        if batch_size > n_rows:
            warnings.warn(f"batch_size={batch_size} is larger than the number of samples: it is clipped to {n_rows}",
                          stacklevel=2)
            batch_size = n_rows
        return check_options(
            n_hidden=len(settings.hidden), loss=self._loss_function(), batch_size=batch_size, sampling="shuffle",
            optimizer=self._optimizer.optimizer, dropout=settings.dropout, input_dropout=settings.input_dropout,
            label_smoothing=settings.label_smoothing, averaging=settings.averaging, n_threads=settings.n_threads,
        )

    def _divide(
        self, y: Array, settings: Settings, random_state: np.random.RandomState
    ) -> tuple[Array, Array]:
        """The rows to train with, and those held out: drawn as scikit-learn draws them."""
        kept, held = train_test_split(
            np.arange(len(y)), random_state=random_state, test_size=settings.validation_fraction,
            stratify=self._stratify(y),
        )
        if len(held) < 2:
            raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your "
                             f"dataset: {len(held)} of {len(y)} samples are held out, 2 are needed")
        return kept, held

def _check_weight(sample_weight: Any, n_rows: int, name: str) -> Array | None:
    """The samples' weights (n_rows,), or None; one number stands for all."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, numbers.Real):
        return np.full(n_rows, float(sample_weight))
    weight: Array = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name=name)
    if weight.ndim != 1:
        raise ValueError(f"Sample weights must be 1D array or scalar, got {weight.ndim}D array")
    if len(weight) != n_rows:
        raise ValueError(f"{name} must hold one weight for each of {n_rows} samples, got shape {weight.shape}")
    if (weight < 0).any():
        row = int((weight < 0).argmax())
        raise ValueError(f"{name}[{row}] = {weight[row]} is not a finite number of 0 or more")
    if not weight.any():
        raise ValueError(f"{name} is zero for every sample; at least one weight must be above 0")
    return weight
