"""The chapter's functions: activations, softmax and losses.

Every one takes scalars, vectors and batches. float32 stays float32; every other
real type is computed in float64. The loops are compiled (``core._functions``).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .core import _arrays, _functions, _team

__all__ = [
    "cross_entropy_error",
    "identity_function",
    "mean_squared_error",
    "relu",
    "relu_grad",
    "sigmoid",
    "sigmoid_grad",
    "softmax",
    "softmax_loss",
    "step_function",
    "sum_squared_error",
]

Array = npt.NDArray[Any]

# Keeps the logarithm of the losses finite where a probability is 0, as the chapter does.
EPSILON = 1e-7


def _as_real(x: npt.ArrayLike, name: str = "x") -> Array:
    """`x` as an array of float32 or float64 that compiled code can read."""
    array = _arrays.real_array(x, name)
    single = array.dtype.kind == "f" and array.dtype.itemsize == 4
    return _arrays.native(array, np.float32 if single else np.float64)


def _elementwise(function: str, x: npt.ArrayLike) -> Any:
    array = _as_real(x)
    out = np.empty(array.shape, array.dtype)
    _functions.apply(function, array, out)
    return out if array.ndim else out[()]


def identity_function(x: npt.ArrayLike) -> Any:
    """Return the argument unchanged: the output activation for regression.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    array_like
        `x` itself.

    Examples
    --------
    >>> from cnet import identity_function
    >>> identity_function(3)
    3
    """
    return x


def step_function(x: npt.ArrayLike) -> Any:
    """Return 1 where `x` is above 0, otherwise 0.

    Parameters
    ----------
    x : array_like of any shape

    Returns
    -------
    numpy.ndarray or numpy.int64
        Of the same shape, int64. NaN gives 0.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    Examples
    --------
    >>> from cnet import step_function
    >>> import numpy as np
    >>> step_function(np.array([-1.0, 0.0, 2.0]))
    array([0, 0, 1])
    """
    array = _as_real(x)
    out = np.empty(array.shape, np.int64)
    _functions.step(array.reshape(-1), out.reshape(-1))
    return out if array.ndim else out[()]


def sigmoid(x: npt.ArrayLike) -> Any:
    """Compute the logistic function, ``1 / (1 + exp(-x))``, without overflow for any `x`.

    Parameters
    ----------
    x : array_like of any shape

    Returns
    -------
    numpy.ndarray or scalar
        Of the same shape, float32 for float32 and otherwise float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    References
    ----------
    .. [1] Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 3.2.

    Examples
    --------
    >>> from cnet import sigmoid
    >>> import numpy as np
    >>> sigmoid(np.array([-1e4, 0.0, 1e4]))
    array([0. , 0.5, 1. ])
    """
    return _elementwise("sigmoid", x)


def sigmoid_grad(x: npt.ArrayLike) -> Any:
    """Compute the derivative of `sigmoid` at `x`, the pre-activation: ``s(x) * (1 - s(x))``.

    Parameters
    ----------
    x : array_like of any shape

    Returns
    -------
    numpy.ndarray or scalar
        Of the same shape, float32 for float32 and otherwise float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    Examples
    --------
    >>> from cnet import sigmoid_grad
    >>> print(sigmoid_grad(0.0))
    0.25
    """
    return _elementwise("sigmoid_grad", x)


def relu(x: npt.ArrayLike) -> Any:
    """Compute the rectified linear unit, ``max(0, x)``.

    Parameters
    ----------
    x : array_like of any shape

    Returns
    -------
    numpy.ndarray or scalar
        Of the same shape, float32 for float32 and otherwise float64. NaN stays NaN.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    Examples
    --------
    >>> from cnet import relu
    >>> import numpy as np
    >>> relu(np.array([-1.0, 0.5]))
    array([0. , 0.5])
    """
    return _elementwise("relu", x)


def relu_grad(x: npt.ArrayLike) -> Any:
    """Compute the derivative of `relu` at `x`: 1 where `x` is above 0, otherwise 0, also at 0.

    Parameters
    ----------
    x : array_like of any shape

    Returns
    -------
    numpy.ndarray or scalar
        Of the same shape, float32 for float32 and otherwise float64. NaN stays NaN.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    Examples
    --------
    >>> from cnet import relu_grad
    >>> import numpy as np
    >>> relu_grad(np.array([-1.0, 0.0, 0.5]))
    array([0., 0., 1.])
    """
    return _elementwise("relu_grad", x)


def softmax(x: npt.ArrayLike) -> Any:
    """Turn scores into probabilities along the last axis: ``exp(x) / sum(exp(x))``.

    The largest score of each row is subtracted first, so nothing overflows.

    Parameters
    ----------
    x : array_like, shape (..., O)
        Scores of one sample (O,) or of a batch (B, O); a scalar is a row of one score.

    Returns
    -------
    numpy.ndarray or scalar
        Of the same shape; each row sums to 1. float32 for float32, otherwise float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.
    ValueError
        If the rows are empty.

    References
    ----------
    .. [1] Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 3.5.

    Examples
    --------
    >>> from cnet import softmax
    >>> import numpy as np
    >>> softmax(np.array([0.3, 2.9, 4.0]))
    array([0.01821127, 0.24519181, 0.73659691])
    """
    array = _as_real(x)
    n_scores = array.shape[-1] if array.ndim else 1
    if n_scores == 0:
        raise ValueError(f"x must have at least one score in each row, got shape {array.shape}")
    out = np.empty(array.shape, array.dtype)
    _functions.softmax_rows(array, out, n_scores)
    return out if array.ndim else out[()]


def mean_squared_error(y: npt.ArrayLike, t: npt.ArrayLike) -> float:
    """Compute half the sum of squared differences, ``0.5 * sum((y - t)**2)``.

    Early versions of the book's code call it a mean, although it only divides by 2: it
    grows with the size of the batch. `sum_squared_error` is the same function, as the book's code calls it now.

    Parameters
    ----------
    y : array_like of any shape
        Predictions.
    t : array_like of the same shape
        Targets.

    Returns
    -------
    float
        Summed in float64.

    Raises
    ------
    TypeError
        If either does not hold real numbers.
    ValueError
        If the shapes differ.

    References
    ----------
    .. [1] Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 4.2.1.

    Examples
    --------
    >>> from cnet import mean_squared_error
    >>> y = [0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0]
    >>> t = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    >>> print(round(mean_squared_error(y, t), 6))
    0.0975
    """
    y_array, t_array = _as_real(y, "y"), _as_real(t, "t")
    if y_array.shape != t_array.shape:
        raise ValueError(f"y and t must have the same shape, got {y_array.shape} and {t_array.shape}")
    if y_array.dtype != t_array.dtype:
        y_array, t_array = _arrays.native(y_array, np.float64), _arrays.native(t_array, np.float64)
    error: float = _functions.half_squared_error(y_array.reshape(-1), t_array.reshape(-1))
    return error


sum_squared_error = mean_squared_error


def cross_entropy_error(y: npt.ArrayLike, t: npt.ArrayLike) -> float:
    """Compute the mean cross-entropy of probabilities, ``-log(y[label] + 1e-7)`` for each sample.

    Parameters
    ----------
    y : array_like, shape (O,) or (B, O)
        Probabilities.
    t : array_like
        One-hot rows of the shape of `y`, or class indices: one for each sample.

    Returns
    -------
    float
        Summed in float64, divided by the number of samples.

    Raises
    ------
    TypeError
        If either does not hold real numbers.
    ValueError
        If the shapes do not fit, a label is out of range, a row of `t` is not one-hot, or the
        probability of a label is negative (-1e-7 or below, where the logarithm ends).

    References
    ----------
    .. [1] Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, sections 4.2.2 to 4.2.4.

    Examples
    --------
    >>> from cnet import cross_entropy_error
    >>> y = [0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0]
    >>> print(cross_entropy_error(y, 2))
    0.510825457099338
    """
    array = _as_real(y, "y")
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(f"y must have shape (O,) or (B, O), not empty, got {array.shape}")
    rows = array.reshape(-1, array.shape[-1])
    labels = _functions.class_indices(t, array.shape)
    total: float = _functions.cross_entropy(rows, labels, EPSILON)
    if not math.isfinite(total):
        _refuse_negative(rows, labels, single=array.ndim == 1)
    with _team.IeeeArithmetic():
        return total / len(rows)


def _refuse_negative(y: Array, labels: npt.NDArray[np.intc], single: bool) -> None:
    """Raise where a label's probability is so far below 0 that its logarithm is none."""
    chosen = y[np.arange(len(y)), labels].astype(np.float64)
    for row in np.flatnonzero(chosen + EPSILON <= 0)[:1]:
        place = f"{labels[row]}" if single else f"{row}, {labels[row]}"
        given = y[row, labels[row]]
        raise ValueError(f"y must hold probabilities, which are not negative, got y[{place}] = {given!s}")


def softmax_loss(x: npt.ArrayLike, t: npt.ArrayLike) -> float:
    """Compute the cross-entropy of the softmax of scores: ``cross_entropy_error(softmax(x), t)``.

    Parameters
    ----------
    x : array_like, shape (O,) or (B, O)
        Scores.
    t : array_like
        One-hot rows of the shape of `x`, or class indices: one for each sample.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If either does not hold real numbers.
    ValueError
        If the shapes do not fit, a label is out of range or a row of `t` is not one-hot.

    Examples
    --------
    >>> from cnet import softmax_loss
    >>> print(round(softmax_loss([1.05414809, 0.63071653, 1.1328074], [0, 0, 1]), 8))
    0.92806829
    """
    return cross_entropy_error(softmax(x), t)
