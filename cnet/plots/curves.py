"""Loss and accuracy while a network learns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from ..checks import check_count
from ..training import History
from .style import MARKER_LIMIT, as_floats, check_axes, count_axis, legend, markers, new_axes, note, palette, tidy

__all__ = ["accuracy_curve", "loss_curve", "loss_curves", "thinned"]

FloatArray = npt.NDArray[np.float64]

# A line of many points is drawn from the extremes of this many stretches, more than a picture has pixels.
STRETCHES = 4000
# Of lines beyond the palette's colours.
LINE_STYLES = ("-", "--", "-.", ":")


def loss_curve(
    history: History | npt.ArrayLike, *, smoothing: int | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the loss of every mini-batch, its moving average, and the validation loss.

    Parameters
    ----------
    history : History or array_like of shape (iterations,)
        What a fit returned, or the losses alone. Values that are not finite are left out, and
        marked at the bottom of the picture.
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
    ax.plot(*thinned(iteration, shown), color=colors[0], label="each mini-batch", marker=marker,
            markersize=4, **raw)
    if window > 1:
        ax.plot(*thinned(iteration, _moving_average(shown, window)), color=colors[0], linewidth=2,
                label=f"mean of {window:,} iterations")
    if isinstance(history, History):
        _draw_validation(ax, history, colors[1])
    _mark_lost(ax, iteration[~finite], colors[3])
    if not finite.any():
        note(ax, "no loss is a finite number")
    tidy(ax, "Loss", "iteration", "loss (nats)")
    count_axis(ax.xaxis, iteration)
    legend(ax)
    return ax


def loss_curves(
    histories: Mapping[Any, History | npt.ArrayLike], *, smoothing: int | None = None, log: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw the losses of several fits, to compare them.

    Parameters
    ----------
    histories : mapping of names to History or array_like of shape (iterations,)
        What fits returned, or their losses. Values that are not finite leave a gap.
    smoothing : int, optional
        Width of the moving average in iterations, centred on each; 1 draws the losses themselves.
        By default a fiftieth of the iterations of the longest fit.
    log : bool, default False
        Whether losses are drawn on a logarithmic scale.
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
        If there is no fit, or one has no iterations, or `smoothing` is below 1.

    See Also
    --------
    loss_curve : One fit, with the loss of each mini-batch and of the validation data.

    Examples
    --------
    >>> import cnet
    >>> import cnet.plots
    >>> x, t = cnet.datasets.make_digits(500, rng=0)
    >>> histories = {}
    >>> for name in ("sgd", "adam"):
    ...     net = cnet.TwoLayerNet(784, 20, 10, rng=0)
    ...     histories[name] = net.fit(x, t, epochs=3, optimizer=name)
    >>> ax = cnet.plots.loss_curves(histories)
    >>> [line.get_label() for line in ax.lines]
    ['sgd', 'adam']
    """
    if not isinstance(histories, Mapping):
        raise TypeError(f"histories must be a mapping of names to histories, got {type(histories).__name__}")
    if not histories:
        raise ValueError("histories must hold at least one fit, got none")
    losses = {
        str(name): as_floats(one.loss if isinstance(one, History) else one, f"histories[{name!r}]")
        for name, one in histories.items()
    }
    longest = max(map(len, losses.values()))
    window = max(1, longest // 50) if smoothing is None else check_count("smoothing", smoothing)
    check_axes(ax)
    ax = new_axes(ax)
    colors = palette(ax)
    for number, (name, loss) in enumerate(losses.items()):
        shown = _moving_average(np.where(np.isfinite(loss), loss, np.nan), window)
        ax.plot(*thinned(np.arange(1, len(loss) + 1), shown), color=colors[number % len(colors)], linewidth=1.8,
                linestyle=LINE_STYLES[number // len(colors) % len(LINE_STYLES)], label=name,
                marker=markers("o", int(np.isfinite(shown).sum())), markersize=4)
    if log:
        ax.set_yscale("log")
    if not any(np.isfinite(loss).any() for loss in losses.values()):
        note(ax, "no loss is a finite number")
    what = "loss (nats)" if window == 1 else f"loss (nats), mean of {window:,} iterations"
    tidy(ax, "Loss", "iteration", what)
    count_axis(ax.xaxis, np.arange(1, longest + 1))
    legend(ax)
    return ax


def thinned(x: npt.NDArray[Any], y: FloatArray) -> tuple[npt.NDArray[Any], FloatArray]:
    """The same picture from fewer points: of every stretch narrower than a pixel its lowest and highest."""
    width = len(y) // STRETCHES
    if width < 4:
        return x, y
    whole = len(y) // width * width
    stretches = y[:whole].reshape(-1, width)
    there = np.isfinite(stretches)
    ends = np.column_stack([
        np.where(there, stretches, np.inf).argmin(axis=1), np.where(there, stretches, -np.inf).argmax(axis=1)
    ])
    chosen = np.sort(ends, axis=1) + np.arange(0, whole, width)[:, np.newaxis]
    index = np.unique(np.concatenate([chosen.ravel(), np.arange(whole, len(y)), [len(y) - 1]]))
    return x[index], y[index]


def _moving_average(values: FloatArray, window: int) -> FloatArray:
    """Mean of the finite values in a window around each; the window is narrower at both ends."""
    there = np.isfinite(values)
    with np.errstate(over="ignore"):
        sums = _window_sums(np.where(there, values, 0.0), window)
    counts = _window_sums(there.astype(np.float64), window)
    return np.where(there & np.isfinite(sums), sums / np.maximum(counts, 1), np.nan)


def _window_sums(values: FloatArray, window: int) -> FloatArray:
    """Sum of each window, by additions alone: one huge loss must not swallow the small ones after it.

    The line is cut into blocks as long as a window. Every window is the end of one block and the
    beginning of the next.
    """
    window = min(window, 2 * len(values) + 1)
    n_blocks = -(-(len(values) + window - 1) // window) + 1
    padded = np.zeros(n_blocks * window)
    padded[(window - 1) // 2 :][: len(values)] = values
    blocks = padded.reshape(n_blocks, window)
    beginnings = np.cumsum(blocks, axis=1)
    ends = np.cumsum(blocks[:, ::-1], axis=1)[:, ::-1]
    # A window that begins with a block is that block.
    beginnings[:, -1] = 0.0
    first = np.arange(len(values))
    return np.asarray(ends.ravel()[first] + beginnings.ravel()[first + window - 1])


def _draw_validation(ax: Axes, history: History, color: str) -> None:
    losses = history.validation_loss
    if losses is None or len(losses) == 0:
        return
    # Only the last epoch may have ended before it was whole.
    measured = np.minimum(np.arange(1, len(losses) + 1) * history.iterations_per_epoch, history.iterations)
    ax.plot(measured, np.where(np.isfinite(losses), losses, np.nan), "--", color=color, markersize=4,
            marker=markers("s", len(losses)), label="validation")


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
        What a fit returned, or the accuracies on the training data, from 0 to 1. NaN leaves a gap.
    validation : array_like of shape (epochs,), optional
        Accuracies on other data. By default those of `history`, if it has them.
    labels : tuple of two str
        Names of the two curves.
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
    accuracies = history.train_accuracy if isinstance(history, History) else history
    if accuracies is None:
        raise ValueError("history has no accuracies: the loss of this network has none; draw its loss_curve")
    train = _shares(accuracies, "history")
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
        ax.plot(epochs[: len(values)], values, style[1:], color=color, linewidth=1.8, markersize=4,
                marker=markers(style[0], len(values)), label=_with_last(label, values))
    if not any(np.isfinite(values).any() for values in (train, other) if values is not None):
        note(ax, "no accuracy is a finite number")
        ax.update_datalim([(epochs[0], 0), (epochs[-1], 1)])
        ax.autoscale_view()
    tidy(ax, "Accuracy", "epoch", "accuracy")
    count_axis(ax.xaxis, epochs)
    _percent_axis(ax)
    legend(ax)
    return ax


def _percent_axis(ax: Axes) -> None:
    """Percentages up to 100; curves that hardly rise are not magnified until only noise is seen."""
    ax.yaxis.set_major_formatter(PercentFormatter(xmax=1, symbol=" %"))
    bottom, top = ax.get_ylim()
    if top - bottom < 0.02:
        middle = min(max((bottom + top) / 2, 0.01), 0.99)
        bottom, top = middle - 0.0105, middle + 0.0105
    margin = 0.02 * (top - bottom)
    ax.set_ylim(max(bottom, -margin), min(top, 1 + margin), auto=True)


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
