"""The constructor's parameters, checked when a fit begins: constructors only store them, as scikit-learn asks."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils._param_validation import InvalidParameterError

from ..activations import ACTIVATIONS
from ..callbacks import as_callbacks
from ..checks import check_choice, check_count, check_number, check_share, excerpt
from ..optimizer_base import Optimizer
from ..optimizers import as_optimizer
from ..options import MAX_THREADS
from ..schedule_base import Schedule
from ..schedules import as_schedule

__all__ = ["STOCHASTIC", "ParameterError", "Settings", "check_settings"]

STOCHASTIC = ("sgd", "adam")
SOLVERS = ("lbfgs", *STOCHASTIC)
LEARNING_RATES = ("constant", "invscaling", "adaptive")

# Of a layer: column numbers have 32 bits.
MOST_UNITS = 2**31 - 1

# scikit-learn's name of an activation, where cnet has another one.
OTHER_NAMES = {"logistic": "sigmoid"}


class ParameterError(InvalidParameterError):
    """A parameter of an estimator is of the wrong type, or out of range.

    It is scikit-learn's own error, a ValueError and a TypeError: callers catch any of them.
    """


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What both estimators' parameters come to.

    Attributes
    ----------
    hidden : tuple of int
    activations : tuple of str
        cnet's name of each hidden layer's activation.
    max_iter, max_fun, n_iter_no_change : int or float
        The last may be infinite.
    batch_size : int or None
        None: chosen by the number of samples.
    verbose, bar : bool
        Whether to print a line for each epoch, or to show a progress bar.
    optimizer : Optimizer or None
        None: the solver's.
    callbacks : list
    dtype : numpy.dtype or None
        None: that of the inputs.
    n_threads : int or None

    Notes
    -----
    The others are the parameters of the same names.
    """

    hidden: tuple[int, ...]
    activations: tuple[str, ...]
    solver: str
    alpha: float
    batch_size: int | None
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    tol: float
    verbose: bool
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    bar: bool
    dropout: Any
    input_dropout: float
    label_smoothing: float
    averaging: float | None
    optimizer: Optimizer | None
    schedule: Schedule | None
    scoring: Any
    record_train_score: bool
    callbacks: list[Any]
    dtype: np.dtype[Any] | None
    n_threads: int | None


def check_settings(estimator: Any) -> Settings:
    """Check the parameters of an estimator.

    Parameters
    ----------
    estimator : object
        Whose attributes are the parameters.

    Returns
    -------
    Settings

    Raises
    ------
    ParameterError
        If one of them is of the wrong type or out of range; the message names it.
    """
    try:
        settings = _check(estimator)
        _check_seed(estimator.random_state)
        _check_together(settings)
        return settings
    except (TypeError, ValueError) as error:
        raise ParameterError(str(error)) from None


def _check(estimator: Any) -> Settings:
    of = vars(estimator)
    hidden = _check_hidden(of["hidden_layer_sizes"])
    return Settings(
        hidden=hidden,
        activations=_check_activations(of["activation"], len(hidden)),
        solver=check_choice("solver", of["solver"], SOLVERS),
        alpha=check_number("alpha", of["alpha"], positive=False),
        batch_size=_check_batch_size(of["batch_size"]),
        learning_rate=check_choice("learning_rate", of["learning_rate"], LEARNING_RATES),
        learning_rate_init=check_number("learning_rate_init", of["learning_rate_init"], positive=True),
        power_t=check_number("power_t", of["power_t"], positive=False),
        max_iter=check_count("max_iter", of["max_iter"]),
        shuffle=_check_bool("shuffle", of["shuffle"]),
        tol=check_number("tol", of["tol"], positive=False),
        verbose=_check_verbose(of["verbose"]),
        bar=isinstance(of["verbose"], str),
        warm_start=_check_bool("warm_start", of["warm_start"]),
        momentum=_check_momentum(of["momentum"]),
        nesterovs_momentum=_check_bool("nesterovs_momentum", of["nesterovs_momentum"]),
        early_stopping=_check_bool("early_stopping", of["early_stopping"]),
        validation_fraction=check_share("validation_fraction", of["validation_fraction"], positive=False),
        beta_1=check_share("beta_1", of["beta_1"], positive=False),
        beta_2=check_share("beta_2", of["beta_2"], positive=False),
        epsilon=check_number("epsilon", of["epsilon"], positive=True),
        n_iter_no_change=_check_patience(of["n_iter_no_change"]),
        max_fun=check_count("max_fun", of["max_fun"]),
        dropout=_check_dropout(of["dropout"], len(hidden)),
        input_dropout=check_share("input_dropout", of["input_dropout"], positive=False),
        label_smoothing=check_share("label_smoothing", of.get("label_smoothing", 0.0), positive=False),
        averaging=None if of["averaging"] is None else check_share("averaging", of["averaging"], positive=True),
        optimizer=None if of["optimizer"] is None else as_optimizer(of["optimizer"]),
        schedule=as_schedule(of["schedule"]),
        scoring=_check_scoring(of["scoring"]),
        record_train_score=_check_bool("record_train_score", of["record_train_score"]),
        callbacks=_check_callbacks(of["callbacks"]),
        dtype=_check_dtype(of["dtype"]),
        n_threads=None if of["n_threads"] is None else check_count("n_threads", of["n_threads"], MAX_THREADS),
    )


def _check_together(settings: Settings) -> None:
    """Raise for parameters of which one says what another one says otherwise."""
    if settings.optimizer is not None and settings.solver != "adam":
        raise ValueError(f"give solver or optimizer, not both: got solver={settings.solver!r} and "
                         f"optimizer={settings.optimizer!r}")
    if settings.learning_rate != "constant" and settings.schedule is not None:
        raise ValueError(f"give learning_rate or schedule, not both: got learning_rate={settings.learning_rate!r} and "
                         f"schedule={settings.schedule!r}")
    if settings.learning_rate != "constant" and settings.optimizer is not None:
        raise ValueError(f'learning_rate={settings.learning_rate!r} belongs to solver="sgd"; an optimizer goes with '
                         f'schedule, such as schedule="cosine": got optimizer={settings.optimizer!r}')
    if settings.solver != "lbfgs":
        return
    given = {
        "dropout": any(settings.dropout), "input_dropout": settings.input_dropout, "averaging": settings.averaging,
        "label_smoothing": settings.label_smoothing, "schedule": settings.schedule, "scoring": settings.scoring,
        "record_train_score": settings.record_train_score, "callbacks": settings.callbacks,
    }
    for name, value in given.items():
        if value:
            raise ValueError(f'{name} goes with mini-batches: with solver="adam" or "sgd", or an optimizer, not with '
                             '"lbfgs"')


def _check_seed(seed: Any) -> None:
    if seed is None or isinstance(seed, np.random.RandomState):
        return
    advice = ""
    if isinstance(seed, np.random.Generator):
        advice = "; take a number from it: random_state=int(generator.integers(2**32))"
    elif isinstance(seed, numbers.Integral) and not isinstance(seed, bool) and 0 <= int(seed) < 2**32:
        return
    raise ValueError("random_state must be None, a seed from 0 to 2**32 - 1 or a numpy.random.RandomState, got "
                     f"{excerpt(seed)}{advice}")


def _check_dropout(dropout: Any, n_hidden: int) -> tuple[float, ...]:
    """One share for all hidden layers, or one for each."""
    if not isinstance(dropout, list | tuple):
        return (check_share("dropout", dropout, positive=False),) * n_hidden
    if len(dropout) != n_hidden:
        raise ValueError(f"dropout must be one share, or one for each of {n_hidden} hidden layers, got {len(dropout)}")
    return tuple(check_share(f"dropout[{i}]", each, positive=False) for i, each in enumerate(dropout))


def _check_scoring(scoring: Any) -> Any:
    """None, or a scorer: a function of (estimator, X, y)."""
    if scoring is None:
        return None
    from sklearn.metrics import get_scorer

    if not isinstance(scoring, str) and not callable(scoring):
        raise TypeError("scoring must be a name of a scorer, or a function of (estimator, X, y) as make_scorer gives, "
                        f"got {excerpt(scoring)}")
    return get_scorer(scoring)


def _check_callbacks(callbacks: Any) -> list[Any]:
    try:
        return list(as_callbacks(callbacks))
    except TypeError:
        raise TypeError("callbacks must be None, something that can be called with an EpochInfo, or a list of such, "
                        f"got {excerpt(callbacks)}") from None


def _check_dtype(dtype: Any) -> np.dtype[Any] | None:
    if dtype is None:
        return None
    checked: np.dtype[Any] | None = None
    try:
        checked = np.dtype(dtype)
    except TypeError:
        pass
    if checked not in (np.float32, np.float64):
        raise ValueError(f"dtype must be None, float32 or float64, got {excerpt(dtype)}")
    return checked


def _check_hidden(sizes: Any) -> tuple[int, ...]:
    """One number for one hidden layer, or one for each."""
    if isinstance(sizes, str | Mapping | Set) or not isinstance(sizes, Iterable | numbers.Integral):
        raise TypeError(f"hidden_layer_sizes must be a whole number or a sequence of them, got {excerpt(sizes)}")
    each = list(sizes) if isinstance(sizes, Iterable) else [sizes]
    for size in each:
        if not isinstance(size, numbers.Integral) or isinstance(size, bool):
            raise TypeError(f"hidden_layer_sizes must hold whole numbers, got {excerpt(sizes)}")
        if size <= 0:
            raise ValueError(f"hidden_layer_sizes must be > 0, got {excerpt(sizes)}")
        if int(size) > MOST_UNITS:
            raise ValueError(f"hidden_layer_sizes must be at most {MOST_UNITS}, got {excerpt(sizes)}")
    if len(each) > 16:
        raise ValueError(f"hidden_layer_sizes must hold at most 16 layers, got {len(each)}")
    return tuple(int(size) for size in each)


def _check_activations(activation: Any, n_hidden: int) -> tuple[str, ...]:
    """One name for all hidden layers, or one for each."""
    names = [name for name in ACTIVATIONS if name not in OTHER_NAMES.values()]
    choices = (*OTHER_NAMES, *names, *OTHER_NAMES.values())
    if isinstance(activation, list | tuple):
        if len(activation) != n_hidden:
            raise ValueError(f"activation must be one name, or one for each of {n_hidden} hidden layers, got "
                             f"{len(activation)}")
        given = tuple(check_choice(f"activation[{i}]", each, choices) for i, each in enumerate(activation))
    else:
        given = (check_choice("activation", activation, choices),) * n_hidden
    return tuple(OTHER_NAMES.get(name, name) for name in given)


def _check_batch_size(batch_size: Any) -> int | None:
    if isinstance(batch_size, str):
        if batch_size != "auto":
            raise ValueError(f'batch_size must be "auto" or a whole number, got {excerpt(batch_size)}')
        return None
    return check_count("batch_size", batch_size)


def _check_bool(name: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {excerpt(value)}")
    return bool(value)


def _check_verbose(value: Any) -> bool:
    if isinstance(value, str) and value == "bar":
        return False
    if not isinstance(value, bool | np.bool_ | numbers.Integral) or value < 0:
        raise TypeError(f'verbose must be True, False, a whole number or "bar", got {excerpt(value)}')
    return bool(value)


def _check_momentum(value: Any) -> float:
    momentum = check_number("momentum", value, positive=False)
    if momentum > 1:
        raise ValueError(f"momentum must be from 0 to 1, got {momentum}")
    return momentum


def _check_patience(value: Any) -> float:
    if isinstance(value, float | np.floating) and value == math.inf:
        return math.inf
    return check_count("n_iter_no_change", value)
