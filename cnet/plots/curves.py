"""Loss and accuracy while a network learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from ..checks import check_count
from ..training import History
from .style import MARKER_LIMIT, as_floats, check_axes, count_axis, legend, new_axes, note, palette, tidy

__all__ = ["accuracy_curve", "loss_curve"]

FloatArray = npt.NDArray[np.float64]


def loss_curve(
    history: History | npt.ArrayLike, *, smoothing: int | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the loss of every mini-batch, its moving average, and the validation loss.

    Parameters
    ----------
    history : History or array_like of shape (iterations,)
        Of a fit; or the losses alone. Values that are not finite are left out, and marked at
        the foot of the picture.
    smoothing : int, optional
        Width of the moving average in iterations, centred on each; 1 draws the losses only.
        By default a fiftieth of all iterations.
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
        If there are no iterations, or `smoothing` is below 1.

    Notes
    -----
    Validation losses are drawn where they were measured: at the ends of the epochs, and where the
    fit ended within one.

    Examples
    --------
    >>> import cnet.plots
    >>> ax = cnet.plots.loss_curve([2.3, 1.7, 1.2, 1.0], smoothing=3)
    >>> [line.get_label() for line in ax.lines]
    ['each mini-batch', 'mean of 3 iterations']
    """
    loss = as_floats(history.loss if isinstance(history, History) else history, "history")
    window = max(1, len(loss) // 50) if smoothing is None else check_count("smoothing", smoothing)
    check_axes(ax)
    ax = new_axes(ax)
    colors = palette(ax)
    iteration = np.arange(1, len(loss) + 1)
    finite = np.isfinite(loss)
    shown = np.where(finite, loss, np.nan)
    raw: dict[str, Any] = {"alpha": 0.35, "linewidth": 1} if window > 1 else {"linewidth": 1.8}
    # A lone point between gaps has no line.
    marker = "o" if len(loss) <= MARKER_LIMIT else "." if finite.sum() < MARKER_LIMIT else None
    ax.plot(iteration, shown, color=colors[0], label="each mini-batch", marker=marker, markersize=4, **raw)
    if window > 1:
        ax.plot(iteration, _moving_average(shown, window), color=colors[0], linewidth=2,
                label=f"mean of {window:,} iterations")
    if isinstance(history, History):
        _draw_validation(ax, history, colors[1])
    _mark_lost(ax, iteration[~finite], colors[3])
    if not finite.any():
        note(ax, "no loss is a finite number")
    tidy(ax, "Loss", "iteration", "loss (nats)")
    count_axis(ax.xaxis, iteration)
    legend(ax, loc="best")
    return ax


def _moving_average(values: FloatArray, window: int) -> FloatArray:
    """Mean of the values that are there within a window around each; narrower at both ends."""
    there = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(there, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(there)])
    index = np.arange(len(values))
    first = np.maximum(index - (window - 1) // 2, 0)
    last = np.minimum(index + window // 2 + 1, len(values))
    number = counts[last] - counts[first]
    mean = (sums[last] - sums[first]) / np.maximum(number, 1)
    return np.where(there & (number > 0), mean, np.nan)


def _draw_validation(ax: Axes, history: History, color: str) -> None:
    losses = history.validation_loss
    if losses is None or len(losses) == 0:
        return
    # Only the last epoch may have ended before it was whole.
    measured = np.minimum(np.arange(1, len(losses) + 1) * history.iterations_per_epoch, history.iterations)
    ax.plot(measured, np.where(np.isfinite(losses), losses, np.nan), "s--", color=color, markersize=4,
            label="validation")


def _mark_lost(ax: Axes, iterations: npt.NDArray[Any], color: str) -> None:
    """Crosses at the foot, where a value is not finite."""
    if len(iterations):
        ax.plot(iterations, np.zeros(len(iterations)), "x", color=color, markersize=7, markeredgewidth=2,
                transform=ax.get_xaxis_transform(), clip_on=False, label=f"not finite ({len(iterations):,})")


def accuracy_curve(
    history: History | npt.ArrayLike,
    validation: npt.ArrayLike | None = None,
    *,
    labels: tuple[str, str] = ("train", "validation"),
    first_epoch: int = 1,
    ax: Axes | None = None,
) -> Axes:
    """Draw the accuracy on training and validation (or test) data by epoch.

    Parameters
    ----------
    history : History or array_like of shape (epochs,)
        Of a fit; or the accuracies on the training data, shares from 0 to 1. NaN leaves a gap.
    validation : array_like of shape (epochs,), optional
        Accuracies on other data. By default those of `history`, if it has them.
    labels : tuple of two str
        What the two are called.
    first_epoch : int, default 1
        Number of the first epoch; 0 if the first was measured before training.
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
        If there are no epochs, or an accuracy is below 0 or above 1.

    Notes
    -----
    The last epoch of a `History` is drawn as far along as the fit went.

    Examples
    --------
    >>> import cnet.plots
    >>> ax = cnet.plots.accuracy_curve([0.1, 0.8, 0.9], [0.1, 0.7, 0.8], labels=("train", "test"))
    >>> [line.get_label() for line in ax.lines]
    ['train: 90.0 %', 'test: 80.0 %']
    """
    train = _shares(history.train_accuracy if isinstance(history, History) else history, "history")
    if validation is None and isinstance(history, History):
        validation = history.validation_accuracy
    other = None if validation is None or np.size(validation) == 0 else _shares(validation, "validation")
    if len(labels) != 2 or isinstance(labels, str):
        raise ValueError(f"labels must be two names, got {labels!r}")
    if isinstance(first_epoch, bool) or not isinstance(first_epoch, int | np.integer):
        raise TypeError(f"first_epoch must be an integer, got {first_epoch!r}")
    check_axes(ax)
    ax = new_axes(ax)
    epochs = _epochs(history, max(len(train), 0 if other is None else len(other))) + first_epoch
    for values, label, style, color in zip((train, other), labels, ("o-", "s--"), palette(ax), strict=False):
        if values is None:
            continue
        ax.plot(epochs[: len(values)], values, style, color=color, linewidth=1.8,
                markersize=4 if len(values) <= MARKER_LIMIT else 0, label=_with_last(label, values))
    if not any(np.isfinite(values).any() for values in (train, other) if values is not None):
        note(ax, "no accuracy is a finite number")
        ax.update_datalim([(epochs[0], 0), (epochs[-1], 1)])
        ax.autoscale_view()
    tidy(ax, "Accuracy", "epoch", "accuracy")
    count_axis(ax.xaxis, epochs)
    ax.yaxis.set_major_formatter(PercentFormatter(xmax=1, symbol=" %"))
    legend(ax, loc="best")
    return ax


def _epochs(history: Any, count: int) -> FloatArray:
    """How many whole epochs after the first each of `count` ended; a fit may end within its last."""
    epochs = np.arange(count, dtype=np.float64)
    if isinstance(history, History) and count >= history.epochs:
        epochs[history.epochs - 1] = history.iterations / history.iterations_per_epoch - 1
    return epochs


def _shares(values: npt.ArrayLike, name: str) -> FloatArray:
    array = as_floats(values, name)
    wrong = array[(array < 0) | (array > 1)]
    if len(wrong):
        raise ValueError(f"{name} must hold shares from 0 to 1, got {wrong[0]:g}")
    return array


def _with_last(label: str, values: FloatArray) -> str:
    """The name of a curve and where it has come to."""
    return f"{label}: {values[-1]:.1%}".replace("%", " %") if np.isfinite(values[-1]) else label
