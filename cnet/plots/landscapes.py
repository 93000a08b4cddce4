"""A function of two variables: its surface, and where it falls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from mpl_toolkits.mplot3d.axes3d import Axes3D

from ..differentiation import numerical_gradient
from .evaluation import check_points, check_range, of_two, over, quiet
from .style import check_axes, ink, magnitude_map, new_axes, note, tidy
from .style import colorbar as add_colorbar

__all__ = ["gradient_field", "surface"]

FloatArray = npt.NDArray[np.float64]
Range = tuple[float, float]

# The longest arrow, in distances between neighbours.
LONGEST = 1.2


def gradient_field(
    f: Callable[..., Any],
    x_range: Range = (-2.0, 2.0),
    y_range: Range = (-2.0, 2.0),
    *,
    points: int = 17,
    colorbar: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw the negative gradient as arrows, which point in the direction of steepest descent.

    Parameters
    ----------
    f : callable
        ``f(x0, x1)``, or ``f(x)`` with `x` an array of two numbers as for `gradient_descent`;
        returns a number. Where it has no finite gradient there is no arrow.
    x_range, y_range : (float, float), default (-2, 2)
        What is shown.
    points : int, default 17
        How many arrows to a row and to a column.
    colorbar : bool, default True
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
        If an argument is of the wrong type, or `f` does not return a real number.
    ValueError
        If a range is empty.

    Notes
    -----
    An arrow's length and colour show the length of the gradient, computed by central differences.
    Arrows are cut at twice the length that nine tenths of them do not exceed, so that a steep
    place does not make all others vanish; the colour of those is the last of the colour bar.

    References
    ----------
    Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 4.4.

    Examples
    --------
    >>> import cnet.plots
    >>> ax = cnet.plots.gradient_field(lambda x0, x1: x0**2 + x1**2)
    >>> ax.get_title()
    'Negative gradient of f'
    """
    g = of_two(f)
    x0, x1 = _grids(x_range, y_range, points)
    check_axes(ax)
    gradient = _gradients(g, x0, x1)
    ax = new_axes(ax, size=(6.0, 5.0))
    down, length, limit = _arrows(-gradient)
    cells = np.array([x0[1] - x0[0], x1[1] - x1[0]])
    longest = np.max(np.abs(down) / cells, initial=0.0)
    at = np.stack(np.meshgrid(x0, x1), axis=-1).reshape(-1, 2)[np.isfinite(gradient).all(axis=1)]
    if len(down):
        arrows = ax.quiver(
            *at.T, *down.T, length, angles="xy", scale_units="xy", scale=longest / LONGEST or 1.0,
            width=0.005, cmap=magnitude_map(ax), norm=Normalize(0, limit),
        )
        if colorbar:
            clipped = bool(length.max() > limit)
            add_colorbar(arrows, ax, "length of the gradient", extend="max" if clipped else "neither")
    else:
        note(ax, "f has no finite gradient here")
    _frame(ax, x0, x1)
    tidy(ax, "Negative gradient of f", "$x_0$", "$x_1$")
    return ax


def _grids(x_range: Any, y_range: Any, points: Any) -> tuple[FloatArray, FloatArray]:
    count = check_points("points", points)
    return (np.linspace(*check_range("x_range", x_range), count),
            np.linspace(*check_range("y_range", y_range), count))


def _gradients(g: Callable[[Any, Any], float], x0: FloatArray, x1: FloatArray) -> FloatArray:
    """Gradient at each point of the grid, row by row: shape (points, 2)."""
    with quiet():
        return np.array([
            numerical_gradient(lambda x: g(x[0], x[1]), np.array([a, b])) for b in x1 for a in x0
        ])


def _arrows(down: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Finite arrows, none too long; their true lengths; and what is too long."""
    down = down[np.isfinite(down).all(axis=1)]
    if not len(down):
        return down, np.zeros(0), 1.0
    length = np.hypot(*down.T)
    usual = 2 * float(np.quantile(length, 0.9))
    limit = min(float(length.max()), usual) if usual > 0 else float(length.max())
    shrink = np.where(length > limit, limit / np.where(length > 0, length, 1.0), 1.0)
    return down * shrink[:, np.newaxis], length, limit or 1.0


def _frame(ax: Axes, x0: FloatArray, x1: FloatArray) -> None:
    """A margin of one distance, and true angles unless that makes a narrow strip."""
    margins = x0[1] - x0[0], x1[1] - x1[0]
    ax.set_xlim(x0[0] - margins[0], x0[-1] + margins[0])
    ax.set_ylim(x1[0] - margins[1], x1[-1] + margins[1])
    if 1 / 3 <= (x1[-1] - x1[0]) / (x0[-1] - x0[0]) <= 3:
        ax.set_aspect("equal")


def _new_axes_3d(ax: Axes | None) -> Axes3D:
    axes: Axes3D = new_axes(ax, size=(6.0, 5.4), projection="3d")
    return axes


def surface(
    f: Callable[..., Any],
    x_range: Range = (-3.0, 3.0),
    y_range: Range = (-3.0, 3.0),
    *,
    points: int = 50,
    ax: Axes | None = None,
) -> Axes3D:
    """Draw a function of two variables as a surface over the plane.

    Parameters
    ----------
    f : callable
        ``f(x0, x1)``, or ``f(x)`` with `x` an array of two numbers as for `gradient_descent`;
        returns a number. NaN and infinity leave a hole.
    x_range, y_range : (float, float), default (-3, 3)
        What is shown.
    points : int, default 50
        At how many places to a row and to a column `f` is computed.
    ax : mpl_toolkits.mplot3d.axes3d.Axes3D, optional
        Where to draw: axes made with ``projection="3d"``. By default in a new figure.

    Returns
    -------
    mpl_toolkits.mplot3d.axes3d.Axes3D
        `ax`, or the new ones.

    Raises
    ------
    TypeError
        If an argument is of the wrong type, or `f` does not return a real number.
    ValueError
        If a range is empty, or `ax` is not three-dimensional.

    Examples
    --------
    >>> import cnet.plots
    >>> ax = cnet.plots.surface(lambda x0, x1: x0**2 + x1**2)
    >>> ax.name
    '3d'
    """
    g = of_two(f)
    x0, x1 = _grids(x_range, y_range, points)
    check_axes(ax, projection="3d")
    values = over(g, x0, x1)
    axes = _new_axes_3d(ax)
    finite = values[np.isfinite(values)]
    if len(finite):
        shown = np.where(np.isfinite(values), values, np.nan)
        norm = Normalize(finite.min(), finite.max() if finite.max() > finite.min() else finite.min() + 1)
        axes.plot_surface(
            *np.meshgrid(x0, x1), shown, cmap="viridis", norm=norm, rcount=points, ccount=points,
            linewidth=0, antialiased=False,
        )
    else:
        axes.text2D(0.5, 0.5, "f has no finite value here", color=ink(axes), ha="center",
                    transform=axes.transAxes)
    axes.set_title("Surface of f")
    axes.set_xlabel("$x_0$")
    axes.set_ylabel("$x_1$")
    axes.set_zlabel("f")
    # The third axis would be cut off at the figure's edge.
    axes.set_box_aspect(None, zoom=0.95)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.pane.set_alpha(0.1)
    return axes
