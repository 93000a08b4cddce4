"""The learning rates of a fit, computed a piece at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .schedule_base import CHUNK, Schedule
from .schedules import LinearRamp

__all__ = ["Rates"]

FloatArray = npt.NDArray[np.float64]


class Rates:
    """The learning rate of each iteration of one fit: a constant, times a schedule's factors, or a ramp.

    At most `CHUNK` of them are in memory at a time, however long the fit is. The first ones are computed at once, so
    that a schedule that cannot serve this fit is refused before the fit begins.

    Parameters
    ----------
    learning_rate : float or LinearRamp
    schedule : Schedule or None
    total : int
        The number of iterations of the fit.

    Raises
    ------
    TypeError, ValueError
        If a schedule does not go with so many iterations, or gives what is no rate; later also by `between`, for the
        iterations that come later.
    """

    def __init__(self, learning_rate: float | LinearRamp, schedule: Schedule | None, total: int) -> None:
        self._learning_rate, self._schedule, self._total = learning_rate, schedule, total
        self._begin = 0
        self._chunk = self._compute(0)

    def between(self, begin: int, end: int) -> FloatArray:
        """Return the rates from iteration `begin` on: up to `end`, or fewer where a chunk ends.

        `begin` does not go back behind the last one.
        """
        if begin >= self._begin + len(self._chunk):
            self._chunk = self._compute(begin)
            self._begin = begin
        return self._chunk[begin - self._begin : end - self._begin]

    def explain(self, iteration: int) -> str:
        """Say which rate an iteration of the chunk at hand has."""
        rate = self._chunk[iteration - self._begin]
        if self._schedule is None:
            return f"learning_rate = {rate:g}"
        return f"learning_rate = {self._learning_rate:g}, which schedule makes {rate:g} there"

    def _compute(self, begin: int) -> FloatArray:
        end = min(begin + CHUNK, self._total)
        if isinstance(self._learning_rate, LinearRamp):
            return self._learning_rate.rates_between(begin, end, self._total)
        if self._schedule is None:
            return np.full(end - begin, self._learning_rate)
        factors = self._schedule.factors_between(begin, end, self._total)
        with np.errstate(all="ignore"):
            rates: FloatArray = self._learning_rate * factors
        if not np.isfinite(rates).all():
            wrong = int(np.argmin(np.isfinite(rates)))
            raise ValueError(
                f"schedule gives the factor {factors[wrong]:g} at iteration {begin + wrong}, which makes learning_rate "
                f"= {self._learning_rate:g} infinite; give factors around 1"
            )
        return rates
