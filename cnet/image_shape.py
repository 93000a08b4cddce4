"""The height and width of images whose pixels stand in rows of an array."""

from __future__ import annotations

import math
from typing import Any

from .checks import check_count, excerpt
from .core._augment import largest_side

__all__ = ["check_image_shape", "sides_of", "square_side"]


def check_image_shape(shape: Any) -> tuple[int, int] | None:
    """`shape` as None or (height, width), or a TypeError or ValueError that names it."""
    if shape is None:
        return None
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise TypeError(f"image_shape must be None or (height, width), got {excerpt(shape)}")
    height, width = (check_count(f"image_shape[{i}]", side, largest_side) for i, side in enumerate(shape))
    return height, width


def square_side(n_in: int, owner: str) -> int:
    """Return the side of a square image of `n_in` pixels.

    Parameters
    ----------
    n_in : int
    owner : str
        What needs such images, for messages.

    Raises
    ------
    ValueError
        If no square has so many pixels.

    Examples
    --------
    >>> square_side(784, "a filter")
    28
    """
    side = math.isqrt(n_in)
    if side * side != n_in:
        raise ValueError(f"{owner} is for square images; no square has {n_in} pixels")
    return side


def sides_of(n_in: int, image_shape: tuple[int, int] | None, owner: str) -> tuple[int, int]:
    """Return height and width of an image of `n_in` pixels; without a shape it is square.

    Parameters
    ----------
    n_in : int
    image_shape : (int, int) or None
    owner : str
        The class whose argument `image_shape` is, for messages.

    Raises
    ------
    ValueError
        If `image_shape` has another number of pixels, or is None and no square has so many.

    Examples
    --------
    >>> sides_of(784, None, "Distort"), sides_of(6, (2, 3), "Distort")
    ((28, 28), (2, 3))
    """
    side = math.isqrt(n_in)
    height, width = (side, side) if image_shape is None else image_shape
    if height * width != n_in:
        told = "no square" if image_shape is None else f"not image_shape = {image_shape}"
        raise ValueError(f"x has {n_in} columns, which are {told}; pass {owner}(image_shape=(height, width)) with "
                         "that many pixels")
    if max(height, width) > largest_side:
        raise ValueError(f"image_shape must be at most {largest_side} pixels high and wide, got {height} x {width}")
    return height, width
