"""Handwritten digits that are drawn here, so that everything runs without a download."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..rng import as_key

__all__ = ["make_digits"]

Tables = tuple[npt.NDArray[np.float64], npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]]

PIXELS = 784
# The number of images between two checks for signals.
CHUNK = 4000


def make_digits(
    n_samples: int, *, flatten: bool = True, rng: int | np.random.Generator | None = None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Draw handwritten digits as MNIST has them: white on black, centred by mass.

    Strokes of several handwritings for each digit are bent, slanted, turned, stretched
    and drawn with a pen of varying width into a box of 20 x 20 pixels.

    Parameters
    ----------
    n_samples : int
        The number of images.
    flatten : bool, default True
        Images as rows of 784 pixels, or as (1, 28, 28).
    rng : None, int or numpy.random.Generator
        A seed gives the same images everywhere; image i does not depend on `n_samples`.

    Returns
    -------
    x : numpy.ndarray of uint8, shape (n_samples, 784) or (n_samples, 1, 28, 28)
        Pixels from 0 (black) to 255 (white).
    t : numpy.ndarray of uint8, shape (n_samples,)
        The digits, 0 to 9, each with the same probability.

    Raises
    ------
    TypeError
        If `n_samples` is not an integer, or `rng` not of its types.
    ValueError
        If `n_samples` is negative.
    MemoryError
        If there is not enough memory for `n_samples` images.

    References
    ----------
    .. [1] Yann LeCun, Corinna Cortes and C. J. C. Burges, "The MNIST database of handwritten digits",
       for the conventions.

    Examples
    --------
    >>> from cnet.datasets import make_digits
    >>> x, t = make_digits(5, rng=0)
    >>> x.shape, x.dtype, t.shape
    ((5, 784), dtype('uint8'), (5,))
    """
    from ..core import _digits

    n = _check_n_samples(n_samples)
    key = as_key(rng)
    tables = _tables()
    x = np.empty((n, PIXELS), np.uint8)
    t = np.empty(n, np.uint8)
    for first in range(0, n, CHUNK):
        _digits.draw(*tables, key, first, min(first + CHUNK, n), t, x)
    return (x if flatten else x.reshape(n, 1, 28, 28)), t


def _check_n_samples(n_samples: Any) -> int:
    if isinstance(n_samples, bool | np.bool_):
        raise TypeError(f"n_samples must be an integer, got {n_samples!r}")
    try:
        n = operator.index(n_samples)
    except TypeError:
        raise TypeError(f"n_samples must be an integer, got {type(n_samples).__name__}") from None
    if n < 0:
        raise ValueError(f"n_samples must not be negative, got {n}")
    if n > 2**40:
        raise MemoryError(f"no memory for {n} images")
    return n


def _tables() -> Tables:
    """The skeletons as flat arrays: points, and where strokes, skeletons and digits begin."""
    if not _cache:
        from .strokes import SKELETONS

        points: list[tuple[float, float]] = []
        strokes, skeletons, digits = [0], [0], [0]
        for digit in range(10):
            for skeleton in SKELETONS[digit]:
                for stroke in skeleton:
                    for point in stroke.split():
                        px, py = point.split(",")
                        points.append((int(px) / 100, int(py) / 100))
                    strokes.append(len(points))
                skeletons.append(len(strokes) - 1)
            digits.append(len(skeletons) - 1)
        stroke_starts, skeleton_starts, digit_starts = (
            np.array(table, np.int32) for table in (strokes, skeletons, digits)
        )
        _cache.append((np.array(points), stroke_starts, skeleton_starts, digit_starts))
    return _cache[0]


_cache: list[Tables] = []
