"""Someone else's Cython module that cimports cnet.capi, compiled and run against this cnet."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cnet
from cnet import reference
from cnet.core import _network
from cnet.losses import LOSSES, loss_of

SOURCE = '''
# cython: language_level=3
import numpy as np

cimport cnet.capi as c
from libc.stdint cimport int32_t


def everything32(net, const float[:, ::1] x, const int32_t[::1] t):
    """Probabilities, loss, gradient, all without the GIL."""
    cdef c.Session32* session = c.open_session32(net)
    cdef Py_ssize_t rows = x.shape[0]
    cdef float[:, ::1] y = np.empty((rows, c.outputs32(session)), np.float32)
    cdef float[::1] gradient = np.empty(c.parameters32(session), np.float32)
    cdef double loss, loss_too
    assert c.inputs32(session) == x.shape[1]
    with nogil:
        c.predict32(session, rows, &x[0, 0], &y[0, 0])
        loss = c.loss32(session, rows, &x[0, 0], &t[0])
        loss_too = c.gradient32(session, rows, &x[0, 0], &t[0], &gradient[0])
    c.close_session32(session)
    return np.asarray(y), loss, loss_too, np.asarray(gradient)


def everything64(net, const double[:, ::1] x, const int32_t[::1] t):
    cdef c.Session64* session = c.open_session64(net)
    cdef Py_ssize_t rows = x.shape[0]
    cdef double[:, ::1] y = np.empty((rows, c.outputs64(session)))
    cdef double[::1] gradient = np.empty(c.parameters64(session))
    cdef double loss, loss_too
    assert c.inputs64(session) == x.shape[1]
    with nogil:
        c.predict64(session, rows, &x[0, 0], &y[0, 0])
        loss = c.loss64(session, rows, &x[0, 0], &t[0])
        loss_too = c.gradient64(session, rows, &x[0, 0], &t[0], &gradient[0])
    c.close_session64(session)
    return np.asarray(y), loss, loss_too, np.asarray(gradient)


def values32(net, const float[:, ::1] x, const float[:, ::1] t):
    """Which targets are served, and with values the loss and the gradient."""
    cdef c.Session32* session = c.open_session32(net)
    cdef float[::1] gradient = np.full(c.parameters32(session), -7, np.float32)
    cdef double loss = c.loss_values32(session, x.shape[0], &x[0, 0], &t[0, 0])
    cdef double loss_too = c.gradient_values32(session, x.shape[0], &x[0, 0], &t[0, 0], &gradient[0])
    served = c.serves_labels32(session), c.serves_values32(session)
    c.close_session32(session)
    return served, loss, loss_too, np.asarray(gradient)


def values64(net, const double[:, ::1] x, const double[:, ::1] t):
    cdef c.Session64* session = c.open_session64(net)
    cdef double[::1] gradient = np.full(c.parameters64(session), -7.0)
    cdef double loss = c.loss_values64(session, x.shape[0], &x[0, 0], &t[0, 0])
    cdef double loss_too = c.gradient_values64(session, x.shape[0], &x[0, 0], &t[0, 0], &gradient[0])
    served = c.serves_labels64(session), c.serves_values64(session)
    c.close_session64(session)
    return served, loss, loss_too, np.asarray(gradient)


cdef class Held:
    """A session that outlives the caller's own reference to the network."""
    cdef c.Session64* session

    def __init__(self, net):
        self.session = c.open_session64(net)

    def predict(self, const double[:, ::1] x):
        y = np.empty((x.shape[0], c.outputs64(self.session)))
        cdef double[:, ::1] view = y
        c.predict64(self.session, x.shape[0], &x[0, 0], &view[0, 0])
        return y

    def __dealloc__(self):
        if self.session is not NULL:
            c.close_session64(self.session)


def dense(x, weight, bias):
    out = np.empty((x.shape[0], weight.shape[1]), x.dtype)
    cdef const float[:, ::1] x32, w32
    cdef const double[:, ::1] x64, w64
    cdef const float[::1] b32
    cdef const double[::1] b64
    cdef float[:, ::1] out32
    cdef double[:, ::1] out64
    cdef int status
    if x.dtype == np.float32:
        x32, w32, out32 = x, weight, out
        b32 = weight[0] if bias is None else bias
        status = c.dense32(x32.shape[0], w32.shape[0], w32.shape[1], &x32[0, 0], &w32[0, 0],
                           NULL if bias is None else &b32[0], &out32[0, 0])
    else:
        x64, w64, out64 = x, weight, out
        b64 = weight[0] if bias is None else bias
        status = c.dense64(x64.shape[0], w64.shape[0], w64.shape[1], &x64[0, 0], &w64[0, 0],
                           NULL if bias is None else &b64[0], &out64[0, 0])
    assert status == 0
    return out


def functions32(const float[:, ::1] x):
    cdef Py_ssize_t rows = x.shape[0], n = x.shape[1]
    cdef float[:, :, ::1] out = np.empty((4, rows, n), np.float32)
    with nogil:
        c.sigmoid32(rows * n, &x[0, 0], &out[0, 0, 0])
        c.relu32(rows * n, &x[0, 0], &out[1, 0, 0])
        c.tanh32(rows * n, &x[0, 0], &out[2, 0, 0])
        c.softmax32(rows, n, &x[0, 0], &out[3, 0, 0])
    return np.asarray(out)


def functions64(const double[:, ::1] x):
    cdef Py_ssize_t rows = x.shape[0], n = x.shape[1]
    cdef double[:, :, ::1] out = np.empty((4, rows, n))
    with nogil:
        c.sigmoid64(rows * n, &x[0, 0], &out[0, 0, 0])
        c.relu64(rows * n, &x[0, 0], &out[1, 0, 0])
        c.tanh64(rows * n, &x[0, 0], &out[2, 0, 0])
        c.softmax64(rows, n, &x[0, 0], &out[3, 0, 0])
    return np.asarray(out)


def instruction_set():
    return c.instruction_set().decode()
'''

SETUP = """
from Cython.Build import cythonize
from setuptools import Extension, setup

setup(name="guest", ext_modules=cythonize([Extension("guest", ["guest.pyx"])]), script_args=["build_ext", "--inplace"])
"""


@pytest.fixture(scope="module")
def guest(tmp_path_factory):
    """The other project's module. Its compiler sees cnet as it is installed, and no source of cnet's."""
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    folder = tmp_path_factory.mktemp("guest")
    (folder / "guest.pyx").write_text(SOURCE)
    (folder / "setup.py").write_text(SETUP)
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, "setup.py"], cwd=folder, env={**os.environ, "PYTHONPATH": path, "CFLAGS": "-O1"},
        capture_output=True, text=True, timeout=300, check=False,
    )
    if done.returncode and "command" in done.stderr and "failed" in done.stderr and "guest.c" not in done.stderr:
        pytest.skip("there is no compiler")
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    try:
        import guest
    finally:
        sys.path.remove(str(folder))
    assert Path(guest.__file__).parent == folder
    return guest


def make(dtype, rows, activation="sigmoid", sizes=(13, 7, 5)):
    rng = np.random.default_rng(rows)
    net = cnet.TwoLayerNet(*sizes, activation=activation, weight_init_std=0.4, dtype=dtype, rng=1)
    net.params["b1"] = rng.normal(size=sizes[1])
    net.params["b2"] = rng.normal(size=sizes[2])
    return net, rng.normal(size=(rows, sizes[0])).astype(dtype), rng.integers(0, sizes[2], rows).astype(np.int32)


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "tanh"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize("rows", [1, 64, 65, 200])
def test_passes_agree_with_the_reference(guest, isa, dtype, tolerance, rows, activation):
    net, x, t = make(dtype, rows, activation)
    call = guest.everything32 if dtype == np.float32 else guest.everything64
    y, loss, loss_too, gradient = call(net, x, t)
    params = {name: np.asarray(value, np.float64) for name, value in net.params.items()}
    wide = x.astype(np.float64)
    np.testing.assert_allclose(y, reference.predict(params, wide, activation), atol=tolerance)
    assert loss == pytest.approx(reference.loss(params, wide, t, activation), abs=tolerance)
    assert loss_too == loss
    expected = reference.gradient(params, wide, t, activation)
    expected = np.concatenate([expected[name].ravel() for name in ("W1", "b1", "W2", "b2")])
    assert np.abs(gradient - expected).max() <= tolerance * np.abs(expected).max() * 10


def flat(gradient):
    return np.concatenate([array.ravel() for array in gradient.values()])


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-4), (np.float64, 1e-11)])
@pytest.mark.parametrize("depth", [0, 1, 2, 16])
def test_labels_at_any_depth(guest, isa, dtype, tolerance, depth):
    rng = np.random.default_rng(depth)
    names = [_network.ACTIVATIONS[i % len(_network.ACTIVATIONS)] for i in range(depth)]
    net = cnet.MultiLayerNet(13, [7] * depth, 5, names, "xavier", 0.02, dtype=dtype, rng=1)
    x, t = rng.normal(size=(70, 13)).astype(dtype), rng.integers(0, 5, 70).astype(np.int32)
    y, loss, loss_too, gradient = (guest.everything32 if dtype == np.float32 else guest.everything64)(net, x, t)
    params = {name: np.asarray(value, np.float64) for name, value in net.params.items()}
    wide = x.astype(np.float64)
    np.testing.assert_allclose(y, reference.predict(params, wide, names), atol=tolerance)
    assert loss == loss_too == pytest.approx(reference.loss(params, wide, t, names, weight_decay_lambda=0.02),
                                             abs=tolerance)
    expected = flat(reference.gradient(params, wide, t, names, weight_decay_lambda=0.02))
    np.testing.assert_allclose(gradient, expected, atol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-4), (np.float64, 1e-11)])
@pytest.mark.parametrize("loss", _network.LOSSES)
def test_values_with_any_loss(guest, isa, dtype, tolerance, loss):
    rng = np.random.default_rng(0)
    parameter = {"huber": 0.7, "quantile": 0.3}.get(loss, LOSSES[loss]().parameter)
    net = cnet.MultiLayerNet(6, [7, 4], 3, "tanh", loss=loss_of(loss, parameter), dtype=dtype, rng=1)
    # Rows of probabilities will do for all of them.
    x, t = rng.normal(size=(70, 6)).astype(dtype), rng.dirichlet(np.ones(3), 70).astype(dtype)
    call, labels = ((guest.values32, guest.everything32) if dtype == np.float32
                    else (guest.values64, guest.everything64))
    served, value, value_too, gradient = call(net, x, t)
    assert served == (loss == "cross_entropy", True)
    params = {name: np.asarray(array, np.float64) for name, array in net.params.items()}
    arguments = params, x.astype(np.float64), t.astype(np.float64), "tanh"
    options = {"loss_function": loss, "loss_parameter": parameter}
    assert value == value_too == pytest.approx(reference.loss(*arguments, **options), abs=tolerance)
    np.testing.assert_allclose(gradient, flat(reference.gradient(*arguments, **options)), atol=tolerance)
    y, value, value_too, _ = labels(net, x, np.zeros(70, np.int32))
    np.testing.assert_allclose(y, reference.predict(*arguments[:2], "tanh", loss_function=loss), atol=tolerance)
    # A network that has no classes says so.
    assert np.isnan([value, value_too]).all() == (loss != "cross_entropy")


def test_a_session_sees_changed_parameters_and_keeps_the_network_alive(guest):
    net, x, t = make(np.float64, 5)
    held = guest.Held(net)
    before = held.predict(x)
    net.params["W1"] *= -1
    after = held.predict(x)
    np.testing.assert_allclose(after, net.predict(x), atol=1e-12)
    assert not np.allclose(before, after)
    del net
    np.testing.assert_array_equal(held.predict(x), after)


def test_wrong_networks_are_refused(guest):
    net, x, t = make(np.float32, 5)
    with pytest.raises(TypeError, match="float64"):
        guest.everything64(net, x.astype(np.float64), t)
    with pytest.raises(TypeError, match="expected a MultiLayerNet or TwoLayerNet, got str"):
        guest.everything32("net", x, t)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 17, 5), (130, 33, 65)])
def test_dense(guest, isa, dtype, tolerance, sizes):
    rows, n_in, n_out = sizes
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(rows, n_in)).astype(dtype), rng.normal(size=(n_in, n_out)).astype(dtype)
    bias = rng.normal(size=n_out).astype(dtype)
    product = x.astype(np.float64) @ weight.astype(np.float64)
    np.testing.assert_allclose(guest.dense(x, weight, bias), product + bias, atol=tolerance * n_in)
    np.testing.assert_allclose(guest.dense(x, weight, None), product, atol=tolerance * n_in)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-15)])
def test_functions(guest, isa, dtype, tolerance):
    x = np.random.default_rng(0).normal(0, 3, (7, 13)).astype(dtype)
    wide = x.astype(np.float64)
    sigmoid, relu, tanh, softmax = guest.functions32(x) if dtype == np.float32 else guest.functions64(x)
    np.testing.assert_allclose(sigmoid, 1 / (1 + np.exp(-wide)), atol=tolerance)
    np.testing.assert_array_equal(relu, np.maximum(x, 0))
    np.testing.assert_allclose(tanh, np.tanh(wide), atol=2 * tolerance)
    e = np.exp(wide - wide.max(axis=1, keepdims=True))
    np.testing.assert_allclose(softmax, e / e.sum(axis=1, keepdims=True), atol=tolerance)
    assert guest.instruction_set() == ("baseline" if isa == "neon" else isa)


def test_the_package_carries_what_others_cimport():
    """And nothing that they would have to compile."""
    folder = Path(cnet.__file__).parent
    text = (folder / "capi.pxd").read_text()
    assert "cimport" in text and "from ." not in text and ".core" not in text
