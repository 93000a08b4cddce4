"""Inputs and targets that end, or begin, exactly at an unreadable page: no read goes past them."""

import ctypes
import mmap
import os

import numpy as np
import pytest

import cnet

pytestmark = pytest.mark.skipif(os.name == "nt", reason="mprotect is POSIX")

PAGE = mmap.PAGESIZE


def at_an_edge(array, end):
    """A copy of an array that ends (or begins) where a page begins (or ends) that nobody may read."""
    whole = -(-array.nbytes // PAGE) * PAGE
    block = mmap.mmap(-1, whole + 2 * PAGE)
    base = ctypes.addressof(ctypes.c_char.from_buffer(block))
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    protect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for page in (base, base + PAGE + whole):
        if protect(page, PAGE, 0) != 0:
            pytest.skip("mprotect is refused here")
    start = PAGE + (whole - array.nbytes if end else 0)
    copy = np.frombuffer(block, array.dtype, array.size, start).reshape(array.shape)
    copy[...] = array
    return copy


def problem(kind, rows, n_in):
    rng = np.random.default_rng(n_in)
    x = rng.integers(1, 256, (rows, n_in)).astype(kind)
    x[rng.random(x.shape) < 0.7] = 0
    return x, rng.integers(0, 10, rows)


@pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("first_layer", ["sparse", "dense"])
@pytest.mark.parametrize("end", [True, False])
def test_nothing_is_read_past_the_data(isa, kind, first_layer, end):
    for n_in, rows in [(1, 1), (1, 70), (3, 5), (31, 9), (63, 2), (64, 64), (65, 3), (100, 33), (130, 65)]:
        x, t = problem(kind, rows, n_in)
        edge_x, edge_t = at_an_edge(x, end), at_an_edge(t.astype(np.uint8), end)
        for dtype in (np.float32, np.float64):
            plain, at_edge = (cnet.TwoLayerNet(n_in, 21, 10, dtype=dtype, rng=0) for _ in range(2))
            plain._core.forced_first_layer = at_edge._core.forced_first_layer = first_layer
            np.testing.assert_array_equal(at_edge.predict(edge_x), plain.predict(x))
            np.testing.assert_array_equal(at_edge.predict(edge_x[-1]), plain.predict(x[-1]))
            assert at_edge.loss(edge_x, edge_t) == plain.loss(x, t)
            np.testing.assert_array_equal(at_edge.gradient(edge_x, edge_t)["W1"], plain.gradient(x, t)["W1"])
            for sampling in ("replacement", "shuffle"):
                options = {"epochs": 2, "batch_size": min(rows, 7), "sampling": sampling}
                at_edge.fit(edge_x, edge_t, **options)
                plain.fit(x, t, **options)
            np.testing.assert_array_equal(at_edge.params["W1"], plain.params["W1"])


@pytest.mark.parametrize("function", ["sigmoid", "sigmoid_grad", "relu", "relu_grad", "step_function", "softmax"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_functions_read_no_further_than_their_argument(isa, function, dtype):
    for n in (1, 3, 7, 8, 17, 33, 65):
        x = np.linspace(-3, 3, n).astype(dtype)
        for end in (True, False):
            np.testing.assert_array_equal(getattr(cnet, function)(at_an_edge(x, end)), getattr(cnet, function)(x))
