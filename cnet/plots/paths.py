"""The way of gradient descent over the contours of a function."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from ..differentiation import gradient_descent
from .evaluation import Plane, check_points, check_range, of_two, over, quiet
from .style import background, check_axes, fade, ink, legend, new_axes, palette, tidy, width_of

__all__ = ["MARKERS", "descent", "draw_contours", "learning_rates", "named_paths", "view_of"]

FloatArray = npt.NDArray[np.float64]
Range = tuple[float, float]
Paths = npt.ArrayLike | Mapping[Any, npt.ArrayLike]

LEVELS = 16

# Paths shorter than this share of their distance from the origin are shown as standing still.
STANDSTILL = 1e-4
MARKERS = ("o", "s", "^", "D", "v", "P")


def descent(
    f: Callable[..., Any],
    paths: Paths,
    *,
    x_range: Range | None = None,
    y_range: Range | None = None,
    points: int = 81,
    ax: Axes | None = None,
) -> Axes:
    """Draw paths of gradient descent over the contours of a function of two variables.

    Parameters
    ----------
    f : callable
        ``f(x0, x1)``, or ``f(x)`` with `x` an array of two numbers as for `gradient_descent`;
        returns a number. NaN and infinity leave a hole.
    paths : array_like of shape (steps + 1, 2), or mapping of them
        What ``gradient_descent(..., return_path=True)`` returned. The keys of a mapping name
        the paths; a number is a learning rate.
    x_range, y_range : (float, float), optional
        What is shown. By default a square around the end of the path that came lowest, with all
        points of the paths that went down, and of the others those not far away.
    points : int, default 81
        At how many places to a row and to a column `f` is computed.
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
        If a path is empty, of another shape or begins with a value that is not finite, or if
        a range is empty.

    Notes
    -----
    A path ends in the picture with its first step out of it. Neighbouring contours enclose
    equal areas, so a deep valley and a high wall both show.

    Examples
    --------
    >>> import numpy as np
    >>> import cnet
    >>> import cnet.plots
    >>> f = lambda x: np.sum(x**2)
    >>> _, path = cnet.gradient_descent(f, [-3.0, 4.0], lr=0.1, step_num=20, return_path=True)
    >>> ax = cnet.plots.descent(f, {0.1: path})
    >>> ax.lines[0].get_label()
    'learning rate 0.1: f = 0.00332 after 20 steps'
    """
    g = of_two(f)
    named = named_paths(paths)
    ends = {name: _ends(g, path) for name, path in named.items()}
    low, high = _view(list(named.values()), list(ends.values()))
    count = check_points("points", points)
    x0 = np.linspace(*check_range("x_range", (low[0], high[0]) if x_range is None else x_range), count)
    x1 = np.linspace(*check_range("y_range", (low[1], high[1]) if y_range is None else y_range), count)
    check_axes(ax)
    values = over(g, x0, x1)
    ax = new_axes(ax, size=(6.2, 5.8))
    draw_contours(ax, x0, x1, values)
    for number, (name, path) in enumerate(named.items()):
        _draw_path(ax, _within(path, (x0, x1)), _label(name, len(path) - 1, ends[name]), number,
                   went_down=_went_down(*ends[name]))
    ax.set_xlim(x0[0], x0[-1])
    ax.set_ylim(x1[0], x1[-1])
    if 1 / 3 <= (x1[-1] - x1[0]) / (x0[-1] - x0[0]) <= 3:
        ax.set_aspect("equal")
    tidy(ax, "Gradient descent", "$x_0$", "$x_1$", grid=False)
    legend(ax, framealpha=0.8, fontsize="medium" if width_of(ax) > 300 else "x-small")
    return ax


def learning_rates(
    f: Callable[..., Any],
    init_x: npt.ArrayLike,
    rates: Sequence[float] = (0.1, 10.0, 1e-10),
    *,
    step_num: int = 20,
    x_range: Range | None = None,
    y_range: Range | None = None,
    points: int = 81,
    ax: Axes | None = None,
) -> Axes:
    """Run `gradient_descent` once for each learning rate, and draw where it went.

    Parameters
    ----------
    f : callable
        ``f(x0, x1)``, or ``f(x)`` with `x` an array of two numbers as for `gradient_descent`.
    init_x : array_like of two floats
        Where to start.
    rates : sequence of float, default (0.1, 10, 1e-10)
        Learning rates. For ``x0**2 + x1**2`` these are a good one, one too large and one too
        small, those of the chapter.
    step_num : int, default 20
        How many steps to take.
    x_range, y_range : (float, float), optional
        What is shown; by default as for `descent`.
    points : int, default 81
        At how many places to a row and to a column `f` is computed.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`, or the new ones.

    Raises
    ------
    TypeError, ValueError
        As `descent` and `gradient_descent`.

    References
    ----------
    Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 4.4.1.

    Examples
    --------
    >>> import cnet.plots
    >>> ax = cnet.plots.learning_rates(lambda x0, x1: x0**2 + x1**2, [-3.0, 4.0])
    >>> for line in ax.lines[::2]:
    ...     print(line.get_label())
    learning rate 0.1: f = 0.00332 after 20 steps
    learning rate 10: diverges
    learning rate 1e-10: f = 25 after 20 steps
    """
    g = of_two(f)
    start = np.asarray(init_x)
    if start.dtype.kind not in "iuf":
        raise TypeError(f"init_x must hold two real numbers, got dtype {start.dtype}")
    if start.shape != (2,):
        raise ValueError(f"init_x must hold two numbers, got shape {start.shape}")
    if not np.ndim(rates):
        raise TypeError(f"rates must be a sequence of learning rates, got {rates!r}")
    if not len(rates):
        raise ValueError("rates must hold at least one learning rate, got none")
    check_axes(ax)
    with quiet():
        paths = {
            rate: gradient_descent(
                lambda x: g(x[0], x[1]), start.astype(np.float64), rate, step_num, return_path=True
            )[1]
            for rate in rates
        }
    return descent(f, paths, x_range=x_range, y_range=y_range, points=points, ax=ax)


def named_paths(paths: Any) -> dict[Any, FloatArray]:
    """Checked paths by their names."""
    named = dict(paths) if isinstance(paths, Mapping) else {"path": paths}
    if not named:
        raise ValueError("paths must hold at least one path, got none")
    return {name: _checked_path(path, name) for name, path in named.items()}


def _checked_path(path: Any, name: Any) -> FloatArray:
    array = np.asarray(path)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"path {name!r} must hold real numbers, got dtype {array.dtype}")
    if array.ndim != 2 or array.shape[1] != 2 or not len(array):
        raise ValueError(f"path {name!r} must have the shape (steps + 1, 2), got {array.shape}")
    if not np.isfinite(array[0]).all():
        raise ValueError(f"path {name!r} must begin with finite numbers, got {array[0]}")
    return array.astype(np.float64)


def _ends(g: Plane, path: FloatArray) -> tuple[float, float]:
    """Values of f at the first and at the last point."""
    with quiet():
        return g(*path[0]), g(*path[-1]) if np.isfinite(path[-1]).all() else np.nan


def _went_down(first: float, last: float) -> bool:
    return bool(np.isfinite(last) and not last > first)


def _view(paths: list[FloatArray], ends: list[tuple[float, float]]) -> tuple[FloatArray, FloatArray]:
    """Lower and upper corner of a square around all that need be seen."""
    down = [pair for pair in zip(paths, ends, strict=True) if _went_down(*pair[1])]
    middle = min(down, key=lambda pair: pair[1][1])[0][-1] if down else paths[0][0]
    seen = np.concatenate([*(path[:1] for path in paths), *(path for path, _ in down)])
    reach = float(np.max(np.abs(seen - middle)))
    size = float(np.max(np.abs(middle)))
    # Paths that hardly leave are not worth a magnifying glass: it would show a slope without a valley.
    if reach <= STANDSTILL * size:
        reach = size or 1.0
    for path in paths:
        with quiet():
            near = np.max(np.abs(path - middle), axis=1) <= 1.5 * reach
        first_far = len(path) if near.all() else int(near.argmin())
        seen = np.concatenate([seen, path[:first_far]])
    half = 1.15 * max(reach, float(np.max(np.abs(seen - middle))))
    return middle - half, middle + half


def view_of(g: Plane, named: Mapping[Any, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Lower and upper corner of what a picture of these paths shows by default."""
    return _view(list(named.values()), [_ends(g, path) for path in named.values()])


def _within(path: FloatArray, view: tuple[FloatArray, FloatArray]) -> FloatArray:
    """The path up to its first step out of the view; a step far out is shortened, its direction kept."""
    low, high = np.array([[axis[0], axis[-1]] for axis in view]).T
    outside = ~((path >= low) & (path <= high)).all(axis=1)
    if not outside.any():
        return path
    first = int(outside.argmax())
    inside, out = path[:first], path[first]
    if first == 0:
        return path[:1]
    if not np.isfinite(out).all():
        return inside
    step = out - inside[-1]
    step *= min(1.0, float(np.max(high - low) * 3 / np.max(np.abs(step))))
    return np.concatenate([inside, [inside[-1] + step]])


def _label(name: Any, steps: int, ends: tuple[float, float]) -> str:
    text = f"learning rate {name:g}" if isinstance(name, numbers.Real) else str(name)
    if not _went_down(*ends):
        return f"{text}: diverges"
    return f"{text}: f = {ends[1]:.3g} after {steps:,} step{'' if steps == 1 else 's'}"


def draw_contours(ax: Axes, x0: FloatArray, x1: FloatArray, values: FloatArray) -> None:
    finite = values[np.isfinite(values)]
    levels = np.unique(np.quantile(finite, np.linspace(0, 1, LEVELS))) if len(finite) else finite
    if len(levels) < 2:
        return
    shown = np.ma.masked_invalid(values)
    shades = np.linspace(0, 1, len(levels) - 1)
    ax.contourf(x0, x1, shown, levels=levels, colors=fade(ax, strongest=0.35)(shades))
    ax.contour(x0, x1, shown, levels=levels[1:-1], colors=[ink(ax)], alpha=0.35, linewidths=0.8,
               linestyles="solid")


def _draw_path(ax: Axes, path: FloatArray, label: str, number: int, *, went_down: bool) -> None:
    color = palette(ax)[number % len(palette(ax))]
    # A good path lies on top: one that overshoots may run along the same line.
    order = 4 if went_down else 3
    ax.plot(*path.T, marker=MARKERS[number % len(MARKERS)], markersize=5, linewidth=2 if went_down else 1.2,
            color=color, markeredgecolor=background(ax), markeredgewidth=0.5, label=label, zorder=order)
    ax.plot(*path[:1].T, marker="o", markersize=9 + 4 * (number % 3), markerfacecolor="none",
            markeredgecolor=color, markeredgewidth=1.5, zorder=order)
