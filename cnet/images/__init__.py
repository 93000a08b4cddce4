"""From a picture of a digit to a row of pixels as MNIST has them.

MNIST's images are white on black, each digit scaled into a box of 20 x 20 pixels with soft
edges, and moved within 28 x 28 so that its centre of mass is in the middle.

References
----------
Yann LeCun, Corinna Cortes and C. J. C. Burges, "The MNIST database of handwritten digits".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from .mnist_form import as_mnist
from .opening import PictureError, grey_picture

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["PictureError", "as_mnist", "read_digit"]


def read_digit(path: str | os.PathLike[str] | BinaryIO | Image) -> npt.NDArray[np.uint8]:
    """Read a picture of one handwritten digit as an image of MNIST's kind.

    Any size up to 50 million pixels; grey, colour, palette, 16 bits or transparent; dark ink on
    light paper, or chalk on a blackboard. Uneven light, a frame or a table around the sheet, ruled
    and squared paper are left out, and the digit may be small. Needs Pillow.

    Parameters
    ----------
    path : str, os.PathLike, binary file or PIL.Image.Image
        A file of PNG, JPEG, BMP, GIF, TIFF, WebP, PNM or, if pillow-heif is installed, HEIC; of
        several frames the first is read. A leading ``~`` is the home folder. A binary file is
        read from its beginning and stays open.

    Returns
    -------
    numpy.ndarray of uint8, shape (784,)
        28 x 28 pixels, row by row, white (255) on black (0), as a network takes them.

    Raises
    ------
    OSError
        If the file cannot be read.
    PictureError
        If it is not a picture of these formats, is damaged, is too large, or shows nothing. It is a
        ValueError.
    TypeError
        If `path` is none of these.
    ModuleNotFoundError
        If Pillow is not installed.

    Notes
    -----
    The format is detected from the file's first bytes, and no other program is ever started. Only the
    parts of the file that hold the first picture are decoded, and they are measured before: reading a
    picture takes at most some 300 MB, whatever the file says.

    Examples
    --------
    >>> import os, tempfile
    >>> from PIL import Image
    >>> from cnet.images import read_digit
    >>> sheet = Image.new("RGB", (300, 200), "ivory")
    >>> sheet.paste("navy", (140, 40, 150, 160))
    >>> row = read_digit(sheet)
    >>> row.shape, row.dtype, int(row.max())
    ((784,), dtype('uint8'), 255)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "one.png")
    ...     sheet.save(path)
    ...     print((read_digit(path) == row).all())
    True
    """
    name, grey = grey_picture(path)
    try:
        return as_mnist(grey)
    except ValueError as error:
        raise PictureError(f"{name}: {error}") from None
