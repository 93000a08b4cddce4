"""Augmentation: images that are distorted at random, each anew whenever training takes it.

``net.fit(x, t, augment=cnet.augment.Distort())`` turns, scales, shears, shifts and bends the images of every
mini-batch in compiled code, on all threads. A ten-thousandfold repeated image is ten thousand different ones, which is
what made dense networks read MNIST as well as they can.

Examples
--------
>>> import cnet
>>> from cnet.augment import Distort
>>> x, t = cnet.datasets.make_digits(1000, rng=0)
>>> net = cnet.TwoLayerNet(784, 20, 10, rng=0)
>>> history = net.fit(x, t, epochs=2, augment=Distort(rotation=10, elastic=34))
>>> Distort()(x, rng=0).shape
(1000, 784)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .checks import check_count, check_number, excerpt, is_real, listed
from .core._arrays import real_array
from .core._augment import distort_rows, largest_side
from .core._targets import read_labels
from .image_shape import check_image_shape, sides_of
from .rng import as_key
from .values import Value

__all__ = ["Distort"]

Array = npt.NDArray[Any]

# What has a limit of its own for each class, with the largest value and the unit that a message names.
AMOUNTS = {
    "rotation": (180.0, "degrees"),
    "scale": (0.99, "shares of the size"),
    "shear": (10.0, "pixels a pixel"),
    "shift": (1024.0, "pixels"),
    "elastic": (1e6, ""),
}
# SciPy's: a Gaussian ends at so many standard deviations.
TRUNCATE = 4.0


class Distort(Value):
    """Images distorted at random: an affine map, and a smooth field that moves every pixel a little.

    Every amount is drawn anew for every image, evenly between plus and minus its limit. The ink is sheared and scaled,
    turned around the middle and shifted; then every pixel takes its value from where the field says, between the four
    pixels there (bilinear). Nothing is drawn where a limit is 0.

    Parameters
    ----------
    rotation : float, default 10
        The largest angle, in degrees, from 0 to 180.
    scale : float, default 0.12
        How much larger or smaller an image becomes, as a share of its size; width and height are drawn separately.
        From 0 to 0.99.
    shear : float, default 0.12
        How far a row moves against the next one, in pixels, at most 10.
    shift : float, default 1
        How far an image moves to the side and up or down, in pixels, which need not be whole; at most 1,024.
    elastic : float, default 34
        The factor on the smoothed field. Moves have a standard deviation of ``elastic / (sigma * sqrt(12 * pi))``
        pixels in the middle of an image, 1.1 by default.
    sigma : float, default 5
        The standard deviation, in pixels, of the Gaussian that smooths the field: above 0. A small one wrinkles
        strokes, a large one bends whole shapes.
    limits : mapping of int to mapping, optional
        Smaller (or larger) limits for single classes, such as ``{6: {"rotation": 5}, 9: {"rotation": 5}}``, so that a 6
        does not become a 9: of rotation, scale, shear, shift and elastic. It needs labels.
    cut_out : int, default 0
        The side, in pixels, of a square around a random pixel that becomes background.
    mixup : float, default 0
        Blend each image, and its target, with another one's, which is drawn from all: the shares are drawn from the
        beta distribution with both parameters `mixup`, above 0 and at most 1. In `fit` only; targets become
        probabilities or values.
    background : float, default 0
        What lies around an image, in the units of the images: 255 for black on white as uint8.
    image_shape : (int, int), optional
        Height and width of the images, whose product is the number of inputs; by default they are square.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range; the message names it.

    See Also
    --------
    cnet.plots.distortions : Draws what it does to some images.

    Notes
    -----
    A pixel p of the new image comes from ``c + M (p - c - s) + d(p)``, with the middle c, the shift s, the inverse M
    of ``turn . [[1, shear], [0, 1]] . diag(scale_x, scale_y)``, and d, the field: for each direction, uniform numbers
    from -1 to 1 for every pixel, smoothed by a Gaussian that ends at 4 sigma (with zeros around the image), times
    `elastic`. All numbers are drawn by Philox from (key, epoch, place of the image in the epoch), so that an image
    does not depend on threads or on the size of batches. ``cnet.reference.distort`` says it in NumPy.

    References
    ----------
    .. [1] P. Y. Simard, D. Steinkraus and J. C. Platt, "Best practices for convolutional neural networks applied to
       visual document analysis", ICDAR 2003.
    .. [2] D. C. Cireşan, U. Meier, L. M. Gambardella and J. Schmidhuber, "Deep, big, simple neural nets for handwritten
       digit recognition", Neural Computation 22, 2010.
    .. [3] T. DeVries and G. W. Taylor, "Improved regularization of convolutional neural networks with cutout", 2017.
    .. [4] H. Zhang, M. Cisse, Y. N. Dauphin and D. Lopez-Paz, "mixup: beyond empirical risk minimization", ICLR 2018.

    Examples
    --------
    >>> from cnet.augment import Distort
    >>> Distort(rotation=15, limits={6: {"rotation": 5}}).limits
    ((6, (('rotation', 5.0),)),)
    >>> Distort(elastic=0) == Distort(elastic=0.0)
    True
    """

    rotation: float
    scale: float
    shear: float
    shift: float
    elastic: float
    sigma: float
    limits: tuple[tuple[int, tuple[tuple[str, float], ...]], ...]
    cut_out: int
    mixup: float
    background: float
    image_shape: tuple[int, int] | None

    def __init__(
        self,
        *,
        rotation: float = 10.0,
        scale: float = 0.12,
        shear: float = 0.12,
        shift: float = 1.0,
        elastic: float = 34.0,
        sigma: float = 5.0,
        limits: Mapping[int, Mapping[str, float]] | Iterable[Any] | None = None,
        cut_out: int = 0,
        mixup: float = 0.0,
        background: float = 0.0,
        image_shape: tuple[int, int] | None = None,
    ) -> None:
        given = {"rotation": rotation, "scale": scale, "shear": shear, "shift": shift, "elastic": elastic}
        self._set(**{name: _check_amount(name, name, value) for name, value in given.items()})
        self._set(
            sigma=_check_at_most("sigma", check_number("sigma", sigma, positive=True), 1e4, "pixels"),
            limits=_check_limits(limits),
            cut_out=check_count("cut_out", cut_out, largest_side, 0),
            mixup=_check_at_most("mixup", check_number("mixup", mixup, positive=False), 1.0, ""),
            background=_check_background(background),
            image_shape=check_image_shape(image_shape),
        )
        if 0 < self.mixup < 0.01:
            raise ValueError(f"mixup must be 0, or from 0.01 to 1, got {self.mixup}")

    def __call__(
        self, x: npt.ArrayLike, t: npt.ArrayLike | None = None, *, rng: int | np.random.Generator | None = None,
        epoch: int = 0, n_threads: int | None = None,
    ) -> Array:
        """Distort images: what `fit` makes of image i at place i of an epoch.

        Parameters
        ----------
        x : array_like, shape (N, I)
            Images, as uint8 or floats; floats of other kinds and integers become float32.
        t : array_like, shape (N,), optional
            Class indices or one-hot rows, where `limits` ask for them.
        rng : None, int or numpy.random.Generator
            Of the random numbers; None draws a new key.
        epoch : int, default 0
            Another one gives other images.
        n_threads : int, optional
            The most threads to use; the result does not depend on it.

        Returns
        -------
        numpy.ndarray, shape (N, I), of the type of `x`

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong type or shape, or `mixup` is not 0: it needs targets, which only `fit` mixes.

        Examples
        --------
        >>> import cnet
        >>> from cnet.augment import Distort
        >>> x, t = cnet.datasets.make_digits(10, rng=0)
        >>> distorted = Distort()(x, rng=0)
        >>> distorted.dtype, bool((distorted == x).all())
        (dtype('uint8'), False)
        """
        if self.mixup:
            raise ValueError(f"mixup = {self.mixup} mixes targets too, which only fit(augment=...) does; leave it at 0")
        array = real_array(x, "x")
        if array.ndim != 2:
            raise ValueError(f"x must have shape (N, I), one image in each row, got {array.shape}")
        if len(array) == 0:
            raise ValueError("x holds no images: expected at least one row")
        labels = None
        if self.limits:
            if t is None:
                raise ValueError("limits of single classes need t, the images' labels; got None")
            classes = np.asarray(t)
            n_classes = classes.shape[1] if classes.ndim == 2 else 2**31 - 1
            labels = read_labels(t, len(array), n_classes)
        threads = 0 if n_threads is None else check_count("n_threads", n_threads, 256)
        return distort_rows(array, labels, self, as_key(rng), check_count("epoch", epoch, 2**32 - 1, 0), threads)

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
            If `image_shape` has another number of pixels, or is None and no square has so many.

        Examples
        --------
        >>> from cnet.augment import Distort
        >>> Distort().shape_of(784)
        (28, 28)
        """
        return sides_of(n_in, self.image_shape, "Distort")

    def smoothing(self, side: int) -> npt.NDArray[np.float32]:
        """Return the matrix that smooths a row of so many numbers, as SciPy's ``gaussian_filter1d(mode="constant")``.

        Parameters
        ----------
        side : int

        Returns
        -------
        numpy.ndarray of float32, shape (side, side)

        Examples
        --------
        >>> from cnet.augment import Distort
        >>> Distort(sigma=0.5).smoothing(3).astype(float).round(3).tolist()
        [[0.787, 0.106, 0.0], [0.106, 0.787, 0.106], [0.0, 0.106, 0.787]]
        """
        radius = int(TRUNCATE * self.sigma + 0.5)
        weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / self.sigma) ** 2)
        weights /= weights.sum()
        apart = np.subtract.outer(np.arange(side), np.arange(side))
        near = np.where(abs(apart) <= radius, weights[np.clip(apart, -radius, radius) + radius], 0)
        return near.astype(np.float32)

    def table(self) -> npt.NDArray[np.float32]:
        """Return the limits as numbers: those of all classes, then those of each class up to the last in `limits`.

        Returns
        -------
        numpy.ndarray of float32, shape (1 or 2 + the last class, 5)
            Rotation in radians, scale, shear, shift, elastic.

        Examples
        --------
        >>> from cnet.augment import Distort
        >>> Distort(limits={1: {"shift": 2}}).table()[:, 3].tolist()
        [1.0, 1.0, 2.0]
        """
        own = {label: dict(limits) for label, limits in self.limits}
        rows = [[own.get(label, {}).get(name, getattr(self, name)) for name in AMOUNTS]
                for label in range(-1, max(own, default=-1) + 1)]
        table = np.array(rows)
        table[:, 0] = np.deg2rad(table[:, 0])
        return table.astype(np.float32)


def _check_at_most(name: str, value: float, largest: float, unit: str) -> float:
    if value > largest:
        raise ValueError(f"{name} must be at most {largest:g}{' ' * bool(unit)}{unit}, got {value:g}")
    return value


def _check_amount(kind: str, name: str, value: Any) -> float:
    return _check_at_most(name, check_number(name, value, positive=False), *AMOUNTS[kind])


def _check_background(background: Any) -> float:
    # A background may be below 0.
    value = abs(background) if is_real(background) and not isinstance(background, bool | np.bool_) else background
    size = check_number("background", value, positive=False)
    if size > 3e38:
        raise ValueError(f"background must be from -3e38 to 3e38, got {background}")
    return size if background >= 0 else -size


def _check_limits(limits: Any) -> tuple[tuple[int, tuple[tuple[str, float], ...]], ...]:
    """Limits of single classes, by class, as what can be compared and hashed."""
    if limits is None:
        return ()
    problem = f'limits must be a mapping such as {{6: {{"rotation": 5.0}}}}, got {excerpt(limits)}'
    try:
        pairs = {label: dict(of_class) for label, of_class in dict(limits).items()}
    except (TypeError, ValueError):
        raise TypeError(problem) from None
    checked = []
    for label, of_class in pairs.items():
        number = check_count("a class in limits", label, 9999, 0)
        for name in of_class:
            if name not in AMOUNTS:
                raise ValueError(f"limits[{number}] has {excerpt(name)}; expected some of {listed(AMOUNTS)}")
        own = [(name, _check_amount(name, f"limits[{number}][{name!r}]", value)) for name, value in of_class.items()]
        checked.append((number, tuple(sorted(own))))
    return tuple(sorted(checked))
