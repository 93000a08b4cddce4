"""How the activations of each hidden layer are distributed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from .. import reference
from ..checks import check_count
from ..networks import MultiLayerNet
from .evaluation import check_range
from .networks import check_network
from .style import background, check_axes, ink, new_axes, note, palette, tidy

__all__ = ["activation_histograms"]

FloatArray = npt.NDArray[np.float64]

# Ends of the activations that have two.
BOUNDS = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
# The share of all values that the range shows where an activation has no ends.
SHOWN = 0.995
COLUMNS = 5


def activation_histograms(
    net: MultiLayerNet,
    x: npt.ArrayLike,
    *,
    bins: int = 30,
    x_range: tuple[float, float] | None = None,
    ax: Sequence[Axes] | None = None,
) -> Any:
    """Draw a histogram of the activations of each hidden layer.

    Parameters
    ----------
    net : MultiLayerNet
        A network with at least one hidden layer, trained or not.
    x : array_like, shape (B, I) or (I,)
        The inputs; some hundred samples are enough.
    bins : int, default 30
        The number of bars that divide the range.
    x_range : (float, float), optional
        The activations that are shown. By default (0, 1) where all layers are sigmoid, (-1, 1) where all are tanh, and
        else what holds 99.5 % of the values of all layers.
    ax : matplotlib.axes.Axes or sequence of them, optional
        Where to draw, one for each hidden layer; by default in a new figure, up to five in a row.

    Returns
    -------
    matplotlib.axes.Axes or numpy.ndarray of them
        `ax`, or the new ones; an array where there are two hidden layers or more.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If the network has no hidden layer, or `x` does not fit it; if `bins` is not from 2 to 10,000, or the range is
        empty.

    Notes
    -----
    All layers have one range, and the bars of each are as high as its own largest. Values that are exactly 0, which
    relu makes of everything below, are not in the bars; the picture tells their share. `std` is the standard
    deviation of all values, those included.

    References
    ----------
    .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks",
       AISTATS 2010.

    Examples
    --------
    >>> import numpy as np
    >>> import cnet
    >>> import cnet.plots
    >>> net = cnet.TwoLayerNet(100, 100, 10, weight_init_std=1.0, activation="tanh", rng=0)
    >>> x = np.random.default_rng(0).standard_normal((1000, 100))
    >>> ax = cnet.plots.activation_histograms(net, x)
    >>> print(ax.get_title())
    layer 1
    std 0.96
    """
    check_network(net)
    count = len(net.params) // 2 - 1
    if count == 0:
        raise ValueError("net must have at least one hidden layer to draw its activations, got none")
    bins = check_count("bins", bins, 10_000)
    if bins < 2:
        raise ValueError(f"bins must be 2 or more, got {bins}")
    layers = _activations(net, x)
    low, high = _range(net, layers) if x_range is None else check_range("x_range", x_range)
    check_axes(ax, count)
    columns = min(count, COLUMNS)
    rows = -(-count // columns)
    made = _new_axes(ax, count, rows, columns)
    for number, (axes, values) in enumerate(zip(np.ravel(made), layers, strict=True)):
        _draw(axes, values, np.linspace(low, high, bins + 1))
        tidy(axes, f"layer {number + 1}\n{_spread(values)}", "activation", "", grid=False)
        axes.title.set_fontsize("medium")
        axes.set_xlim(low, high)
        axes.set_yticks([])
        axes.tick_params(labelsize="small")
        axes.spines["left"].set_visible(False)
    return made


def _activations(net: Any, x: npt.ArrayLike) -> list[FloatArray]:
    """The activations of each hidden layer, once the network has checked the inputs."""
    net.predict(x)
    rows = np.atleast_2d(np.asarray(x))
    with np.errstate(all="ignore"):
        z, _, _ = reference.forward(dict(net.params), rows, net.activation)
    return [values.astype(np.float64).ravel() for values in z[1:]]


def _range(net: Any, layers: list[FloatArray]) -> tuple[float, float]:
    """A range for all layers."""
    names = {net.activation} if isinstance(net.activation, str) else set(net.activation)
    if len(names) == 1 and names <= set(BOUNDS):
        return BOUNDS[names.pop()]
    values = np.concatenate(layers)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = np.quantile(values, [1 - SHOWN, SHOWN])
    low, high = min(0.0, float(low)), max(0.0, float(high))
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _new_axes(ax: Any, count: int, rows: int, columns: int) -> Any:
    """`ax`, or new axes without those that the last row leaves over."""
    if ax is not None:
        return new_axes(ax, columns=count)
    width = 7.0 if columns > 2 else 5.0
    made = new_axes(None, size=(width, 0.4 + 1.7 * rows), rows=rows, columns=columns)
    for spare in np.ravel(made)[count:]:
        spare.remove()
    return made if count == 1 else made[:count]


def _draw(ax: Axes, values: FloatArray, edges: FloatArray) -> None:
    """Bars of all values but those that are exactly 0, whose share is written above."""
    zeros = float(np.mean(values == 0))
    heights, _ = np.histogram(values[np.isfinite(values) & (values != 0)], edges)
    ax.bar(edges[:-1], heights, width=np.diff(edges), align="edge", color=palette(ax)[0],
           edgecolor=background(ax), linewidth=0.4)
    if not np.isfinite(values).any():
        note(ax, "no value is finite")
    elif zeros >= 0.005:
        ax.text(0.97, 0.95, f"{zeros:.0%} are 0".replace("%", " %"), color=ink(ax), fontsize="small", ha="right",
                va="top", transform=ax.transAxes)


def _spread(values: FloatArray) -> str:
    with np.errstate(all="ignore"):
        return f"std {values.std():.2g}"
