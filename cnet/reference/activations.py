"""Activation functions and their derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Activation(NamedTuple):
    """One activation function: its value, and its derivative from pre-activation and value.

    Both functions take and return arrays of one shape and type. Where the derivative follows from
    the value alone, `slope` does not look at the pre-activation.
    """

    value: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]


def sigmoid(a: Array) -> Array:
    """Return 1 / (1 + exp(-a)), with exp of a negative number in both branches: nothing overflows."""
    e = np.exp(-np.abs(a))
    result: Array = np.where(a < 0, e, a.dtype.type(1)) / (1 + e)
    return result


def elu(a: Array) -> Array:
    """Return a above 0 and exp(a) - 1 below."""
    result: Array = np.where(a > 0, a, np.expm1(np.minimum(a, 0)))
    return result


_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def normal_cdf(a: Array) -> Array:
    """Return the probability that a standard normal number is below a: (1 + erf(a / sqrt(2))) / 2.

    It is written with erfc(x) = 1 - erf(x), because 1 + erf cancels far below 0.
    """
    result: Array = (_erfc(a / -math.sqrt(2)) / 2).astype(a.dtype)
    return result


def normal_density(a: Array) -> Array:
    """Return the density of the standard normal distribution, the derivative of `normal_cdf`."""
    # It is 0 long before 40, whose square is far from overflow.
    a = np.clip(a, -40, 40)
    result: Array = np.exp(-a * a / 2) / math.sqrt(2 * math.pi)
    return result


def silu_slope(a: Array, z: Array) -> Array:
    """Return the derivative of a * sigmoid(a)."""
    y = sigmoid(a)
    result: Array = y + a * y * (1 - y)
    return result


# At exactly 0 the derivative of relu is 0, of leaky_relu 0.01, of elu 1.
ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(lambda a: a, lambda a, z: np.ones_like(z)),
    "sigmoid": Activation(sigmoid, lambda a, z: z * (1 - z)),
    "tanh": Activation(np.tanh, lambda a, z: 1 - z * z),
    "relu": Activation(lambda a: np.maximum(a, 0), lambda a, z: (z > 0).astype(z.dtype)),
    "leaky_relu": Activation(
        lambda a: np.where(a > 0, a, a * a.dtype.type(0.01)), lambda a, z: np.where(z > 0, 1, 0.01).astype(z.dtype)
    ),
    "elu": Activation(elu, lambda a, z: np.exp(np.minimum(a, 0))),
    "gelu": Activation(lambda a: a * normal_cdf(a), lambda a, z: normal_cdf(a) + a * normal_density(a)),
    "silu": Activation(lambda a: a * sigmoid(a), silu_slope),
}


@np.errstate(under="ignore")
def activate(a: Array, activation: str) -> Array:
    """Return the activations of a hidden layer.

    Parameters
    ----------
    a : numpy.ndarray of any shape
        Pre-activations.
    activation : str
        A name in `ACTIVATIONS`.

    Returns
    -------
    numpy.ndarray of the same shape

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import activate
    >>> activate(np.array([-1.0, 0.0, 2.0]), "relu")
    array([0., 0., 2.])
    """
    return ACTIVATIONS[activation].value(a)


@np.errstate(under="ignore")
def activation_grad(z: Array, activation: str, a: Array | None = None) -> Array:
    """Return the derivative of the activation function.

    Parameters
    ----------
    z : numpy.ndarray of any shape
        Activations, not pre-activations.
    activation : str
        A name in `ACTIVATIONS`.
    a : numpy.ndarray of the same shape, optional
        Pre-activations. Needed where the derivative does not follow from z alone: elu, gelu and silu, for instance.

    Returns
    -------
    numpy.ndarray of the same shape

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import activation_grad
    >>> activation_grad(np.array([0.5]), "sigmoid")
    array([0.25])
    """
    slope: Callable[[Any, Array], Array] = ACTIVATIONS[activation].slope
    return slope(a, z)
