"""Weights that begin local: each unit of the first layer sees a spot of the image, through a smooth filter."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["local_filters"]

FloatArray = npt.NDArray[np.float64]

# The share of an image's side that a spot's radius has, and the least radius, with which no spot misses all pixels.
RADIUS = 1 / 2.8
LEAST_RADIUS = 2.0
# Middles of spots keep this share of the side away from the border, where images seldom have ink.
BORDER = 1 / 7
# The sum of a unit's squared weights; He's rule has 2. A smooth filter answers strokes the more strongly.
SQUARES = 0.4
# Smoothing along each axis, with a variance of one pixel: no exponential, whose last bit depends on the library.
SMOOTHING = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def local_filters(noise: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Make smooth filters of noise, each within a spot around a random point.

    Parameters
    ----------
    noise : numpy.ndarray of float64, shape (I, H)
        Standard normal numbers; I is the number of pixels of a square image.
    generator : numpy.random.Generator
        Draws where the spots are.

    Returns
    -------
    numpy.ndarray of float64, shape (I, H)

    Notes
    -----
    With s pixels a side, the weight at a distance d from the spot's middle is ``(1 - d**2 / r**2)**2`` times the noise,
    smoothed along both axes by (1, 4, 6, 4, 1) / 16, and 0 beyond the radius ``r = max(s / 2.8, 2)`` pixels; each
    unit's weights are scaled to a sum of squares of 0.4. Middles are drawn evenly from the inner 5/7 of each axis.
    """
    n_pixels, n_units = noise.shape
    side = math.isqrt(n_pixels)
    filters = noise.reshape(side, side, n_units)
    for axis in (0, 1):
        filters = _smoothed(filters, axis)
    lowest, highest = BORDER * side - 0.5, (1 - BORDER) * side - 0.5
    away = np.arange(side)[:, None] - generator.uniform(lowest, highest, (2, 1, n_units))
    radius = max(RADIUS * side, LEAST_RADIUS)
    down, across = (away / radius) ** 2
    inside = np.maximum(1 - (down[:, None] + across), 0)
    filters = (filters * (inside * inside)).reshape(-1, n_units)
    squares = np.add.reduce(filters * filters, axis=0)
    scaled: FloatArray = filters * np.sqrt(SQUARES / squares)
    return scaled


def _smoothed(images: FloatArray, axis: int) -> FloatArray:
    """The images, smoothed along an axis, with zeros around them."""
    side = images.shape[axis]
    widths: list[Any] = [(0, 0)] * images.ndim
    widths[axis] = (2, 2)
    padded = np.moveaxis(np.pad(images, widths), axis, 0)
    total = sum(share * padded[i:i + side] for i, share in enumerate(SMOOTHING))
    return np.moveaxis(np.asarray(total), 0, axis)
