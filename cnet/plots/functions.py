"""Functions of one variable: tangents, derivatives and the activations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from .. import functions as cnet_functions
from ..checks import check_choice
from ..differentiation import numerical_diff
from .evaluation import along, check_function, check_points, check_range, quiet, scalar
from .style import as_floats, check_axes, ink, legend, legend_on_top, new_axes, palette, tidy

__all__ = ["activations", "derivative", "tangent"]

FloatArray = npt.NDArray[np.float64]

# Width and height in inches of two pictures side by side.
PAIR_SIZE = (7.0, 3.3)


def tangent(
    f: Callable[[Any], Any],
    x: float | Sequence[float],
    *,
    x_range: tuple[float, float] | None = None,
    points: int = 201,
    ax: Axes | None = None,
) -> Axes:
    """Draw a function of one variable with its tangent, whose slope is `numerical_diff`.

    Parameters
    ----------
    f : callable
        Takes a number and returns one. NaN and infinity leave a gap.
    x : float or sequence of float
        Where the tangent touches; for several, a tangent each.
    x_range : (float, float), optional
        What is shown; by default 5 to either side of `x`.
    points : int, default 201
        At how many places `f` is computed.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`, or the new ones.

    Raises
    ------
    TypeError
        If an argument is of the wrong type, or `f` does not return a real number.
    ValueError
        If `f` has no finite value or slope at `x`, or a range is empty.

    References
    ----------
    Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 4.3.2.

    Examples
    --------
    >>> import cnet.plots
    >>> ax = cnet.plots.tangent(lambda x: 0.01 * x**2 + 0.1 * x, 5, x_range=(0, 20))
    >>> ax.lines[1].get_label()
    'tangent at x = 5, slope 0.2'
    """
    check_function(f)
    touching = as_floats(np.atleast_1d(x), "x")
    if x_range is None:
        x_range = (float(touching.min()) - 5, float(touching.max()) + 5)
    grid = np.linspace(*check_range("x_range", x_range), check_points("points", points))
    check_axes(ax)
    values = along(f, grid)
    with quiet():
        heights = [scalar(f(at)) for at in touching]
        slopes = [float(numerical_diff(f, at)) for at in touching]
    for at, height, slope in zip(touching, heights, slopes, strict=True):
        if not np.isfinite([height, slope]).all():
            raise ValueError(f"f has no tangent at x = {at:g}: its value is {height:g}, its slope {slope:g}")
    ax = new_axes(ax)
    colors = palette(ax)
    ax.plot(grid, np.where(np.isfinite(values), values, np.nan), color=colors[0], linewidth=2, label="f(x)")
    bottom, top = ax.get_ylim()
    for number, (at, height, slope) in enumerate(zip(touching, heights, slopes, strict=True)):
        color = colors[1 + number % (len(colors) - 1)]
        ax.axline((at, height), slope=slope, color=color, linewidth=1.5, linestyle="--",
                  label=f"tangent at x = {at:g}, slope {slope:.4g}")
        ax.plot([at], [height], "o", color=color, markersize=7)
    ax.set_xlim(grid[0], grid[-1])
    ax.set_ylim(min(bottom, *heights), max(top, *heights))
    tidy(ax, "A function and its tangent", "x", "f(x)")
    legend(ax)
    return ax


def derivative(
    f: Callable[[Any], Any],
    x_range: tuple[float, float] = (-5.0, 5.0),
    *,
    exact: Callable[[Any], Any] | None = None,
    h: float = 1e-4,
    points: int = 201,
    ax: Sequence[Axes] | None = None,
) -> npt.NDArray[Any]:
    """Draw a function of one variable, and its numerical derivative beside it.

    Parameters
    ----------
    f : callable
        Takes a number and returns one. NaN and infinity leave a gap.
    x_range : (float, float), default (-5, 5)
        What is shown.
    exact : callable, optional
        The derivative as a formula, drawn for comparison.
    h : float, default 1e-4
        Half the distance between the two points of the difference.
    points : int, default 201
        At how many places `f` is computed.
    ax : sequence of two matplotlib.axes.Axes, optional
        Where to draw: the function, the derivative. By default in a new figure.

    Returns
    -------
    numpy.ndarray of two matplotlib.axes.Axes
        `ax`, or the new ones.

    Raises
    ------
    TypeError
        If an argument is of the wrong type, or `f` does not return a real number.
    ValueError
        If a range is empty, or `h` is not finite and positive.

    Examples
    --------
    >>> import numpy as np
    >>> import cnet.plots
    >>> ax = cnet.plots.derivative(np.sin, exact=np.cos)
    >>> bool(abs(ax[1].lines[0].get_ydata() - ax[1].lines[1].get_ydata()).max() < 1e-8)
    True
    """
    check_function(f)
    grid = np.linspace(*check_range("x_range", x_range), check_points("points", points))
    check_axes(ax, 2)
    values = along(f, grid)
    # Across a pole the difference is finite, and means nothing.
    slopes = np.where(np.isfinite(values), along(lambda x: numerical_diff(f, x, h), grid), np.nan)
    formula = None if exact is None else along(exact, grid)
    pair: npt.NDArray[Any] = new_axes(ax, columns=2, size=PAIR_SIZE)
    left, right = pair
    colors = palette(left)
    left.plot(grid, _finite(values), color=colors[0], linewidth=2)
    right.plot(grid, _finite(slopes), color=colors[1], linewidth=2, label=f"numerical, h = {h:g}")
    if formula is not None:
        right.plot(grid, _finite(formula), ":", color=ink(right), linewidth=2, label="exact")
        legend_on_top(right, fontsize="small", columnspacing=1.0)
    tidy(left, "Function", "x", "f(x)")
    tidy(right, "Derivative", "x", "slope of f")
    return pair


def _finite(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, np.nan)


def _step_grad(x: FloatArray) -> FloatArray:
    """The slope of the step function: 0, and at 0 there is none."""
    return np.where(x == 0, np.nan, 0.0)


def _step(x: FloatArray) -> FloatArray:
    return np.where(x == 0, np.nan, cnet_functions.step_function(x))


# Activation and derivative by the pre-activation, by name; of the step, the jump is a gap.
ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sigmoid": (cnet_functions.sigmoid, cnet_functions.sigmoid_grad),
    "relu": (cnet_functions.relu, cnet_functions.relu_grad),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "step": (_step, _step_grad),
    "identity": (cnet_functions.identity_function, np.ones_like),
}

LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


def activations(
    names: str | Sequence[str] = ("sigmoid", "relu", "tanh"),
    x_range: tuple[float, float] = (-5.0, 5.0),
    *,
    ax: Sequence[Axes] | None = None,
) -> npt.NDArray[Any]:
    """Draw activation functions, and their derivatives beside them.

    Parameters
    ----------
    names : str or sequence of {"sigmoid", "relu", "tanh", "step", "identity"}
        Which; by default those of `TwoLayerNet`.
    x_range : (float, float), default (-5, 5)
        Pre-activations that are shown.
    ax : sequence of two matplotlib.axes.Axes, optional
        Where to draw: the functions, the derivatives. By default in a new figure.

    Returns
    -------
    numpy.ndarray of two matplotlib.axes.Axes
        `ax`, or the new ones.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If there is no such activation, or a range is empty.

    Examples
    --------
    >>> import cnet.plots
    >>> ax = cnet.plots.activations(["sigmoid", "step"])
    >>> print(round(float(ax[1].lines[0].get_ydata().max()), 6))
    0.25
    """
    chosen = (names,) if isinstance(names, str) else tuple(names)
    for name in chosen:
        check_choice("names", name, tuple(ACTIVATIONS))
    if not chosen:
        raise ValueError("names must hold at least one activation, got none")
    low, high = check_range("x_range", x_range)
    check_axes(ax, 2)
    # Zero is one of the points, so that the step's gap and the bend of relu are where they belong.
    grid = np.unique(np.append(np.linspace(low, high, 401), 0.0 if low <= 0 <= high else low))
    pair: npt.NDArray[Any] = new_axes(ax, columns=2, size=PAIR_SIZE)
    for number, name in enumerate(chosen):
        for axes, function in zip(pair, ACTIVATIONS[name], strict=True):
            colors = palette(axes)
            axes.plot(grid, function(grid), color=colors[number % len(colors)], linewidth=2,
                      linestyle=LINE_STYLES[number % len(LINE_STYLES)], label=name)
    for axes, title, label in zip(pair, ("Activation", "Derivative"), ("z", "dz / da"), strict=True):
        tidy(axes, title, "pre-activation a", label)
        # relu and identity grow without bound, and would press the others flat.
        bottom, top = axes.get_ylim()
        axes.set_ylim(max(bottom, -1.5), min(top, 2.0))
    legend(pair[0])
    return pair
