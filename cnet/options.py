"""The options of a fit, checked."""

from __future__ import annotations

from typing import Any, NamedTuple

from .checks import check_choice, check_count, check_number
from .optimizers import LinearRamp, momentum_of

__all__ = ["FitOptions", "check_options"]

MAX_THREADS = 256
SAMPLINGS = ("replacement", "shuffle")
GRADIENTS = ("backprop", "numerical")


class FitOptions(NamedTuple):
    """The checked arguments of ``TwoLayerNet.fit``."""

    iterations: int | None
    epochs: int | None
    batch_size: int
    learning_rate: float | LinearRamp
    momentum: float
    sampling: str
    gradient: str
    n_threads: int


def check_options(
    *, iterations: Any, epochs: Any, batch_size: Any, learning_rate: Any, optimizer: Any, sampling: Any,
    gradient: Any, n_threads: Any, callback: Any,
) -> FitOptions:
    """Check everything that does not depend on the data."""
    if iterations is not None and epochs is not None:
        raise ValueError(f"give iterations or epochs, not both (got {iterations!r} and {epochs!r})")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable, got {type(callback).__name__}")
    momentum = momentum_of(optimizer)
    if check_choice("gradient", gradient, GRADIENTS) == "numerical" and momentum:
        raise ValueError(f'gradient="numerical" goes with plain descent (optimizer="sgd"), got {optimizer!r}')
    return FitOptions(
        iterations=None if iterations is None else check_count("iterations", iterations),
        epochs=None if epochs is None else check_count("epochs", epochs),
        batch_size=check_count("batch_size", batch_size),
        learning_rate=_check_learning_rate(learning_rate),
        momentum=momentum,
        sampling=check_choice("sampling", sampling, SAMPLINGS),
        gradient=gradient,
        n_threads=0 if n_threads is None else check_count("n_threads", n_threads, MAX_THREADS),
    )


def _check_learning_rate(learning_rate: Any) -> float | LinearRamp:
    if isinstance(learning_rate, LinearRamp):
        learning_rate.rates(1)
        return learning_rate
    return check_number("learning_rate", learning_rate, positive=True)
