"""Another library has set flush-to-zero, or a rounding mode: cnet computes as IEEE 754 says, and leaves it set.

A fit's mini-batches are computed without denormals, whatever is set.
"""

import ctypes
import ctypes.util
import hashlib
import platform
import subprocess
import sys
import textwrap
from contextlib import contextmanager

import numpy as np
import pytest

import cnet
from cnet.core import _team

X86 = platform.machine().lower() in ("x86_64", "amd64")
ARM = platform.machine().lower() in ("arm64", "aarch64")

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not (X86 or ARM), reason="knows where Linux's fenv_t holds the control word")

# Offset in fenv_t; modes by name.
OFFSET = 28 if X86 else 0
MODES = (
    {"flush": 0x8040, "up": 0x4000, "down": 0x2000, "towards zero": 0x6000} if X86
    else {"flush": 1 << 24, "up": 1 << 22, "down": 2 << 22, "towards zero": 3 << 22}
)

libm = ctypes.CDLL(ctypes.util.find_library("m")) if sys.platform == "linux" else None


def control_word():
    environment = (ctypes.c_uint8 * 64)()
    libm.fegetenv(environment)
    # Without the flags that only record what happened.
    return ctypes.c_uint32.from_buffer(environment, OFFSET).value & (0xffc0 if X86 else 0xffffffff)


@contextmanager
def set_to(mode):
    """A mode of this thread, as another library would set it."""
    former, changed = (ctypes.c_uint8 * 64)(), (ctypes.c_uint8 * 64)()
    libm.fegetenv(former)
    ctypes.memmove(changed, former, 64)
    ctypes.c_uint32.from_buffer(changed, OFFSET).value |= MODES[mode]
    libm.fesetenv(changed)
    try:
        yield
    finally:
        libm.fesetenv(former)


def tiny(shape, dtype):
    """Numbers around the smallest normal one."""
    rng = np.random.default_rng(3)
    return (rng.normal(0, 1, shape) * np.finfo(dtype).smallest_normal).astype(dtype)


def problem(dtype, density=1.0):
    rng = np.random.default_rng(0)
    x = tiny((1200, 60), dtype)
    x[:, ::2] = rng.normal(0, 1, (1200, 30))
    x[rng.random(x.shape) > density] = 0
    return x, rng.integers(0, 5, 1200)


def network(dtype):
    net = cnet.TwoLayerNet(60, 33, 5, 0.3, activation="relu", dtype=dtype, rng=1)
    # So that tiny inputs matter to what comes out.
    net.params["W1"][1::2] *= 1e30
    net.params["b1"][...] = tiny(33, dtype)
    return net


# Each makes its inputs, and returns what is to be called under a mode.

def predict(dtype, density):
    (x, t), net = problem(dtype, density), network(dtype)
    return lambda: [
        net.predict(x), np.float64(net.loss(x, t)), np.float64(net.accuracy(x, t)), *net.gradient(x, t).values()]


def fit(dtype, density, n_threads=2, **options):
    (x, t), net = problem(dtype, density), network(dtype)

    def call():
        history = net.fit(x, t, iterations=12, learning_rate=1e-3, n_threads=n_threads, **options)
        return [*net.params.values(), history.loss]

    return call


def numerical(dtype):
    x, t = problem(dtype)
    net = cnet.TwoLayerNet(60, 7, 5, 0.3, dtype=dtype, rng=1)
    net.params["W1"][::2] = tiny((30, 7), dtype)

    def call():
        out = list(net.numerical_gradient(x[:3], t[:3]).values())
        net.fit(x, t, iterations=2, batch_size=2, gradient="numerical")
        return [*out, *net.params.values()]

    return call


def functions(dtype):
    x, t = tiny((20, 10), dtype), np.zeros(20, int)
    y, wide, zeros = np.abs(x) * 3, x if dtype == np.float32 else x * 1e148, np.zeros((20, 10), np.float64)
    return lambda: [
        cnet.sigmoid(x), cnet.relu(x), cnet.relu_grad(x), cnet.sigmoid_grad(x), cnet.softmax(x), cnet.step_function(x),
        np.float64(cnet.mean_squared_error(wide, zeros)), np.float64(cnet.cross_entropy_error(y, t)),
        np.float64(cnet.softmax_loss(x, t)),
    ]


def new_network(dtype):
    return lambda: [*cnet.TwoLayerNet(60, 33, 5, np.finfo(dtype).smallest_normal, dtype=dtype, rng=1).params.values()]


CASES = {
    "sparse calls": lambda dtype: predict(dtype, 0.2),
    "dense calls": lambda dtype: predict(dtype, 1.0),
    "sparse fit": lambda dtype: fit(dtype, 0.2),
    "dense fit": lambda dtype: fit(dtype, 1.0),
    "fit in blocks": lambda dtype: fit(dtype, 0.2, batch_size=1100),
    "momentum": lambda dtype: fit(dtype, 0.2, optimizer="momentum", n_threads=1),
    "numerical": numerical,
    "functions": functions,
    "new network": new_network,
    "digits": lambda dtype: lambda: [cnet.datasets.make_digits(40, rng=0)[0]],
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_the_same_bits_whatever_is_set(monkeypatch, case, dtype, mode):
    monkeypatch.setattr(_team, "cores", lambda: 3)
    expected, call = CASES[case](dtype)(), CASES[case](dtype)
    with set_to(mode):
        before = control_word()
        results = call()
        after = control_word()
    assert after == before and before != control_word()
    for one, other in zip(expected, results, strict=True):
        np.testing.assert_array_equal(other, one)


def test_denormals_are_numbers():
    x, y, t = np.array([1e-40, -1e-40], np.float32), np.full(4, 1e-160), np.zeros(4)
    with set_to("flush"):
        relu = cnet.relu(x).view(np.uint32)
        error = cnet.mean_squared_error(y, t)
    # 1e-40 is 71,362 times the smallest denormal number, 2**-149.
    assert relu[0] == 71362 and relu[1] & 0x7fffffff == 0
    assert error == 2e-320


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize(
    "options", [{}, {"batch_size": 1100}, {"optimizer": "momentum"}], ids=["one block", "in blocks", "with a state"])
@pytest.mark.parametrize("density", [0.2, 1.0], ids=["sparse", "dense"])
def test_a_fit_has_no_denormals(monkeypatch, dtype, n_threads, options, density):
    """Gradients that small are numbers when they are asked for, and nothing in a fit: they would make it slow."""
    monkeypatch.setattr(_team, "cores", lambda: 2)
    rng = np.random.default_rng(0)
    x = np.full((1200, 60), 2 * np.finfo(dtype).smallest_normal, dtype)
    x[rng.random(x.shape) > density] = 0
    t = rng.integers(0, 5, 1200)
    net = cnet.TwoLayerNet(60, 33, 5, 0.3, activation="relu", dtype=dtype, rng=1)
    net.params["W1"][...], net.params["b1"][...] = 0, 0.5
    gradient, b1 = net.gradient(x, t), net.params["b1"].copy()
    assert 0 < abs(gradient["W1"]).max() < np.finfo(dtype).smallest_normal
    before = control_word()
    net.fit(x, t, iterations=2, learning_rate=1, n_threads=n_threads, **options)
    assert control_word() == before
    assert not net.params["W1"].any()
    assert (net.params["b1"] != b1).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", [cnet.optimizers.AdaGrad, cnet.optimizers.RMSprop, cnet.optimizers.Adam])
@pytest.mark.parametrize("smallness", [1e-3, 1e-30])
def test_an_epsilon_that_small_is_not_zero(optimizer, dtype, smallness):
    """Where a weight has never had a gradient, it alone is divided by."""
    epsilon = max(float(np.finfo(dtype).smallest_normal) * smallness, 5e-324)
    x, t = np.random.default_rng(0).random((40, 6)).astype(dtype), np.arange(40) % 3
    x[:, 2] = 0
    net = cnet.TwoLayerNet(6, 5, 3, dtype=dtype, rng=0)
    before = net.params["W1"].copy()
    net.fit(x, t, iterations=5, optimizer=optimizer(epsilon=epsilon))
    np.testing.assert_array_equal(net.params["W1"][2], before[2])
    assert (net.params["W1"][1] != before[1]).all()


@pytest.mark.parametrize("way_out", ["labels", "callback", "divergence", "not finite"])
def test_what_was_set_is_put_back_when_a_call_fails(way_out):
    x, t = problem(np.float32)
    net = network(np.float32)

    def callback(info):
        # A callback is the user's own code: it runs as the user set it.
        assert control_word() == before
        raise KeyError("no")

    with set_to("flush"):
        before = control_word()
        try:
            if way_out == "labels":
                net.gradient(x, t + 1)
            elif way_out == "not finite":
                net.predict(np.full((3, 60), np.nan))
            elif way_out == "divergence":
                net.fit(x, t, iterations=100, learning_rate=1e30)
            else:
                net.fit(x, t, epochs=2, callback=callback)
        except (ValueError, KeyError, cnet.DivergenceError):
            failed = True
        after = control_word()
    assert failed and after == before


@pytest.mark.parametrize("when", ["before cnet is imported", "before threads are started"])
def test_threads_do_not_inherit_it(when):
    """In processes of their own: threads begin with the control word of the one that starts them."""
    program = """
        import ctypes, ctypes.util, hashlib, sys
        import numpy as np
        libm = ctypes.CDLL(ctypes.util.find_library("m"))
        environment = (ctypes.c_uint8 * 64)()
        libm.fegetenv(environment)
        ctypes.c_uint32.from_buffer(environment, OFFSET).value |= MODE
        if WHEN == "before cnet is imported":
            libm.fesetenv(environment)
        import cnet
        from cnet.core import _team
        _team.most_threads = _team.cores = lambda: 3
        libm.fesetenv(environment)
        pixels = (np.arange(300 * 60) % 256).astype(np.uint8).reshape(300, 60)
        for n_threads in (1, 3):
            net = cnet.TwoLayerNet(60, 33, 5, rng=1)
            net._core.weights[0][:] = (np.arange(60 * 33) % 7).reshape(60, 33)
            net._core.weights[0][::3] /= 2.0**128
            net._core.weights[1][:] = (np.arange(33 * 5) % 3).reshape(33, 5)
            net.fit(pixels, np.arange(300) % 5, iterations=40, learning_rate=0.125, n_threads=n_threads, rng=2)
            print(hashlib.sha256(net.params["W1"].tobytes()).hexdigest())
    """

    def digests(mode):
        settings = f"OFFSET, MODE, WHEN = {OFFSET}, {mode}, {when!r}\n"
        done = subprocess.run(
            [sys.executable, "-c", settings + textwrap.dedent(program)], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    plain = digests(0)
    assert len(plain[0]) == len(hashlib.sha256().hexdigest())
    assert len(set(plain)) == 1
    for mode in ("flush", "up"):
        assert digests(MODES[mode]) == plain


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_parameters_are_assigned_as_they_are(mode, dtype):
    net, given = cnet.TwoLayerNet(2, 3, 2, dtype=dtype, rng=0), tiny(3, np.float32).astype("f8")
    values = given.tolist()
    with set_to(mode):
        net.params["b1"] = values
    # Numbers of float32 are the same in both types.
    np.testing.assert_array_equal(net.params["b1"].astype("f8"), given)
