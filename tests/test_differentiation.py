"""Central differences and gradient descent, against the book's printed numbers and calculus."""

from __future__ import annotations

import importlib.util
import re
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cnet import gradient_descent, numerical_diff, numerical_gradient

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "gradient_simplenet.py"


def function_1(x: Any) -> Any:
    return 0.01 * x**2 + 0.1 * x


def function_2(x: Any) -> Any:
    return x[0] ** 2 + x[1] ** 2


@pytest.mark.parametrize(("x", "printed"), [(5, 0.1999999999990898), (10, 0.2999999999986347)])
def test_numerical_diff_gives_the_printed_numbers(x: int, printed: float) -> None:
    assert abs(numerical_diff(function_1, x) - printed) < 1e-11
    assert abs(numerical_diff(function_1, float(x)) - printed) < 1e-11
    assert numerical_diff(function_1, Fraction(x)) == pytest.approx(printed)


def test_numerical_diff_gives_the_printed_partial_derivative() -> None:
    assert abs(numerical_diff(lambda x0: x0**2 + 4.0**2.0, 3.0) - 6.00000000000378) < 1e-11


def test_numerical_diff_of_an_array_is_elementwise() -> None:
    x = np.linspace(-2, 2, 12).reshape(3, 4)
    np.testing.assert_allclose(numerical_diff(np.sin, x), np.cos(x), rtol=0, atol=1e-8)
    whole = np.arange(4, dtype=np.uint8)
    np.testing.assert_allclose(numerical_diff(lambda x: x**2, whole), [0, 2, 4, 6], atol=1e-8)


def test_numerical_diff_takes_the_step_it_is_given() -> None:
    # The central difference of a cube is exactly 3 x**2 + h**2.
    assert numerical_diff(lambda x: x**3, 1.0, h=0.5) == 3.25
    assert numerical_diff(lambda x: x**3, 1.0, 1) == 4.0


def test_numerical_diff_does_not_wrap_unsigned_values() -> None:
    def falling(x: float) -> np.uint8:
        return np.uint8(1) if x < 0 else np.uint8(0)

    assert numerical_diff(falling, 0.0, h=0.5) == -1.0


@pytest.mark.parametrize("x", [None, "3", True, [1.0, 2.0], 1j, np.array([1j]), np.array(["a"])])
def test_numerical_diff_refuses_what_is_no_number(x: Any) -> None:
    with pytest.raises(TypeError, match="x must be"):
        numerical_diff(function_1, x)


@pytest.mark.parametrize("value", [None, "a", True, 1j, [None]])
def test_numerical_diff_names_what_f_returned(value: Any) -> None:
    with pytest.raises(TypeError, match="f must return") as info:
        numerical_diff(lambda x: value, 1.0)
    assert repr(value) in str(info.value)


def test_numerical_diff_refuses_a_sum_over_an_array() -> None:
    with pytest.raises(ValueError, match="numerical_gradient"):
        numerical_diff(np.sum, np.ones(3))


@pytest.mark.parametrize(
    ("x", "printed"), [([3.0, 4.0], [6, 8]), ([0.0, 2.0], [0, 4]), ([3.0, 0.0], [6, 0])]
)
def test_numerical_gradient_gives_the_printed_numbers(x: list, printed: list) -> None:
    for f in (function_2, lambda x: np.sum(x**2)):
        np.testing.assert_allclose(numerical_gradient(f, np.array(x)), printed, atol=1e-10)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (2, 1, 3), (2, 2, 2, 2)])
def test_any_number_of_dimensions(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(7).normal(size=shape)
    gradient = numerical_gradient(lambda x: np.sin(x).sum(), x)
    assert gradient.shape == shape and gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, np.cos(x), rtol=0, atol=1e-8)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 2, 2)])
def test_an_empty_array_has_an_empty_gradient(shape: tuple[int, ...]) -> None:
    gradient = numerical_gradient(lambda x: pytest.fail("f was called"), np.zeros(shape))
    assert gradient.shape == shape


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f8", ">f4", "g"])
def test_the_gradient_has_the_dtype_of_x(dtype: str) -> None:
    x = np.array([0.5, -1.0], dtype=dtype)
    gradient = numerical_gradient(lambda x: np.sum(x.astype(float) ** 2), x, h=0.25)
    assert gradient.dtype == x.dtype
    assert gradient.tolist() == [1.0, -2.0]  # Every number on the way is a small binary fraction.


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::2, ::-1],
        lambda a: a.T,
        lambda a: np.asfortranarray(a),
        lambda a: a[1:3, 2:4],
        lambda a: np.moveaxis(a.reshape(2, 2, 6), 0, 2),
    ],
)
def test_views_of_any_layout(view: Any) -> None:
    base = np.random.default_rng(3).normal(size=(4, 6))
    x = view(base)
    before = base.copy()
    weights = np.random.default_rng(4).normal(size=x.shape)
    gradient = numerical_gradient(lambda ignored: (weights * x**2).sum(), x)
    np.testing.assert_allclose(gradient, 2 * weights * x, rtol=0, atol=1e-8)
    assert base.tobytes() == before.tobytes()


def test_f_may_ignore_its_argument_and_read_the_array() -> None:
    class Net:
        W = np.array([[1.0, 2.0], [3.0, 4.0]])

        def loss(self) -> float:
            return float((self.W**2).sum())

    net = Net()
    np.testing.assert_allclose(
        numerical_gradient(lambda W: net.loss(), net.W), [[2, 4], [6, 8]], atol=1e-9
    )


def test_f_gets_the_very_same_object_with_one_element_moved() -> None:
    x = np.array([[1.0, 2.0]])
    seen = []

    def f(argument: np.ndarray) -> float:
        assert argument is x
        seen.append(argument.ravel().tolist())
        return 0.0

    numerical_gradient(f, x, h=0.25)
    assert seen == [[1.25, 2.0], [0.75, 2.0], [1.0, 2.25], [1.0, 1.75]]


def odd_values(kind: str) -> np.ndarray:
    """Zeros of both signs, infinities, a subnormal, and NaNs with payloads, quiet and not."""
    if kind == "f4":
        bits = [0, 1 << 31, 0x7F800000, 0xFF800000, 1, 0x7FC12345, 0xFFC00001, 0x7F812345]
        return np.array(bits, dtype=np.uint32).view(np.float32)
    high = [0, 1 << 31, 0x7FF00000, 0xFFF00000, 0, 0x7FF81234, 0xFFF80000, 0x7FF01234]
    bits = [(value << 32) + index % 2 for index, value in enumerate(high)]
    return np.array(bits, dtype=np.uint64).view(np.float64)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_every_bit_of_x_comes_back(kind: str) -> None:
    x = odd_values(kind)
    before = x.tobytes()
    numerical_gradient(lambda x: float(np.nansum(x)), x)
    assert x.tobytes() == before


@pytest.mark.parametrize("call", [1, 2, 3, 6])
@pytest.mark.parametrize("failure", [RuntimeError("no"), KeyboardInterrupt(), SystemExit(1)])
def test_x_comes_back_when_f_raises(call: int, failure: BaseException) -> None:
    x = np.array([0.1, -0.0, 0.3])
    before = x.tobytes()
    calls = []

    def f(x: np.ndarray) -> float:
        calls.append(x.tobytes())
        if len(calls) == call:
            raise failure
        return 0.0

    with pytest.raises(type(failure)):
        numerical_gradient(f, x)
    assert calls[-1] != before
    assert x.tobytes() == before


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (None, "NoneType"),
        ("loss", "'loss' (str)"),
        (True, "bool"),
        (1j, "complex"),
        ([1.0], "list"),
        ((1.0, 2.0), "tuple"),
        (np.ones(1), "an array of shape (1,)"),
        (np.ones((2, 3)), "an array of shape (2, 3)"),
        (np.array(1j), "complex128"),
        (np.array(None), "NoneType"),
    ],
)
def test_f_must_return_one_real_number(value: Any, named: str) -> None:
    x = np.array([0.1, 0.2])
    before = x.tobytes()
    with pytest.raises(TypeError, match="f must return one real number") as info:
        numerical_gradient(lambda x: value, x)
    assert named in str(info.value)
    assert x.tobytes() == before


@pytest.mark.parametrize(
    "convert", [float, np.float64, np.float32, np.longdouble, np.array, Fraction, int, np.uint8]
)
def test_every_kind_of_real_scalar_is_fine(convert: Any) -> None:
    # The value falls from 2 to 1, which unsigned integers cannot subtract.
    x = np.array([0.0])
    gradient = numerical_gradient(lambda x: convert(2.0 if x[0] < 0 else 1.0), x, h=0.25)
    assert gradient.tolist() == [-2.0]


@pytest.mark.parametrize("dtype", [int, bool, np.uint8, complex, object])
def test_arrays_that_are_not_floats_are_refused(dtype: Any) -> None:
    x = np.ones(2, dtype=dtype)
    with pytest.raises(TypeError, match=r"x\.astype\(float\)") as info:
        numerical_gradient(np.sum, x)
    assert str(x.dtype) in str(info.value)
    assert x.tolist() == [1, 1]


@pytest.mark.parametrize("x", [[1.0, 2.0], 3.0, np.float64(3.0), None, "x"])
def test_what_is_no_array_is_refused(x: Any) -> None:
    with pytest.raises(TypeError, match="array of floats"):
        numerical_gradient(np.sum, x)


class Sparse:
    """What scipy.sparse has in common."""

    nnz = 1
    shape = (2, 2)

    def toarray(self) -> np.ndarray:
        return np.eye(2)


@pytest.mark.parametrize(
    ("function", "name"), [(numerical_diff, "x"), (numerical_gradient, "x"), (gradient_descent, "init_x")])
def test_sparse_matrices_are_to_be_made_dense(function: Any, name: str) -> None:
    with pytest.raises(TypeError, match=rf"pass {name}\.toarray\(\)"):
        function(np.sum, Sparse())


def test_read_only_arrays_are_refused() -> None:
    frozen = np.ones(3)
    frozen.flags.writeable = False
    for x in (frozen, np.broadcast_to(np.ones(1), (3,))):
        with pytest.raises(ValueError, match=r"pass x\.copy"):
            numerical_gradient(np.sum, x)


@pytest.mark.parametrize("function", [numerical_diff, numerical_gradient])
def test_the_step_is_a_positive_finite_number(function: Any) -> None:
    x = np.ones(2)
    for h in (0, -1e-4, np.nan, np.inf, -np.inf, 1e308, 10**400, 0.0):
        with pytest.raises(ValueError, match="h "):
            function(np.sum, x, h)
    for h in (None, "1e-4", 1j, True, np.array([1e-4]), [1e-4]):
        with pytest.raises(TypeError, match="h must be"):
            function(np.sum, x, h)


@pytest.mark.parametrize("function", [numerical_diff, numerical_gradient, gradient_descent])
def test_f_must_be_callable(function: Any) -> None:
    for f in (None, 3.0, "sum"):
        with pytest.raises(TypeError, match="f must be a function"):
            function(f, np.ones(2))


def test_the_step_may_be_a_numpy_scalar() -> None:
    x = np.array([1.0])
    assert numerical_gradient(lambda x: x[0] ** 3, x, np.float32(0.5)).tolist() == [3.25]


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_subclasses_are_moved_and_restored_too() -> None:
    for x in (np.matrix([[1.0, 2.0]]), np.ma.array([1.0, 2.0], mask=[False, True])):
        gradient = numerical_gradient(lambda x: float((np.asarray(x) ** 2).sum()), x)
        assert type(gradient) is np.ndarray
        np.testing.assert_allclose(gradient.ravel(), [2, 4], atol=1e-9)
        assert np.asarray(x).ravel().tolist() == [1.0, 2.0]


@settings(deadline=None, max_examples=60)
@given(
    x=hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=0, max_dims=3, max_side=3),
        elements=st.floats(-10, 10),
    )
)
def test_a_quadratic_has_its_exact_gradient(x: np.ndarray) -> None:
    before = x.tobytes()
    np.testing.assert_allclose(
        numerical_gradient(lambda x: (3 * x**2 - x).sum(), x), 6 * x - 1, rtol=0, atol=1e-6
    )
    assert x.tobytes() == before


@pytest.mark.parametrize(
    ("lr", "printed"),
    [
        (0.1, [-6.11110793e-10, 8.14814391e-10]),
        (10.0, [-2.58983747e13, -1.29524862e12]),
        (1e-10, [-2.99999994, 3.99999992]),
    ],
)
def test_gradient_descent_gives_the_printed_numbers(lr: float, printed: list[float]) -> None:
    start = np.array([-3.0, 4.0])
    x = gradient_descent(function_2, init_x=start, lr=lr, step_num=100)
    np.testing.assert_allclose(x, printed, rtol=1e-8)
    assert start.tolist() == [-3.0, 4.0]


def test_the_path_has_every_point() -> None:
    start = np.array([[-3.0, 4.0]])
    # Each step of lr = 0.25 halves x: the gradient of the sum of squares is 2 x.
    x, path = gradient_descent(lambda x: np.sum(x**2), start, 0.25, 3, return_path=True)
    assert path.shape == (4, 1, 2)
    np.testing.assert_allclose(path[:, 0, 0], [-3, -1.5, -0.75, -0.375], rtol=1e-9)
    np.testing.assert_allclose(path[:, 0, 1], [4, 2, 1, 0.5], rtol=1e-9)
    assert path[0].tobytes() == start.tobytes() and path[-1].tobytes() == x.tobytes()


def test_no_steps_give_a_copy_of_the_start() -> None:
    start = np.array([-3.0, 4.0])
    x, path = gradient_descent(function_2, start, step_num=0, return_path=True)
    assert x.tolist() == start.tolist() and path.tolist() == [start.tolist()]
    x[0] = 7
    assert start[0] == -3 and path[0, 0] == -3


@pytest.mark.parametrize(
    "start", [[-3.0, 4.0], (-3.0, 4), np.float32([-3, 4]), np.array([-3.0, 9, 4.0])[::2]]
)
def test_the_start_is_anything_that_makes_an_array_of_floats(start: Any) -> None:
    x = gradient_descent(function_2, start, lr=0.1, step_num=100)
    assert np.abs(x).max() < 0.01
    assert x.dtype == np.asarray(start).dtype


def test_the_start_may_be_a_number() -> None:
    x = gradient_descent(lambda x: (x - 2) ** 2, 5.0, lr=0.25, step_num=40)
    assert x.shape == () and abs(x - 2) < 1e-8


@pytest.mark.parametrize(
    "start", [[-3, 4], 3, np.array([1, 2]), [True], [1j], None, "ab", [None], [Fraction(1)]]
)
def test_a_start_that_is_not_of_floats_is_refused(start: Any) -> None:
    with pytest.raises(TypeError, match=r"init_x .* dtype=float"):
        gradient_descent(np.sum, start)


def test_a_ragged_start_is_refused() -> None:
    with pytest.raises((TypeError, ValueError)):
        gradient_descent(np.sum, [[1.0, 2.0], [3.0]])


def test_rates_and_step_numbers_are_checked() -> None:
    x = np.ones(2)
    for lr in (0, -0.1, np.nan, np.inf):
        with pytest.raises(ValueError, match="lr"):
            gradient_descent(np.sum, x, lr)
    for lr in (None, "0.1", True, np.array([0.1]), 1j):
        with pytest.raises(TypeError, match="lr"):
            gradient_descent(np.sum, x, lr)
    with pytest.raises(ValueError, match="step_num"):
        gradient_descent(np.sum, x, step_num=-1)
    for step_num in (1.0, None, "3", True):
        with pytest.raises(TypeError, match="step_num"):
            gradient_descent(np.sum, x, step_num=step_num)
    assert gradient_descent(np.sum, x, step_num=np.int64(1)).shape == (2,)


def load_example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gradient_simplenet", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_prints_the_numbers_of_the_book(capsys: pytest.CaptureFixture[str]) -> None:
    load_example().main()
    lines = capsys.readouterr().out
    numbers = [float(text) for text in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", lines)]
    assert len(numbers) == 3 + 1 + 1 + 6
    np.testing.assert_allclose(numbers[:3], [1.05414809, 0.63071653, 1.1328074], atol=1e-8)
    assert numbers[3] == 2
    assert abs(numbers[4] - 0.9280682857864075) < 1e-12
    np.testing.assert_allclose(
        numbers[5:],
        [0.21924757, 0.14356243, -0.36281, 0.32887136, 0.21534364, -0.544215],
        atol=1e-8,
    )
