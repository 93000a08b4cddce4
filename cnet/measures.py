"""How well predictions of values fit: what `evaluate` returns beside the loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .losses import Loss, Quantile

__all__ = ["has_values", "measure_values"]

Array = npt.NDArray[Any]


def has_values(loss: Loss) -> bool:
    """Whether predictions are close to targets: those of a quantile other than the median are not meant to be."""
    return loss.predicts_values and not (isinstance(loss, Quantile) and loss.q != 0.5)


def measure_values(y: Array, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None) -> dict[str, float]:
    """Return r2 and mean_absolute_error of predictions, each the mean over the outputs.

    Parameters
    ----------
    y : numpy.ndarray, shape (B, O)
    t : array_like
        Checked targets of as many values.
    sample_weight : array_like, shape (B,), optional

    Notes
    -----
    r2 is 1 less the squared error's share of the targets' variance. Of an output whose targets are all the same it
    is 1 where the predictions are exact, else 0; with fewer than two samples it is NaN.
    """
    values = np.asarray(t, np.float64).reshape(y.shape)
    weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    with np.errstate(all="ignore"):
        share = weight / weight.sum()
        error = values - y
        squared = share @ error**2
        # Differences from one of the values: of equal ones they are 0, from a rounded mean they would not be.
        centred = values - values[weight.argmax()]
        variance = share @ (centred - share @ centred) ** 2
        r2 = np.where(variance > 0, 1 - squared / np.where(variance > 0, variance, 1), squared == 0)
        few = np.count_nonzero(weight) < 2
        return {
            "r2": float("nan") if few else float(r2.mean()),
            "mean_absolute_error": float((share @ np.abs(error)).mean()),
        }
