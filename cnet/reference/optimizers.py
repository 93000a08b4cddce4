"""Optimizers: how a gradient becomes a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Optimizer(NamedTuple):
    """One optimizer.

    Attributes
    ----------
    n_states : int
        How many arrays of state it keeps for each parameter. They begin at 0.
    step : callable
        ``step(W, g, state, rate, t, **hyper)`` changes the parameter W and its state in place. g is the
        gradient, t the number of the step (1, 2, ...), `hyper` holds hyper-parameters.
    """

    n_states: int
    step: Callable[..., None]


def sgd(W: Array, g: Array, state: list[Array], rate: float, t: int) -> None:
    """Take a step of gradient descent."""
    W -= rate * g


def momentum(W: Array, g: Array, state: list[Array], rate: float, t: int, *, momentum: float = 0.9) -> None:
    """Take a step along a velocity, which keeps a share of itself [Polyak 1964]."""
    (v,) = state
    v[...] = momentum * v + g
    W -= rate * v


def nesterov(W: Array, g: Array, state: list[Array], rate: float, t: int, *, momentum: float = 0.9) -> None:
    """Take a step along the velocity that follows, in PyTorch's form [Sutskever et al. 2013]."""
    (v,) = state
    v[...] = momentum * v + g
    W -= rate * (g + momentum * v)


def adagrad(W: Array, g: Array, state: list[Array], rate: float, t: int, *, epsilon: float = 1e-7) -> None:
    """Divide each derivative by the root of the sum of its squares so far [Duchi et al. 2011]."""
    (h,) = state
    h += g * g
    W -= rate * g / (np.sqrt(h) + epsilon)


def rmsprop(
    W: Array, g: Array, state: list[Array], rate: float, t: int, *, decay_rate: float = 0.99, epsilon: float = 1e-7
) -> None:
    """Divide each derivative by the root of a moving mean of its squares [Tieleman and Hinton 2012].

    The book's epsilon is 1e-7, PyTorch's 1e-8.
    """
    (h,) = state
    h[...] = decay_rate * h + (1 - decay_rate) * (g * g)
    W -= rate * g / (np.sqrt(h) + epsilon)


def adam(
    W: Array, g: Array, state: list[Array], rate: float, t: int, *,
    beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8,
) -> None:
    """Divide a moving mean of derivatives by the root of one of their squares [Kingma and Ba 2015].

    Both are corrected for their start at 0; epsilon comes after the correction.
    """
    m, v = state
    m[...] = beta1 * m + (1 - beta1) * g
    v[...] = beta2 * v + (1 - beta2) * (g * g)
    W -= rate * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon)


def adamw(
    W: Array, g: Array, state: list[Array], rate: float, t: int, *,
    beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8, weight_decay: float = 0.01,
) -> None:
    """Shrink weights, not biases, then take a step of Adam [Loshchilov and Hutter 2019]."""
    if W.ndim == 2:
        W *= 1 - rate * weight_decay
    adam(W, g, state, rate, t, beta1=beta1, beta2=beta2, epsilon=epsilon)


OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer(0, sgd),
    "momentum": Optimizer(1, momentum),
    "nesterov": Optimizer(1, nesterov),
    "adagrad": Optimizer(1, adagrad),
    "rmsprop": Optimizer(1, rmsprop),
    "adam": Optimizer(2, adam),
    "adamw": Optimizer(2, adamw),
}


def flush(state: list[Array]) -> None:
    """Set what is smaller than the smallest normal number to 0: processors are slow with such numbers."""
    for array in state:
        array[np.abs(array) < np.finfo(array.dtype).tiny] = 0
