"""The chapter's functions: printed values, NumPy, and numbers at the edges."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import cnet

FLOATS = [np.float32, np.float64]
EPS = {np.float32: 3e-7, np.float64: 4e-16}
# The book's example of a single sample: class 2, and two predictions for it.
GOOD = [0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0]
BAD = [0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0]
TARGET = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]


def exact(function, x):
    """The function in Python's own arithmetic, sample by sample."""
    formulas = {
        "sigmoid": lambda v: 1 / (1 + math.exp(-v)) if v > -700 else 0.0,
        "sigmoid_grad": lambda v: math.exp(-abs(v)) / (1 + math.exp(-abs(v))) ** 2,
        "relu": lambda v: max(v, 0.0),
        "relu_grad": lambda v: 1.0 if v > 0 else 0.0,
    }
    return np.array([formulas[function](float(v)) for v in x.ravel()]).reshape(x.shape)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("function", ["sigmoid", "sigmoid_grad", "relu", "relu_grad"])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1000])
def test_elementwise(isa, function, dtype, n):
    x = np.random.default_rng(n).normal(0, 5, n).astype(dtype)
    actual = getattr(cnet, function)(x)
    assert actual.dtype == dtype and actual.shape == x.shape
    np.testing.assert_allclose(actual, exact(function, x), rtol=4 * EPS[dtype], atol=1e-37)


@pytest.mark.parametrize("dtype", FLOATS)
def test_sigmoid_over_its_whole_range(isa, dtype):
    x = np.linspace(-80, 80, 20_001).astype(dtype)
    np.testing.assert_allclose(cnet.sigmoid(x), exact("sigmoid", x), rtol=4 * EPS[dtype], atol=1e-37)
    np.testing.assert_array_equal(cnet.sigmoid(np.array([-1e4, -1e30, 1e4, -np.inf, np.inf], dtype)), [0, 0, 1, 0, 1])
    assert np.isnan(cnet.sigmoid(np.array([np.nan, 0, 1], dtype))).tolist() == [True, False, False]
    np.testing.assert_array_equal(cnet.sigmoid_grad(np.array([-1e4, 1e4], dtype)), [0, 0])


@pytest.mark.parametrize("dtype", FLOATS)
def test_relu_at_the_edges(isa, dtype):
    x = np.array([-np.inf, -1, -0.0, 0.0, 1e-30, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(cnet.relu(x), [0, 0, 0, 0, dtype(1e-30), np.inf, np.nan])
    np.testing.assert_array_equal(cnet.relu_grad(x), [0, 0, 0, 0, 1, 1, np.nan])


def test_step_function():
    x = np.array([[-1.0, 0.0], [1e-300, np.nan]])
    result = cnet.step_function(x)
    assert result.dtype == np.int64
    np.testing.assert_array_equal(result, [[0, 0], [1, 0]])
    assert cnet.step_function(3) == 1


def test_identity_function_returns_its_argument():
    x = np.array([1, 2])
    assert cnet.identity_function(x) is x


@pytest.mark.parametrize("function", ["sigmoid", "sigmoid_grad", "relu", "relu_grad", "step_function", "softmax"])
def test_shapes_layouts_and_types(function):
    call = getattr(cnet, function)
    x = np.random.default_rng(0).normal(0, 2, (4, 3, 5))
    expected = call(x)
    np.testing.assert_array_equal(call(np.asfortranarray(x)), expected)
    np.testing.assert_array_equal(call(x[:, ::-1])[:, ::-1], expected)
    np.testing.assert_array_equal(call(x.tolist()), expected)
    read_only = x.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(call(read_only), expected)
    np.testing.assert_array_equal(call(np.array([0, 1, 2], np.uint8)), call(np.array([0.0, 1.0, 2.0])))
    assert np.ndim(call(1.5)) == 0
    for wrong in (np.array(["a"]), 1j, None, object()):
        with pytest.raises(TypeError, match="real numbers"):
            call(wrong)
    with pytest.raises(ValueError, match="array"):
        call([[1, 2], [3]])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [1, 2, 3, 8, 9, 10, 16, 17, 33])
def test_softmax(isa, dtype, n):
    x = np.random.default_rng(n).normal(0, 3, (7, n)).astype(dtype)
    e = np.exp(x.astype(np.float64))
    expected = e / e.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(cnet.softmax(x), expected, rtol=20 * EPS[dtype])
    np.testing.assert_array_equal(cnet.softmax(x[0]), cnet.softmax(x)[0])


@pytest.mark.parametrize("dtype", FLOATS)
def test_softmax_does_not_overflow(isa, dtype):
    np.testing.assert_allclose(cnet.softmax(np.full((2, 5), 1e30, dtype)), 0.2, rtol=1e-6)
    np.testing.assert_array_equal(cnet.softmax(np.array([1e4, -1e4, 0], dtype)), [1, 0, 0])
    np.testing.assert_allclose(cnet.softmax(np.array([-1e4, -1e4], dtype)), 0.5, rtol=1e-6)
    assert np.isnan(cnet.softmax(np.array([np.nan, 1.0], dtype))).all()
    assert np.isnan(cnet.softmax(np.array([1.0, np.nan], dtype))).all()


def test_softmax_prints_the_books_numbers():
    y = cnet.softmax(np.array([0.3, 2.9, 4.0]))
    assert y.tolist() == pytest.approx([0.01821127, 0.24519181, 0.73659691], abs=5e-9)
    assert cnet.softmax(np.array([1010, 1000, 990])).tolist() == pytest.approx(
        [9.99954600e-01, 4.53978686e-05, 2.06106005e-09], rel=1e-8
    )


def test_losses_print_the_books_numbers():
    assert cnet.mean_squared_error(np.array(GOOD), np.array(TARGET)) == pytest.approx(0.09750000000000003, abs=1e-15)
    assert cnet.mean_squared_error(np.array(BAD), np.array(TARGET)) == pytest.approx(0.5975, abs=1e-15)
    assert cnet.sum_squared_error is cnet.mean_squared_error
    assert cnet.cross_entropy_error(np.array(GOOD), np.array(TARGET)) == pytest.approx(0.510825457099338, abs=1e-15)
    assert cnet.cross_entropy_error(np.array(BAD), np.array(TARGET)) == pytest.approx(2.302584092994546, abs=1e-15)
    assert cnet.cross_entropy_error([0.0, 1.0], 0) == pytest.approx(-math.log(1e-7), abs=1e-12)


@pytest.mark.parametrize("dtype", FLOATS)
def test_cross_entropy_of_a_batch_is_the_mean(dtype):
    y = np.array([GOOD, BAD, GOOD], dtype)
    expected = (2 * 0.510825457099338 + 2.302584092994546) / 3
    tolerance = 1e-6 if dtype == np.float32 else 1e-14
    assert cnet.cross_entropy_error(y, [2, 2, 2]) == pytest.approx(expected, abs=tolerance)
    assert cnet.cross_entropy_error(y, [TARGET] * 3) == pytest.approx(expected, abs=tolerance)
    assert cnet.cross_entropy_error(y, np.array([TARGET] * 3, bool)) == pytest.approx(expected, abs=tolerance)


def test_softmax_loss():
    scores = np.array([[1.05414809, 0.63071653, 1.1328074]])
    assert cnet.softmax_loss(scores, [2]) == pytest.approx(0.9280682857864075, abs=1e-8)
    assert cnet.softmax_loss([1e4, -1e4], 1) == pytest.approx(-math.log(1e-7))


@pytest.mark.parametrize(
    ("y", "t", "error"),
    [
        ([0.5, 0.5], 2, ValueError), ([0.5, 0.5], -1, ValueError), ([0.5, 0.5], 0.5, ValueError),
        ([[0.5, 0.5]], [[1, 1]], ValueError), ([[0.5, 0.5]], [0, 1], ValueError), ([], [], ValueError),
        ([[0.5, 0.5]], [[0.3, 0.7]], ValueError), ("ab", 0, TypeError), ([0.5, 0.5], "a", TypeError),
        (np.zeros((1, 1, 2)), 0, ValueError), (0.5, 0, ValueError), ([0.5, 0.5], None, TypeError),
    ],
)
def test_losses_refuse(y, t, error):
    with pytest.raises(error):
        cnet.cross_entropy_error(y, t)
    with pytest.raises(error):
        cnet.softmax_loss(y, t)


@pytest.mark.parametrize(
    ("y", "t", "place"),
    [
        ([0.5, -0.5], 1, r"y\[1\] = -0.5"), ([[0.5, 0.5], [-1e-7, 1.0]], [0, 0], r"y\[1, 0\] = -1e-07"),
        (np.array([[-0.1, 0.0], [0.2, -0.3]], np.float32), [[0, 1], [0, 1]], r"y\[1, 1\] = -0.3$"),
        ([[-np.inf, 0.5], [0.5, np.inf]], [0, 1], r"y\[0, 0\] = -inf"), ([-2, 3], 0, r"y\[0\] = -2"),
    ],
)
def test_cross_entropy_refuses_negative_probabilities(y, t, place):
    with pytest.raises(ValueError, match=f"not negative, got {place}"):
        cnet.cross_entropy_error(y, t)


def test_cross_entropy_of_what_is_no_probability_but_has_a_logarithm():
    # Rounding may leave a little less than 0, and what is not a label's is not looked at.
    assert cnet.cross_entropy_error([-1e-17, 1.0], 0) == pytest.approx(-math.log(1e-7 - 1e-17), abs=1e-12)
    assert cnet.cross_entropy_error([0.5, -9.0], 0) == pytest.approx(-math.log(0.5 + 1e-7), abs=1e-15)
    assert cnet.cross_entropy_error([2.0, 0.0], 0) == pytest.approx(-math.log(2.0 + 1e-7), abs=1e-15)
    assert math.isnan(cnet.cross_entropy_error([np.nan, 1.0], 0))


def test_mean_squared_error_refuses_other_shapes():
    with pytest.raises(ValueError, match="same shape"):
        cnet.mean_squared_error([1.0, 2.0], [[1.0, 2.0]])
    mixed = cnet.mean_squared_error(np.array([1.5], np.float32), np.array([1.25]))
    assert mixed == 0.03125


@given(npst.arrays(st.sampled_from(FLOATS), npst.array_shapes(max_dims=3, max_side=20)))
def test_any_array_gives_what_numpy_gives(x):
    with np.errstate(all="ignore"):
        wide = x.astype(np.float64)
        negative = np.exp(-np.abs(wide))
        expected = np.where(wide < 0, negative, 1) / (1 + negative)
        np.testing.assert_allclose(cnet.sigmoid(x), expected, rtol=1e-5 if x.dtype == np.float32 else 1e-14, atol=2e-38)
        np.testing.assert_array_equal(cnet.relu(x), np.where(x > 0, x, np.where(np.isnan(x), x, 0)))
        top = wide.max(axis=-1, keepdims=True)
        e = np.exp(wide - top)
        tolerance = 1e-4 if x.dtype == np.float32 else 1e-12
        np.testing.assert_allclose(cnet.softmax(x), e / e.sum(axis=-1, keepdims=True), rtol=tolerance, atol=1e-37)


@pytest.mark.parametrize("function", ["sigmoid", "sigmoid_grad", "relu", "relu_grad", "step_function", "softmax"])
def test_masked_values_are_refused(function):
    x = np.ma.masked_array([1.0, 2.0], mask=[False, True])
    with pytest.raises(ValueError, match="masked"):
        getattr(cnet, function)(x)
    np.testing.assert_array_equal(
        getattr(cnet, function)(np.ma.masked_array([1.0, 2.0])), getattr(cnet, function)([1.0, 2.0])
    )


def test_softmax_of_a_scalar_is_that_of_a_row_of_one():
    assert cnet.softmax(3.0) == 1.0 and isinstance(cnet.softmax(3.0), np.float64)
    assert np.isnan(cnet.softmax(np.nan)) and np.isnan(cnet.softmax(np.inf))
