"""What a network was trained on, and warnings of inputs that look scaled otherwise.

uint8 means pixels, value/255; every other type means plain numbers. Nothing fails where one is meant and the other
given: the network answers, wrongly. So it remembers the kind of inputs that it was last trained on, and the calls
that take inputs warn, once each, of those that hardly fit. Single calls compare in compiled code
(``core._inputs.unlike``), as they must not feel it; a fit, which has more to look for, does so here.
"""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .core._inputs import as_inputs, look_unlike
from .errors import CnetWarning

if TYPE_CHECKING:
    from .core._network import Network

__all__ = ["KINDS", "look_at_fit", "warn_unlike"]

Array = npt.NDArray[Any]

# By the core's numbers (core/_inputs.pxd).
KINDS = ("unknown", "uint8", "floats up to 1", "larger floats")
UNKNOWN, BYTES, UNIT, LARGE = range(4)

# Rows that tell for all, and, where these hold only 0 and 1, values that tell for all.
MOST_ROWS = 1024
MOST_VALUES = 2**20
# Of a short fit as many rows are looked at as it trains with, but so many at least.
LEAST_DRAWS = 64
# A fit on fewer rows is no training but a try: its columns tell nothing.
LEAST_ROWS = 32
# Integers of which some are negative span at least this if they are pixels: as int8, or in a wider type.
LEAST_SPAN = 128
LEAST_WIDE_SPAN = 200
# Columns are better standardised where their spreads differ by more than this, and one reaches that.
SPREAD_RATIO = 1000
SPREAD = 100


def look_at_fit(core: Network, x: Array, validation_x: Array | None, draws: int) -> None:
    """Warn of a fit's inputs if they are probably not what was meant, and note what the network is trained on.

    Parameters
    ----------
    core : Network
        What it was trained on before is compared, and replaced.
    x : numpy.ndarray, shape (N, I)
        Checked inputs.
    validation_x : numpy.ndarray or None
        Checked inputs of the validation data.
    draws : int
        Samples that the fit will train with in all: a short fit is looked at shortly.
    """
    before, sample = core.trained_on, Sample(x, draws)
    kind = sample.kind()
    problems = []
    if _is_unlike(sample.rows, before):
        problems.append(_unlike("x", before))
    if len(x) >= LEAST_ROWS:
        problems += [found for found in (sample.small_bytes(), sample.wrapped(before), sample.uneven()) if found]
    if validation_x is not None and _is_unlike(_some_rows(np.atleast_2d(validation_x), MOST_ROWS), kind):
        problems.append("validation_data: " + _unlike("x", kind))
    if problems:
        _warn(". Also: ".join(problems))
    core.trained_on = kind


def warn_unlike(kind: int) -> None:
    """Warn that the inputs of the call at hand are not like those of `kind`, which the network was trained on."""
    _warn(_unlike("x", kind))


def _is_unlike(x: Array, kind: int) -> bool:
    return kind != UNKNOWN and look_unlike(as_inputs(x, np.float64), kind)


def _unlike(name: str, kind: int) -> str:
    if kind == LARGE:
        return (
            f"{name} is uint8, which means pixels (value/255), but this network was trained on numbers beyond 1: "
            f"pass {name}.astype(np.float32), scaled as the training data were"
        )
    trained = "pixels (uint8, value/255)" if kind == BYTES else "numbers up to 1"
    return (
        f"{name} holds whole numbers from 0 to 255 that are not uint8, but this network was trained on {trained}: "
        f"pass {name}.astype(np.uint8) or {name} / 255"
    )


class Sample:
    """Some rows of a fit's inputs, which tell for all.

    Parameters
    ----------
    x : numpy.ndarray, shape (N, I)
        Real numbers, finite in the rows that the fit will reach.
    draws : int
        Samples that the fit will train with in all.
    """

    def __init__(self, x: Array, draws: int) -> None:
        self.x, self.draws = x, max(LEAST_DRAWS, draws)
        self.rows = _some_rows(x, min(MOST_ROWS, self.draws))
        self.low, self.high = _range(self.rows)
        self.are_bytes = x.dtype.kind == "u" and x.dtype.itemsize == 1

    def kind(self) -> int:
        """The kind of the inputs."""
        if self.are_bytes:
            return BYTES
        if self.low < -1 or self.high > 1:
            return LARGE
        few = self.rows[:LEAST_DRAWS]
        if len(self.rows) == len(self.x) or not (few == np.floor(few)).all():
            return UNIT
        # All zeros and ones: a count that is rarely more is not a number up to 1.
        low, high = _range(_some_rows(self.x, min(MOST_VALUES // self.x.shape[1], self.draws)))
        return LARGE if low < -1 or high > 1 else UNIT

    def small_bytes(self) -> str | None:
        """Columns of 0 and 1, taken for pixels that are all but black."""
        if not self.are_bytes or self.high > 1 or self.x.max() != 1:
            return None
        return (
            "x is uint8, which means pixels (value/255), but none is above 1, from which a network hardly learns: "
            "for columns of 0 and 1 pass x.astype(np.float32)"
        )

    def wrapped(self, before: int) -> str | None:
        """Signed integers that look like pixels from 128 to 255 turned negative, or like pixels less their mean."""
        if self.x.dtype.kind != "i" or self.low >= 0:
            return None
        # Small numbers around 0, as boards of games have them, are meant as they are.
        span = LEAST_SPAN if self.x.dtype.itemsize == 1 else LEAST_WIDE_SPAN
        if before != BYTES and not (-128 <= self.low and self.high <= 255 and self.high - self.low >= span):
            return None
        return (
            f"x holds integers from {self.low:g} to {self.high:g}, which are taken as they are: for pixels pass "
            "x.astype(np.uint8), for other numbers standardise the columns"
        )

    def uneven(self) -> str | None:
        """Columns of very different spread."""
        if self.are_bytes or not self.high - self.low >= SPREAD:
            return None
        with np.errstate(all="ignore"):
            spread = self.rows.max(axis=0).astype(np.float64) - self.rows.min(axis=0).astype(np.float64)
        columns = np.flatnonzero(spread > 0)
        if not columns.size:
            return None
        widest, narrowest = columns[spread[columns].argmax()], columns[spread[columns].argmin()]
        if spread[widest] < SPREAD or not spread[widest] > SPREAD_RATIO * spread[narrowest]:
            return None
        constant = ", without the columns that never change" if columns.size < spread.size else ""
        return (
            f"the columns of x spread very differently (column {widest} over {spread[widest]:.3g}, column {narrowest} "
            f"over {spread[narrowest]:.3g}), from which a network hardly learns: standardise them, "
            f"x = (x - x.mean(axis=0)) / x.std(axis=0){constant}"
        )


def _some_rows(x: Array, most: int) -> Array:
    """At most `most` rows, evenly spread."""
    return x[:: -(-len(x) // max(1, most))]


def _range(x: Array) -> tuple[float, float]:
    """The smallest and the largest value; NaN, which only rows that a fit never reaches may hold, is left out."""
    with np.errstate(all="ignore"):
        low, high = float(x.min()), float(x.max())
        if np.isnan(low):
            low, high = float(np.fmin.reduce(x, axis=None)), float(np.fmax.reduce(x, axis=None))
    return low, high


def _warn(message: str) -> None:
    """Warn at the line outside this package that called it."""
    level, frame = 1, sys._getframe()
    package = __name__.partition(".")[0]
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        frame = frame.f_back
        level += 1
    warnings.warn(message, CnetWarning, stacklevel=level)
