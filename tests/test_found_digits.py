"""A digit is found in a large picture, within frames, on lined paper, in bad light."""

import io

import numpy as np
import pytest

import cnet
from cnet.images import as_mnist, read_digit

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def readable(network):
    """Digits that the network reads right as they are drawn, so that only finding them is tested."""
    x, t = cnet.datasets.make_digits(60, rng=4)
    plain = np.array([as_mnist(row.reshape(28, 28)) for row in x])
    right = np.flatnonzero(network.predict(plain).argmax(axis=1) == t)
    assert right.size >= 45
    return x[right].reshape(-1, 28, 28), t[right]


def paper(rng, height=750, width=1000, level=235.0):
    return np.full((height, width, 3), level + rng.uniform(-15, 10), np.float32)


def write(sheet, digit, rng, least=0.2, most=0.55, colour=(35, 40, 90), margin=0.12):
    """Draw the digit at a random place, of a size from `least` to `most` of the shorter side."""
    height, width = sheet.shape[:2]
    size = int(min(height, width) * rng.uniform(least, most))
    ink = np.asarray(Image.fromarray(digit).resize((size, size), Image.Resampling.BICUBIC), np.float32)[..., None] / 255
    edge = int(margin * min(height, width))
    y, x = rng.integers(edge, height - size - edge + 1), rng.integers(edge, width - size - edge + 1)
    sheet[y:y + size, x:x + size] += ink * 0.9 * (np.array(colour, np.float32) - sheet[y:y + size, x:x + size])


def rule(sheet, rng, upright=False, colour=None):
    """Draw parallel lines from side to side, tilted by up to three degrees."""
    height, width = sheet.shape[:2]
    spacing, thick = rng.uniform(0.05, 0.14) * height, rng.uniform(1, 3.5)
    colour = colour or [(60, 60, 60), (100, 130, 200), (200, 90, 90)][rng.integers(3)]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    along = np.tan(np.deg2rad(rng.uniform(-3, 3)))
    for across in ([y + along * x, x - along * y] if upright else [y + along * x]):
        gap = np.abs((across + rng.uniform(0, spacing)) % spacing - spacing / 2)
        share = np.clip(thick / 2 + 0.5 - gap, 0, 1)[..., None]
        sheet += share * (np.array(colour, np.float32) - sheet)


def surround(sheet, rng, colour, sides=(True,) * 4):
    """Cover some sides, each by up to an eighth."""
    height, width = sheet.shape[:2]
    top, bottom, left, right = (int(on * rng.uniform(0.02, 0.11) * min(height, width)) for on in sides)
    inner = sheet[top:height - bottom, left:width - right].copy()
    sheet[...] = colour
    sheet[top:height - bottom, left:width - right] = inner


def shine(sheet, rng, strength=0.35):
    """Light from one side."""
    height, width = sheet.shape[:2]
    y, x = np.mgrid[-1:1:height * 1j, -1:1:width * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    sheet *= (1 - strength * (0.5 + 0.35 * (np.cos(angle) * x + np.sin(angle) * y)))[..., None].astype(np.float32)


def photographed(sheet, rng, noise=3, quality=85):
    buffer = io.BytesIO()
    noisy = np.clip(sheet + rng.normal(0, noise, sheet.shape), 0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(buffer, "JPEG", quality=quality)
    return buffer


def small(digit, rng):
    sheet = paper(rng, 3000, 4000)
    write(sheet, digit, rng, 112 / 3000, 112 / 3000)
    return Image.fromarray(sheet.astype(np.uint8))


def framed(digit, rng):
    sheet = paper(rng)
    write(sheet, digit, rng)
    surround(sheet, rng, (5, 5, 5))
    return photographed(sheet, rng)


def framed_on_one_side(digit, rng):
    sheet = paper(rng)
    write(sheet, digit, rng)
    surround(sheet, rng, (70, 50, 35), np.eye(4, dtype=bool)[rng.integers(4)])
    shine(sheet, rng)
    return photographed(sheet, rng)


def ruled(digit, rng):
    sheet = paper(rng)
    rule(sheet, rng)
    write(sheet, digit, rng)
    shine(sheet, rng)
    return photographed(sheet, rng)


def squared(digit, rng):
    sheet = paper(rng)
    rule(sheet, rng, upright=True)
    write(sheet, digit, rng, 0.3)
    return photographed(sheet, rng)


def shadowed(digit, rng):
    sheet = paper(rng)
    write(sheet, digit, rng)
    x = np.arange(sheet.shape[1])[None, :, None]
    sheet *= (1 - 0.4 / (1 + np.exp((rng.uniform(200, 800) - x) / 15))).astype(np.float32)
    return photographed(sheet, rng)


def vignetted(digit, rng):
    sheet = paper(rng)
    write(sheet, digit, rng, margin=0.2)
    y, x = np.mgrid[-1:1:750j, -1:1:1000j]
    sheet *= (1 - 0.3 * (x * x + y * y))[..., None].astype(np.float32)
    return photographed(sheet, rng)


def chalk(digit, rng):
    sheet = np.full((750, 1000, 3), (35, 60, 45), np.float32)
    write(sheet, digit, rng, colour=(225, 225, 220))
    surround(sheet, rng, (170, 120, 70))
    return photographed(sheet, rng, noise=6)


def margin_and_holes(digit, rng):
    sheet = paper(rng)
    rule(sheet, rng, colour=(150, 170, 220))
    sheet[:, 90:93] = (200, 70, 70)
    y, x = np.mgrid[0:750, 0:1000]
    for row in (150, 375, 600):
        sheet[(y - row) ** 2 + (x - 40) ** 2 < 150] = 30
    write(sheet, digit, rng, margin=0.15)
    return photographed(sheet, rng)


def noisy(digit, rng):
    sheet = paper(rng)
    write(sheet, digit, rng)
    return photographed(sheet, rng, noise=20, quality=40)


def coloured(digit, rng):
    sheet = paper(rng)
    write(sheet, digit, rng, colour=[(210, 40, 40), (60, 170, 80), (240, 160, 60)][rng.integers(3)])
    return photographed(sheet, rng)


KINDS = [small, framed, framed_on_one_side, ruled, squared, shadowed, vignetted, chalk,
         margin_and_holes, noisy, coloured]


def number_right(picture, readable, network, count, seed):
    images, t = readable
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(images), count, replace=False)
    rows = []
    for image in images[chosen]:
        rows.append(read_digit(picture(image, rng)))
    return int((network.predict(np.array(rows)).argmax(axis=1) == t[chosen]).sum())


@pytest.mark.parametrize("picture", [framed, ruled, squared, chalk])
def test_a_few_digits_are_found(picture, readable, network):
    assert number_right(picture, readable, network, 5, seed=0) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("picture", KINDS)
def test_11_of_12_digits_are_found(picture, readable, network):
    assert number_right(picture, readable, network, 12, seed=1) >= 11
