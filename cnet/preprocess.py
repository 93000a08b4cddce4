"""Preprocessing of images: writing that leans set upright, and all digits made equally wide.

A committee's networks may look at the same images in different ways: ``cnet.Committee(networks, [None, Normalize(),
Normalize(width=14)])``. Networks that make different mistakes are what a committee lives on.

Examples
--------
>>> import cnet
>>> from cnet.preprocess import Normalize
>>> x, t = cnet.datasets.make_digits(100, rng=0)
>>> upright = Normalize()(x)
>>> upright.shape, upright.dtype
((100, 784), dtype('uint8'))
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .checks import check_count, check_flag
from .core._arrays import real_array
from .image_shape import check_image_shape, sides_of
from .values import Value

__all__ = ["Normalize"]

Array = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float64]

# Images are worked on so many at a time: what is made of them meanwhile stays in the caches.
ROWS = 128
# The steepest slant that is taken back, in pixels a row: 45 degrees. That of a flat stroke could be anything.
STEEPEST = 1.0


class Normalize(Value):
    """Images set upright, and their ink made equally wide.

    Ink is what is above 0, on a background of 0.

    Parameters
    ----------
    deslant : bool, default True
        Shear each image so that its ink no longer leans: its columns then have no covariance with its rows.
    width : int, optional
        Stretch or narrow each image, after that, so that the box around its ink is so many pixels wide, and stands
        in the middle.
    image_shape : (int, int), optional
        Height and width of the images, whose product is the number of inputs; by default they are square.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range; the message names it.

    Notes
    -----
    Rows stay where they are. With the ink's weights p(r, c), its centre (r0, c0), the slant
    ``s = sum(p (r - r0) (c - c0)) / sum(p (r - r0)^2)``, kept between -1 and 1, and a box that reaches from column a to
    column b once the slant is gone, pixel (r, j) of the new image is taken from the column
    ``(a + b) / 2 + (j - (columns - 1) / 2) (b - a + 1) / width + s (r - r0)`` of row r, between the two pixels there
    (linear interpolation). Without `width` it is ``j + s (r - r0)``. Pixels of uint8 are rounded. An image without ink
    stays as it is.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document recognition",
       Proceedings of the IEEE 86, 1998 (deslanting).
    .. [2] U. Meier, D. C. Cireşan, L. M. Gambardella and J. Schmidhuber, "Better digit recognition with a committee of
       simple neural nets", ICDAR 2011 (one width for all digits).

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.preprocess import Normalize
    >>> leaning = np.array([[0, 0, 9], [0, 9, 0], [9, 0, 0]], np.uint8)
    >>> Normalize()(leaning.reshape(1, 9)).reshape(3, 3)
    array([[0, 9, 0],
           [0, 9, 0],
           [0, 9, 0]], dtype=uint8)
    """

    deslant: bool
    width: int | None
    image_shape: tuple[int, int] | None

    def __init__(
        self, *, deslant: bool = True, width: int | None = None, image_shape: tuple[int, int] | None = None
    ) -> None:
        self._set(
            deslant=check_flag("deslant", deslant),
            width=None if width is None else check_count("width", width, 2**15),
            image_shape=check_image_shape(image_shape),
        )

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Return the images, normalised.

        Parameters
        ----------
        x : array_like, shape (N, I)
            Images, one in each row, as uint8 or floats; floats of other kinds and integers become float32.

        Returns
        -------
        numpy.ndarray, shape (N, I), of the type of `x`
            Each row depends on that row alone.

        Raises
        ------
        TypeError, ValueError
            If `x` is of the wrong type or shape, or holds something negative or not finite.

        Examples
        --------
        >>> import numpy as np
        >>> from cnet.preprocess import Normalize
        >>> image = np.array([[0, 1, 1, 0]], np.uint8)
        >>> Normalize(deslant=False, width=4, image_shape=(1, 4))(image)
        array([[1, 1, 1, 1]], dtype=uint8)
        """
        array = real_array(x, "x")
        if array.dtype not in (np.uint8, np.float32, np.float64):
            # What is between two pixels is no whole number.
            with np.errstate(over="ignore"):
                array = array.astype(np.float32)
        if array.ndim != 2:
            raise ValueError(f"x must have shape (N, I), one image in each row, got {array.shape}")
        height, columns = self.shape_of(array.shape[1])
        if array.dtype != np.uint8 and not (np.isfinite(array).all() and (array >= 0).all()):
            raise ValueError("x must hold finite numbers that are not negative: ink is what is above 0")
        made = np.empty(array.shape, array.dtype)
        for begin in range(0, len(array), ROWS):
            images = array[begin:begin + ROWS].reshape(-1, height, columns).astype(np.float64)
            values = self._normalized(images)
            # Halves to even, as NumPy and compiled code have it.
            made[begin:begin + ROWS] = np.rint(values) if made.dtype == np.uint8 else values
        return made

    def shape_of(self, n_in: int) -> tuple[int, int]:
        """Return height and width of an image of so many pixels.

        Parameters
        ----------
        n_in : int

        Returns
        -------
        tuple of int

        Raises
        ------
        ValueError
            If `image_shape` has another number of pixels, or is None and no square has so many; or if the images are
            narrower than `width`.

        Examples
        --------
        >>> from cnet.preprocess import Normalize
        >>> Normalize().shape_of(784)
        (28, 28)
        """
        height, columns = sides_of(n_in, self.image_shape, "Normalize")
        if self.width is not None and self.width > columns:
            raise ValueError(f"width must be at most that of the images, {columns} pixels, got {self.width}")
        return height, columns

    def _normalized(self, images: FloatArray) -> FloatArray:
        n, height, columns = images.shape
        rows = np.arange(height, dtype=np.float64)
        lean = np.zeros((n, height))
        if self.deslant:
            middle, slant = _slants(images)
            lean = slant[:, None] * (rows - middle[:, None])
        # Where each pixel's value comes from: its column, in the same row.
        source = np.arange(columns) + lean[:, :, None]
        if self.width is not None:
            upright = np.arange(columns) - lean[:, :, None]
            ink = images > 0
            left = np.where(ink, upright, np.inf).min(axis=(1, 2))
            right = np.where(ink, upright, -np.inf).max(axis=(1, 2))
            # An image without ink keeps its columns.
            has_ink = right >= left
            left, right = np.where(has_ink, left, 0), np.where(has_ink, right, columns - 1)
            zoom = np.where(has_ink, (right - left + 1) / self.width, 1)
            away = np.arange(columns) - (columns - 1) / 2
            source = ((left + right) / 2)[:, None, None] + away * zoom[:, None, None] + lean[:, :, None]
        return _between(images, source).reshape(n, -1)


def _slants(images: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The row of each image's centre, and by how many columns a row its ink leans."""
    n, height, columns = images.shape
    r, c = (axis.ravel() for axis in np.indices((height, columns), dtype=np.float64))
    flat = images.reshape(n, -1)
    # Sums of whole numbers, where pixels are uint8: exact. Row by row, so that no other image has a part in them.
    mass, in_r, in_c, in_rc, in_rr = ((flat * by).sum(axis=1) for by in (np.ones_like(r), r, c, r * c, r * r))
    with np.errstate(all="ignore"):
        spread = in_rr - in_r * in_r / mass
        slant = np.where(spread > 0, (in_rc - in_r * in_c / mass) / spread, 0)
        middle = np.where(mass > 0, in_r / mass, 0)
    return middle, np.clip(np.where(np.isfinite(slant), slant, 0), -STEEPEST, STEEPEST)


def _between(images: FloatArray, source: FloatArray) -> FloatArray:
    """The values of rows of pixels at columns that are no whole numbers; there is nothing around an image."""
    columns = images.shape[2]
    padded = np.zeros((*images.shape[:2], columns + 3))
    padded[:, :, 1:-2] = images
    source = np.clip(source, -1, columns)
    left = np.floor(source)
    place = left.astype(np.intp) + 1
    share = source - left
    low = np.take_along_axis(padded, place, axis=2)
    high = np.take_along_axis(padded, place + 1, axis=2)
    values: FloatArray = low + share * (high - low)
    return values
