"""Images set upright and made equally wide: against NumPy's moments and SciPy's interpolation, and refused by name."""

import copy
import pickle

import numpy as np
import pytest

import cnet
from cnet.preprocess import Normalize

SHAPES = [(28, 28), (9, 14), (20, 6), (1, 7), (7, 1)]
OPTIONS = {
    "deslant": {}, "nothing": {"deslant": False}, "width": {"deslant": False, "width": 5},
    "both": {"width": 4}, "whole": {"width": "all"},
}


def make_images(shape, dtype="uint8", n=6):
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (n, *shape), dtype=np.uint8)
    # Ink in a part of the image, thin and thick, one pixel, and none.
    for i in range(n - 2):
        x[i][rng.random(shape) < 0.15 * i] = 0
        x[i][:, : i * shape[1] // (2 * n)] = 0
    x[-2], x[-1] = 0, 0
    x[-2][shape[0] // 2, shape[1] // 3] = 200
    flat = x.reshape(n, -1)
    return flat if dtype == "uint8" else (flat / 255).astype(dtype)


def by_scipy(image, deslant=True, width=None):
    """One image of floats: the slant by NumPy's weighted covariance, the values by SciPy's interpolation."""
    ndimage = pytest.importorskip("scipy.ndimage")
    r, c = np.indices(image.shape).astype(float)
    ink = [(y, x) for y in range(image.shape[0]) for x in range(image.shape[1]) if image[y, x] > 0]
    if not ink:
        return image.astype(float)
    slant, middle = 0.0, 0.0
    if deslant:
        weights = image.astype(float).ravel()
        covariance = np.cov(np.stack([r.ravel(), c.ravel()]), aweights=weights, bias=True)
        if len({y for y, _ in ink}) > 1:
            slant = max(-1.0, min(1.0, covariance[0, 1] / covariance[0, 0]))
        middle = np.average(r.ravel(), weights=weights)
    source = c
    if width is not None:
        places = [x - slant * (y - middle) for y, x in ink]
        left, right = min(places), max(places)
        source = (left + right) / 2 + (c - (image.shape[1] - 1) / 2) * (right - left + 1) / width
    return ndimage.map_coordinates(image.astype(float), [r, source + slant * (r - middle)], order=1,
                                   mode="grid-constant")


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_against_scipy(shape, option, dtype):
    x, options = make_images(shape, dtype), OPTIONS[option]
    if options.get("width") == "all":
        options = {"width": shape[1]}
    if options.get("width", 0) > shape[1]:
        options = {**options, "width": shape[1]}
    made = Normalize(**options, image_shape=shape)(x)
    expected = np.stack([by_scipy(image.reshape(shape), **options).ravel() for image in x])
    assert made.dtype == x.dtype and made.shape == x.shape
    if dtype == "uint8":
        # Half a grey level, and where a value lies in the middle between two.
        assert np.abs(made - expected).max() <= 0.5 + 1e-9
    else:
        np.testing.assert_allclose(made, expected, atol=1e-6 if dtype == "float32" else 1e-12)


def test_real_digits_come_out_upright_and_equally_wide():
    x, _ = cnet.datasets.make_digits(300, rng=3)

    def leaning(images):
        r, c = (axis.ravel() for axis in np.indices((28, 28)))
        found = []
        for image in images:
            r0, c0 = np.average(r, weights=image), np.average(c, weights=image)
            found.append(np.average((r - r0) * (c - c0), weights=image) / np.average((r - r0) ** 2, weights=image))
        return np.abs(found)

    assert leaning(x).mean() > 0.1
    assert leaning(Normalize()(x)).mean() < 0.005

    def widths(images):
        return np.array([np.ptp(np.flatnonzero(image.any(axis=0))) + 1 for image in images.reshape(-1, 28, 28) > 0])

    before = widths(Normalize()(x))
    # The outermost pixels lie between two columns, and are stretched as all others.
    assert np.isin(widths(Normalize(width=14)(x))[before >= 15], (13, 14, 15, 16)).all()
    assert before.min() < 8 and before.max() > 20


def test_each_row_depends_on_itself_alone():
    x, _ = cnet.datasets.make_digits(300, rng=3)
    for prepare in (Normalize(), Normalize(width=12)):
        for images in (x, (x / 255).astype(np.float32)):
            whole = prepare(images)
            np.testing.assert_array_equal(whole[[5, 200, 299]], np.concatenate(
                [prepare(images[i:i + 1]) for i in (5, 200, 299)]))
            np.testing.assert_array_equal(whole[::-1], prepare(images[::-1]))


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.uint16, np.float16, np.longdouble])
def test_other_numbers_become_float32(dtype):
    x = (make_images((9, 14)) > 100).astype(dtype)
    prepare = Normalize(width=4, image_shape=(9, 14))
    got = prepare(x)
    assert got.dtype == np.float32 and ((got > 0) & (got < 1)).any()
    np.testing.assert_array_equal(got, prepare(x.astype(np.float32)))
    if np.finfo(np.longdouble).max > 1e308 * 10 and dtype is np.longdouble:
        with pytest.raises(ValueError, match="finite"):
            Normalize()(np.full((1, 9), np.longdouble(10) ** 400))


def test_an_object_is_a_value():
    one = Normalize(width=np.int64(14), image_shape=[28, 28])
    assert repr(one) == "Normalize(deslant=True, width=14, image_shape=(28, 28))"
    assert one == Normalize(width=14, image_shape=(28, 28)) != Normalize(width=14)
    for other in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert other == one and hash(other) == hash(one)
    with pytest.raises(AttributeError, match="width"):
        one.width = 5
    assert Normalize()(np.zeros((0, 9))).shape == (0, 9)


BAD = [
    ({"deslant": "yes"}, TypeError, "deslant must be True or False"),
    ({"width": 0}, ValueError, "width must be from 1"),
    ({"width": 1.5}, TypeError, "width must be an integer"), ({"width": "14"}, TypeError, "width must be an integer"),
    ({"width": 2**40}, ValueError, "width must be from 1"), ({"image_shape": 28}, TypeError, "image_shape must be"),
    ({"image_shape": (28,)}, TypeError, "image_shape"),
    ({"image_shape": (28, 0)}, ValueError, "image_shape.1. must be"),
    ({"image_shape": (1e3, 2)}, TypeError, "image_shape.0. must be an integer"),
]


@pytest.mark.parametrize(("options", "error", "message"), BAD)
def test_wrong_arguments_are_refused_by_name(options, error, message):
    with pytest.raises(error, match=message):
        Normalize(**options)


@pytest.mark.parametrize(("options", "x", "error", "message"), [
    ({}, np.zeros(9), ValueError, "x must have shape"),
    ({}, np.zeros((2, 8)), ValueError, "8 columns, which are no square"),
    ({"image_shape": (2, 3)}, np.zeros((2, 9)), ValueError, "which are not image_shape"),
    ({"width": 4}, np.zeros((2, 9)), ValueError, "width must be at most that of the images, 3 pixels, got 4"),
    ({}, -np.ones((2, 9)), ValueError, "not negative"), ({}, np.full((2, 9), np.nan), ValueError, "finite"),
    ({}, np.full((2, 9), "a"), TypeError, "x"), ({}, None, TypeError, "x"),
])
def test_wrong_images_are_refused_by_name(options, x, error, message):
    with pytest.raises(error, match=message):
        Normalize(**options)(x)
