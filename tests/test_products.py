"""The dense product, against NumPy's in float64."""

import numpy as np
import pytest

from cnet.core import _products

# Around every limit: register blocks (4, 6, 8 and 12 rows, 1 to 4 vectors), panels, packed rows (72, 144), steps (256).
SIZES = [
    1, 2, 3, 5, 6, 7, 9, 11, 13, 15, 16, 17, 24, 31, 33, 40, 47, 48, 63, 64, 65, 71, 73, 100, 130, 145, 255, 257, 300,
    520,
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transposed", [False, True])
def test_products_agree_with_numpy(isa, transposed, dtype):
    rng = np.random.default_rng(5)
    for _ in range(120):
        m, n, depth = rng.choice(SIZES, 3)
        a, b = rng.normal(0, 1, (m, depth)).astype(dtype), rng.normal(0, 1, (depth, n)).astype(dtype)
        product, _ = _products.multiply(np.ascontiguousarray(a.T) if transposed else a, b, transposed=transposed)
        exact = a.astype(np.float64) @ b.astype(np.float64)
        scale = np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64)
        assert (np.abs(product - exact) <= 4 * np.finfo(dtype).eps * scale).all(), (m, n, depth)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transposed", [False, True])
def test_products_have_the_same_bits_at_any_number_of_threads(isa, transposed, dtype):
    rng = np.random.default_rng(6)
    for m, n, depth in [(100, 70, 300), (73, 257, 33), (7, 130, 520), (130, 17, 255), (40, 10, 300), (83, 7, 33)]:
        a, b = rng.normal(0, 1, (m, depth)).astype(dtype), rng.normal(0, 1, (depth, n)).astype(dtype)
        a = np.ascontiguousarray(a.T) if transposed else a
        results = [_products.multiply(a, b, transposed=transposed, n_threads=threads)[0] for threads in (1, 2, 3, 4)]
        for other in results[1:]:
            np.testing.assert_array_equal(results[0], other)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transposed", [False, True])
def test_rows_have_the_bits_that_they_have_alone(isa, transposed, dtype):
    """However many rows go along the columns together, and whatever is packed for them."""
    rng = np.random.default_rng(7)
    for m, n, depth in [(420, 40, 257), (420, 264, 100), (150, 128, 130), (60, 300, 40)]:
        a, b = rng.normal(0, 1, (m, depth)).astype(dtype), rng.normal(0, 1, (depth, n)).astype(dtype)
        together, _ = _products.multiply(np.ascontiguousarray(a.T) if transposed else a, b, transposed=transposed)
        for i in range(0, m, 19):
            alone, _ = _products.multiply(a[i : i + 1], b)
            np.testing.assert_array_equal(together[i : i + 1], alone)


def test_doors():
    a = np.ones((2, 3), np.float32)
    for b in (np.ones((3, 2)), np.ones((2, 3), np.float32), np.ones((3, 0), np.float32), np.ones(3, np.float32)):
        with pytest.raises(ValueError, match="expected two arrays|do not fit"):
            _products.multiply(a, b)
    with pytest.raises(ValueError, match="expected two arrays"):
        _products.multiply(a.astype(int), a.T.astype(int))


def bits_of(a):
    """Whole numbers that stand for the same bits: equal zeros of other signs differ."""
    return a.view(np.int32 if a.dtype == np.float32 else np.int64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("density", [0, 0.1, 0.5, 1])
def test_passing_over_zeros_changes_no_bit(isa, density, transposed, dtype):
    rng = np.random.default_rng(int(density * 10))
    sizes = [(30, 512, 300), (130, 257, 70), (1, 128, 64), (6, 64, 1), (71, 136, 255), (140, 136, 130), (9, 5, 70)]
    for m, n, depth in sizes:
        a, b = rng.normal(0, 1, (m, depth)).astype(dtype), rng.normal(0, 1, (depth, n)).astype(dtype)
        a *= rng.random((m, depth)) < density  # leaves zeros of both signs
        exact = a.astype(np.float64) @ b.astype(np.float64)
        scale = np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64)
        a = np.ascontiguousarray(a.T) if transposed else a
        dense, _ = _products.multiply(a, b, transposed=transposed)
        for threads in (1, 3):
            sparse, _ = _products.multiply(a, b, transposed=transposed, over_zeros=True, n_threads=threads)
            np.testing.assert_array_equal(bits_of(sparse), bits_of(dense), err_msg=str((m, n, depth)))
        assert (np.abs(sparse - exact) <= 4 * np.finfo(dtype).eps * scale).all(), (m, n, depth)
