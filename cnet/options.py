"""The options of a fit, checked: the only list of them.

A new option is a field of `FitOptions` with its default, and a line in its ``__post_init__``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .augment import Distort
from .callbacks import EarlyStopping, as_callbacks
from .checks import check_choice, check_count, check_number, check_share, excerpt, is_real
from .losses import CrossEntropy, Loss
from .optimizer_base import Optimizer
from .optimizers import SGD, LinearRamp, as_optimizer
from .schedule_base import Schedule
from .schedules import as_schedule

__all__ = ["FitOptions", "check_options"]

MAX_THREADS = 256
# Of inputs in float32, whose squares are summed.
MOST_CHANGE = 1e6
SAMPLINGS = ("replacement", "shuffle")
GRADIENTS = ("backprop", "numerical")


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """The arguments of ``fit`` that do not depend on its data.

    Whatever is passed is checked and made uniform: names become objects, an omitted learning rate becomes the
    optimizer's. Every error names its option.

    Attributes
    ----------
    iterations, epochs : int or None
        At most one of them is not None.
    batch_size : int
    learning_rate : float or LinearRamp
    optimizer : Optimizer
    schedule : Schedule or None
    sampling, gradient : str
    n_threads : int
        0 (or None, when it is passed) where the number is chosen automatically.
    dropout : float or tuple of float
        The share of units left out in each hidden layer. `check_options`, which knows how many there are, also
        makes one share for all into a tuple.
    input_dropout, label_smoothing : float
        Shares, 0 if unused.
    input_noise : float
        The standard deviation of what is added to inputs, 0 if unused.
    adversarial : float
        How far inputs are moved to where their loss is larger, 0 if unused.
    clip_norm, max_norm : float or None
        The largest norm of the gradient, and of the weights into a unit.
    averaging : float or None
        The decay of the moving average of the parameters.
    validation_split : float or None
        The share of the data that is held out.
    early_stopping : object or None
        A number becomes an `EarlyStopping` of that patience. It has ``begin(network, total)`` and is called with an
        `EpochInfo`.
    augment : Distort or None
    """

    iterations: int | None = None
    epochs: int | None = None
    batch_size: int = 100
    learning_rate: float | LinearRamp = None  # type: ignore[assignment]  # the optimizer's
    optimizer: Optimizer = SGD()
    schedule: Schedule | None = None
    sampling: str = "replacement"
    gradient: str = "backprop"
    n_threads: int = 0
    dropout: float | tuple[float, ...] = 0.0
    input_dropout: float = 0.0
    input_noise: float = 0.0
    adversarial: float = 0.0
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    max_norm: float | None = None
    averaging: float | None = None
    validation_split: float | None = None
    early_stopping: Any = None
    augment: Distort | None = None

    def __post_init__(self) -> None:
        if self.iterations is not None and self.epochs is not None:
            raise ValueError(f"give iterations or epochs, not both (got {self.iterations!r} and {self.epochs!r})")
        optimizer = as_optimizer(self.optimizer)
        checked = {
            "iterations": None if self.iterations is None else check_count("iterations", self.iterations),
            "epochs": None if self.epochs is None else check_count("epochs", self.epochs),
            "batch_size": check_count("batch_size", self.batch_size),
            "learning_rate": _check_learning_rate(self.learning_rate, optimizer),
            "optimizer": optimizer,
            "schedule": as_schedule(self.schedule),
            "sampling": check_choice("sampling", self.sampling, SAMPLINGS),
            "gradient": check_choice("gradient", self.gradient, GRADIENTS),
            "n_threads": 0 if self.n_threads in (None, 0) else check_count("n_threads", self.n_threads, MAX_THREADS),
            "dropout": _check_dropout(self.dropout),
            "input_dropout": check_share("input_dropout", self.input_dropout, positive=False),
            "input_noise": _check_size("input_noise", self.input_noise),
            "adversarial": _check_size("adversarial", self.adversarial),
            "label_smoothing": check_share("label_smoothing", self.label_smoothing, positive=False),
            "clip_norm": None if self.clip_norm is None else check_number("clip_norm", self.clip_norm, positive=True),
            "max_norm": None if self.max_norm is None else check_number("max_norm", self.max_norm, positive=True),
            "averaging": None if self.averaging is None else check_share("averaging", self.averaging, positive=True),
            "validation_split": _check_split(self.validation_split),
            "early_stopping": _check_early_stopping(self.early_stopping),
            "augment": _check_augment(self.augment),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if self.schedule is not None and isinstance(self.learning_rate, LinearRamp):
            raise ValueError("give schedule or a LinearRamp as learning_rate, not both; a schedule goes with a "
                             "constant learning_rate")
        if self.gradient == "numerical":
            _check_numerical(self)


def check_options(
    *, n_hidden: int = 1, loss: Loss | None = None, callback: Any = None, validation_data: Any = None,
    **options: Any,
) -> FitOptions:
    """Return the options of a fit, checked on their own and against the network's layers and loss.

    Parameters
    ----------
    n_hidden : int
        The number of the network's hidden layers.
    loss : Loss, optional
        The network's loss, by default cross-entropy.
    callback, validation_data : object
        Passed to fit, and checked here as far as that is possible without the data.
    **options : object
        The fields of `FitOptions`.

    Raises
    ------
    TypeError, ValueError
        If an option is of the wrong type or out of range, or does not go with another one.
    """
    as_callbacks(callback)
    if options.get("n_threads") is not None:
        # The 0 of FitOptions is not for callers of fit.
        check_count("n_threads", options["n_threads"], MAX_THREADS)
    checked = FitOptions(**options)
    if checked.validation_split is not None and validation_data is not None:
        raise ValueError("give validation_data or validation_split, not both")
    loss = CrossEntropy() if loss is None else loss
    if checked.label_smoothing and not loss.smooths_labels:
        raise ValueError("label_smoothing goes with cross-entropy, whose targets are probabilities; this network's "
                         f"loss is {loss!r}")
    shares = checked.dropout if isinstance(checked.dropout, tuple) else (checked.dropout,) * n_hidden
    if len(shares) != n_hidden:
        raise ValueError(f"dropout must hold one share for each of {n_hidden} hidden layers, got {len(shares)}")
    # Not by replace(), which would check all again.
    object.__setattr__(checked, "dropout", shares)
    return checked


def _check_learning_rate(learning_rate: Any, optimizer: Optimizer) -> float | LinearRamp:
    if learning_rate is None:
        return optimizer.default_lr if optimizer.lr is None else optimizer.lr
    if isinstance(learning_rate, LinearRamp):
        learning_rate.rates(1)
        return learning_rate
    return check_number("learning_rate", learning_rate, positive=True)


def _check_dropout(dropout: Any) -> float | tuple[float, ...]:
    """One share, or a tuple of them."""
    if isinstance(dropout, list | tuple) or (isinstance(dropout, np.ndarray) and dropout.ndim == 1):
        return tuple(check_share(f"dropout[{i}]", each, positive=False) for i, each in enumerate(dropout))
    return check_share("dropout", dropout, positive=False)


def _check_size(name: str, given: Any) -> float:
    """How much inputs are changed."""
    size = check_number(name, given, positive=False)
    if size > MOST_CHANGE:
        raise ValueError(f"{name} must be at most {MOST_CHANGE:g}, got {size:g}")
    return size


def _check_split(validation_split: Any) -> float | None:
    if validation_split is None:
        return None
    return check_share("validation_split", validation_split, positive=True)


def _check_early_stopping(early_stopping: Any) -> Any:
    """None, or an object that can stop a fit; a number is the patience of one."""
    if early_stopping is None:
        return None
    if isinstance(early_stopping, type) or not callable(early_stopping):
        if is_real(early_stopping) or isinstance(early_stopping, bool | np.bool_):
            return EarlyStopping(patience=check_count("early_stopping (a patience)", early_stopping))
        raise TypeError("early_stopping must be None, a whole number of epochs to wait, or an object such as "
                        f"cnet.EarlyStopping(patience=5), got {excerpt(early_stopping)}")
    if not callable(getattr(early_stopping, "begin", None)):
        raise TypeError("early_stopping must have begin(network, total), as cnet.EarlyStopping(patience=5) has, got "
                        f"{excerpt(early_stopping)}; what has none can be passed as callback")
    return early_stopping


def _check_augment(augment: Any) -> Distort | None:
    if augment is None or type(augment) is Distort:
        return augment
    given = "the class Distort; write Distort()" if augment is Distort else type(augment).__name__
    raise TypeError(f"augment must be None or a cnet.augment.Distort, got {given}")


def _check_numerical(options: FitOptions) -> None:
    """Raise for what goes with backpropagation only."""
    if options.optimizer.name != "sgd":
        raise ValueError(f'gradient="numerical" goes with plain descent (optimizer="sgd"), got {options.optimizer!r}')
    dropout = options.dropout if isinstance(options.dropout, tuple) else (options.dropout,)
    given = {
        "dropout": any(dropout), "input_dropout": options.input_dropout, "input_noise": options.input_noise,
        "adversarial": options.adversarial, "label_smoothing": options.label_smoothing,
        "clip_norm": options.clip_norm, "max_norm": options.max_norm, "averaging": options.averaging,
        "augment": options.augment,
    }
    for name, value in given.items():
        if value:
            raise ValueError(f'gradient="numerical" goes without {name}, got {getattr(options, name)!r}; '
                             'use gradient="backprop"')
