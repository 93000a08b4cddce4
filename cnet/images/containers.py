"""What a decoder needs of a picture's file, and nothing else of it.

A file from a stranger can hold, beside its picture, text that unpacks to gigabytes, thousands of
tags that all point to the same megabyte, or millions of empty blocks. Each function here walks
through one format's outer structure and returns a `Screened`: a readable view of those parts of the
file that hold the first picture.

References
----------
PNG: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)". GIF: CompuServe, "Graphics
Interchange Format, version 89a". JPEG: ITU-T T.81, annex B. TIFF: Adobe, "TIFF, revision 6.0". WebP:
RFC 9649. Exif: JEITA CP-3451.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["FORMATS", "RefusedError", "Screened", "screened"]

# The file as a whole where a decoder streams it, and where one keeps all of it in memory.
MOST_STREAMED, MOST_KEPT = 320_000_000, 42_000_000
# Blocks of a file: a picture of 50 million pixels in blocks of 8 kB has less than 40,000.
MOST_BLOCKS = 400_000
# Values of one TIFF tag: offsets of strips or tiles, mostly one for each of some thousand rows.
MOST_VALUES = 65_536
FORMATS = "PNG, JPEG, BMP, GIF, TIFF, WebP, PNM and (with pillow-heif) HEIC"


class RefusedError(Exception):
    """No decoder should see this file; the message says why."""


class View(io.RawIOBase):
    """Some stretches of a file, and bytes between them, as one file."""

    def __init__(self, file: BinaryIO, parts: list[bytes | tuple[int, int]]) -> None:
        self._file, self._place, self._ends = file, 0, [0]
        self._parts: list[bytes | tuple[int, int]] = []
        for part in parts:
            size = len(part) if isinstance(part, bytes) else part[1]
            if size:
                self._parts.append(part)
                self._ends.append(self._ends[-1] + size)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = (0, self._place, self._ends[-1])[whence]
        self._place = max(0, start + offset)
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        from bisect import bisect_right

        index = bisect_right(self._ends, self._place) - 1
        if index >= len(self._parts):
            return 0
        part, skip = self._parts[index], self._place - self._ends[index]
        size = min(len(buffer), self._ends[index + 1] - self._place)
        if isinstance(part, bytes):
            data = part[skip:skip + size]
        else:
            self._file.seek(part[0] + skip)
            data = self._file.read(size)
        buffer[:len(data)] = data
        self._place += len(data)
        return len(data)


@dataclass
class Screened:
    """A picture's file as a decoder may see it.

    Attributes
    ----------
    format : str
        Pillow's name of the format.
    file : BinaryIO
        The parts that hold the picture.
    orientation : int
        Exif's number, 1 to 8; 1 is upright.
    bytes_per_pixel : float
        What decoding takes for each pixel beyond Pillow's own picture.
    bytes_besides : int
        What decoding takes besides.
    bytes_unpacked : int
        What the decoder has to go through, where that can be much more than the picture takes; else 0.
    """

    format: str
    file: BinaryIO
    orientation: int = 1
    bytes_per_pixel: float = 0
    bytes_besides: int = 0
    bytes_unpacked: int = 0


def screened(file: BinaryIO, size: int) -> Screened:
    """Look through a file of `size` bytes; `RefusedError` says what is wrong with it."""
    file.seek(0)
    head = file.read(64)
    for accepts, screen, most in _KINDS:
        if accepts(head):
            if size > most:
                raise RefusedError(f"too large: a file of this kind may have {most:,} bytes, this one has {size:,}")
            try:
                return screen(file, size)
            except (struct.error, IndexError, OverflowError):
                raise RefusedError("damaged picture: its structure is damaged") from None
    raise RefusedError(f"not a picture that can be read ({FORMATS})")


def _buffered(file: BinaryIO, parts: list[bytes | tuple[int, int]]) -> BinaryIO:
    return io.BufferedReader(View(file, parts), 1 << 16)


def _png(file: BinaryIO, size: int) -> Screened:
    """The chunks that hold pixels and colours; text, profiles and animations stay behind."""
    parts: list[bytes | tuple[int, int]] = [(0, 8)]
    orientation, place = 1, 8
    width, height, depth, colour = struct.unpack(">IIBB", _exactly(file, 10, 16))
    # Of 16 bits the decoder keeps 8, but its filters go through all of them.
    unpacked = width * height * {2: 3, 4: 2, 6: 4}.get(colour, 1) * depth // 8
    for _ in range(MOST_BLOCKS):
        file.seek(place)
        length, name = struct.unpack(">I4s", _exactly(file, 8))
        if name in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            last = parts[-1]
            whole = min(length + 12, size - place)
            if isinstance(last, tuple) and last[0] + last[1] == place:
                parts[-1] = (last[0], last[1] + whole)
            else:
                parts.append((place, whole))
        elif name == b"eXIf" and length <= 1 << 16:
            orientation = _exif_orientation(file.read(length))
        place += length + 12
        if name == b"IEND" or place + 8 > size:
            return Screened("PNG", _buffered(file, parts), orientation, bytes_unpacked=unpacked)
    raise RefusedError("damaged picture: it has too many chunks")


def _gif(file: BinaryIO, size: int) -> Screened:
    """The first image, with the extension that says which of its colours is transparent."""
    head = _exactly(file, 13, 0)
    place = 13 + (3 << (head[10] & 7) + 1 if head[10] & 0x80 else 0)
    parts: list[bytes | tuple[int, int]] = [(0, place)]
    control: tuple[int, int] | None = None
    blocks = 0

    def after_blocks(place: int) -> int:
        """The place after a row of blocks, each with its length before it."""
        nonlocal blocks
        while True:
            file.seek(place)
            length = file.read(1)
            blocks += 1
            if blocks > MOST_BLOCKS:
                raise RefusedError("damaged picture: it has too many blocks")
            place += 1 + (length[0] if length else 0)
            if not length or not length[0]:
                return min(place, size)

    while True:
        introducer = _exactly(file, 1, place)
        if introducer == b"!":
            end = after_blocks(place + 2)
            if _exactly(file, 2, place) == b"!\xf9":
                control = (place, end - place)
            place = end
        elif introducer == b",":
            flags = _exactly(file, 10, place)[9]
            data = place + 10 + (3 << (flags & 7) + 1 if flags & 0x80 else 0) + 1
            end = after_blocks(data)
            parts += [*([control] if control else []), (place, end - place), b";"]
            return Screened("GIF", _buffered(file, parts))
        elif introducer == b";":
            raise RefusedError("damaged picture: it holds no image")
        else:
            place += 1
            blocks += 1
            if blocks > MOST_BLOCKS:
                raise RefusedError("damaged picture: it has too many blocks")


def _jpeg(file: BinaryIO, size: int) -> Screened:
    """The segments that decoding needs; comments, profiles, thumbnails and later pictures stay behind."""
    parts: list[bytes | tuple[int, int]] = [b"\xff\xd8"]
    orientation, samples, waits, kept = 1, 3.0, False, 0
    place = 2
    for _ in range(10_000):
        mark = _exactly(file, 4, place)
        if mark[0] != 0xFF:
            raise RefusedError("damaged picture: its structure is damaged")
        if mark[1] == 0xFF:
            place += 1
            continue
        length = struct.unpack(">H", mark[2:])[0] + 2
        if mark[1] == 0xDA:
            break
        if mark[1] == 0xE1 and orientation == 1:
            segment = file.read(length - 4)
            if segment[:6] == b"Exif\0\0":
                orientation = _exif_orientation(segment[6:])
        elif 0xC0 <= mark[1] <= 0xCF and mark[1] not in (0xC4, 0xC8, 0xCC):
            frame = _exactly(file, length, place)
            factors = [(frame[i] >> 4) * (frame[i] & 15) for i in range(11, 11 + 3 * frame[9], 3)]
            samples = sum(factors) / max([1, *factors])
            waits = mark[1] in (0xC2, 0xC6, 0xCA, 0xCE)
        # Of the application's segments JFIF's and Adobe's say how colours are meant.
        if not (0xE1 <= mark[1] <= 0xED or mark[1] in (0xEF, 0xFE)):
            parts.append((place, length))
            kept += 1
            if kept > 200:
                raise RefusedError("damaged picture: it has too many segments")
        place += length
    else:
        raise RefusedError("damaged picture: it has too many segments")
    parts.append((place, size - place))
    scans = _count(file, place, b"\xff\xda")
    # A scan goes through the whole picture, however few bytes it has.
    if scans > 40:
        raise RefusedError("damaged picture: it has too many scans")
    # Coefficients of two bytes wait for all scans.
    return Screened("JPEG", _buffered(file, parts), orientation, 2 * samples if waits or scans > 1 else 0)


def _count(file: BinaryIO, place: int, mark: bytes) -> int:
    """How often two bytes stand in the file from a place on."""
    file.seek(place)
    count, before = 0, b""
    while block := file.read(1 << 20):
        block = before + block
        count += block.count(mark)
        before = block[-1:]
    return count


# Tags that decoding needs: sizes, samples, compression, where strips or tiles are, colours.
_TIFF_TAGS = frozenset(
    [256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325, 332, 338, 339,
     347, 529, 530, 531, 532]
)
_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
# None, fax, LZW, JPEG, deflate, PackBits: others may ask for memory by a number in the file.
_TIFF_COMPRESSIONS = frozenset([1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946])


def _tiff(file: BinaryIO, size: int) -> Screened:
    """The first directory's tags for decoding; the directory is written anew, after all else."""
    head = _exactly(file, 16, 0)
    order = "<" if head[:2] == b"II" else ">"
    big = struct.unpack(order + "H", head[2:4])[0] == 43
    word, counter, width = ("Q", "Q", 8) if big else ("I", "H", 4)
    (start,) = struct.unpack_from(order + word, head, 8 if big else 4)
    (entries,) = struct.unpack(order + counter, _exactly(file, struct.calcsize("=" + counter), start))
    if entries > 4096:
        raise RefusedError("damaged picture: it has too many tags")
    entry = struct.Struct(f"{order}HH{word}{width}s")
    table = file.read(entries * entry.size)
    kept: dict[int, bytes] = {}
    values: dict[int, int] = {}
    for tag, kind, count, value in entry.iter_unpack(table[:len(table) // entry.size * entry.size]):
        if tag in _TIFF_TAGS or tag == 274:
            if count > MOST_VALUES or kind not in _TIFF_SIZES:
                raise RefusedError("damaged picture: it has a tag of too many values")
            if count and kind in (3, 4, 16):
                number = order + {3: "H", 4: "I", 16: "Q"}[kind]
                if count * _TIFF_SIZES[kind] <= width:
                    (values[tag],) = struct.unpack_from(number, value)
            if tag != 274:
                kept[tag] = entry.pack(tag, kind, count, value)
    if values.get(259, 1) not in _TIFF_COMPRESSIONS:
        raise RefusedError("a TIFF file of a compression that is not read; save it as PNG")
    orientation = values.get(274, 1)
    # A decoder makes room for a whole strip or tile at once.
    columns = values.get(322, values.get(256, 0))
    rows = values.get(323, min(values.get(278, 1 << 32), values.get(257, 0)))
    besides = columns * rows * values.get(277, 4) * 2
    packed = values.get(259, 1) != 1
    if packed and size > MOST_KEPT:
        raise RefusedError(f"too large: a compressed TIFF may have {MOST_KEPT:,} bytes, this one has {size:,}")
    place = size + (size & 1)
    directory = struct.pack(order + counter, len(kept)) + b"".join(kept[tag] for tag in sorted(kept))
    directory += bytes(width)
    first = (head[:8] if big else head[:4]) + struct.pack(order + word, place)
    parts: list[bytes | tuple[int, int]] = [first, (len(first), size - len(first)), bytes(size & 1), directory]
    return Screened(
        "TIFF", _buffered(file, parts), orientation if 1 <= orientation <= 8 else 1,
        bytes_besides=2 * size + besides if packed else 0,
    )


def _bmp(file: BinaryIO, size: int) -> Screened:
    return Screened("BMP", _buffered(file, [(0, size)]))


def _pnm(file: BinaryIO, size: int) -> Screened:
    """A header without comments before the pixels; plain numbers without comments."""
    head = _exactly(file, min(size, 1 << 16), 0)
    space = rb"(?:\s|#[^\r\n]*[\r\n])+"
    fields = 2 if head[1:2] in b"14" else 3
    match = re.match(rb"(P[1-6])" + (space + rb"(\d{1,9})") * fields + rb"(?:#[^\r\n]*)?\s", head)
    if match is None:
        raise RefusedError("damaged picture: its header is damaged")
    first = b" ".join(match.groups()) + b"\n"
    if head[1:2] in b"123":
        if size > 2_000_000:
            raise RefusedError(f"too large: a plain PNM file may have 2,000,000 bytes, this one has {size:,}")
        file.seek(match.end())
        return Screened("PPM", io.BytesIO(first + re.sub(rb"#[^\r\n]*", b" ", file.read())))
    return Screened("PPM", _buffered(file, [first, (match.end(), size - match.end())]))


def _webp(file: BinaryIO, size: int) -> Screened:
    """All of it: the decoder finds the first frame. Exif's chunk tells the orientation."""
    orientation, place = 1, 12
    for _ in range(1000):
        file.seek(place)
        chunk = file.read(8)
        if len(chunk) < 8:
            break
        name, length = struct.unpack("<4sI", chunk)
        if name == b"EXIF":
            data = file.read(min(length, 1 << 16))
            orientation = _exif_orientation(data[6:] if data[:6] == b"Exif\0\0" else data)
        place += 8 + length + (length & 1)
    # Two canvases of the decoder, and the frame that it hands over.
    return Screened("WEBP", _buffered(file, [(0, size)]), orientation, 13, 2 * size)


def _heic(file: BinaryIO, size: int) -> Screened:
    """All of it; the decoder turns it upright itself."""
    return Screened("HEIF", _buffered(file, [(0, size)]), 1, 12, 2 * size)


def _exactly(file: BinaryIO, n: int, place: int | None = None) -> bytes:
    if place is not None:
        file.seek(place)
    data = file.read(n)
    if len(data) < n:
        raise RefusedError("damaged picture: it ends too early")
    return data


def _exif_orientation(data: bytes) -> int:
    """The orientation that Exif's first directory tells, else 1."""
    try:
        order = {b"II": "<", b"MM": ">"}[data[:2]]
        (start,) = struct.unpack_from(order + "I", data, 4)
        (entries,) = struct.unpack_from(order + "H", data, start)
        for entry in range(min(entries, 5000)):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", data, start + 2 + 12 * entry)
            if tag == 0x0112:
                return value if kind == 3 and 1 <= value <= 8 else 1
    except (struct.error, KeyError):
        # Damaged notes are no reason to refuse a picture.
        pass
    return 1


_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_KINDS: list[tuple[Callable[[bytes], bool], Callable[[BinaryIO, int], Screened], int]] = [
    (lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), _png, MOST_STREAMED),
    (lambda head: head.startswith(b"\xff\xd8\xff"), _jpeg, MOST_STREAMED),
    (lambda head: head.startswith((b"GIF87a", b"GIF89a")), _gif, MOST_STREAMED),
    (lambda head: head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")), _tiff, MOST_STREAMED),
    (lambda head: head.startswith(b"BM"), _bmp, MOST_STREAMED),
    (lambda head: re.match(rb"P[1-6][\s#]", head) is not None, _pnm, MOST_STREAMED),
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", _webp, MOST_KEPT),
    (lambda head: head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS, _heic, MOST_KEPT),
]
