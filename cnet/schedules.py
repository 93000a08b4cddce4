"""Schedules, which lead the learning rate through a fit.

A schedule gives a factor on the learning rate for each iteration of a fit. ``fit(schedule=...)`` takes a name, an
object of a class here, or a function ``f(iteration, total)`` of your own, with iterations from 0.

Every class has `warmup`, during which the factor rises linearly to 1: a share of all iterations, at least 0
and below 1, or a whole number of iterations. In the formulas ``p``, from 0 up to 1, is the share of the iterations
after the warmup that are done.

Examples
--------
>>> from cnet import schedules
>>> schedules.Linear().factors(4).tolist()
[1.0, 0.75, 0.5, 0.25]
>>> schedules.Constant(warmup=2).factors(4).tolist()
[0.5, 1.0, 1.0, 1.0]
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from .checks import check_number, excerpt, listed
from .schedule_base import FloatArray, FromFunction, Schedule, iterations_of

__all__ = ["Constant", "Cosine", "Exponential", "Linear", "OneCycle", "Step"]

class Constant(Schedule):
    """The learning rate itself: ``1``.

    Parameters
    ----------
    warmup : float or int, default 0
        During these iterations the factor rises to 1: a share of all, or a whole number.

    References
    ----------
    .. [1] P. Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", 2017 (the warmup).

    Examples
    --------
    >>> from cnet.schedules import Constant
    >>> Constant(warmup=0.5).factors(4).tolist()
    [0.5, 1.0, 1.0, 1.0]
    """

    name: ClassVar[str] = "constant"

    def __init__(self, *, warmup: float = 0) -> None:
        super().__init__(warmup=warmup)

    def _shape(self, done: FloatArray, after: float, total: int) -> FloatArray:
        return np.ones_like(done)


class Step(Schedule):
    """A factor that drops every so many iterations: ``factor ** floor(done / every)``.

    Parameters
    ----------
    every : float or int, default 0.25
        After this many iterations the factor drops: a share of all iterations, above 0, or a whole number of them.
        They are counted from the end of the warmup. A share is rounded to whole iterations.
    factor : float, default 0.5
        What a drop multiplies the factor by: above 0 and at most 1.
    warmup : float or int, default 0
        During these iterations the factor rises to 1: a share of all, or a whole number.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", CVPR 2016.

    Examples
    --------
    >>> from cnet.schedules import Step
    >>> Step(every=2, factor=0.5).factors(6).tolist()
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """

    name: ClassVar[str] = "step"

    every: float
    factor: float

    def __init__(self, *, every: float = 0.25, factor: float = 0.5, warmup: float = 0) -> None:
        super().__init__(every=every, factor=factor, warmup=warmup)
        if self.every == 0:
            raise ValueError("every must be above 0, got 0")
        if self.factor == 0:
            raise ValueError("factor must be above 0, got 0.0")

    def _shape(self, done: FloatArray, after: float, total: int) -> FloatArray:
        every = max(1, round(iterations_of(self.every, total)))
        return np.asarray(self.factor ** np.floor(done / every))


class Exponential(Schedule):
    """A factor that falls by the same share in each iteration: ``final ** p``.

    Parameters
    ----------
    final : float, default 0.01
        Where the factor arrives at the end of the fit: above 0 and at most 1.
    warmup : float or int, default 0
        During these iterations the factor rises to 1: a share of all, or a whole number.

    References
    ----------
    .. [1] I. Goodfellow, Y. Bengio and A. Courville, "Deep learning", MIT Press, 2016, section 8.3.1.

    Examples
    --------
    >>> from cnet.schedules import Exponential
    >>> Exponential(final=0.0625).factors(4).tolist()
    [1.0, 0.5, 0.25, 0.125]
    """

    name: ClassVar[str] = "exponential"

    final: float

    def __init__(self, *, final: float = 0.01, warmup: float = 0) -> None:
        super().__init__(final=final, warmup=warmup)
        if self.final == 0:
            raise ValueError("final must be above 0, got 0.0")

    def _shape(self, done: FloatArray, after: float, total: int) -> FloatArray:
        return np.asarray(self.final ** (done / after))


class Cosine(Schedule):
    """Half a wave of a cosine: ``final + (1 - final) * (1 + cos(pi * p)) / 2``.

    Parameters
    ----------
    final : float, default 0
        Where the factor arrives at the end of the fit: at least 0 and at most 1.
    warmup : float or int, default 0
        During these iterations the factor rises to 1: a share of all, or a whole number.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017 (without
       restarts).

    Examples
    --------
    >>> from cnet.schedules import Cosine
    >>> Cosine().factors(3).round(3).tolist()
    [1.0, 0.75, 0.25]
    """

    name: ClassVar[str] = "cosine"

    final: float

    def __init__(self, *, final: float = 0.0, warmup: float = 0) -> None:
        super().__init__(final=final, warmup=warmup)

    def _shape(self, done: FloatArray, after: float, total: int) -> FloatArray:
        return np.asarray(self.final + (1 - self.final) * (1 + np.cos(np.pi * (done / after))) / 2)


class Linear(Schedule):
    """A straight line down: ``1 - (1 - final) * p``.

    Parameters
    ----------
    final : float, default 0
        Where the factor arrives at the end of the fit: at least 0 and at most 1.
    warmup : float or int, default 0
        During these iterations the factor rises to 1: a share of all, or a whole number.

    References
    ----------
    .. [1] L. Bottou, F. E. Curtis and J. Nocedal, "Optimization methods for large-scale machine learning", SIAM
       Review 60, 2018, section 4 (why the rate has to fall).

    Examples
    --------
    >>> from cnet.schedules import Linear
    >>> Linear(final=0.5).factors(4).tolist()
    [1.0, 0.875, 0.75, 0.625]
    """

    name: ClassVar[str] = "linear"

    final: float

    def __init__(self, *, final: float = 0.0, warmup: float = 0) -> None:
        super().__init__(final=final, warmup=warmup)

    def _shape(self, done: FloatArray, after: float, total: int) -> FloatArray:
        return 1 - (1 - self.final) * (done / after)


class OneCycle(Schedule):
    """One cycle: up to 1 during the warmup, then in a straight line down to 0: ``1 - p``.

    Parameters
    ----------
    warmup : float or int, default 0.25
        During these iterations the factor rises to 1: a share of all, or a whole number.

    References
    ----------
    .. [1] L. N. Smith and N. Topin, "Super-convergence: very fast training of neural networks using large learning
       rates", 2018. Theirs begins with a tenth of the highest rate rather than near 0.

    Examples
    --------
    >>> from cnet.schedules import OneCycle
    >>> OneCycle(warmup=2).factors(4).tolist()
    [0.5, 1.0, 1.0, 0.5]
    """

    name: ClassVar[str] = "one-cycle"

    def __init__(self, *, warmup: float = 0.25) -> None:
        super().__init__(warmup=warmup)

    def _shape(self, done: FloatArray, after: float, total: int) -> FloatArray:
        return 1 - done / after


# The names of fit(schedule=...): the only list of them.
SCHEDULES: dict[str, type[Schedule]] = {
    each.name: each for each in (Constant, Step, Exponential, Cosine, Linear, OneCycle)
}


def as_schedule(value: object) -> Schedule | None:
    """Return what was passed to fit as ``schedule`` as an object; None stays None.

    Raises
    ------
    TypeError
        If it is neither a name, nor a schedule, nor a function.
    ValueError
        If the name is unknown.
    """
    if value is None or isinstance(value, Schedule):
        return value
    if isinstance(value, str):
        if value not in SCHEDULES:
            raise ValueError(f"schedule must be one of {listed(SCHEDULES)}, got {excerpt(value)}")
        return SCHEDULES[value]()
    if callable(value) and not isinstance(value, type):
        return FromFunction(value)
    given = f"the class {value.__name__}; write {value.__name__}()" if isinstance(value, type) else type(value).__name__
    raise TypeError(f"schedule must be one of {listed(SCHEDULES)}, an object of cnet.schedules, or a function of "
                    f"(iteration, total), got {given}")


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
        return self.rates_between(0, iterations, iterations)

    def rates_between(self, begin: int, end: int, total: int) -> FloatArray:
        """Return the learning rates of the iterations from `begin` up to `end` of a fit of `total`.

        Parameters
        ----------
        begin, end, total : int
            ``0 <= begin < end <= total``.

        Returns
        -------
        numpy.ndarray of float64, shape (end - begin,)

        Raises
        ------
        TypeError, ValueError
            If `peak` or `warmup` is not a number in its range.

        Examples
        --------
        >>> from cnet.optimizers import LinearRamp
        >>> LinearRamp(0.1, warmup=0.5).rates_between(1, 3, 4).tolist()
        [0.1, 0.1]
        """
        peak = check_number("peak", self.peak, positive=True)
        warmup = check_number("warmup", self.warmup, positive=False)
        if warmup >= 1:
            raise ValueError(f"warmup must be below 1, got {warmup}")
        step = np.arange(begin, end, dtype=np.float64)
        rising = warmup * total
        falls = (total - step) / (total - rising)
        # A tiny warmup makes these infinite, as no warmup does; and a tiny peak may underflow.
        with np.errstate(all="ignore"):
            rises = (step + 1) / rising if rising else np.full(end - begin, np.inf)
            rates: FloatArray = peak * np.minimum(np.minimum(rises, falls), 1.0)
        return rates
