"""Distorted images: an affine map and a smooth field of small moves, both drawn at random."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .random_numbers import philox4x32, words

Array = npt.NDArray[Any]

# The last word of the counter for the key of an image's own numbers.
PURPOSE_AUGMENT = 5
# Within them, the last word again: what they are for.
OF_THE_MAP, OF_THE_FIELD, OF_THE_MIXTURE = 0, 1, 2


def image_key(key: int, epoch: int, place: int) -> int:
    """Return the key of the random numbers of one image.

    Parameters
    ----------
    key, epoch : int
        Of the stream of random numbers.
    place : int
        The image's place in the epoch, from 0.

    Returns
    -------
    int
        64 bits.

    Examples
    --------
    >>> from cnet.reference import image_key
    >>> 0 <= image_key(0, 0, 0) < 2**64, image_key(0, 0, 0) == image_key(0, 0, 1)
    (True, False)
    """
    low, high = (int(word) for word in philox4x32(key, np.array([place]), epoch, PURPOSE_AUGMENT)[0, :2])
    return low | high << 32


def from_minus_one(drawn: Array) -> Array:
    """Turn words into numbers from -1 up to 1: as integers with a sign, over 2**31."""
    return drawn.astype(np.uint32).view(np.int32) / 2.0**31


def noise(image_key: int, shape: tuple[int, int]) -> Array:
    """Draw the noise of one image's field: what moves each pixel to the right, and down.

    Parameters
    ----------
    image_key : int
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    numpy.ndarray of float64, shape (2, height, width)
        From -1 up to 1.

    Examples
    --------
    >>> from cnet.reference import noise
    >>> noise(0, (28, 28)).shape
    (2, 28, 28)
    """
    height, width = shape
    return from_minus_one(words(image_key, 2 * height * width, 0, OF_THE_FIELD)).reshape(2, height, width)


def motion(
    image_key: int, shape: tuple[int, int], rotation: float, scale: float, shear: float, shift: float
) -> tuple[Array, Array]:
    """Draw one image's affine map: where a pixel of the new image comes from.

    Parameters
    ----------
    image_key : int
    shape : tuple of int
        Height and width of the image.
    rotation, scale, shear, shift : float
        The limits: radians, shares, shares, pixels.

    Returns
    -------
    matrix : numpy.ndarray, shape (2, 2)
    offset : numpy.ndarray, shape (2,)
        The pixel (x, y) comes from ``matrix @ (x, y) + offset``.

    Examples
    --------
    >>> from cnet.reference import motion
    >>> matrix, offset = motion(0, (28, 28), 0, 0, 0, 0)
    >>> matrix.tolist(), offset.tolist()
    ([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])
    """
    height, width = shape
    u = from_minus_one(words(image_key, 8, 0, OF_THE_MAP))
    angle, scales, k = rotation * u[0], 1 + scale * u[1:3], shear * u[3]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.linalg.inv(turn @ np.array([[1, k], [0, 1]]) @ np.diag(scales))
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    return matrix, middle - matrix @ (middle + shift * u[4:6])


def smooth(numbers: Array, sigma: float) -> Array:
    """Smooth rows and columns by a Gaussian that ends at 4 sigma, with zeros around them.

    Parameters
    ----------
    numbers : numpy.ndarray, shape (height, width)
    sigma : float
        The standard deviation, in rows and columns.

    Returns
    -------
    numpy.ndarray of float64, shape (height, width)

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import smooth
    >>> smooth(np.eye(3), 0.5).round(2).tolist()
    [[0.63, 0.17, 0.01], [0.17, 0.64, 0.17], [0.01, 0.17, 0.63]]
    """
    radius = int(4 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        n = numbers.shape[axis]
        whole = np.apply_along_axis(np.convolve, axis, numbers, weights)
        numbers = np.take(whole, np.arange(radius, radius + n), axis)
    return numbers


def bilinear(image: Array, x: Array, y: Array, background: float = 0.0) -> Array:
    """Read an image between its pixels, with background around it.

    Parameters
    ----------
    image : numpy.ndarray, shape (height, width)
    x, y : numpy.ndarray
        Places, in pixels from the first one.
    background : float, default 0

    Returns
    -------
    numpy.ndarray of float64, of the shape of `x`

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import bilinear
    >>> bilinear(np.array([[0, 4], [8, 12]]), np.array([0.5, -0.5]), np.array([0.0, 1.0])).tolist()
    [2.0, 4.0]
    """
    height, width = image.shape
    padded = np.full((height + 3, width + 3), background, np.float64)
    padded[1:-2, 1:-2] = image
    x, y = np.clip(x + 1, 0, width + 1), np.clip(y + 1, 0, height + 1)
    column, row = x.astype(int), y.astype(int)
    right, down = x - column, y - row
    upper = padded[row, column] * (1 - right) + padded[row, column + 1] * right
    lower = padded[row + 1, column] * (1 - right) + padded[row + 1, column + 1] * right
    return np.asarray(upper * (1 - down) + lower * down)


def distort_image(
    image: Array, image_key: int, *, rotation: float = 10.0, scale: float = 0.12, shear: float = 0.12,
    shift: float = 1.0, elastic: float = 34.0, sigma: float = 5.0, cut_out: int = 0, background: float = 0.0,
) -> Array:
    """Distort one image by the numbers of its key.

    Parameters
    ----------
    image : numpy.ndarray, shape (height, width)
        Of uint8, the result is rounded to whole numbers again.
    image_key : int
    rotation, scale, shear, shift, elastic, sigma, cut_out, background : float
        See `cnet.augment.Distort`; the rotation is in degrees.

    Returns
    -------
    numpy.ndarray, shape (height, width), of the type of `image`

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import distort_image
    >>> distort_image(np.eye(4), 0, rotation=0, scale=0, shear=0, shift=0, elastic=0).tolist() == np.eye(4).tolist()
    True
    """
    height, width = image.shape
    matrix, offset = motion(image_key, image.shape, np.deg2rad(rotation), scale, shear, shift)
    rows, columns = np.mgrid[:height, :width]
    x = matrix[0, 0] * columns + matrix[0, 1] * rows + offset[0]
    y = matrix[1, 0] * columns + matrix[1, 1] * rows + offset[1]
    if elastic > 0:
        right, down = noise(image_key, image.shape)
        x, y = x + elastic * smooth(right, sigma), y + elastic * smooth(down, sigma)
    values = bilinear(image, x, y, background)
    if image.dtype == np.uint8:
        values = np.floor(values + 0.5)
    if cut_out:
        drawn = words(image_key, 8, 0, OF_THE_MAP)[6:]
        top, left = (int(word) * side >> 32 for word, side in zip(drawn, image.shape, strict=True))
        top, left = top - cut_out // 2, left - cut_out // 2
        values[max(0, top) : max(0, top + cut_out), max(0, left) : max(0, left + cut_out)] = background
    return values.astype(image.dtype)


def distort(
    images: Array, key: int, epoch: int = 0, *, image_shape: tuple[int, int], labels: Array | None = None,
    limits: Mapping[int, Mapping[str, float]] | None = None, first_place: int = 0, **options: Any,
) -> Array:
    """Distort images, each by the numbers of its place in an epoch.

    Parameters
    ----------
    images : numpy.ndarray, shape (N, I)
    key, epoch : int
        Of the stream of random numbers.
    image_shape : tuple of int
        Height and width, whose product is I.
    labels : numpy.ndarray of int, shape (N,), optional
    limits : mapping, optional
        By class, limits that take the place of those of all.
    first_place : int, default 0
        The place of the first image.
    **options : float
        See `distort_image`.

    Returns
    -------
    numpy.ndarray, shape (N, I), of the type of `images`

    References
    ----------
    .. [1] P. Y. Simard, D. Steinkraus and J. C. Platt, "Best practices for convolutional neural networks applied to
       visual document analysis", ICDAR 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import distort
    >>> distort(np.ones((2, 12)), 0, image_shape=(3, 4)).shape
    (2, 12)
    """
    out = np.empty_like(images)
    for i, image in enumerate(images):
        own = dict((limits or {}).get(int(labels[i]), {})) if labels is not None else {}
        out[i] = distort_image(
            image.reshape(image_shape), image_key(key, epoch, first_place + i), **{**options, **own}
        ).ravel()
    return out


def mixture(image_key: int, alpha: float, n_rows: int) -> tuple[float, int]:
    """Draw the share of an image in its mixture with another one, and the number of that.

    Parameters
    ----------
    image_key : int
    alpha : float
        Both parameters of the beta distribution: above 0 and at most 1.
    n_rows : int
        How many images there are.

    Returns
    -------
    share : float
    partner : int

    Notes
    -----
    The other image is distorted by the numbers of the key whose bits are the opposites.

    References
    ----------
    .. [1] M. D. Jöhnk, "Erzeugung von betaverteilten und gammaverteilten Zufallszahlen", Metrika 8, 1964.

    Examples
    --------
    >>> from cnet.reference import mixture
    >>> share, partner = mixture(0, 0.5, 100)
    >>> 0 <= share <= 1, 0 <= partner < 100
    (True, True)
    """
    for counter in range(10_000):
        drawn = philox4x32(image_key, np.array([counter]), 0, OF_THE_MIXTURE)[0]
        a, b = ((drawn[:2] + 0.5) / 2.0**32) ** (1 / alpha)
        if 0 < a + b <= 1:
            return float(a / (a + b)), int(drawn[2]) * n_rows >> 32
    raise AssertionError("10,000 pairs were refused")


def augmented(
    x: Array, t: Array, sample_weight: Array | None, batch: Array, key: int, epoch: int, first_place: int, *,
    n_out: int, image_shape: tuple[int, int], mixup: float = 0.0,
    limits: Mapping[int, Mapping[str, float]] | None = None, **options: Any,
) -> tuple[Array, Array, Array | None]:
    """Make a mini-batch of distorted, perhaps mixed images, with their targets and weights.

    Parameters
    ----------
    x, t, sample_weight : numpy.ndarray
        All images, targets and weights (or None).
    batch : numpy.ndarray of int, shape (B,)
        The rows of the mini-batch.
    key, epoch, first_place : int
        Of the random numbers; the place of the first row in the epoch.
    n_out : int
        How many outputs there are.
    image_shape : tuple of int
        See `distort`.
    mixup : float, default 0
        Above 0: blend each image, its target and its weight with another one's.
    limits : mapping, optional
        See `distort`.
    **options : float
        See `distort`.

    Returns
    -------
    x : numpy.ndarray, shape (B, I)
    t : numpy.ndarray
        Mixed class indices become rows of probabilities.
    sample_weight : numpy.ndarray, shape (B,), or None

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.reference import augmented
    >>> x, t, weight = augmented(np.ones((5, 4)), np.arange(5), None, np.array([2, 4]), 0, 0, 0, n_out=5,
    ...                          image_shape=(2, 2), mixup=1.0)
    >>> x.shape, t.sum(axis=1).tolist(), weight
    ((2, 4), [1.0, 1.0], None)
    """
    labels = t if limits else None
    shared: dict[str, Any] = {"image_shape": image_shape, "limits": limits, **options}
    images = distort(x[batch], key, epoch, labels=None if labels is None else labels[batch], first_place=first_place,
                     **shared)
    targets, weight = t[batch], None if sample_weight is None else sample_weight[batch]
    if not mixup:
        return images, targets, weight
    classes = t.ndim == 1 and t.dtype.kind in "iu"
    values = np.eye(n_out)[t] if classes else np.asarray(t, np.float64).reshape(len(t), n_out)
    targets = values[batch]
    for i in range(len(batch)):
        own = image_key(key, epoch, first_place + i)
        share, partner = mixture(own, mixup, len(x))
        of_partner = dict((limits or {}).get(int(t[partner]), {})) if limits else {}
        other = distort_image(x[partner].reshape(image_shape), own ^ (2**64 - 1), **{**options, **of_partner}).ravel()
        blended = share * images[i] + (1 - share) * other
        images[i] = np.floor(blended + 0.5) if images.dtype == np.uint8 else blended
        targets[i] = share * targets[i] + (1 - share) * values[partner]
        if weight is not None and sample_weight is not None:
            weight[i] = share * weight[i] + (1 - share) * sample_weight[partner]
    return images, targets, weight
