"""What all schedules have in common: a warmup, checked parameters, and their factors by iteration."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from .checks import check_count, check_number
from .values import Value

__all__ = ["CHUNK", "FromFunction", "Schedule", "iterations_of"]

FloatArray = npt.NDArray[np.float64]

# A fit computes its factors for at most this many iterations at once.
CHUNK = 65_536


class Schedule(Value):
    """The base of all schedules: a warmup, and a shape after it."""

    name: ClassVar[str]

    warmup: float

    def __init__(self, **parameters: float) -> None:
        for name, value in parameters.items():
            check = _check_extent if name in ("warmup", "every") else _check_factor
            self._set(**{name: check(name, value)})

    def __call__(self, iteration: int, total: int) -> float:
        """Return the factor of one iteration, as a function passed to fit does.

        Parameters
        ----------
        iteration : int
            From 0 up to `total`.
        total : int
            The number of iterations of the fit.

        Returns
        -------
        float

        Examples
        --------
        >>> from cnet.schedules import Linear
        >>> Linear()(3, 4)
        0.25
        """
        check_count("total", total)
        check_count("iteration", iteration, total - 1, 0)
        return float(self.factors_between(iteration, iteration + 1, total)[0])

    def factors(self, total: int) -> FloatArray:
        """Return the factor of each iteration of a fit.

        Parameters
        ----------
        total : int
            The number of iterations of the fit, at least 1.

        Returns
        -------
        numpy.ndarray of float64, shape (total,)
            None is negative.

        Raises
        ------
        TypeError
            If `total` is not an integer.
        ValueError
            If `total` is below 1, or not more than a `warmup` of so many iterations.

        Examples
        --------
        >>> from cnet.schedules import OneCycle
        >>> OneCycle(warmup=0.5).factors(8).tolist()
        [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]
        """
        total = check_count("total", total)
        begins = range(0, total, CHUNK)
        return np.concatenate([self.factors_between(begin, min(begin + CHUNK, total), total) for begin in begins])

    def factors_between(self, begin: int, end: int, total: int) -> FloatArray:
        """Return the factors of the iterations from `begin` up to `end` of a fit of `total`.

        Parameters
        ----------
        begin, end, total : int
            ``0 <= begin < end <= total``.

        Returns
        -------
        numpy.ndarray of float64, shape (end - begin,)
            The same numbers as in ``factors(total)[begin:end]``.

        Raises
        ------
        ValueError
            If `total` is not more than a `warmup` of so many iterations.

        Examples
        --------
        >>> from cnet.schedules import Linear
        >>> Linear().factors_between(2, 4, 4).tolist()
        [0.5, 0.25]
        """
        rising = iterations_of(self.warmup, total)
        if rising >= total:
            raise ValueError(f"warmup must be shorter than the fit, got {self.warmup} for {total} iterations in all; "
                             "give a share of them, below 1.0")
        step = np.arange(begin, end, dtype=np.float64)
        # A tiny warmup makes these infinite, as no warmup does; and powers may underflow.
        with np.errstate(all="ignore"):
            rises = (step + 1) / rising if rising else np.full(end - begin, np.inf)
            shape = self._shape(np.maximum(step - rising, 0.0), total - rising, total)
            return np.minimum(rises, 1.0) * shape

    def _shape(self, done: FloatArray, after: float, total: int) -> FloatArray:
        """Return the factors where `done` of `after` iterations after the warmup are done, of `total` in all."""
        raise NotImplementedError


class FromFunction(Schedule):
    """A function ``f(iteration, total)`` as a schedule, whose every value is checked."""

    name: ClassVar[str] = "function"

    function: Callable[[int, int], Any]

    def __init__(self, function: Callable[[int, int], Any]) -> None:
        self._set(function=function)

    def factors_between(self, begin: int, end: int, total: int) -> FloatArray:
        """Return what the function returns for the iterations from `begin` up to `end`, of `total`.

        Raises
        ------
        TypeError, ValueError
            If it returns something else than a finite number that is not negative; the error names the iteration.
        """
        return np.array([
            check_number(f"what schedule returns at iteration {step}", self.function(step, total), positive=False)
            for step in range(begin, end)
        ])


def iterations_of(extent: float, total: int) -> float:
    """How many of `total` iterations a share or a whole number of them is."""
    return extent if isinstance(extent, int) else extent * total


def _check_extent(name: str, value: Any) -> float:
    """A share of the iterations as a float, a whole number of them as an int."""
    if not isinstance(value, bool):
        try:
            return check_count(name, operator.index(value), least=0)
        except TypeError:
            # No integer; arrays have __index__ too.
            pass
    share = check_number(name, value, positive=False)
    if share >= 1:
        raise ValueError(f"{name} must be a share of the iterations below 1, or a whole number of them "
                         f"(an int), got {share}")
    return share


def _check_factor(name: str, value: Any) -> float:
    factor = check_number(name, value, positive=False)
    if factor > 1:
        raise ValueError(f"{name} must be at most 1, got {factor}")
    return factor
