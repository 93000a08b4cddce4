"""Learning rates by iteration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from ..checks import check_count, check_number
from ..optimizers import LinearRamp
from ..schedule_base import FromFunction, Schedule
from ..schedules import as_schedule
from .curves import thinned
from .style import check_axes, count_axis, legend, new_axes, palette, tidy

__all__ = ["schedule"]

OneSchedule = str | Schedule | LinearRamp | Callable[[int, int], Any]

LINE_STYLES = ("-", "--", "-.", ":")


def schedule(
    schedules: OneSchedule | list[OneSchedule] | tuple[OneSchedule, ...] | Mapping[Any, OneSchedule],
    total: int = 1000,
    *,
    learning_rate: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how schedules lead the learning rate through a fit.

    Parameters
    ----------
    schedules : str, schedule, LinearRamp, callable, or a list or mapping of them
        What ``fit`` takes as `schedule`, or a `LinearRamp`. The keys of a mapping name the lines.
    total : int, default 1000
        The number of iterations of the fit.
    learning_rate : float, optional
        What the factors are multiplied by. Without it, the factors are drawn; a `LinearRamp`, which has its own rates,
        can stand beside factors only with it.
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
        If there is no schedule, a name is unknown, a function returns something else than finite numbers that are
        not negative, or a `LinearRamp` stands beside factors.

    Notes
    -----
    Iterations are counted from 1, as in `loss_curve`.

    Examples
    --------
    >>> import cnet.plots
    >>> from cnet.schedules import Cosine
    >>> ax = cnet.plots.schedule(["one-cycle", Cosine(warmup=0.1)], total=500, learning_rate=0.1)
    >>> [line.get_label() for line in ax.lines]
    ['one-cycle', 'Cosine(final=0.0, warmup=0.1)']
    >>> ax.get_ylabel()
    'learning rate'
    """
    total = check_count("total", total)
    rate = 1.0 if learning_rate is None else check_number("learning_rate", learning_rate, positive=True)
    given = _named(schedules)
    ramps = [isinstance(one, LinearRamp) for one in given.values()]
    if learning_rate is None and any(ramps) and not all(ramps):
        raise ValueError("give learning_rate to draw a LinearRamp beside schedules: it has rates, they have factors")
    lines = {name: _values(one, total, rate) for name, one in given.items()}
    check_axes(ax)
    ax = new_axes(ax)
    colors, iteration = palette(ax), np.arange(1, total + 1)
    for number, (name, values) in enumerate(lines.items()):
        ax.plot(*thinned(iteration, values), color=colors[number % len(colors)], linewidth=2,
                linestyle=LINE_STYLES[number % len(LINE_STYLES)], marker="o" if total == 1 else None, label=str(name))
    is_rate = learning_rate is not None or all(ramps)
    ax.set_ylim(bottom=0)
    tidy(ax, "Learning rate", "iteration", "learning rate" if is_rate else "factor on the learning rate")
    count_axis(ax.xaxis, iteration)
    if len(lines) > 1:
        legend(ax)
    return ax


def _named(schedules: Any) -> dict[Any, Schedule | LinearRamp]:
    """The schedules by the names of their lines."""
    if isinstance(schedules, Mapping):
        pairs = list(schedules.items())
    elif isinstance(schedules, list | tuple) and not isinstance(schedules, LinearRamp):
        pairs = [(None, one) for one in schedules]
    else:
        pairs = [(None, schedules)]
    named: dict[Any, Schedule | LinearRamp] = {}
    for name, value in pairs:
        one = value if isinstance(value, LinearRamp) else as_schedule(value)
        if one is None:
            raise TypeError("schedules must be schedules, or a list or mapping of them, got None")
        named[_label(value, one) if name is None else name] = one
    if not named:
        raise ValueError("schedules must hold at least one schedule, got none")
    return named


def _label(value: Any, one: Schedule | LinearRamp) -> str:
    """The name of a line: as it was given, or the function's own name."""
    if isinstance(one, FromFunction):
        return str(getattr(one.function, "__name__", repr(one.function)))
    return value if isinstance(value, str) else repr(one)


def _values(one: Schedule | LinearRamp, total: int, rate: float) -> npt.NDArray[np.float64]:
    return one.rates(total) if isinstance(one, LinearRamp) else rate * one.factors(total)
