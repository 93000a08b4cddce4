"""How good predictions on held-out rows are: accuracy and R², as scikit-learn defines them, without its checks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["accuracy", "r2"]

Array = npt.NDArray[Any]


def accuracy(expected: Array, predicted: Array, weight: Array | None) -> float:
    """Return the share of samples that are classified right; of several labels, with all of them right.

    Parameters
    ----------
    expected, predicted : ndarray (n,) or (n, n_labels)
    weight : ndarray (n,) or None

    Examples
    --------
    >>> accuracy(np.array([0, 1, 2, 2]), np.array([0, 1, 2, 1]), None)
    0.75
    """
    right = expected == predicted
    if right.ndim == 2:
        right = right.all(axis=1)
    return float(np.average(right, weights=weight))


def r2(expected: Array, predicted: Array, weight: Array | None) -> float:
    """Return 1 less the residuals' share of the targets' variance, averaged over outputs; NaN where one is not finite.

    An output whose targets are all equal counts 1 if they are predicted exactly, else 0.

    Parameters
    ----------
    expected, predicted : ndarray (n, n_outputs)
    weight : ndarray (n,) or None

    Examples
    --------
    >>> r2(np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [2.0]]), None)
    0.5
    """
    if not np.isfinite(predicted).all():
        return float("nan")
    expected, predicted = expected.astype(np.float64, copy=False), predicted.astype(np.float64, copy=False)
    each = np.ones((len(expected), 1)) if weight is None else weight.reshape(-1, 1)
    with np.errstate(all="ignore"):
        residual = (each * (expected - predicted) ** 2).sum(axis=0)
        mean = np.average(expected, axis=0, weights=weight)
        total = (each * (expected - mean) ** 2).sum(axis=0)
        scores = np.where(total > 0, 1 - residual / total, np.where(residual > 0, 0.0, 1.0))
    return float(scores.mean())
