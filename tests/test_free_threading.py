"""Many Python threads at once: nothing is lost, and the GIL stays off where it can be.

Under a Python with the GIL the same holds, as the compiled code lets go of it.
"""

import subprocess
import sys
import sysconfig
import threading

import numpy as np
import pytest

import cnet

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
N_THREADS = 4


def problem(n=500, n_in=30, n_out=5):
    rng = np.random.default_rng(7)
    t = rng.integers(0, n_out, n)
    x = (rng.normal(0, 1, (n_out, n_in))[t] + rng.normal(0, 0.5, (n, n_in))).astype(np.float32)
    return x, t


def at_once(*functions):
    """Call each in a thread of its own, all released together; their results in order."""
    gate = threading.Barrier(len(functions))
    results = [None] * len(functions)

    def call(i):
        gate.wait()
        try:
            results[i] = functions[i]()
        except BaseException as error:  # handed to the test
            results[i] = error

    threads = [threading.Thread(target=call, args=(i,)) for i in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def raised(results):
    return [result for result in results if isinstance(result, BaseException)]


@pytest.mark.skipif(not FREE_THREADED, reason="this Python has the GIL")
def test_the_gil_stays_off():
    # In a process of its own: whatever else the tests import may turn it on.
    program = """
import sys, pkgutil, warnings
warnings.simplefilter("error")
import numpy
assert not sys._is_gil_enabled(), "numpy"
import cnet, cnet.core
from cnet.core import _dispatch
for module in pkgutil.iter_modules(cnet.core.__path__):
    isa = module.name.removeprefix("_kernels_")
    if isa in (module.name, "baseline") or isa in _dispatch.available():
        __import__(f"cnet.core.{module.name}")
        assert not sys._is_gil_enabled(), module.name
x, t = cnet.datasets.make_digits(300, rng=0)
cnet.TwoLayerNet(784, 8, 10, rng=0).fit(x, t, iterations=20, n_threads=2)
assert not sys._is_gil_enabled()
print("off")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.split() == ["off"], done.stderr


@pytest.mark.parametrize("n_threads", [1, 2])
def test_networks_of_their_own_train_at_once(n_threads):
    """Each comes out as it does alone, to the bit."""
    x, t = problem()

    def train():
        net = cnet.TwoLayerNet(30, 12, 5, 0.3, rng=3)
        net.fit(x, t, iterations=400, n_threads=n_threads)
        return b"".join(value.tobytes() for value in net.params.values())

    alone = train()
    assert at_once(*[train] * N_THREADS) == [alone] * N_THREADS


def test_one_network_predicts_for_many_threads():
    x, t = problem(2000)
    net = cnet.TwoLayerNet(30, 12, 5, 0.3, rng=0)
    expected = net.predict(x).tobytes(), net.loss(x, t), net.gradient(x, t)["W1"].tobytes()

    def work():
        return [(net.predict(x).tobytes(), net.loss(x, t), net.gradient(x, t)["W1"].tobytes()) for _ in range(10)]

    for result in at_once(*[work] * N_THREADS):
        assert result == [expected] * 10


def test_others_read_while_one_trains():
    """Predictions and parameters seen meanwhile are finite, and the training is as if alone."""
    x, t = problem()
    alone = cnet.TwoLayerNet(30, 12, 5, 0.3, rng=1)
    alone.fit(x, t, iterations=20_000)
    net = cnet.TwoLayerNet(30, 12, 5, 0.3, rng=1)
    done = threading.Event()

    def train():
        try:
            net.fit(x, t, iterations=20_000)
        finally:
            done.set()

    def read():
        reads = 0
        while not done.is_set() or not reads:
            y = net.predict(x)
            assert np.isfinite(y).all()
            np.testing.assert_allclose(y.sum(axis=1), 1, atol=1e-4)
            assert all(np.isfinite(value).all() for value in net.params.values())
            assert np.isfinite(net.loss(x, t))
            reads += 1
        return reads

    results = at_once(train, read, read)
    assert not raised(results)
    for name, value in alone.params.items():
        np.testing.assert_array_equal(net.params[name], value)


def test_two_fits_of_one_network_are_refused_and_nothing_is_lost():
    x, t = problem()
    alone = cnet.TwoLayerNet(30, 12, 5, 0.3, rng=1)
    alone.fit(x, t, iterations=3000)
    net = cnet.TwoLayerNet(30, 12, 5, 0.3, rng=1)
    inside, tried = threading.Event(), threading.Event()

    def first():
        # Its callback holds the fit open until the other thread has had its answer.
        def wait(info):
            inside.set()
            tried.wait(30)

        return net.fit(x, t, iterations=3000, callback=wait)

    def second():
        inside.wait(30)
        try:
            net.fit(x, t, iterations=10)
        finally:
            tried.set()

    history, error = at_once(first, second)
    assert isinstance(error, RuntimeError) and "being trained already" in str(error)
    assert len(history.loss) == 3000
    for name, value in alone.params.items():
        np.testing.assert_array_equal(net.params[name], value)
    # And it can be trained again.
    net.fit(x, t, iterations=10)


def test_a_race_to_train_one_network_has_one_winner():
    """Whoever comes second is refused; every fit that ran ran whole."""
    x, t = problem()
    net = cnet.TwoLayerNet(30, 12, 5, 0.3, rng=1)

    def train():
        try:
            return len(net.fit(x, t, iterations=2000).loss)
        except RuntimeError as error:
            assert "being trained already" in str(error)
            return 0

    results = at_once(*[train] * N_THREADS)
    assert not raised(results) and set(results) <= {0, 2000} and 2000 in results
    assert net.iterations == sum(results)


def test_functions_and_digits_at_once():
    x = np.linspace(-5, 5, 20_000).astype(np.float32)
    images = cnet.datasets.make_digits(400, rng=5)[0].tobytes()
    sigmoid, softmax = cnet.sigmoid(x).tobytes(), cnet.softmax(x.reshape(-1, 10)).tobytes()

    def work():
        return [
            (cnet.sigmoid(x).tobytes() == sigmoid, cnet.softmax(x.reshape(-1, 10)).tobytes() == softmax,
             cnet.datasets.make_digits(400, rng=5)[0].tobytes() == images)
            for _ in range(5)
        ]

    assert at_once(*[work] * N_THREADS) == [[(True, True, True)] * 5] * N_THREADS
