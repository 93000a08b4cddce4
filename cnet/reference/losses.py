"""Losses: what a network's scores say, how wrong they are, and the derivative of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .activations import sigmoid

Array = npt.NDArray[Any]


class Loss(NamedTuple):
    """One loss function of scores s and targets t, both of shape (B, O).

    Attributes
    ----------
    output : callable
        ``output(s)``: what `predict` returns, shape (B, O).
    values : callable
        ``values(s, t, parameter)``: the loss of each row, summed over its outputs, shape (B,).
    delta : callable
        ``delta(s, t, parameter)``: the derivative of a row's loss with respect to its scores, shape (B, O).
    hits : callable, optional
        ``hits(s, t)``: which rows are right, shape (B,). None where a loss has no accuracy.
    smooth : callable, optional
        ``smooth(t, e)``: targets with label smoothing e. None where a loss has none.
    """

    output: Callable[[Array], Array]
    values: Callable[[Array, Array, Any], Array]
    delta: Callable[[Array, Array, Any], Array]
    hits: Callable[[Array, Array], Array] | None = None
    smooth: Callable[[Array, float], Array] | None = None


@np.errstate(under="ignore")
def softmax(s: Array) -> Array:
    """Turn scores into probabilities, row by row.

    Parameters
    ----------
    s : numpy.ndarray, shape (B, O)

    Returns
    -------
    numpy.ndarray, shape (B, O)
        Each row sums to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import softmax
    >>> softmax(np.log(np.array([[1.0, 3.0]])))
    array([[0.25, 0.75]])
    """
    e = np.exp(s - s.max(axis=1, keepdims=True))
    result: Array = e / e.sum(axis=1, keepdims=True)
    return result


def cross_entropy(s: Array, t: Array, parameter: None) -> Array:
    """Return log(sum(exp(s))) - sum(t * s); a score whose target is 0 does not enter the second sum."""
    largest = s.max(axis=1)
    total = np.exp(s - largest[:, np.newaxis]).sum(axis=1)
    of_targets = np.multiply(t, s, where=t != 0, out=np.zeros_like(s)).sum(axis=1)
    result: Array = np.log(total) + largest - of_targets
    return result


def binary_cross_entropy(s: Array, t: Array, parameter: None) -> Array:
    """Return -t * log(y) - (1 - t) * log(1 - y) for y = sigmoid(s), written with the scores: nothing overflows."""
    result: Array = (np.maximum(s, 0) - s * t + np.log1p(np.exp(-np.abs(s)))).sum(axis=1)
    return result


def huber(s: Array, t: Array, delta: float) -> Array:
    """Return half the squared error, continued as a straight line where the error is above delta."""
    r = np.abs(s - t)
    result: Array = np.where(r <= delta, r * r / 2, delta * (r - delta / 2)).sum(axis=1)
    return result


def poisson(s: Array, t: Array, parameter: None) -> Array:
    """Return half the deviance of counts t whose expected number is exp(s): 0 where they are equal."""
    of_targets = t * np.log(np.where(t > 0, t, 1)) - t
    result: Array = (np.exp(s) - t * s + of_targets).sum(axis=1)
    return result


def quantile(s: Array, t: Array, q: float) -> Array:
    """Return the pinball loss, whose smallest mean is at the q-th quantile of t."""
    result: Array = np.maximum(q * (t - s), (q - 1) * (t - s)).sum(axis=1)
    return result


def quantile_delta(s: Array, t: Array, q: float) -> Array:
    """Return the derivative of `quantile`: -q below the target, 1 - q above it, 0 at it."""
    return np.where(t > s, -q, np.where(t < s, 1 - q, 0)).astype(s.dtype)


def identity(s: Array) -> Array:
    """Return the scores: they are the prediction."""
    return s


# The parameter is the delta of huber and the q of quantile; the others have none.
LOSSES: dict[str, Loss] = {
    "cross_entropy": Loss(
        softmax, cross_entropy, lambda s, t, parameter: softmax(s) - t,
        hits=lambda s, t: s.argmax(axis=1) == t.argmax(axis=1), smooth=lambda t, e: t * (1 - e) + e / t.shape[1],
    ),
    "binary_cross_entropy": Loss(
        sigmoid, binary_cross_entropy, lambda s, t, parameter: sigmoid(s) - t,
        hits=lambda s, t: ((s > 0) == (t > 0.5)).all(axis=1), smooth=lambda t, e: t * (1 - e) + e / 2,
    ),
    "squared_error": Loss(
        identity, lambda s, t, parameter: ((s - t) ** 2).sum(axis=1) / 2, lambda s, t, parameter: s - t
    ),
    "absolute_error": Loss(
        identity, lambda s, t, parameter: np.abs(s - t).sum(axis=1), lambda s, t, parameter: np.sign(s - t)
    ),
    "huber": Loss(identity, huber, lambda s, t, delta: np.clip(s - t, -delta, delta)),
    "poisson": Loss(np.exp, poisson, lambda s, t, parameter: np.exp(s) - t),
    "quantile": Loss(identity, quantile, quantile_delta),
}


def as_targets(t: Array, n_outputs: int, loss_function: str, label_smoothing: float = 0.0) -> Array:
    """Return targets as float64 of shape (B, O): class indices become one-hot, smoothing is applied."""
    t = np.asarray(t)
    if loss_function == "cross_entropy" and t.ndim == 1:
        t = np.equal.outer(t, np.arange(n_outputs))
    t = t.astype(np.float64).reshape(len(t), n_outputs)
    if label_smoothing:
        smooth = LOSSES[loss_function].smooth
        if smooth is None:
            raise ValueError(f"label_smoothing must be 0 with {loss_function}, not {label_smoothing}")
        t = smooth(t, label_smoothing)
    return t
