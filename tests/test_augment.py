"""Distorted images: against SciPy, against the reference, in fits, at any number of threads, and refused by name."""

import numpy as np
import pytest

import cnet
from cnet import reference
from cnet.augment import Distort
from cnet.core import _dispatch
from cnet.core._augment import distort_rows
from cnet.core._inputs import CompressedRows
from cnet.core._trainer import Trainer
from cnet.options import FitOptions
from cnet.reference.random_numbers import words
from cnet.rng import as_key

KEY = as_key(5)
SHAPES = [(28, 28), (9, 31), (20, 6), (1, 7)]
# Each amount alone, all, and numbers other than the defaults.
NONE = {"rotation": 0, "scale": 0, "shear": 0, "shift": 0, "elastic": 0}
AMOUNTS = {
    "nothing": NONE,
    "rotation": NONE | {"rotation": 180},
    "scale": NONE | {"scale": 0.6},
    "shear": NONE | {"shear": 1.5},
    "shift": NONE | {"shift": 5},
    "elastic": NONE | {"elastic": 20, "sigma": 2.5},
    "fine field": NONE | {"elastic": 2, "sigma": 0.4},
    "wide field": NONE | {"elastic": 400, "sigma": 30},
    "all": {},
    "background": {"background": 200},
}


def make_images(n, shape, dtype="uint8", seed=0):
    x = np.random.default_rng(seed).integers(0, 256, (n, shape[0] * shape[1]), dtype=np.uint8)
    return x if dtype == "uint8" else (x / 255).astype(dtype)


def by_scipy(image, key, place, epoch=0, *, rotation=10.0, scale=0.12, shear=0.12, shift=1.0, elastic=34.0, sigma=5.0,
             background=0.0):
    """The distortion of SciPy's functions, by the same random numbers."""
    ndimage = pytest.importorskip("scipy.ndimage")
    own = reference.image_key(key, epoch, place)
    u = words(own, 6, 0, 0).astype(np.uint32).view(np.int32) / 2.0**31
    a = np.deg2rad(rotation) * u[0]
    # From the old image to the new one, in homogeneous coordinates (x, y, 1).
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tilt = np.array([[1, shear * u[3], 0], [0, 1, 0], [0, 0, 1]])
    size = np.diag([1 + scale * u[1], 1 + scale * u[2], 1])
    to_middle, back = np.eye(3), np.eye(3)
    middle = (np.array(image.shape)[::-1] - 1) / 2
    to_middle[:2, 2], back[:2, 2] = -middle, middle + shift * u[4:6]
    inverse = np.linalg.inv(back @ turn @ tilt @ size @ to_middle)
    rows, columns = np.indices(image.shape)
    x, y, _ = np.tensordot(inverse, np.stack([columns, rows, np.ones(image.shape)]), 1)
    for along, noise in zip((x, y), reference.noise(own, image.shape), strict=True):
        along += elastic * ndimage.gaussian_filter(noise, sigma, mode="constant")
    return ndimage.map_coordinates(image.astype(float), [y, x], order=1, mode="grid-constant", cval=background)


@pytest.mark.parametrize("amounts", AMOUNTS)
@pytest.mark.parametrize("isa", _dispatch.available())
def test_images_against_scipy(isa, amounts):
    options = AMOUNTS[amounts]
    former = _dispatch.use(isa)
    try:
        for place, (shape, dtype) in enumerate(zip(SHAPES, ("uint8", "float32", "float64", "uint8"), strict=True)):
            x = make_images(6, shape, dtype)
            found = Distort(**options, image_shape=shape)(x, rng=5)
            assert found.dtype == x.dtype and found.shape == x.shape
            for i in range(6):
                expected = by_scipy(x[i].reshape(shape), KEY, i, **options).ravel()
                # Half a grey level of rounding.
                near = 0.501 if dtype == "uint8" else 2e-4 * max(1, options.get("background", 1))
                np.testing.assert_allclose(found[i], expected, rtol=0, atol=near, err_msg=f"{shape} {place}")
    finally:
        _dispatch.use(former)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("isa", _dispatch.available())
def test_images_against_the_reference(isa, dtype):
    shape, n = (12, 17), 40
    x = make_images(n, shape, dtype)
    t = np.arange(n) % 4
    limits = {1: {"rotation": 0, "scale": 0, "shear": 0, "shift": 0, "elastic": 0}, 2: {"elastic": 90}}
    options = {"cut_out": 5, "background": 3.0, "sigma": 2.0, "limits": limits, "elastic": 8}
    expected = reference.distort(x, KEY, 2, image_shape=shape, labels=t, **options)
    former = _dispatch.use(isa)
    try:
        found = Distort(**options, image_shape=shape)(x, t, rng=5, epoch=2)
        one_hot = Distort(**options, image_shape=shape)(x, np.eye(4)[t], rng=5, epoch=2)
    finally:
        _dispatch.use(former)
    np.testing.assert_array_equal(found, one_hot)
    # Ties between two grey levels may go either way.
    np.testing.assert_allclose(found.astype(float), expected, rtol=0, atol=1.001 if dtype == "uint8" else 1e-3)
    assert np.mean(abs(found.astype(float) - expected) > 1e-3) < 0.001
    # A class whose limits are 0 keeps its images, outside of the square that is cut out.
    kept = t == 1
    assert np.mean(found[kept] == x[kept]) > 0.8 and np.mean(found[~kept] == x[~kept]) < 0.2


def test_a_square_is_cut_out():
    x = np.full((200, 100), 7, np.uint8)
    found = Distort(**NONE, cut_out=4, background=1)(x, rng=0).reshape(-1, 10, 10)
    for image in found:
        rows, columns = np.nonzero(image == 1)
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert len(rows) == height * width and 2 <= height <= 4 and 2 <= width <= 4
        assert height == 4 or rows.min() == 0 or rows.max() == 9
    # Every pixel now and then.
    assert (found == 1).any(axis=0).all()


def test_a_field_moves_pixels_as_far_as_the_documentation_says():
    """On a ramp, whose pixels tell where they come from."""
    ramp = np.tile(np.arange(61.0), (61, 1)).ravel()
    found = Distort(**NONE | {"elastic": 34})(np.tile(ramp, (300, 1)), rng=0)
    moves = (found - ramp).reshape(-1, 61, 61)[:, 25:36, 25:36]
    assert moves.std() == pytest.approx(34 / (5 * np.sqrt(12 * np.pi)), rel=0.1)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_the_same_images_at_any_number_of_threads(dtype):
    x = make_images(400, (20, 20), dtype)
    first, *others = (Distort()(x, rng=1, n_threads=n) for n in (1, 2, 5))
    for other in others:
        assert first.tobytes() == other.tobytes()
    # Nor do they depend on the images before them.
    assert Distort()(x[:3], rng=1).tobytes() == first[:3].tobytes()


def test_other_seeds_and_epochs_give_other_images():
    x = make_images(3, (28, 28))
    found = [Distort()(x, rng=rng, epoch=epoch) for rng, epoch in ((0, 0), (1, 0), (0, 1), (None, 0), (None, 0))]
    assert len({each.tobytes() for each in found}) == 5
    assert Distort()(x, rng=np.random.default_rng(3)).tobytes() == Distort()(x, rng=np.random.default_rng(3)).tobytes()


# ---- in fits ---------------------------------------------------------------------

SHAPE, N_OUT = (9, 11), 4


def problem(dtype, n=230):
    rng = np.random.default_rng(1)
    x = make_images(n, SHAPE, dtype)
    x[rng.random(x.shape) < 0.8] = 0
    return x, rng.integers(0, N_OUT, n)


def make_net(first_layer, dtype="float32", hidden=(13, 9)):
    net = cnet.MultiLayerNet(99, list(hidden), N_OUT, dtype=dtype, rng=3)
    net._core.forced_first_layer = first_layer
    return net


def bits(net):
    return b"".join(net.params[name].tobytes() for name in net.params)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("first_layer", ["sparse", "dense"])
@pytest.mark.parametrize("more", [{}, {"averaging": 0.9}, {"optimizer": "adam", "dropout": 0.2, "weighted": True},
                                  {"batch_size": 1100}])
def test_fits_train_with_the_images_that_the_function_gives(dtype, first_layer, more):
    """Two epochs, one by one: the second takes the images, and the order, of epoch 1."""
    more = {"batch_size": 48, **more}
    x, t = problem(dtype, 1201 if more["batch_size"] > 1000 else 230)
    weight = np.arange(len(x)) % 3.0 if more.pop("weighted", False) else None
    augment = Distort(elastic=8, sigma=2, image_shape=SHAPE, limits={2: {"rotation": 90}})
    trained, plain = make_net(first_layer), make_net(first_layer)
    for epoch in range(2):
        common = {"epochs": 1, "sampling": "shuffle", "sample_weight": weight, **more}
        history = trained.fit(x, t, augment=augment, **common)
        order = reference.shuffle_rows(trained.seed, epoch, len(x))
        images = np.empty_like(x)
        images[order] = distort_rows(x[order], t[order].astype(np.int32), augment, trained.seed, epoch, 0)
        other = plain.fit(images, t, **common)
        assert history.loss.tolist() == other.loss.tolist()
        assert bits(trained) == bits(plain)


def expected_of(net, x, t, *, augment, weight=None, **options):
    params = {name: array.copy() for name, array in net.params.items()}
    losses = reference.fit(params, x, t, list(net._core.activations), key=net.seed, sample_weight=weight,
                           augment={"image_shape": SHAPE, **augment}, **options)
    return losses, params


@pytest.mark.parametrize("sampling", ["shuffle", "replacement"])
@pytest.mark.parametrize("augment", [
    {}, {"mixup": 0.4}, {"mixup": 1.0, "limits": {1: {"elastic": 0}}, "cut_out": 3}, {"rotation": 40, "shift": 3},
])
@pytest.mark.parametrize("first_layer", ["sparse", "dense"])
def test_fits_against_the_reference(first_layer, augment, sampling):
    x, t = problem("float64")
    weight = np.arange(len(x)) % 2.0 + 0.5
    net = make_net(first_layer, "float64")
    common = {"iterations": 11, "batch_size": 40, "learning_rate": 0.1, "sampling": sampling}
    losses, params = expected_of(net, x, t, augment={"sigma": 2.0, **augment}, weight=weight, **common)
    history = net.fit(x, t, augment=Distort(sigma=2.0, **augment, image_shape=SHAPE), sample_weight=weight, **common)
    # Places are computed in float32.
    np.testing.assert_allclose(history.loss, losses, rtol=1e-3)
    for name, array in params.items():
        np.testing.assert_allclose(net.params[name], array, rtol=0, atol=1e-4)


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_values_are_mixed_too(loss):
    x, _ = problem("float64")
    values = np.random.default_rng(2).random((len(x), N_OUT))
    t = values / values.sum(axis=1, keepdims=True)
    net = cnet.MultiLayerNet(99, [7], N_OUT, dtype="float64", loss=loss, rng=3)
    common = {"iterations": 9, "batch_size": 50, "learning_rate": 0.01, "sampling": "shuffle"}
    losses, _ = expected_of(net, x, t, augment={"mixup": 0.7}, loss_function=loss, **common)
    history = net.fit(x, t, augment=Distort(mixup=0.7, image_shape=SHAPE), **common)
    np.testing.assert_allclose(history.loss, losses, rtol=1e-3)


def test_shares_of_mixtures_have_the_beta_distribution():
    stats = pytest.importorskip("scipy.stats")
    for alpha in (0.2, 1.0):
        shares, partners = np.array([reference.mixture(key, alpha, 10) for key in range(3000)]).T
        assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 0.01
        assert stats.chisquare(np.bincount(partners.astype(int), minlength=10)).pvalue > 0.01


@pytest.mark.parametrize("first_layer", ["sparse", "dense"])
@pytest.mark.parametrize("more", [
    {}, {"averaging": 0.9}, {"optimizer": "adam", "dropout": 0.3, "input_dropout": 0.1}, {"batch_size": 1100},
    {"mixup": 0.5, "weighted": True},
])
def test_the_same_bits_at_any_number_of_threads(first_layer, more):
    more = dict(more)
    augment = Distort(image_shape=SHAPE, mixup=more.pop("mixup", 0), cut_out=2)
    batch_size = more.pop("batch_size", 37)
    x, t = problem("uint8", 2 * batch_size + 5)
    weight = np.arange(len(x)) % 2.0 if more.pop("weighted", False) else None
    results = []
    for n_threads in (1, 2, 5):
        net = make_net(first_layer, hidden=(40,))
        net.fit(x, t, epochs=3, batch_size=batch_size, n_threads=n_threads, augment=augment, sample_weight=weight,
                **more)
        results.append(bits(net))
    assert results[0] == results[1] == results[2]


def test_a_continued_fit_takes_the_images_that_one_fit_would():
    x, t = problem("uint8")
    whole, parts = make_net("sparse"), make_net("sparse")
    augment = Distort(image_shape=SHAPE)
    whole.fit(x, t, epochs=4, augment=augment)
    parts.fit(x, t, epochs=1, augment=augment)
    parts.fit(x, t, epochs=3, augment=augment)
    assert bits(whole) == bits(parts)


def test_what_is_passed_stays_and_what_validates_is_not_distorted():
    x, t = problem("uint8")
    before = x.copy()
    net = make_net("sparse")
    history = net.fit(x, t, epochs=2, augment=Distort(image_shape=SHAPE), validation_data=(x[:50], t[:50]))
    assert (x == before).all()
    assert history.validation_loss[-1] == net.loss(x[:50], t[:50])


# ---- refused ---------------------------------------------------------------------

WRONG = [
    ({"rotation": -1}, ValueError, "rotation must be finite and not negative"),
    ({"rotation": 181}, ValueError, "rotation must be at most 180 degrees"),
    ({"scale": 1}, ValueError, "scale must be at most 0.99"),
    ({"shear": 11}, ValueError, "shear must be at most 10"),
    ({"shift": float("inf")}, ValueError, "shift must be finite"),
    ({"elastic": "much"}, TypeError, "elastic must be a number"),
    ({"sigma": 0}, ValueError, "sigma must be finite and above 0"),
    ({"cut_out": 2.5}, TypeError, "cut_out must be an integer"),
    ({"cut_out": 2000}, ValueError, "cut_out must be from 0 to 1024"),
    ({"mixup": 1.5}, ValueError, "mixup must be at most 1"),
    ({"mixup": 1e-5}, ValueError, "mixup must be 0, or from 0.01"),
    ({"background": float("nan")}, ValueError, "background must be finite"),
    ({"background": "white"}, TypeError, "background must be a number"),
    ({"background": 1e39}, ValueError, "background must be from"),
    ({"image_shape": 28}, TypeError, "image_shape must be None or"),
    ({"image_shape": (28, 0)}, ValueError, r"image_shape\[1\] must be from 1"),
    ({"limits": {6: 5}}, TypeError, "limits must be a mapping such as"),
    ({"limits": 3}, TypeError, "limits must be a mapping such as"),
    ({"limits": {-1: {"shift": 0}}}, ValueError, "a class in limits must be from 0"),
    ({"limits": {6: {"sigma": 5}}}, ValueError, r"limits\[6\] has 'sigma'; expected some of 'rotation'"),
    ({"limits": {6: {"shift": -5}}}, ValueError, r"limits\[6\]\['shift'\] must be finite and not negative"),
]


@pytest.mark.parametrize(("options", "kind", "problem"), WRONG, ids=str)
def test_wrong_options(options, kind, problem):
    with pytest.raises(kind, match=problem):
        Distort(**options)


def test_wrong_images():
    x = make_images(3, (4, 5))
    for options, arguments, problem in (
        ({}, (x,), "x has 20 columns, which are no square; pass Distort"),
        ({"image_shape": (4, 6)}, (x,), r"20 columns, which are not image_shape = \(4, 6\)"),
        ({"image_shape": (4, 5), "background": 0.5}, (x,), "background must be a whole number from 0 to 255"),
        ({"image_shape": (4, 5), "background": -1}, (x,), "background must be a whole number from 0 to 255"),
        ({}, (x[0],), r"x must have shape \(N, I\)"),
        ({}, (x[:0],), "x holds no images"),
        ({"mixup": 0.5}, (x,), "mixup = 0.5 mixes targets too"),
        ({"limits": {1: {"shift": 0}}}, (x,), "need t, the images' labels"),
        ({"limits": {1: {"shift": 0}}}, (x, [0, 1]), "t must have shape"),
        ({"image_shape": (4, 5)}, (np.full((2, 20), np.nan),), "not finite"),
    ):
        with pytest.raises(ValueError, match=problem):
            Distort(**options)(*arguments)
    with pytest.raises(ValueError, match="image_shape must be at most 1024"):
        Distort()(np.zeros((1, 1025**2), np.uint8))


def test_fits_refuse_what_does_not_go_together():
    x, t = problem("uint8")
    net = make_net("auto")
    before = bits(net)
    for options, kind, problem_ in (
        ({"augment": 10}, TypeError, "augment must be None or a cnet.augment.Distort, got int"),
        ({"augment": Distort}, TypeError, r"write Distort\(\)"),
        ({"augment": Distort()}, ValueError, "x has 99 columns, which are no square"),
        ({"augment": Distort(image_shape=SHAPE), "gradient": "numerical"}, ValueError, "goes without augment"),
    ):
        with pytest.raises(kind, match=problem_):
            net.fit(x, t, **options)
    assert bits(net) == before
    values = cnet.MultiLayerNet(99, [5], 1, loss="squared_error", rng=0)
    with pytest.raises(ValueError, match="limits of an augmentation go with targets that are classes"):
        values.fit(x, t, augment=Distort(image_shape=SHAPE, limits={0: {"shift": 0}}))
    rows = CompressedRows(np.ones(1), np.zeros(1, np.int32), np.array([0, 1]), 99)
    with pytest.raises(ValueError, match="compressed rows cannot hold"):
        Trainer(net._core, rows, np.zeros(1, int), None, FitOptions(batch_size=1, augment=Distort(image_shape=SHAPE)),
                key=0, first_epoch=0, iterations=1)
