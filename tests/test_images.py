"""From a picture to a row as MNIST has it."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import cnet
from cnet.images import as_mnist, read_digit

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def drawn():
    """Digits as they are drawn, moved to where the picture door puts the centre of mass."""
    x, t = cnet.datasets.make_digits(40, rng=9)
    images = x.reshape(-1, 28, 28)
    centred = [np.roll(image, middle_shift(image), axis=(0, 1)) for image in images]
    return images, np.array(centred).reshape(-1, 784), t


def middle_shift(image):
    """By how many pixels an image has to move so that its centre of mass is nearest to index 14."""
    mass = image.astype(float)
    place = [np.average(np.arange(28), weights=mass.sum(axis=1 - axis)) for axis in (0, 1)]
    return tuple(int(np.floor(14 - where + 0.5)) for where in place)


def distance(one, other):
    """Root of the mean square difference, in shares of the other's own size."""
    return np.linalg.norm(one.astype(float) - other) / np.linalg.norm(other.astype(float))


def distance_but_for_a_step(one, other):
    """The same, allowing one pixel in each direction: a centre of mass may round either way."""
    image = one.reshape(28, 28)
    steps = [(down, aside) for down in (-1, 0, 1) for aside in (-1, 0, 1)]
    return min(distance(np.roll(image, step, axis=(0, 1)).reshape(-1), other) for step in steps)


def saved(pixels, tmp_path, name="digit.png", **options):
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(tmp_path / name, **options)
    return tmp_path / name


@pytest.mark.mnist
def test_mnist_is_left_as_it_is(mnist_dir):
    (x, _), _ = cnet.datasets.load_mnist(normalize=False, data_home=mnist_dir, download=False)
    apart = [np.abs(as_mnist(row.reshape(28, 28)).astype(int) - row).max() for row in x[:1000]]
    assert np.mean(np.array(apart) <= 4) > 0.98


def test_a_drawn_digit_keeps_its_pixels(drawn):
    images, rows, _ = drawn
    for image, row in zip(images, rows, strict=True):
        assert distance(as_mnist(image), row) < 0.03


def blown_up(image, tmp_path):
    return saved(np.asarray(Image.fromarray(image).resize((196, 196), Image.Resampling.BICUBIC)), tmp_path)


def turned_over(image, tmp_path):
    return saved(255 - np.asarray(Image.fromarray(image).resize((300, 300))), tmp_path)


def in_colour(image, tmp_path):
    """Dark blue on cream."""
    share = np.asarray(Image.fromarray(image).resize((280, 280)), dtype=float)[..., None] / 255
    return saved((share * [20, 30, 120] + (1 - share) * [250, 245, 220]).astype(np.uint8), tmp_path)


def shifted(image, tmp_path):
    """In a corner of a wide sheet."""
    sheet = np.full((300, 700), 230, np.uint8)
    digit = np.asarray(Image.fromarray(image).resize((168, 168)), dtype=float)
    sheet[130:298, 510:678] = (230 - digit * 0.8).astype(np.uint8)
    return saved(sheet, tmp_path)


def transparent(image, tmp_path):
    """Black ink on nothing."""
    large = np.asarray(Image.fromarray(image).resize((140, 140)))
    rgba = np.zeros((140, 140, 4), np.uint8)
    rgba[..., 3] = large
    return saved(rgba, tmp_path)


def white_on_nothing(image, tmp_path):
    large = np.asarray(Image.fromarray(image).resize((140, 140)))
    rgba = np.full((140, 140, 4), 255, np.uint8)
    rgba[..., 3] = large
    return saved(rgba, tmp_path)


def sixteen_bits(image, tmp_path):
    large = np.asarray(Image.fromarray(image).resize((140, 140)))
    return saved(65535 - large.astype(np.uint16) * 257, tmp_path)


def palette(image, tmp_path):
    large = Image.fromarray(255 - np.asarray(Image.fromarray(image).resize((280, 280))))
    return saved(large.convert("RGB").quantize(16), tmp_path)


def bilevel(image, tmp_path):
    large = Image.fromarray(image).resize((560, 560))
    return saved(large.point(lambda level: 255 * (level > 127), "1"), tmp_path)


def photograph(image, tmp_path):
    """Unevenly lit paper, noise, a speck of dust, and JPEG."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1:1:600j, -1:1:800j]
    paper = 190 + 35 * x - 20 * y - 15 * x * x
    digit = np.asarray(Image.fromarray(image).resize((448, 448), Image.Resampling.BICUBIC), dtype=float)
    paper[90:538, 200:648] -= digit * 0.5
    paper[20:24, 30:35] -= 80
    noisy = np.clip(paper + rng.normal(0, 4, paper.shape), 0, 255).astype(np.uint8)
    return saved(noisy, tmp_path, "digit.jpg", quality=85)


@pytest.mark.parametrize(
    ("picture", "limit"),
    [
        (blown_up, 0.2), (turned_over, 0.2), (in_colour, 0.2), (shifted, 0.25), (transparent, 0.2),
        (white_on_nothing, 0.2), (sixteen_bits, 0.2), (palette, 0.2), (bilevel, 0.3), (photograph, 0.2),
    ],
)
def test_a_digit_in_any_picture_is_read_as_the_same(picture, limit, drawn, network, tmp_path):
    images, rows, t = drawn
    read = np.array([read_digit(picture(image, tmp_path)) for image in images])
    apart = [distance_but_for_a_step(one, row) for one, row in zip(read, rows, strict=True)]
    assert np.median(apart) < limit
    same = network.predict(read).argmax(axis=1) == network.predict(rows).argmax(axis=1)
    assert same.mean() >= 0.9
    assert (network.predict(read).argmax(axis=1) == t).mean() >= 0.85


def test_a_photograph_turned_by_its_exif_tag_is_upright(drawn, tmp_path):
    images, _, _ = drawn
    upright = 255 - np.asarray(Image.fromarray(images[0]).resize((280, 280)))
    plain = read_digit(saved(upright, tmp_path, "plain.png"))
    # 6: the camera was turned; the viewer has to turn the picture by 90 degrees clockwise.
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = read_digit(saved(np.rot90(upright).copy(), tmp_path, "turned.png", exif=exif))
    np.testing.assert_array_equal(turned, plain)


@pytest.mark.parametrize("shape", [(1000, 3), (3, 1000), (2000, 2000)])
def test_a_line_in_a_sheet_of_any_shape(shape):
    sheet = np.zeros(shape, np.uint8)
    sheet[shape[0] // 2, shape[1] // 2] = 255
    if min(shape) < 10:
        sheet[shape[0] // 3:shape[0] // 2 + 1, shape[1] // 3:shape[1] // 2 + 1] = 255
    else:
        sheet[500:1500, 900:1100] = 255
    row = as_mnist(sheet).reshape(28, 28)
    box = [np.ptp(np.flatnonzero(row.max(axis=axis))) + 1 for axis in (0, 1)]
    assert max(box) == 20 and row.max() == 255


@pytest.mark.parametrize("level", [0, 7, 128, 255])
@pytest.mark.parametrize("shape", [(1, 1), (28, 28), (300, 200)])
def test_an_empty_sheet_is_refused(level, shape, tmp_path):
    path = saved(np.full(shape, level, np.uint8), tmp_path)
    with pytest.raises(ValueError, match=r"digit\.png: it shows nothing"):
        read_digit(path)


def test_an_empty_sheet_of_other_kinds_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    for name, picture in {
        "clear": np.zeros((30, 30, 4), np.uint8),
        "deep": np.full((30, 30), 40_000, np.uint16),
        "noise": (200 + rng.normal(0, 3, (400, 400))).astype(np.uint8),
    }.items():
        with pytest.raises(ValueError, match="it shows nothing"):
            read_digit(saved(picture, tmp_path, f"{name}.png"))


def test_files_that_are_no_pictures(tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        read_digit(tmp_path / "none.png")
    with pytest.raises(OSError, match=str(tmp_path.name)):
        read_digit(tmp_path)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ValueError, match="text.png: not a picture"):
        read_digit(tmp_path / "text.png")
    image = np.zeros((50, 50), np.uint8)
    image[10:40, 20:30] = 255
    whole = saved(image, tmp_path).read_bytes()
    # The last 16 bytes are a checksum and the end mark, without which all pixels are there.
    for length in range(0, len(whole) - 16, 7):
        (tmp_path / "cut.png").write_bytes(whole[:length])
        with pytest.raises(ValueError, match="cut.png: "):
            read_digit(tmp_path / "cut.png")
    for place in range(8, len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        (tmp_path / "flipped.png").write_bytes(damaged)
        try:
            assert read_digit(tmp_path / "flipped.png").shape == (784,)
        except ValueError as error:
            assert "flipped.png: " in str(error)


def test_a_picture_of_too_many_pixels_is_refused(tmp_path, monkeypatch):
    path = saved(np.zeros((100, 100), np.uint8), tmp_path)
    for limit in (6000, 1000):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(ValueError, match="more pixels than is safe"):
            read_digit(path)


@pytest.mark.parametrize(
    ("pixels", "error", "message"),
    [
        ([1, 2], ValueError, "shape"), (np.zeros((2, 2, 3)), ValueError, "shape"),
        (np.zeros((0, 3)), ValueError, "shape"), ([[np.nan, 1]], ValueError, "finite"),
        ([[1j]], TypeError, "real"), ([["a"]], TypeError, "real"), (None, TypeError, "real"),
    ],
)
def test_pixels_that_are_none(pixels, error, message):
    with pytest.raises(error, match=message):
        as_mnist(pixels)


@settings(max_examples=150, deadline=None)
@given(
    npst.arrays(
        st.sampled_from(["u1", "u2", "i4", "f4", "f8", "?"]),
        npst.array_shapes(min_dims=2, max_dims=2, max_side=40),
    )
)
@example(np.array([[5.4e301, -1.797e308]]))
def test_any_pixels_give_a_row_or_an_error(pixels):
    try:
        row = as_mnist(pixels)
    except ValueError:
        return
    assert row.shape == (784,) and row.dtype == np.uint8 and row.max() == 255
    image = row.reshape(28, 28)
    box = [np.ptp(np.flatnonzero(image.max(axis=axis))) + 1 for axis in (0, 1)]
    assert max(box) <= 20
