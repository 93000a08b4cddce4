"""Files from strangers: which are read, which are refused, and what reading takes."""

import io
import os
import pickle
import struct
import subprocess
import sys
import tracemalloc
import zlib

import numpy as np
import pytest

from cnet.images import PictureError, read_digit

Image = pytest.importorskip("PIL.Image")

SHEET = np.full((300, 200), 255, np.uint8)
SHEET[50:250, 90:110] = 0


def encoded(kind, picture=None, **options):
    buffer = io.BytesIO()
    (Image.fromarray(SHEET) if picture is None else picture).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def blank_png(width, height, depth=8, colour=2, samples=3):
    """A file of some 100 kB at most, whatever its size in pixels."""
    packer, left = zlib.compressobj(1), height * (1 + -(-width * samples * depth // 8))
    packed, zeros = [], bytes(1 << 20)
    while left > 0:
        packed.append(packer.compress(zeros[:min(left, len(zeros))]))
        left -= len(zeros)
    packed.append(packer.flush())
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"".join(packed)) + chunk(b"IEND", b"")


def read(data):
    return read_digit(io.BytesIO(data))


def apart(one, other):
    """The largest difference, allowing one pixel in each direction: a centre between two may round either way."""
    image = one.reshape(28, 28)
    steps = [(down, aside) for down in (-1, 0, 1) for aside in (-1, 0, 1)]
    return min(np.abs(np.roll(image, step, axis=(0, 1)).reshape(-1) - other.astype(int)).max() for step in steps)


@pytest.fixture(scope="module")
def expected():
    row = read(encoded("PNG"))
    image = row.reshape(28, 28)
    # A bar of 200 by 20 pixels becomes one of 20 by 2, whose middle is nearest to index 14.
    assert (image[5:25, 14:16] > 200).all() and (image > 100).sum() == 40
    return row.astype(int)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F", "LA"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM"])
def test_formats_and_modes(kind, mode, expected):
    if mode in ("I;16", "I"):
        picture = Image.fromarray(SHEET.astype(np.uint16) * 257).convert(mode)
    elif mode == "LAB":
        picture = Image.fromarray(np.stack([SHEET, SHEET * 0, SHEET * 0], axis=-1), "RGB")
        picture = Image.frombytes("LAB", picture.size, picture.tobytes())
    else:
        picture = Image.fromarray(SHEET).convert(mode)
    try:
        data = encoded(kind, picture)
    except (OSError, KeyError, ValueError):
        pytest.skip(f"Pillow does not write {mode} as {kind}")
    if kind == "PPM" and mode == "F":
        pytest.skip("PFM is not one of the formats")
    assert apart(read(data), expected) < 40


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4", None])
def test_compressed_tiff(compression, expected):
    picture = Image.fromarray(SHEET).convert("1") if compression == "group4" else None
    assert apart(read(encoded("TIFF", picture, compression=compression)), expected) < 40


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG", "WEBP"])
def test_the_first_of_several_frames_is_read(kind, expected):
    other = SHEET.T.copy()
    frames = [Image.fromarray(np.pad(other, ((0, 100), (0, 0)), constant_values=255)[:, :200])] * 3
    data = encoded(kind, save_all=True, append_images=frames)
    assert apart(read(data), expected) < 40


@pytest.mark.parametrize(
    "text",
    [
        b"P2 # a comment\n200 300 255\n", b"P3\n200 300\n# a comment\n255\n", b"P5\n# one\n# two\n200 300\n255\n",
        b"P5 200 300 65535\n", b"P5 200 300 100\n", b"P1\n200 300\n",
    ],
)
def test_kinds_of_pnm(text, expected):
    numbers = SHEET.repeat(3) if text.startswith(b"P3") else SHEET.reshape(-1)
    if text.startswith(b"P1"):
        numbers = numbers == 0
    if text.startswith(b"P5"):
        data = (numbers.astype(">u2") * 257).tobytes() if b"65535" in text else (numbers // 255 * int(
            text.split()[-1])).astype(np.uint8).tobytes()
    else:
        data = b"\n".join(b"%d" % number for number in numbers)
    assert apart(read(text + data), expected) < 40


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_every_orientation_is_turned_upright(kind, orientation):
    # An F-like figure, which is different in all eight positions.
    upright = np.full((240, 180), 255, np.uint8)
    upright[40:200, 60:80] = upright[40:60, 60:140] = upright[110:130, 60:110] = 0
    # How to store a picture so that the viewer's turn brings it upright: Exif 2.3, table of "Orientation".
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.T,
        6: upright.T[::-1], 7: upright.T[::-1, ::-1], 8: upright.T[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(np.ascontiguousarray(stored))
    row = read(encoded(kind, picture, exif=exif))
    assert apart(row, read_digit(Image.fromarray(upright))) < 60


def test_a_file_that_is_open_and_an_image(tmp_path, expected, monkeypatch):
    path = tmp_path / "one.png"
    path.write_bytes(encoded("PNG"))
    with open(path, "rb") as file:
        file.seek(7)
        np.testing.assert_array_equal(read_digit(file), expected)
        assert not file.closed
    with open(path, "rb") as file, Image.open(file) as image:
        np.testing.assert_array_equal(read_digit(image), expected)
        assert image.size == (200, 300)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    np.testing.assert_array_equal(read_digit("~/one.png"), expected)

    class Pipe(io.RawIOBase):
        """Read once, from the beginning."""

        def read(self, n=-1):
            return encoded("PNG")

    np.testing.assert_array_equal(read_digit(Pipe()), expected)


@pytest.mark.parametrize("wrong", [SHEET, b"picture.png", 3, None, io.StringIO("text")])
def test_what_is_no_file(wrong):
    with pytest.raises(TypeError):
        read_digit(wrong)


def test_formats_that_start_programs_or_are_not_listed(tmp_path, monkeypatch):
    program = tmp_path / "gs"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    files = [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n", b"", b"\0" * 100, b"SIMPLE  = ",
        encoded("ICO"), encoded("TGA"), encoded("SGI"), encoded("PCX"), encoded("JPEG2000"), b"<svg/>",
    ]
    for data in files:
        with pytest.raises(PictureError, match="not a picture that can be read"):
            read(data)
    assert not (tmp_path / "started").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(PictureError, match=r"pipe\.png: expected a file"):
        read_digit(tmp_path / "pipe.png")


@pytest.mark.skipif(os.name == "nt", reason="such a name is not allowed here")
def test_a_message_has_no_control_characters(tmp_path):
    path = tmp_path / "a\x1b[31m\n.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"\x1b]0;", b""))
    with pytest.raises(PictureError) as caught:
        read_digit(path)
    assert str(caught.value).isprintable() and r"a\x1b[31m\n.png" in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM"])
def test_damaged_files_give_one_error_or_a_row(kind):
    small = Image.fromarray(SHEET[::5, ::5])
    whole = encoded(kind, small, **({"compression": "tiff_lzw"} if kind == "TIFF" else {}))
    rng = np.random.default_rng(0)
    cuts = [whole[:int(n)] for n in rng.integers(0, len(whole), 40)]
    # Most of what is fatal stands near the beginning or, in TIFF, near the end.
    places = [*range(min(60, len(whole))), *rng.integers(0, len(whole), 60)]
    flips = [whole[:p] + bytes([whole[p] ^ int(rng.integers(1, 256))]) + whole[p + 1:] for p in places]
    results = []
    for data in cuts + flips:
        try:
            results.append(read(data).shape == (784,))
        except PictureError:
            results.append(False)
    assert not all(results[:40])


def bombs():
    """Small files that ask for much."""
    png, jpeg, gif = encoded("PNG"), encoded("JPEG"), encoded("GIF")
    million = zlib.compress(bytes(1 << 20), 9)
    yield "text", png[:33] + chunk(b"zTXt", b"k\0\0" + million) * 3000 + png[33:], True
    yield "profiles", png[:33] + chunk(b"iCCP", b"k\0\0" + million) * 3000 + png[33:], True
    yield "empty chunks", png[:33] + chunk(b"IDAT", b"") * 400_001 + png[33:], False
    yield "comments", jpeg[:2] + b"\xff\xfe\0\2" * 100_000 + jpeg[2:], False
    tags = struct.pack("<H", 5000) + b"".join(struct.pack("<HHII", 1000 + i, 7, 60_000, 0) for i in range(5000))
    exif = b"Exif\0\0II*\0\x08\0\0\0" + tags
    yield "exif", jpeg[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif + jpeg[2:], True
    colours = 13 + (3 << (gif[10] & 7) + 1)
    comment = b"!\xfe" + (b"\xff" + b"x" * 255) * 100_000 + b"\0"
    yield "long comment", gif[:colours] + comment + gif[colours:], True
    tiff = encoded("TIFF")
    start = struct.unpack_from("<I", tiff, 4)[0]
    n = struct.unpack_from("<H", tiff, start)[0]
    entries = tiff[start + 2:start + 2 + 12 * n] + b"".join(
        struct.pack("<HHII", 40_000 + i, 7, 900_000, 0) for i in range(4000))
    directory = struct.pack("<H", n + 4000) + entries + bytes(4)
    yield "tags", tiff[:4] + struct.pack("<I", 1_000_000) + tiff[8:].ljust(999_992, b"\0") + directory, True
    large = encoded("JPEG", Image.new("L", (8000, 6000), 255), progressive=True)
    scan = large[large.rindex(b"\xff\xda"):-2]
    yield "scans", large[:-2] + scan * 500 + b"\xff\xd9", False
    yield "delta", b"BM" + struct.pack("<IHHI", 3078, 0, 0, 1078) + struct.pack(
        "<IiiHHIIiiII", 40, 49_000_000, 1, 1, 8, 1, 2000, 0, 0, 256, 0) + bytes(1024) + b"\0\2\xff\xff" * 500, False
    yield "comment lines", b"P2\n200 300\n255\n" + b"#\n" * 1_500_000, False
    yield "too many pixels", blank_png(9000, 9000), False
    yield "one column", blank_png(1, 40_000_000, 8, 0, 1), False


def test_bombs_are_read_without_what_is_in_them_or_refused(expected):
    for name, data, is_read in bombs():
        if is_read:
            assert apart(read(data), expected) < 40, name
        else:
            with pytest.raises(PictureError):
                read(data)


MEASURE = """
import sys, time, resource
from PIL import Image
import numpy
from cnet.images import PictureError, read_digit
now = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
unit = 1 if sys.platform == "darwin" else 1024
for path in sys.argv[1:]:
    before, start = now(), time.process_time()
    try:
        read_digit(path)
    except PictureError:
        pass
    print((now() - before) * unit / 1e6, time.process_time() - start)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="measures by getrusage")
@pytest.mark.parametrize("depth, colour, samples", [
    pytest.param(8, 2, 3, id="colour"), pytest.param(16, 4, 2, id="deep and transparent", marks=pytest.mark.slow),
    pytest.param(16, 0, 1, id="deep", marks=pytest.mark.slow), pytest.param(1, 0, 1, id="bilevel"),
])
def test_49_million_pixels_take_300_megabytes_and_2_seconds(depth, colour, samples, tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(blank_png(7000, 7000, depth, colour, samples))
    done = subprocess.run([sys.executable, "-c", MEASURE, path], capture_output=True, text=True, check=True)
    megabytes, seconds = map(float, done.stdout.split())
    assert megabytes < 300 and seconds < 4 and done.stderr == ""


@pytest.mark.parametrize("colour, samples", [(2, 3), (6, 4)])
def test_what_takes_too_long_to_unpack_is_refused_from_the_header(colour, samples, tmp_path):
    """Through 392 MB the filters of PNG take 2.6 s, and the picture itself takes only half of that in memory."""
    small = blank_png(60, 60, 16, colour, samples)
    large = small.replace(chunk(b"IHDR", small[16:29]), chunk(b"IHDR", struct.pack(">II", 7000, 7000) + small[24:29]))
    with pytest.raises(PictureError, match=f"its pixels take {98 * samples} MB, at most 250 are allowed"):
        read(large)
    with pytest.raises(PictureError, match="shows nothing"):
        read(small)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="measures by getrusage")
def test_bombs_take_300_megabytes(tmp_path):
    paths = []
    for name, data, _ in bombs():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(data)
    done = subprocess.run([sys.executable, "-c", MEASURE, *paths], capture_output=True, text=True, check=True)
    for path, line in zip(paths, done.stdout.splitlines(), strict=True):
        megabytes, seconds = map(float, line.split())
        assert megabytes < 300 and seconds < 4, path.name


def test_a_length_that_a_chunk_invents_takes_no_memory(tmp_path):
    """Pillow reads as many bytes as a chunk says it has: 2 GB here, of a file of a kilobyte."""
    path = tmp_path / "picture.png"
    whole = bytearray(encoded("PNG"))
    data = whole.index(b"IDAT")
    whole[data - 4] = 0x7F
    path.write_bytes(whole)
    tracemalloc.start()
    try:
        read_digit(path)
    except PictureError:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50 << 20


def test_a_jpeg_without_a_colour():
    whole = bytearray(encoded("JPEG"))
    frame = whole.index(b"\xff\xc0")
    whole[frame + 9] = 0
    with pytest.raises(PictureError, match="damaged picture"):
        read(bytes(whole))
