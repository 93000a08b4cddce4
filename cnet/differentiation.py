"""Numerical differentiation by central differences, and gradient descent on top of it.

The mathematics is that of chapter 4 of the book below; so are the order of the operations and
the default step, so that the numbers which it prints come out here too. All functions call the
user's function from Python, twice for each element: they are meant for learning and for checking
gradients, not for training.

References
----------
Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, chapter 4.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Callable
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import refuse_masked
from .core._arrays import is_sparse

__all__ = ["gradient_descent", "numerical_diff", "numerical_gradient"]


def numerical_diff(f: Callable[[Any], Any], x: Any, h: float = 1e-4) -> Any:
    """Differentiate a function of one variable by a central difference.

    Parameters
    ----------
    f : callable
        Takes a value like `x` and returns a real number; for an array, an array of the same shape
        whose every element depends on that element of `x` alone.
    x : float or ndarray
        Where to differentiate. Integers are taken as floats.
    h : float, default 1e-4
        Half the distance between the two points, in units of `x`.

    Returns
    -------
    float or ndarray
        ``(f(x + h) - f(x - h)) / (2 * h)``, of the shape of `x`.

    Raises
    ------
    TypeError
        If `f` is not callable or returns no real numbers, or if `x` is not a real number or an
        array of real numbers.
    ValueError
        If `h` is not finite and positive, or if `f` returns another shape for an array `x`.

    References
    ----------
    Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 4.3.1.

    Examples
    --------
    >>> from cnet.differentiation import numerical_diff
    >>> print(round(numerical_diff(lambda x: 0.01 * x**2 + 0.1 * x, 5), 10))
    0.2
    """
    _check_callable(f)
    h = _checked_step(h)
    refuse_masked("x", x)
    if isinstance(x, np.ndarray) and x.dtype.kind in "iuf":
        x = np.asarray(x).astype(x.dtype.newbyteorder("=") if x.dtype.kind == "f" else float)
    elif isinstance(x, (bool, np.ndarray)) or not isinstance(x, numbers.Real):
        raise TypeError(
            f"x must be a real number or an array of real numbers, got {_describe(x)}{_remedy(x, 'x')}"
        )
    above, below = _checked_values(f(x + h), x), _checked_values(f(x - h), x)
    return (above - below) / (2 * h)


def numerical_gradient(f: Callable[[Any], Any], x: NDArray[Any], h: float = 1e-4) -> NDArray[Any]:
    """Compute the gradient of a scalar function by central differences.

    Each element of `x` is moved by `h` up and down **in place**, and is restored exactly, even if
    `f` raises an exception. So `f` may ignore its argument and read the array from wherever it lives:
    ``numerical_gradient(lambda W: net.loss(x, t), net.W)``.

    Parameters
    ----------
    f : callable
        Called as ``f(x)``, with this same array object, twice for each element. Returns a
        real number (or an array of no dimensions).
    x : ndarray of float, any shape
        Where to differentiate: writable, contiguous or not. float64 is recommended: rounding
        swallows the default step where ``abs(x)`` is 2048 or more in float32, or 0.25 or more in float16.
    h : float, default 1e-4
        Half the distance between the two points, in units of `x`.

    Returns
    -------
    ndarray, of the shape and dtype of x
        ``(f(x + h) - f(x - h)) / (2 * h)`` for each element moved alone.

    Raises
    ------
    TypeError
        If `f` is not callable or returns no real number, or if `x` is not an array of floats.
    ValueError
        If `x` is read-only, or if `h` is not finite and positive.

    References
    ----------
    Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 4.4.

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.differentiation import numerical_gradient
    >>> numerical_gradient(lambda x: np.sum(x**2), np.array([3.0, 4.0])).round(8)
    array([6., 8.])
    """
    _check_callable(f)
    h = _checked_step(h)
    if not isinstance(x, np.ndarray):
        remedy = _remedy(x, "x") or ": pass np.array(x, dtype=float)"
        raise TypeError(f"x must be an array of floats, got {_describe(x)}{remedy}")
    _check_float(x, "x", ": pass x.astype(float)")
    if not x.flags.writeable:
        raise ValueError("x is read-only, but its elements are moved in place: pass x.copy()")
    if _overlaps(x):
        raise ValueError("elements of x share memory, but each is moved alone, in place: pass x.copy()")
    gradient = np.zeros(x.shape, x.dtype)
    # A view of the plain kind: neither a subclass nor what f does to x.flags or x.shape matters.
    elements = x.view(np.ndarray)
    for index in np.ndindex(elements.shape):
        element = elements[(*index, ...)]
        # An array and not a Python float, so that every bit comes back, of a NaN's payload too.
        saved = element.copy()
        try:
            with np.errstate(all="ignore"):
                np.add(saved, h, out=element, dtype=x.dtype.type)
            above = _checked_scalar(f(x))
            with np.errstate(all="ignore"):
                np.subtract(saved, h, out=element, dtype=x.dtype.type)
            below = _checked_scalar(f(x))
        finally:
            element[...] = saved
        # A derivative too small for the dtype is 0, which is no error; one too large is left to numpy.seterr.
        with np.errstate(under="ignore"):
            gradient[index] = (above - below) / (2 * h)
    return gradient


@overload
def gradient_descent(
    f: Callable[[Any], Any],
    init_x: ArrayLike,
    lr: float = ...,
    step_num: int = ...,
    return_path: Literal[False] = ...,
) -> NDArray[Any]: ...


@overload
def gradient_descent(
    f: Callable[[Any], Any],
    init_x: ArrayLike,
    lr: float = ...,
    step_num: int = ...,
    *,
    return_path: Literal[True],
) -> tuple[NDArray[Any], NDArray[Any]]: ...


def gradient_descent(
    f: Callable[[Any], Any],
    init_x: ArrayLike,
    lr: float = 0.01,
    step_num: int = 100,
    return_path: bool = False,
) -> NDArray[Any] | tuple[NDArray[Any], NDArray[Any]]:
    """Minimise a scalar function by gradient descent: repeat ``x -= lr * numerical_gradient(f, x)``.

    Parameters
    ----------
    f : callable
        The function to minimise, as for `numerical_gradient`.
    init_x : array_like of float
        Where to start. It is copied, not changed.
    lr : float, default 0.01
        The learning rate, positive.
    step_num : int, default 100
        The number of steps, zero or more.
    return_path : bool, default False
        Whether to return all points of the path as well.

    Returns
    -------
    x : ndarray
        The last point.
    path : ndarray, shape (step_num + 1, ...)
        All points, beginning with `init_x`. Only if `return_path` is true.

    Raises
    ------
    TypeError
        If an argument is of the wrong type; integers in `init_x` are refused, as a step would
        round them.
    ValueError
        If `lr` is not finite and positive, or `step_num` is negative.

    References
    ----------
    Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 4.4.1.

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.differentiation import gradient_descent
    >>> x = gradient_descent(lambda x: np.sum(x**2), [-3.0, 4.0], lr=0.1, step_num=100)
    >>> bool(np.abs(x).max() < 1e-8)
    True
    """
    _check_callable(f)
    lr = _checked_positive(lr, "lr")
    steps = _checked_count(step_num, "step_num")
    refuse_masked("init_x", init_x)
    x = np.array(init_x, order="C", copy=True)
    _check_float(x, "init_x", _remedy(init_x, "init_x") or ": pass np.array(init_x, dtype=float)")
    x = x.astype(x.dtype.newbyteorder("="), copy=False)
    path = [x.copy()]
    for _ in range(steps):
        gradient = numerical_gradient(f, x)
        with np.errstate(under="ignore"):
            x -= lr * gradient
        if return_path:
            path.append(x.copy())
    return (x, np.array(path)) if return_path else x


def _describe(value: object) -> str:
    """What a value is, for an error message."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    text = repr(value)
    return f"{text if len(text) <= 40 else text[:40] + '...'} ({type(value).__name__})"


def _remedy(x: object, name: str) -> str:
    """What to pass instead of `x`, if it can be told."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "bO":
        return f": pass {name}.astype(float)"
    if is_sparse(x):
        return f": pass {name}.toarray()"
    return f": pass np.array({name}, dtype=float)" if isinstance(x, list | tuple) else ""


def _overlaps(x: NDArray[Any]) -> bool:
    """Whether elements share memory, as where a stride is 0."""
    if x.flags.c_contiguous or x.flags.f_contiguous:
        return False
    places = np.zeros(1, np.int64)
    for size, stride in zip(x.shape, x.strides, strict=True):
        places = np.add.outer(places, np.arange(size, dtype=np.int64) * stride)
    gaps = np.diff(np.sort(places, axis=None))
    return bool(gaps.size and gaps.min() < x.itemsize)


def _check_callable(f: object) -> None:
    if not callable(f):
        raise TypeError(f"f must be a function, got {_describe(f)}")


def _check_float(x: NDArray[Any], name: str, remedy: str) -> None:
    if x.dtype.kind != "f":
        raise TypeError(f"{name} must be an array of floats, got dtype {x.dtype}{remedy}")


def _checked_positive(value: float, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a real number, got {_describe(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not (number > 0 and math.isfinite(number)):
        raise ValueError(f"{name} must be finite and greater than zero, got {_describe(value)}")
    return number


def _checked_step(h: float) -> float:
    h = _checked_positive(h, "h")
    if math.isinf(2 * h):
        raise ValueError(f"h is too large to be doubled, got {h!r}")
    return h


def _checked_count(value: int, name: str) -> int:
    try:
        count = operator.index(value)
    except TypeError:
        count = None
    if count is None or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {_describe(value)}")
    if count < 0:
        raise ValueError(f"{name} must not be negative, got {count}")
    return count


def _checked_values(y: Any, x: Any) -> Any:
    """The values of an element-wise f as floats, of the shape of x if that is an array."""
    refuse_masked("what f returns", y)
    values = np.asarray(y)
    if values.dtype.kind not in "iuf":
        raise TypeError(f"f must return real numbers, got {_describe(y)}")
    if isinstance(x, np.ndarray) and values.shape != x.shape:
        raise ValueError(
            f"f must return one value for each element of x, shape {x.shape}, got {_describe(y)}; "
            "for a function of all elements together use numerical_gradient"
        )
    if isinstance(y, (int, float)):
        return y
    # Unsigned integers would wrap around when they are subtracted.
    return values[()] if values.dtype.kind == "f" else values.astype(float)[()]


def _checked_scalar(y: Any) -> float:
    """The value of f as a float; doubles subtract without wrapping, unlike unsigned integers."""
    if isinstance(y, float):
        return float(y)
    if isinstance(y, np.ndarray) and y.ndim == 0:
        y = y[()]
    if isinstance(y, bool) or not isinstance(y, numbers.Real):
        raise TypeError(f"f must return one real number, got {_describe(y)}")
    return float(y)
