"""The confusion matrix: how often each class was taken for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.ticker import FixedFormatter, FixedLocator, PercentFormatter

from ..core import _functions
from ..networks import MultiLayerNet
from .networks import check_names, predictions
from .style import check_axes, fade, ink, letters_on, new_axes, palette, tidy, width_of
from .style import colorbar as add_colorbar

__all__ = ["confusion_matrix"]

Array = npt.NDArray[Any]

# With more classes than this, only the largest mistakes are written out: this many for each class.
WRITTEN_LIMIT = 12
WRITTEN_PER_CLASS = 2

# Sizes of letters in points: the largest, and the smallest that is still read.
LARGEST, SMALLEST = 10.0, 6.0


@overload
def confusion_matrix(
    net: MultiLayerNet, x: npt.ArrayLike, t: npt.ArrayLike, /, *,
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
    """Draw how often each class was taken for each: ``(net, x, t)`` or ``(t, predicted)``.

    Parameters
    ----------
    *data : (net, x, t) or (t, predicted)
        A network, inputs (B, I) and targets; or targets and what was predicted for them. Both
        are class indices (B,), or rows (B, O): one-hot targets, probabilities.
    names : sequence of str, optional
        Names of the classes; by default their numbers.
    colorbar : bool, default False
        Whether to show what the colours of the mistakes mean.
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
    The number in a cell counts samples; nothing is written for none. Mistakes and right answers
    have a colour each. A cell's strength is its share of all samples with that label, so rare
    classes show as well as frequent ones. The scale of the mistakes ends at the largest of
    them, and small ones are spread out (a square root), so that they show beside a diagonal
    that is a hundred times as large. A class without any sample is an empty row.

    With more than 12 classes, numbers are written for the largest mistakes only.

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
    side = min(6.6, 4.0 + 0.26 * n_classes)
    # Long names take room to the left and below.
    beside = min(2.5, 0.08 * max(0, max(map(len, named)) - 4))
    ax = new_axes(ax, size=(side + beside + 0.7 * bool(colorbar), side + 0.7 * beside))
    mistakes, right_ones = _draw_cells(ax, shares)
    _write_counts(ax, counts, mistakes, right_ones)
    if colorbar:
        bar = add_colorbar(mistakes, ax, "share of the label's samples")
        bar.formatter = PercentFormatter(xmax=1, symbol=" %")
    _name_classes(ax, named)
    right = np.trace(counts) / len(t)
    tidy(ax, f"Confusion matrix: {100 * right:.1f} % of {len(t):,} right", "predicted", "label", grid=False)
    ax.spines[:].set_visible(True)
    ax.spines[:].set(color=ink(ax), alpha=0.3)
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


def _draw_cells(ax: Axes, shares: Array) -> tuple[Any, Any]:
    """Mistakes and right answers as two images over each other, each with colours of its own."""
    diagonal = np.eye(len(shares), dtype=bool)
    largest = float(shares[~diagonal].max(initial=0.0)) or 1.0
    right, wrong = palette(ax)[:2]
    mistakes = ax.imshow(
        np.ma.array(shares, mask=diagonal), cmap=fade(ax, color=wrong), interpolation="nearest",
        norm=PowerNorm(0.5, vmin=0, vmax=largest),
    )
    right_ones = ax.imshow(
        np.ma.array(shares, mask=~diagonal), cmap=fade(ax, color=right), norm=Normalize(0, 1),
        interpolation="nearest",
    )
    between = np.arange(len(shares) - 1) + 0.5
    ax.hlines(between, -0.5, len(shares) - 0.5, color=ink(ax), alpha=0.1, linewidth=0.6)
    ax.vlines(between, -0.5, len(shares) - 0.5, color=ink(ax), alpha=0.1, linewidth=0.6)
    return mistakes, right_ones


def _write_counts(ax: Axes, counts: Array, mistakes: Any, right_ones: Any) -> None:
    """The counts in their cells, in letters that fit; counts without room are left to the colours."""
    width = width_of(ax) / len(counts)
    cells = np.argwhere(counts)
    on_diagonal = cells[:, 0] == cells[:, 1]
    for chosen, image in ((_worth_writing(cells[~on_diagonal], counts), mistakes),
                          (cells[on_diagonal], right_ones)):
        digits = max((len(str(counts[row, column])) for row, column in chosen), default=1)
        size = min(LARGEST, 1.1 * width / max(2, digits))
        if size < SMALLEST:
            continue
        for row, column in chosen:
            color = letters_on(image.cmap(image.norm(image.get_array()[row, column])), ax)
            ax.text(column, row, str(counts[row, column]), ha="center", va="center", color=color, fontsize=size)


def _worth_writing(mistakes: Array, counts: Array) -> Array:
    """All mistakes of a few classes, and the largest of many."""
    n_classes = len(counts)
    if n_classes <= WRITTEN_LIMIT:
        return mistakes
    order = np.argsort(-counts[tuple(mistakes.T)], kind="stable")
    return mistakes[order[: WRITTEN_PER_CLASS * n_classes]]


def _name_classes(ax: Axes, names: list[str]) -> None:
    """Names along both axes, as many as have room; those that are too long for a column are turned."""
    width = width_of(ax) / len(names)
    size = max(SMALLEST, min(LARGEST, 0.85 * width))
    step = math.ceil(1.2 * size / width)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(FixedLocator(list(range(0, len(names), step))))
        axis.set_major_formatter(FixedFormatter(names[::step]))
    ax.tick_params(length=0, labelsize=size)
    if 0.6 * size * max(map(len, names)) > step * width:
        ax.tick_params(axis="x", labelrotation=90 if step * width < 2 * size else 45)
        for label in ax.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor", va="center" if label.get_rotation() == 90 else "top")
