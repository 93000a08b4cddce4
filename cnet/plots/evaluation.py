"""Values of a user's function along a line and over a plane, checked.

A value that is not finite stays what it is: the pictures leave a gap there. NumPy's warnings
about it are silenced, as the gap says it.
"""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from ..checks import check_count

__all__ = [
    "Plane", "along", "check_function", "check_points", "check_range", "of_two", "over", "quiet", "scalar",
]

FloatArray = npt.NDArray[np.float64]
Plane = Callable[[Any, Any], float]


@contextmanager
def quiet() -> Iterator[None]:
    """Compute without warnings about values that are not finite."""
    with np.errstate(all="ignore"):
        yield


def check_function(f: Any) -> None:
    """Refuse what cannot be called."""
    if not callable(f):
        raise TypeError(f"f must be a function, got {type(f).__name__}")


def check_range(name: str, value: Any) -> tuple[float, float]:
    """`value` as (low, high), finite and rising."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a pair of numbers, got {value!r}")
    if array.shape != (2,):
        raise ValueError(f"{name} must be a pair of numbers (low, high), got shape {array.shape}")
    low, high = (float(bound) for bound in array)
    if not (np.isfinite(array).all() and low < high and np.isfinite(high - low)):
        raise ValueError(f"{name} must be finite and rise from low to high, got ({low:g}, {high:g})")
    return low, high


def check_points(name: str, value: Any) -> int:
    """How finely to draw: 2 points at least."""
    points = check_count(name, value, 10_000)
    if points < 2:
        raise ValueError(f"{name} must be 2 or more, got {points}")
    return points


def scalar(value: Any) -> float:
    """The value of a function as a float."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        what = f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
        raise TypeError(f"f must return one real number, got {what}")
    return float(value)


def of_two(f: Any) -> Plane:
    """``g(x0, x1)`` for an `f` that takes two numbers, or an array of them as `gradient_descent` does."""
    check_function(f)
    if _takes_two(f):
        return lambda x0, x1: scalar(f(x0, x1))
    return lambda x0, x1: scalar(f(np.array([x0, x1], np.float64)))


def _takes_two(f: Any) -> bool:
    """Whether two arguments must be given, or any number may be."""
    if isinstance(f, np.ufunc):
        return f.nin == 2
    try:
        parameters = inspect.signature(f).parameters.values()
    except ValueError:
        # Some compiled functions do not tell; the convention of gradient_descent is the one of this package.
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = sum(p.default is p.empty for p in positional)
    return required == 2 or (required == 0 and any(p.kind is p.VAR_POSITIONAL for p in parameters))


def along(f: Callable[[Any], Any], x: FloatArray) -> FloatArray:
    """Values of a function of one variable at each of `x`."""
    with quiet():
        return np.array([scalar(f(value)) for value in x])


def over(g: Plane, x0: FloatArray, x1: FloatArray) -> FloatArray:
    """Values at all points of a grid: row i is ``x1[i]``, column j is ``x0[j]``."""
    with quiet():
        return np.array([[g(a, b) for a in x0] for b in x1])
