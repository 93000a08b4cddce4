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
from sklearn.utils import check_random_state

from ..checks import excerpt
from ..core._network import Network
from ..core._one_fit import alone
from ..options import FitOptions, check_options
from .compiled import draw_parameters, kind_of, make_network, network_of
from .descent import Descent, descent_for
from .fitted import FittedNetwork
from .lbfgs import minimise
from .rows import is_sparse, way_of
from .settings import STOCHASTIC, ParameterError, Settings, check_settings
from .stochastic import Epochs, train
from .task import Task, Undo
from .validation import FLOATS, check_weight, validated_with_targets
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
    _takes_numbers: bool

    @abstractmethod
    def _read_targets(self, y: Any, incremental: bool, warm: bool, name: str = "y") -> tuple[Array, int, str]:
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

    def _weigh(self, weight: Array | None, y: Array, incremental: bool) -> Array | None:
        """The samples' weights in training, with targets as `_read_targets` returned them."""
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
        self, X: Any, y: Any, sample_weight: Any, incremental: bool,
        validation: tuple[Any, Any, Any] = (None,) * 3, classes: Any = None,
    ) -> Self:
        undo = Undo(self)
        try:
            task = self._prepare(X, y, sample_weight, incremental, validation, classes, undo)
            alone(task.network, lambda: self._carry_out(task, undo))
        except BaseException:
            undo.put_back()
            raise
        if task.context is not None:
            task.context.call_on_fit_task_end(
                estimator=self, X=task.train.x, y=task.train.y, reconstruction_attributes=dict
            )
        return self

    def _prepare(
        self, X: Any, y: Any, sample_weight: Any, incremental: bool, validation: tuple[Any, Any, Any], classes: Any,
        undo: Undo,
    ) -> Task:
        """Check all that can be refused, and make what the fit needs; `undo` can put back whatever is written."""
        settings = check_settings(self)
        _check_task(settings, incremental, any(each is not None for each in validation))
        first = not hasattr(self, "coefs_") or not (settings.warm_start or incremental)
        # The core looks at all rows that it trains on.
        finite = settings.early_stopping or settings.solver == "lbfgs"
        x, y = self._check_data(X, y, first, settings, finite)
        if incremental:
            self._note_classes(y, classes)
        weight = check_weight(sample_weight, x.shape[0], "sample_weight")
        read, self.n_outputs_, self.out_activation_ = self._read_targets(y, incremental, settings.warm_start)
        sizes = [x.shape[1], *settings.hidden, self.n_outputs_]
        random_state = undo.remember(check_random_state(self.random_state))
        if first:
            self._begin(sizes, settings, x.dtype, random_state)
            network = self._new_network(settings, x.dtype)
        else:
            network = undo.keep(self._network_to_train(sizes, settings, x.dtype, incremental))
        train = Samples(x, read, self._targets(read, network.dtype), weight)
        held_out = self._read_validation(*validation, settings, network.dtype)
        weighed = replace(train, weight=self._weigh(weight, read, incremental))
        if settings.early_stopping and held_out is None and settings.solver != "lbfgs":
            kept, held = self._divide(read, settings, random_state)
            weighed, held_out = weighed.take(kept), train.take(held)
        task = Task(settings, network, train, weighed, held_out, random_state, incremental)
        if settings.solver != "lbfgs":
            task.forgets = not incremental or not hasattr(self, "_optimizer")
            if task.forgets:
                self._optimizer = descent_for(settings)
            task.options = self._options(settings, len(weighed))
        task.context = self._callback_context(settings, train)
        return task

    def _carry_out(self, task: Task, undo: Undo) -> None:
        if task.settings.solver == "lbfgs":
            self._minimise(task.network, task.weighed, task.settings)
        else:
            self._descend(task, undo)

    def _callback_context(self, settings: Settings, samples: Samples) -> Any:
        """scikit-learn's context of this fit for its callbacks; None if there are none."""
        if not getattr(self, "_skl_callbacks", None):
            return None
        context = self._init_callback_context(max_subtasks=settings.max_iter)
        context.call_on_fit_task_begin(
            estimator=self, X=samples.x, y=samples.y, metadata={"sample_weight": samples.weight}
        )
        return context

    def _note_classes(self, y: Any, classes: Any) -> None:
        """Take note of the classes that partial_fit was told of."""

    def _check_data(
        self, X: Any, y: Any, first: bool, settings: Settings, finite: bool = True, suffix: str = ""
    ) -> tuple[Any, Any]:
        dtypes = FLOATS if settings.dtype is None else (settings.dtype,)
        x, y = validated_with_targets(self, X, y, dtypes, first, self._takes_numbers, finite, suffix)
        return (x.tocsr() if is_sparse(x) else x), y

    def _read_validation(self, X: Any, y: Any, weight: Any, settings: Settings, dtype: Any) -> Samples | None:
        """The samples to validate with that were given."""
        if X is None and y is None and weight is None:
            return None
        if X is None or y is None:
            raise ValueError("X_val and y_val go together: got one of them")
        if settings.solver == "lbfgs":
            raise ValueError('X_val goes with epochs: with solver="adam" or "sgd", or an optimizer, not with "lbfgs"')
        x, y = self._check_data(X, y, False, settings, suffix="_val")
        read = self._read_targets(y, True, False, "y_val")[0]
        if read.shape[1:] != () and read.shape[1] != self.n_outputs_:
            raise ValueError(f"y_val must have {self.n_outputs_} columns, as y has, got {read.shape[1]}")
        return Samples(x, read, self._targets(read, dtype), check_weight(weight, x.shape[0], "sample_weight_val"))

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

    def _descend(self, task: Task, undo: Undo) -> None:
        """Epochs of mini-batches."""
        network, settings = task.network, task.settings
        assert task.options is not None
        network.weight_decay = settings.alpha
        if task.forgets:
            network.optimizer_state = None
        if not hasattr(self, "_progress"):
            self._progress = Progress()
        self._continue_lists(settings, task.held_out)
        drops = any(settings.dropout) or settings.input_dropout
        key = int(task.random_state.randint(2**31 - 1)) if drops else 0
        try:
            epochs = Epochs(
                network, task.weighed, task.options, self._optimizer, 1 if task.incremental else settings.max_iter, key,
                self._progress.epochs,
            )
        except ValueError:
            # In scikit-learn's words, if that is what it was.
            self._check_inputs(task.train.x, finite=True)
            raise
        self.n_iter_ = 0
        undo.forget()
        watch = Watch(self, network, settings, task.weighed, task.held_out, task.context)
        train(epochs, watch, task.random_state, self._loss_scale(), task.incremental)

    def _measure(self, samples: Samples, scorer: Any) -> float:
        """The score that was asked for, of the network as it stands; `scorer` is None for the usual one."""
        if scorer is None:
            return self._score(samples.rows, samples.y, samples.weight)
        # The samples have been checked, and have lost the names of their columns.
        seen = object.__new__(type(self))
        seen.__dict__.update(vars(self))
        seen.__dict__.pop("feature_names_in_", None)
        more = {} if samples.weight is None else {"sample_weight": samples.weight}
        score = scorer(seen, samples.x, self._given(samples.y), **more)
        if not isinstance(score, numbers.Real):
            raise ParameterError(f"scoring must return a number, got {excerpt(score)}")
        return float(score)

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


def _check_task(settings: Settings, incremental: bool, validates: bool) -> None:
    """Raise for parameters that do not go with what is to be done."""
    if incremental and settings.early_stopping:
        raise ValueError("partial_fit does not support early_stopping=True: there are no epochs to choose from")
    if incremental and settings.schedule is not None:
        raise ValueError("partial_fit goes without schedule: nobody knows how many epochs there will be")
    if settings.early_stopping and not validates and not settings.validation_fraction:
        raise ParameterError("validation_fraction must be above 0 with early_stopping=True, unless X_val and y_val are "
                             "given, got 0.0")
    scores = settings.early_stopping or settings.record_train_score or validates
    if settings.scoring is not None and not scores:
        raise ParameterError("scoring has nothing to score: set early_stopping=True or record_train_score=True, or "
                             "give X_val and y_val to fit")
