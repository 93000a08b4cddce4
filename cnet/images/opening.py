"""Open a picture of any kind, from anyone, and bring it down to some grey pixels."""

from __future__ import annotations

import io
import os
import stat
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from ..checks import check_path
from ..open_files import Clamped
from .containers import MOST_KEPT, RefusedError, Screened, screened

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["PictureError", "grey_picture"]

Grey = npt.NDArray[np.float32]

MOST_PIXELS, LONGEST = 50_000_000, 1_000_000
# What decoding a picture may take. With what comes after it, it stays below 300 MB.
MOST_MEMORY = 250_000_000
# A larger picture is reduced by a whole number. A digit of 60 pixels in 4,000 still has 20 of them.
LARGEST_SIDE = 1400
# A PNG's filters take some five seconds for each gigabyte.
MOST_UNPACKED = 250_000_000
# Decoders that are written in Python take some microseconds for each pixel.
SLOW_DECODERS, MOST_SLOW_PIXELS = frozenset(["ppm", "ppm_plain", "bmp_rle", "SGI16"]), 500_000
# How many pixels are converted at once.
STRIP = 1 << 20


class PictureError(ValueError):
    """A file or an image is not a picture that can be read, or shows no digit.

    The message names the file and says why: not one of the formats that are read, damaged, more
    pixels than are read, or nothing on it that stands out.

    Examples
    --------
    >>> import io
    >>> from cnet.images import PictureError, read_digit
    >>> try:
    ...     read_digit(io.BytesIO(b"%!PS-Adobe-3.0 EPSF-3.0"))
    ... except PictureError as error:
    ...     print("not a picture that can be read" in str(error))
    True
    """


def grey_picture(source: Any) -> tuple[str, Grey]:
    """A name for messages, and the brightness from 0 to 255 of a reduced upright picture.

    A name of a file, a binary file or an image of Pillow's.
    """
    try:
        from PIL.Image import Image as PillowImage
    except ImportError:
        raise ModuleNotFoundError('reading pictures needs Pillow: pip install "cnet-nn[cli]"') from None
    if isinstance(source, PillowImage):
        return "image", _of_image(source)
    if hasattr(source, "read"):
        name = printable(str(getattr(source, "name", "picture")))
        return name, _of_file(_seekable(source), name)
    path = check_path("path", source)
    name = printable(path)
    mode = os.stat(path).st_mode
    # Opening a pipe would wait for somebody who writes into it; a device may never end.
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise PictureError(f"{name}: expected a file with a picture, given a pipe or a device")
    with open(path, "rb") as file:
        return name, _of_file(file, name)


def printable(text: str) -> str:
    """The text with escapes for what a terminal would act upon."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def _seekable(file: Any) -> BinaryIO:
    """The file itself, or all of it in memory if it cannot be read twice."""
    if isinstance(file, io.TextIOBase):
        raise TypeError('the file must be open for reading bytes: open(path, "rb")')
    if hasattr(file, "seekable") and hasattr(file, "seek") and file.seekable():
        return cast(BinaryIO, file)
    data = file.read(MOST_KEPT + 1)
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"the file must give bytes, got {type(data).__name__}")
    if len(data) > MOST_KEPT:
        raise PictureError(f"too large: a file that cannot be read twice may have {MOST_KEPT:,} bytes")
    return io.BytesIO(data)


def _of_file(file: BinaryIO, name: str) -> Grey:
    from PIL import Image

    try:
        size = file.seek(0, io.SEEK_END)
        screen = screened(file, size)
    except RefusedError as error:
        raise PictureError(f"{name}: {error}") from None
    if screen.format == "HEIF":
        _register_heif(name)
    try:
        # Pillow asks for as many bytes as a chunk says it has.
        with Image.open(cast(BinaryIO, Clamped(screen.file)), formats=(screen.format,)) as image:
            _check_size(image, screen, name)
            grey = _reduced(image, draft=True)
    except (PictureError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # The program's own limit in Pillow may be lower.
        raise PictureError(f"{name}: the picture has more pixels than is safe to read: {error}") from None
    except Exception as error:
        # Pillow's plugins raise nearly anything on damaged files.
        text = printable(f"{type(error).__name__}: {error}")
        raise PictureError(f"{name}: damaged picture: {text}") from None
    return _upright(grey, screen.orientation)


def _of_image(image: Image) -> Grey:
    if image.width * image.height > MOST_PIXELS or max(image.size) > LONGEST:
        raise PictureError(f"image: {_too_many(image)}")
    if not image.width or not image.height:
        raise PictureError("image: it has no pixels")
    try:
        orientation = int(image.getexif().get(0x0112, 1))
        image.load()
        grey = _reduced(image, draft=False)
    except MemoryError:
        raise
    except Exception as error:
        # An image may be a file that is read only now.
        raise PictureError(f"image: damaged picture: {printable(f'{type(error).__name__}: {error}')}") from None
    return _upright(grey, orientation)


def _register_heif(name: str) -> None:
    try:
        heif = import_module("pillow_heif")
    except ImportError:
        raise PictureError(f"{name}: HEIC pictures need pillow-heif: pip install pillow-heif") from None
    heif.register_heif_opener()


def _check_size(image: Image, screen: Screened, name: str) -> None:
    """Refuse from its header what would take too much memory or time."""
    pixels = image.width * image.height
    if pixels > MOST_PIXELS or max(image.size) > LONGEST:
        raise PictureError(f"{name}: {_too_many(image)}")
    if screen.bytes_unpacked > MOST_UNPACKED:
        raise PictureError(
            f"{name}: the picture is too large for a {screen.format} file of its kind ({image.width:,} x "
            f"{image.height:,}): its pixels take {screen.bytes_unpacked / 1e6:,.0f} MB, at most "
            f"{MOST_UNPACKED / 1e6:,.0f} are allowed; save it smaller, or with 8 bits a colour"
        )
    # JPEG is reduced while it is decoded.
    scale = 0.25 if screen.format == "JPEG" else _bytes_per_pixel(image.mode)
    need = pixels * (scale + screen.bytes_per_pixel) + screen.bytes_besides
    if need > MOST_MEMORY:
        raise PictureError(
            f"{name}: the picture is too large for a {screen.format} file of its kind ({image.width:,} x "
            f"{image.height:,}): decoding it would take {need / 1e6:,.0f} MB, at most {MOST_MEMORY / 1e6:,.0f} are "
            "allowed; save it smaller"
        )
    slow = any(tile[0] in SLOW_DECODERS for tile in getattr(image, "tile", ()))
    if slow and (pixels > MOST_SLOW_PIXELS or image.width > 20_000):
        raise PictureError(
            f"{name}: the picture is too large for a {screen.format} file of its kind ({image.width:,} x "
            f"{image.height:,}, at most {MOST_SLOW_PIXELS:,} pixels); save it as PNG"
        )


def _too_many(image: Image) -> str:
    return (
        f"the picture has more pixels than is safe to read ({image.width:,} x {image.height:,}; at most "
        f"{MOST_PIXELS:,}, and {LONGEST:,} along a side)"
    )


def _bytes_per_pixel(mode: str) -> int:
    return 1 if mode in ("1", "L", "P") else 2 if mode.startswith("I;16") else 4


def _reduced(image: Image, draft: bool) -> Grey:
    """Grey, and no larger than is useful. Large pictures are converted strip by strip."""
    factor = -(-max(image.size) // LARGEST_SIDE)
    if draft and factor > 1:
        # JPEG can leave out detail while it decodes.
        image.draft("L", (max(1, image.width // factor), max(1, image.height // factor)))
    image.load()
    width, height = image.size
    factor = -(-max(width, height) // LARGEST_SIDE)
    rows = factor * max(1, STRIP // (width * factor))
    strips = []
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(height, top + rows))) if rows < height else image
        strip.info.update({key: image.info[key] for key in ("transparency",) if key in image.info})
        strips.append(_light_and_alpha(strip, factor))
    light = np.concatenate([strip[0] for strip in strips])
    if strips[0][1] is None:
        return light
    alpha = np.concatenate([strip[1] for strip in strips if strip[1] is not None])
    visible = float(alpha.sum())
    # What is transparent shows a sheet that contrasts with the ink.
    sheet = 255.0 if visible and float(light.sum()) / visible < 128 else 0.0
    return np.asarray(light + sheet * (1 - alpha), dtype=np.float32)


def _light_and_alpha(image: Image, factor: int) -> tuple[Grey, Grey | None]:
    """Brightness from 0 to 255, times opacity; and opacity from 0 to 1 if there is any transparency."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        deep = _averaged(np.asarray(image).astype(np.float32), factor)
        # PNG's 16 bits, and their fraction of full scale as 8 bits have it.
        return (deep if image.mode == "F" else deep * np.float32(255 / 65535)), None
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        # With brightness already multiplied by opacity, averages are those of what is seen.
        seen = image.convert("LA").convert("La")
        both = np.asarray(seen.reduce(factor) if factor > 1 else seen, dtype=np.float32)
        return both[..., 0], both[..., 1] / np.float32(255)
    grey = image if image.mode == "L" else image.getchannel(0) if image.mode == "LAB" else image.convert("L")
    if factor > 1:
        grey = grey.reduce(factor)
    return np.asarray(grey, dtype=np.float32), None


def _averaged(values: Grey, factor: int) -> Grey:
    """The average of each square of `factor` by `factor` pixels; less at the ends."""
    if factor == 1:
        return values
    for axis in (0, 1):
        begin = np.arange(0, values.shape[axis], factor)
        count = np.diff(np.append(begin, values.shape[axis])).astype(np.float32)
        sums = np.add.reduceat(values, begin, axis=axis)
        values = np.asarray(sums / (count[:, None] if axis == 0 else count), dtype=np.float32)
    return values


def _upright(grey: Grey, orientation: int) -> Grey:
    """Turned and mirrored as Exif's orientation says."""
    if orientation in (5, 6, 7, 8):
        grey = grey.T
    # After the exchange of rows and columns: which of them run the other way.
    if orientation in (3, 4, 7, 8):
        grey = grey[::-1]
    if orientation in (2, 3, 6, 7):
        grey = grey[:, ::-1]
    return np.ascontiguousarray(grey)
