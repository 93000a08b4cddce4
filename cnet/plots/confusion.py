"""Which class is taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.ticker import FixedFormatter, FixedLocator

from ..core import _functions
from ..network import TwoLayerNet
from .networks import check_names, predictions
from .style import check_axes, new_axes, tidy, width_of
from .style import colorbar as add_colorbar

__all__ = ["confusion_matrix"]

Array = npt.NDArray[Any]

# More classes than this are coloured only, and only some are named.
NAMED_LIMIT = 20


@overload
def confusion_matrix(
    net: TwoLayerNet, x: npt.ArrayLike, t: npt.ArrayLike, /, *,
    names: Sequence[str] | None = ..., colorbar: bool = ..., ax: Axes | None = ...,
) -> Axes: ...


@overload
def confusion_matrix(
    t: npt.ArrayLike, predicted: npt.ArrayLike, /, *,
    names: Sequence[str] | None = ..., colorbar: bool = ..., ax: Axes | None = ...,
) -> Axes: ...


def confusion_matrix(
    *data: Any, names: Sequence[str] | None = None, colorbar: bool = False, ax: Axes | None = None
) -> Axes:
    """Count how often each class was taken for each: ``(net, x, t)`` or ``(t, predicted)``.

    Parameters
    ----------
    *data : (net, x, t) or (t, predicted)
        A network, inputs (B, I) and targets; or targets and what was predicted for them. Both
        are class indices (B,), or rows (B, O): one-hot targets, probabilities.
    names : sequence of str, optional
        What the classes are called; by default their numbers.
    colorbar : bool, default False
        Whether to show what the colours mean.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`, or the new ones.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If there are no samples, or targets and predictions do not fit each other.

    Notes
    -----
    The number in a cell counts samples; nothing is written for none. Its colour is the cell's
    share of all samples with that label, so rare classes show as well as frequent ones; small
    shares are spread out (a square root), so that rare mistakes show. A class without any
    sample is an empty row.

    Examples
    --------
    >>> import cnet.plots
    >>> ax = cnet.plots.confusion_matrix([0, 0, 1, 2], [0, 1, 1, 2])
    >>> [text.get_text() for text in ax.texts]
    ['1', '1', '1', '1']
    >>> ax.get_title()
    'Confusion matrix: 75.0 % of 4 right'
    """
    t, predicted, n_classes = _labels(data)
    named = check_names(names, n_classes)
    check_axes(ax)
    counts = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(counts, (t, predicted), 1)
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    side = 3.0 + 0.36 * min(n_classes, 10)
    ax = new_axes(ax, size=(side + 0.7 * bool(colorbar), side))
    image = ax.imshow(shares, cmap="cividis", norm=PowerNorm(0.5, vmin=0, vmax=1), interpolation="nearest")
    if n_classes <= NAMED_LIMIT:
        _write_counts(ax, counts, shares)
    if colorbar:
        add_colorbar(image, ax, "share of the label's samples")
    _name_classes(ax, named)
    right = np.trace(counts) / len(t)
    tidy(ax, f"Confusion matrix: {100 * right:.1f} % of {len(t):,} right", "predicted", "label", grid=False)
    ax.spines[:].set_visible(False)
    return ax


def _labels(data: tuple[Any, ...]) -> tuple[Array, Array, int]:
    """Labels, predictions and the number of classes, from either kind of arguments."""
    if len(data) == 3:
        y, t = predictions(*data)
        _check_samples(t, y)
        return t, y.argmax(axis=1), y.shape[1]
    if len(data) != 2:
        raise TypeError(f"confusion_matrix takes (net, x, t) or (t, predicted), got {len(data)} arguments")
    t, predicted = (np.asarray(one) for one in data)
    _check_samples(t, predicted)
    widths = [one.shape[1] for one in (t, predicted) if one.ndim == 2]
    # Without rows that tell, there are as many classes as the indices need.
    n_classes = max(widths) if widths else 1 + int(max(t.max(), predicted.max()))
    return _indices(t, "t", n_classes), _indices(predicted, "predicted", n_classes), n_classes


def _check_samples(t: Array, predicted: Array) -> None:
    for name, array in (("t", t), ("predicted", predicted)):
        if array.dtype.kind not in "buif":
            raise TypeError(f"{name} must hold numbers, got dtype {array.dtype}")
        if array.ndim not in (1, 2) or array.size == 0:
            raise ValueError(f"{name} must have shape (B,) or (B, O), not empty, got {array.shape}")
    if len(t) != len(predicted):
        raise ValueError(f"t and predicted must be of one length, got {len(t)} and {len(predicted)}")


def _indices(values: Array, name: str, n_classes: int) -> Array:
    if values.ndim == 2 and name == "predicted":
        if values.shape[1] != n_classes:
            raise ValueError(f"predicted must have {n_classes} columns, got {values.shape[1]}")
        if np.isnan(values).any():
            raise ValueError("predicted must not hold NaN")
        return np.asarray(values.argmax(axis=1))
    try:
        return np.asarray(_functions.class_indices(values, (len(values), n_classes)))
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None


def _write_counts(ax: Axes, counts: Array, shares: Array) -> None:
    width = width_of(ax) / len(counts)
    digits = max(2, len(str(counts.max())))
    size = min(10.0, max(4.0, 1.1 * width / digits))
    for row, column in np.argwhere(counts):
        # In the square root's colours, half is a share of a quarter.
        color = "black" if shares[row, column] > 0.25 else "white"
        ax.text(column, row, str(counts[row, column]), ha="center", va="center", color=color, fontsize=size)


def _name_classes(ax: Axes, names: list[str]) -> None:
    step = -(-len(names) // NAMED_LIMIT)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(FixedLocator(list(range(0, len(names), step))))
        axis.set_major_formatter(FixedFormatter(names[::step]))
    ax.tick_params(length=0)
    if max(map(len, names)) > 4:
        ax.tick_params(axis="x", labelrotation=45)
