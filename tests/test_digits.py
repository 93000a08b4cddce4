"""Drawn digits: the same everywhere, like MNIST, and worth training on."""

import hashlib
import threading

import numpy as np
import pytest

import cnet
from cnet.core import _digits
from cnet.datasets import digits, load_mnist, make_digits
from cnet.datasets.strokes import SKELETONS

# Of the first 300 digits of seed 2016. Any change in what is drawn must change these
# deliberately: people rely on the same digits for a seed.
GOLDEN_IMAGES = "974dc66dcfdd88efdcc5a58675764db35126c89288fadf625b1d1f75d447842f"
GOLDEN_LABELS = "f543d5d6c71fa0e10cd24b012ae1060e9f1b09fc0d8bf64ffa55c7f554285a21"


def sha256(array):
    return hashlib.sha256(array.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def drawn():
    return make_digits(10_000, rng=0)


def test_golden(isa):
    x, t = make_digits(300, rng=2016)
    assert (sha256(x), sha256(t)) == (GOLDEN_IMAGES, GOLDEN_LABELS)


def test_golden_one_by_one():
    # A chunk of one image each, against the golden hash of all at once.
    x = np.zeros((300, 784), np.uint8)
    t = np.zeros(300, np.uint8)
    key = digits.as_key(2016)
    for i in reversed(range(300)):
        _digits.draw(*digits._tables(), key, i, i + 1, t, x)
    assert (sha256(x), sha256(t)) == (GOLDEN_IMAGES, GOLDEN_LABELS)


@pytest.mark.parametrize("n", [1, 17, 1999, 2000, 2001, 3999, 4000, 4001, 6500])
def test_an_image_does_not_depend_on_how_many(drawn, n):
    # Below, at and above the sizes at which chunks and a second thread begin.
    x, t = make_digits(n, rng=0)
    np.testing.assert_array_equal(x, drawn[0][:n])
    np.testing.assert_array_equal(t, drawn[1][:n])


def test_several_callers_at_once():
    found = []
    callers = [
        threading.Thread(target=lambda: found.append(sha256(make_digits(300, rng=2016)[0]))) for _ in range(4)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert found == [GOLDEN_IMAGES] * 4


def test_types_and_shapes(drawn):
    x, t = drawn
    assert (x.shape, x.dtype, t.shape, t.dtype) == ((10_000, 784), np.uint8, (10_000,), np.uint8)
    assert x.flags.c_contiguous and x.flags.writeable
    y, u = make_digits(20, flatten=False, rng=0)
    assert y.shape == (20, 1, 28, 28)
    np.testing.assert_array_equal(y.reshape(20, 784), x[:20])
    np.testing.assert_array_equal(u, t[:20])


@pytest.mark.parametrize("flatten", [True, False])
def test_none_at_all(flatten):
    x, t = make_digits(0, flatten=flatten, rng=0)
    assert x.shape == ((0, 784) if flatten else (0, 1, 28, 28))
    assert t.shape == (0,)
    assert x.dtype == t.dtype == np.uint8


def test_ink_within_a_box_of_20(drawn):
    lit = drawn[0].reshape(-1, 28, 28) > 0
    for axis in (1, 2):
        where = lit.any(axis)
        extent = 28 - where.argmax(1) - where[:, ::-1].argmax(1)
        assert extent.max() == 20
    # The longer side fills the box, but for a soft edge that is too dark to be seen.
    heights, widths = (28 - w.argmax(1) - w[:, ::-1].argmax(1) for w in (lit.any(2), lit.any(1)))
    assert (np.maximum(heights, widths) >= 19).mean() > 0.99


def centres_of_mass(x):
    """Rows and columns, in pixels from the image's edge."""
    images = x.reshape(-1, 28, 28).astype(float)
    mass = images.sum((1, 2))
    middles = np.arange(28) + 0.5
    return images.sum(2) @ middles / mass, images.sum(1) @ middles / mass


def test_centred_by_mass(drawn):
    # As MNIST's: to whole pixels around 14.5, not around the image's middle.
    for centres in centres_of_mass(drawn[0]):
        assert abs(centres - 14.5).max() <= 1
        assert np.quantile(abs(centres - 14.5), 0.99) <= 0.5
        assert abs(centres.mean() - 14.5) < 0.02


@pytest.mark.mnist
def test_centred_where_mnist_is(drawn, mnist_dir):
    (x, _), _ = cnet.datasets.load_mnist(normalize=False, data_home=mnist_dir, download=False)
    for ours, theirs in zip(centres_of_mass(drawn[0]), centres_of_mass(x), strict=True):
        assert abs(ours.mean() - theirs.mean()) < 0.05


def test_ink_like_mnist(drawn):
    x, t = drawn
    assert 0.15 <= (x > 0).mean() <= 0.25
    # Real MNIST: 19.1 % of the pixels lit, the mean pixel 33.3.
    assert abs(x.mean() - 33.3) < 3
    assert x.max() == 255
    # White on black: corners are always black.
    assert not x.reshape(-1, 28, 28)[:, [0, 0, -1, -1], [0, -1, 0, -1]].any()
    # Soft edges.
    assert ((x > 0) & (x < 255)).any(1).all()


def test_classes_about_equal(drawn):
    counts = np.bincount(drawn[1], minlength=10)
    assert len(counts) == 10
    # Five standard deviations of a binomial count with p = 1/10.
    assert abs(counts - 1000).max() < 5 * 30


def test_no_image_twice(drawn):
    assert len(np.unique(drawn[0], axis=0)) == 10_000


def test_skeletons():
    assert sorted(SKELETONS) == list(range(10))
    for skeletons in SKELETONS.values():
        assert len(skeletons) >= 4
        assert len({tuple(skeleton) for skeleton in skeletons}) == len(skeletons)
        for skeleton in skeletons:
            for stroke in skeleton:
                points = [tuple(map(int, point.split(","))) for point in stroke.split()]
                assert len(points) >= 2
                assert all(-25 <= x <= 125 and 0 <= y <= 100 for x, y in points)


def test_rng_kinds():
    same = [make_digits(50, rng=seed) for seed in (5, np.int64(5))]
    np.testing.assert_array_equal(same[0][0], same[1][0])
    assert (make_digits(50, rng=6)[0] != same[0][0]).any()
    # A generator moves on; two in the same state draw the same.
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    first, second = make_digits(50, rng=one)[0], make_digits(50, rng=one)[0]
    assert (first != second).any()
    np.testing.assert_array_equal(make_digits(50, rng=other)[0], first)
    # None draws anew each time.
    assert (make_digits(50)[0] != make_digits(50)[0]).any()
    # Any size of seed.
    assert make_digits(1, rng=2**200)[0].any()


@pytest.mark.parametrize(
    ("n_samples", "error", "message"),
    [
        (-1, ValueError, "n_samples must not be negative, got -1"),
        (True, TypeError, "n_samples must be an integer, got True"),
        (np.False_, TypeError, "n_samples must be an integer"),
        (3.0, TypeError, "n_samples must be an integer, got float"),
        ("3", TypeError, "n_samples must be an integer, got str"),
        (None, TypeError, "n_samples must be an integer, got NoneType"),
        (2**60, MemoryError, "no memory"),
        (10**30, MemoryError, "no memory"),
    ],
)
def test_wrong_n_samples(n_samples, error, message):
    with pytest.raises(error, match=message):
        make_digits(n_samples, rng=0)


@pytest.mark.parametrize(
    ("rng", "error"), [(-1, ValueError), (True, TypeError), (1.5, TypeError), ("1", TypeError)]
)
def test_wrong_rng(rng, error):
    with pytest.raises(error, match="rng must"):
        make_digits(1, rng=rng)


def test_interrupt_ends_a_large_call(monkeypatch):
    drawn_chunks = []

    def chunk(points, strokes, skeletons, starts, key, first, last, t, x):
        # What Ctrl-C does: an exception wherever Python runs, after the third chunk.
        drawn_chunks.append((first, last))
        if len(drawn_chunks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(_digits, "draw", chunk)
    with pytest.raises(KeyboardInterrupt):
        make_digits(1_000_000, rng=0)
    # Python, which sees signals, runs after each few thousand images.
    assert len(drawn_chunks) == 3
    assert all(last - first <= 10_000 for first, last in drawn_chunks)


class TestDraw:
    """The compiled loop refuses what does not fit, whoever calls it."""

    def draw(self, *, first=0, last=1, places=1, images=1, pixels=784, **tables):
        names = ("points", "strokes", "skeletons", "digits")
        given = [tables.get(name, table) for name, table in zip(names, digits._tables(), strict=True)]
        _digits.draw(
            *given, 1, first, last, np.zeros(places, np.uint8), np.zeros((images, pixels), np.uint8)
        )

    @pytest.mark.parametrize(
        "places",
        [{"first": -1}, {"first": 1, "last": 0}, {"last": 2}, {"images": 2}, {"places": 2}, {"pixels": 783}],
    )
    def test_places(self, places):
        self.draw()
        with pytest.raises(ValueError, match="cannot draw|expected images"):
            self.draw(**places)

    def test_tables(self):
        points, strokes, skeletons, starts = digits._tables()
        short = starts.copy()
        short[-1] -= 1
        swapped = strokes.copy()
        swapped[[1, 2]] = swapped[[2, 1]]
        for wrong in (
            {"points": points[:-1]},
            {"points": np.ascontiguousarray(points[:, :1])},
            {"strokes": strokes[:-1]},
            {"strokes": swapped},
            {"skeletons": skeletons[:1]},
            {"digits": short},
            {"digits": np.array([0, starts[-1]], np.int32)},
        ):
            with pytest.raises(ValueError, match="cover the whole|too short|ten digits"):
                self.draw(**wrong)

    def test_too_many_points(self):
        points, strokes, skeletons, starts = digits._tables()
        extra = np.concatenate([np.zeros((70, 2)), points])
        longer = strokes + 70
        longer[0] = 0
        with pytest.raises(ValueError, match="skeleton 0 has too many points"):
            self.draw(points=extra, strokes=longer)


@pytest.fixture(scope="module")
def many_digits():
    return make_digits(60_000, rng=0)


@pytest.mark.mnist
@pytest.mark.slow
@pytest.mark.parametrize(("activation", "std"), [("sigmoid", 0.01), ("relu", "he")])
def test_reads_the_real_digits(mnist_dir, many_digits, activation, std):
    x, t = many_digits
    net = cnet.TwoLayerNet(784, 50, 10, std, activation=activation, rng=0)
    net.fit(x, t, batch_size=100, learning_rate=0.1, iterations=5_000)
    _, (x_test, t_test) = load_mnist(normalize=False, data_home=mnist_dir, download=False)
    assert net.accuracy(x_test, t_test) >= 0.85
