"""What an augmentation does to images."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from ..augment import Distort
from ..checks import check_count
from .images import ROW_TILES, TILE_INCHES, checked_images, finite, mosaic
from .style import check_axes, fade, ink, new_axes, tidy

__all__ = ["distortions"]


def distortions(
    augment: Distort,
    x: npt.ArrayLike,
    t: npt.ArrayLike | None = None,
    *,
    limit: int = 4,
    times: int = 9,
    rng: int | np.random.Generator | None = 0,
    ax: Axes | None = None,
) -> Axes:
    """Draw images as they are, and beside each what an augmentation makes of it.

    Parameters
    ----------
    augment : cnet.augment.Distort
        With `mixup` 0: what two images make together depends on all the others.
    x : array_like, shape (B, I) or (I,)
        Images, one a row, as `cnet.plots.digits` draws them.
    t : array_like, shape (B,), optional
        Class indices, which limits of single classes need.
    limit : int, default 4
        How many images to draw: the first ones.
    times : int, default 9
        How often to distort each.
    rng : None, int or numpy.random.Generator, default 0
        Of the random numbers; None draws other ones each time.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`, or the new ones.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If there are no images, or `augment` does not fit them.

    Examples
    --------
    >>> import cnet
    >>> import cnet.plots
    >>> x, t = cnet.datasets.make_digits(4, rng=0)
    >>> ax = cnet.plots.distortions(cnet.augment.Distort(), x)
    >>> ax.get_title()
    '4 images, each distorted 9 times'
    """
    if not isinstance(augment, Distort):
        raise TypeError(f"augment must be a cnet.augment.Distort, got {type(augment).__name__}")
    images = checked_images(x)
    count, times = min(check_count("limit", limit), len(images)), check_count("times", times, 100)
    check_axes(ax)
    if not count:
        raise ValueError("x must hold at least one image, got none")
    height, width = augment.shape_of(images.shape[1])
    images = images[:count]
    labels = None if t is None else np.repeat(np.atleast_1d(t)[:count], times)
    made = augment(np.repeat(images, times, axis=0), labels, rng=rng).reshape(count, times, -1)
    # What is drawn has the type of what was made: integers of other kinds became floats.
    shown = finite(np.concatenate([images[:, np.newaxis].astype(made.dtype), made], axis=1))
    gap = max(1, round(0.12 * max(height, width)))
    canvas = mosaic(shown.reshape(-1, height, width), 1 + times, (gap, gap))
    across = TILE_INCHES * ROW_TILES
    ax = new_axes(ax, size=(across, max(2.0, across * canvas.shape[0] / canvas.shape[1] + 0.4)))
    each = "image" if count == 1 else "images, each"
    tidy(ax, f"{count} {each} distorted {times} time{'' if times == 1 else 's'}", "", "", grid=False)
    ax.set_axis_off()
    values = shown.compressed()
    scale = (0, 255) if made.dtype == np.uint8 else (values.min(initial=0), values.max(initial=1))
    options: dict[str, Any] = {"cmap": fade(ax), "norm": Normalize(*scale), "interpolation": "nearest"}
    ax.imshow(canvas, **options)
    # The images as they are stand before a line.
    ax.axvline(gap + width + gap / 2 - 0.5, color=ink(ax), linewidth=0.8)
    return ax
