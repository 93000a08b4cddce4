"""Optimizers and learning-rate schedules, which turn a gradient into a step.

They hold names and hyper-parameters; compiled code takes the steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .checks import check_number

__all__ = ["LinearRamp", "Momentum", "SGD"]


class SGD(NamedTuple):
    """Plain stochastic gradient descent: ``W -= rate * dW``.

    References
    ----------
    .. [1] Saito Goki, "Deep Learning from Scratch", O'Reilly Japan, 2016, section 4.4.1.

    Examples
    --------
    >>> from cnet.optimizers import SGD
    >>> import cnet
    >>> x, t = cnet.datasets.make_digits(500, rng=0)
    >>> net = cnet.TwoLayerNet(784, 20, 10, rng=0)
    >>> net.fit(x, t, epochs=1, optimizer=SGD()).epochs
    1
    """


class Momentum(NamedTuple):
    """Gradient descent with momentum: ``v = momentum * v + dW``, ``W -= rate * v``.

    Parameters
    ----------
    momentum : float, default 0.9
        At least 0 and below 1. Each fit begins with velocities of 0.

    References
    ----------
    .. [1] B. T. Polyak, "Some methods of speeding up the convergence of iteration methods",
       USSR Computational Mathematics and Mathematical Physics 4, 1964.

    Examples
    --------
    >>> from cnet.optimizers import Momentum
    >>> import cnet
    >>> x, t = cnet.datasets.make_digits(500, rng=0)
    >>> net = cnet.TwoLayerNet(784, 20, 10, rng=0)
    >>> net.fit(x, t, epochs=1, optimizer=Momentum(0.9)).epochs
    1
    """

    momentum: float = 0.9


class LinearRamp(NamedTuple):
    """A learning rate that rises linearly to `peak`, then falls linearly to 0.

    Parameters
    ----------
    peak : float, default 0.1
        The highest learning rate, above 0.
    warmup : float, default 0.25
        The share of all iterations during which the rate rises: at least 0 and below 1.

    References
    ----------
    .. [1] L. N. Smith and N. Topin, "Super-convergence: very fast training of neural networks
       using large learning rates", 2018 (where such a ramp is the one cycle).

    Examples
    --------
    >>> from cnet.optimizers import LinearRamp
    >>> LinearRamp(0.1, warmup=0.5).rates(4).round(4)
    array([0.05, 0.1 , 0.1 , 0.05])
    """

    peak: float = 0.1
    warmup: float = 0.25

    def rates(self, iterations: int) -> npt.NDArray[np.float64]:
        """Return the learning rate of each iteration of a fit.

        Parameters
        ----------
        iterations : int
            The number of iterations of the fit, at least 1.

        Returns
        -------
        numpy.ndarray of float64, shape (iterations,)
            All above 0 and at most `peak`.

        Raises
        ------
        TypeError, ValueError
            If `peak` or `warmup` is not a number in its range.
        """
        peak = check_number("peak", self.peak, positive=True)
        warmup = check_number("warmup", self.warmup, positive=False)
        if warmup >= 1:
            raise ValueError(f"warmup must be below 1, got {warmup}")
        step = np.arange(iterations, dtype=np.float64)
        rising = warmup * iterations
        falls = (iterations - step) / (iterations - rising)
        # A tiny warmup makes these infinite, as no warmup does; and a tiny peak may underflow.
        with np.errstate(all="ignore"):
            rises = (step + 1) / rising if rising else np.full(iterations, np.inf)
            rates: npt.NDArray[np.float64] = peak * np.minimum(np.minimum(rises, falls), 1.0)
        return rates


def momentum_of(optimizer: object) -> float:
    """Return the momentum of what was passed to fit as ``optimizer``: 0 for plain SGD.

    Parameters
    ----------
    optimizer : {"sgd", "momentum"}, SGD or Momentum

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If it is neither a name nor an optimizer.
    ValueError
        If the name is unknown, or the momentum is not from 0 up to 1.
    """
    if isinstance(optimizer, str):
        if optimizer not in ("sgd", "momentum"):
            raise ValueError(f"optimizer must be one of 'sgd', 'momentum', got {optimizer!r}")
        optimizer = SGD() if optimizer == "sgd" else Momentum()
    if isinstance(optimizer, SGD):
        return 0.0
    if not isinstance(optimizer, Momentum):
        raise TypeError(
            "optimizer must be 'sgd', 'momentum' or an optimizer of cnet.optimizers, "
            f"got {type(optimizer).__name__}"
        )
    momentum = check_number("momentum", optimizer.momentum, positive=False)
    if momentum >= 1:
        raise ValueError(f"momentum must be below 1, got {momentum}")
    return momentum
