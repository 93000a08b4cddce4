"""Box a digit and centre it, as MNIST's images are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .finding import digit_ink

__all__ = ["as_mnist"]

Grey = npt.NDArray[np.float32]

SIDE, BOX = 28, 20
# The centre of mass of MNIST's images lies within half a pixel of this index, in both directions.
CENTRE = 14
# A picture up to this side, or narrower than that, shows the digit and nothing beside it.
SMALL, NARROW = 64, 16
# A larger picture is reduced first: lines and a small digit are told apart at the first size; the
# second is ample for a digit alone.
LARGE, WORKING_SIDE = 1000, 280
# Ink of which the box's border is made, as a share of full ink: what is fainter lies beyond
# the pen's own edge (of 0.04 to 0.4, with this one drawn digits that were enlarged came back best).
SOFT_EDGE = 0.2
# What differs by less than this share of full contrast is an empty sheet.
LEAST_CONTRAST = 0.08
NOTHING = "it shows nothing: there is no digit that stands out from the sheet"


def as_mnist(pixels: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Bring grey pixels of one digit into MNIST's form: box, centre, white on black.

    Parameters
    ----------
    pixels : array_like, shape (H, W)
        Brightness, in any unit. What most of the border has is the background; the digit may
        be darker or lighter.

    Returns
    -------
    numpy.ndarray of uint8, shape (784,)

    Raises
    ------
    TypeError
        If `pixels` does not hold real numbers.
    ValueError
        If `pixels` is not 2-D, is empty, is not finite, or shows nothing.

    Notes
    -----
    Needs Pillow, for the scaling. Brightness of uint8 has the range 0 to 255; of any other type
    the range that is there.

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.images import as_mnist
    >>> sheet = np.full((60, 90), 255, np.uint8)
    >>> sheet[20:40, 30:34] = 0
    >>> row = as_mnist(sheet).reshape(28, 28)
    >>> int(row[14, 14]), int((row > 0).sum(axis=0).max()), int((row > 0).sum(axis=1).max())
    (255, 20, 4)
    """
    image = _checked(pixels)
    if max(image.shape) > SMALL and min(image.shape) >= NARROW:
        ink = digit_ink(_reduced(image, LARGE))
        if ink is None:
            raise ValueError(NOTHING)
    else:
        ink = _ink(_reduced(image, WORKING_SIDE))
    edge = 0 if max(image.shape) <= SIDE else SOFT_EDGE * ink.max()
    rows, columns = np.nonzero(ink > edge)
    box = ink[rows.min():rows.max() + 1, columns.min():columns.max() + 1]
    return _centred(_boxed(box)).reshape(-1)


def _checked(pixels: npt.ArrayLike) -> Grey:
    """Brightness from 0 to 1."""
    array = np.asarray(pixels)
    if array.dtype.kind not in "buif":
        raise TypeError(f"pixels must hold real numbers, got dtype {array.dtype}")
    if array.ndim != 2 or not array.size:
        raise ValueError(f"pixels must have shape (H, W) and not be empty, got {array.shape}")
    if array.dtype == np.uint8:
        return np.asarray(array / np.float32(255), dtype=np.float32)
    wide = array.astype(np.float64)
    if not np.isfinite(wide).all():
        raise ValueError("pixels must be finite")
    low, high = wide.min(), wide.max()
    if high / 2 - low / 2 > np.finfo(np.float64).max / 2:
        # Their difference would overflow.
        wide, low, high = wide / 2, low / 2, high / 2
    return np.asarray((wide - low) / (high - low if high > low else 1), dtype=np.float32)


def _resized(image: Grey, height: int, width: int) -> Grey:
    """Scaled by a triangle filter, which averages where it reduces."""
    if image.shape == (height, width):
        return image
    from PIL import Image

    scaled = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(scaled, dtype=np.float32)


def _reduced(image: Grey, side: int) -> Grey:
    """No larger than is useful."""
    height, width = image.shape
    scale = side / max(height, width)
    if scale >= 1:
        return image
    return _resized(image, max(1, round(height * scale)), max(1, round(width * scale)))


def _ink(image: Grey) -> Grey:
    """How much ink there is on each pixel, 0 to 1; the sheet is exactly 0."""
    if float(image.max() - image.min()) < LEAST_CONTRAST:
        raise ValueError("it shows nothing: all of it has the same brightness")
    ink = _above_sheet(image)
    # A picture no larger than MNIST's has no noise and no dust: its faintest grey is a soft edge.
    small = max(image.shape) <= SIDE
    floor = max(0.5 / 255 if small else 0.04, _noise(ink))
    peak = float(ink.max()) if small else float(np.quantile(ink[ink >= 0.5 * ink.max()], 0.9))
    if peak < max(LEAST_CONTRAST, 1.5 * floor):
        raise ValueError(NOTHING)
    ink = np.where(ink > floor, np.minimum(ink / peak, 1), 0).astype(np.float32)
    return ink if small else _without_specks(ink)


def _above_sheet(image: Grey) -> Grey:
    """How far each pixel stands out from the sheet, on the side where the ink is."""
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    level = float(np.median(border))
    # The ink is what lies further from the sheet: dark on light, or light on dark.
    sign = -1.0 if level - image.min() > image.max() - level else 1.0
    ink = sign * (image - level)
    if np.quantile(border, 0.95) - np.quantile(border, 0.05) > 0.05:
        ink = _evened_out(image, ink, sign)
    return np.asarray(ink, dtype=np.float32)


def _evened_out(image: Grey, ink: Grey, sign: float) -> Grey:
    """Ink above an unevenly lit sheet: above a quadratic surface through what is not ink."""
    height, width = image.shape
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    # Some thousands of pixels tell the surface as well as all of them.
    some = slice(None, None, 1 + image.size // 5000)
    for _ in range(6):
        sheet = ink.reshape(-1)[some] < 0.35 * ink.max()
        if sheet.sum() < 12:
            break
        solution = np.linalg.lstsq(terms[some][sheet], image.reshape(-1)[some][sheet], rcond=None)[0]
        ink = sign * (image - (terms @ solution).reshape(image.shape))
    return ink


def _noise(ink: Grey) -> float:
    """A level that noise on the sheet rarely passes: four standard deviations, told by the median."""
    sheet = ink[ink < 0.35 * ink.max()]
    if not sheet.size:
        return 0.0
    # For a normal distribution the median of the deviations is 0.6745 standard deviations.
    return float(4 * np.median(np.abs(sheet - np.median(sheet))) / 0.6745)


def _without_specks(ink: Grey) -> Grey:
    """Without connected parts that have less than a thirtieth of the largest one's ink."""
    cell = -(-max(ink.shape) // 56)
    height, width = (-(-size // cell) for size in ink.shape)
    padded = np.zeros((height * cell, width * cell), np.float32)
    padded[:ink.shape[0], :ink.shape[1]] = ink
    mass = padded.reshape(height, cell, width, cell).sum(axis=(1, 3))
    parts = _connected(mass > 0)
    weight = np.bincount(parts.reshape(-1), mass.reshape(-1))
    kept = (weight >= weight[1:].max() / 30)[parts] & (parts > 0)
    fine = kept.repeat(cell, axis=0).repeat(cell, axis=1)
    return np.where(fine[:ink.shape[0], :ink.shape[1]], ink, np.float32(0))


def _connected(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """A number above 0 for each part whose cells touch, also by corners; 0 elsewhere."""
    label = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.int64)
    inner = label[1:-1, 1:-1]
    inner[mask] = np.arange(1, int(mask.sum()) + 1)
    while True:
        wide = np.maximum(np.maximum(label[:, :-2], label[:, 1:-1]), label[:, 2:])
        spread = np.maximum(np.maximum(wide[:-2], wide[1:-1]), wide[2:]) * mask
        if (spread == inner).all():
            return spread
        inner[...] = spread


def _boxed(box: Grey) -> Grey:
    """The digit scaled to fit 20 x 20, its proportions kept."""
    height, width = box.shape
    scale = BOX / max(height, width)
    small = _resized(box, max(1, round(height * scale)), max(1, round(width * scale)))
    # Thin strokes fade as they are averaged with the sheet; MNIST's are white at their core.
    return np.asarray(small / small.max(), dtype=np.float32)


def _centred(small: Grey) -> npt.NDArray[np.uint8]:
    """28 x 28 pixels around the centre of mass."""
    field = np.zeros((SIDE, SIDE), np.uint8)
    height, width = small.shape
    mass = float(small.sum())
    middle_row = float(small.sum(axis=1) @ np.arange(height)) / mass
    middle_column = float(small.sum(axis=0) @ np.arange(width)) / mass
    top = int(np.clip(np.floor(CENTRE - middle_row + 0.5), 0, SIDE - height))
    left = int(np.clip(np.floor(CENTRE - middle_column + 0.5), 0, SIDE - width))
    field[top:top + height, left:left + width] = np.rint(small * 255)
    return field
