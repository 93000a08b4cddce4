"""Single calls by several threads: the same bits whoever takes which piece, comes late, or not at all."""

import os
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import cnet
from cnet import reference
from cnet.core import _team


@pytest.fixture
def processors(monkeypatch):
    """Lets calls believe in so many processors, however many there are."""
    def set_number(n):
        monkeypatch.setattr(_team, "cores", lambda: n)
    return set_number


def problem(kind, dtype, density, n_rows=1100, sizes=(150, 70, 10)):
    rng = np.random.default_rng(4)
    if kind == "uint8":
        x = rng.integers(1, 256, (n_rows, sizes[0]), dtype=np.uint8)
    else:
        x = rng.uniform(0.1, 1, (n_rows, sizes[0])).astype(kind)
    x[rng.random(x.shape) >= density] = 0
    t = rng.integers(0, sizes[2], n_rows)
    return cnet.TwoLayerNet(*sizes, 0.2, dtype=dtype, rng=1), x, t


def run_python(program):
    """Exit code and standard error of a Python of its own, in which calls believe in four processors."""
    setup = """
        import numpy as np, cnet
        from cnet.core import _team
        _team.cores = _team.most_threads = lambda: 4
        rng = np.random.default_rng(0)
        x = rng.uniform(0, 1, (3000, 784)); t = rng.integers(0, 40, 3000)
        net = cnet.TwoLayerNet(784, 200, 40, 0.1, dtype=np.float64, rng=0)
    """
    program = textwrap.dedent(setup) + textwrap.dedent(program)
    done = subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, timeout=120)
    return done.returncode, done.stderr


def all_calls(net, x, t):
    return [net.predict(x), net.loss(x, t), net.accuracy(x, t), *net.gradient(x, t).values()]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("density", [0.2, 1])
def test_the_same_bits_at_any_number_of_members(isa, processors, kind, density, dtype):
    # 1,100 rows are more than one block of sparse rows; the hidden units are no multiple of a vector.
    net, x, t = problem(kind, dtype, density)
    processors(1)
    alone = all_calls(net, x, t)
    for n in (2, 3, 5, 16):
        processors(n)
        for one, other in zip(alone, all_calls(net, x, t), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("dtype", "limit"), [(np.float32, 2e-6), (np.float64, 1e-13)])
@pytest.mark.parametrize("sizes", [(300, 64, 16), (2100, 33, 5)], ids=str)
@pytest.mark.parametrize("density", [0.2, 1])
def test_gradients_of_several_blocks_agree_with_reference(isa, processors, sizes, density, dtype, limit):
    # 64 and 16 units are whole vectors, whose derivatives are written without a detour; 2,100 inputs
    # make blocks of 998 dense rows.
    net, x, t = problem("float32", dtype, density, 1500, sizes)
    processors(3)
    params = {name: array.astype(np.float64) for name, array in net.params.items()}
    expected = reference.gradient(params, x.astype(np.float64), t, "sigmoid")
    largest = max(np.abs(array).max() for array in expected.values())
    for name, array in net.gradient(x, t).items():
        assert np.abs(array - expected[name]).max() < limit * largest, name


@pytest.mark.parametrize("rows", [(3,), (1099,), (517, 1098)])
@pytest.mark.parametrize("density", [0.2, 1])
def test_the_first_row_that_is_not_finite_is_named(processors, density, rows):
    net, x, t = problem("float32", np.float32, density)
    for row in rows:
        x[row, 7] = np.nan
    for n in (1, 4):
        processors(n)
        for call in (lambda: net.predict(x), lambda: net.loss(x, t), lambda: net.gradient(x, t)):
            with pytest.raises(ValueError, match=rf"not finite .* in row {rows[0]}$"):
                call()


@pytest.mark.parametrize("density", [0.2, 1])
def test_more_members_than_processors_at_once(processors, density):
    # Most workers come late or not at all, are called off, and called again before they have woken up.
    net, x, t = problem("float32", np.float32, density)
    processors(1)
    alone = all_calls(net, x, t)
    processors(9)
    failures = []

    def repeat():
        for _ in range(60):
            for one, other in zip(alone, all_calls(net, x, t), strict=True):
                if not np.array_equal(one, other):
                    failures.append((one, other))

    threads = [threading.Thread(target=repeat) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not any(thread.is_alive() for thread in threads)
    assert not failures


def test_small_calls_after_each_other(processors):
    # So short that a worker often wakes up only when the call is over.
    net, x, t = problem("float32", np.float32, 1, 64, (300, 60, 10))
    processors(1)
    alone = net.gradient(x, t)
    processors(2)
    for _ in range(3000):
        for one, other in zip(alone.values(), net.gradient(x, t).values(), strict=True):
            assert np.array_equal(one, other)


def test_calls_that_are_refused_leave_no_thread_behind(processors):
    net, x, t = problem("float32", np.float32, 1)
    processors(4)
    expected = net.gradient(x, t)["W1"]
    for _ in range(300):
        x[1050, 3] = np.inf
        with pytest.raises(ValueError, match="row 1050"):
            net.gradient(x, t)
        x[1050, 3] = 0.5
        with pytest.raises(ValueError, match="not a class"):
            net.gradient(x, t + 1)
    x[1050] = problem("float32", np.float32, 1)[1][1050]
    np.testing.assert_array_equal(net.gradient(x, t)["W1"], expected)


def test_threads_with_small_stacks():
    # As on small devices, or with musl: a crash would end the interpreter.
    program = """
import threading
import numpy as np
import cnet
threading.stack_size(64 * 1024)
rng = np.random.default_rng(0)

def work():
    for dtype in (np.float32, np.float64):
        x = rng.uniform(0.1, 1, (1500, 600)).astype(dtype)
        y = (rng.random((2000, 784)) < 0.1).astype(np.uint8)
        t = np.zeros(2000, int)
        dense = cnet.TwoLayerNet(600, 300, 70, rng=0, dtype=dtype)
        dense.fit(x, t[:1500], iterations=2, batch_size=600, n_threads=2)
        dense.gradient(x, t[:1500]), dense.predict(x), dense.loss(x, t[:1500])
        sparse = cnet.TwoLayerNet(784, 50, 10, rng=0, dtype=dtype)
        for size in (100, 1024, 2000):
            sparse.fit(y, t, iterations=2, batch_size=size, n_threads=2)
        sparse.gradient(y, t), sparse.predict(y)
    small = cnet.TwoLayerNet(6, 5, 4, rng=0)
    small.numerical_gradient(rng.random((9, 6)), np.zeros(9, int))
    print("done")

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout == "done\n", (done.returncode, done.stderr)


FORKS = """
        import ctypes, os, signal, threading, time, warnings
        warnings.simplefilter("ignore")
        expected = net.gradient(x, t)["W1"], net.numerical_gradient(x[:1, :], t[:1])["b2"]

        def all_is_well():
            again = cnet.TwoLayerNet(784, 200, 40, 0.1, dtype=np.float64, rng=0)
            again.fit(x, t, iterations=3, n_threads=4)
            cnet.datasets.make_digits(3000, rng=0)
            return (np.array_equal(net.gradient(x, t)["W1"], expected[0])
                    and np.array_equal(net.numerical_gradient(x[:1, :], t[:1])["b2"], expected[1]))

        def in_child(work):
            # The exit status of the child.
            child = {fork}()
            if child == 0:
                signal.alarm(60)
                try:
                    os._exit(0 if work() else 1)
                finally:
                    os._exit(2)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("fork", ["os.fork", "ctypes.PyDLL(None).fork"])
@pytest.mark.parametrize("when", ["between calls", "in a grandchild", "in a callback", "while another thread works"])
def test_a_forked_child_has_threads_of_its_own(fork, when):
    # Not all that forks tells Python of it: servers in C do not.
    program = FORKS.format(fork=fork) + {
        "between calls": """
        assert in_child(all_is_well) == 0
        """,
        "in a grandchild": """
        assert in_child(lambda: in_child(all_is_well) == 0) == 0
        assert in_child(lambda: all_is_well() and in_child(all_is_well) == 0 and all_is_well()) == 0
        """,
        "in a callback": f"""
        # The child goes on with the fit that it finds itself in.
        family = []

        def callback(info):
            if info.epoch == 1:
                family.append({fork}())
                signal.alarm(0 if family[0] else 60)
            return info.epoch == 3

        other = cnet.TwoLayerNet(784, 20, 40, 0.1, rng=0)
        other.fit(x, t, batch_size=500, n_threads=4, callback=callback)
        if family[0] == 0:
            os._exit(0 if all_is_well() and other.history.epochs == 3 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(family[0], 0)[1]) == 0
        """,
        "while another thread works": """
        # Long without the GIL: the child, in which that thread is missing, would else wait for it to take the GIL.
        from cnet.core import _products
        a = np.ones((512, 512))
        thread = threading.Thread(target=_products.multiply, args=(a, a), kwargs=dict(repeats=200, n_threads=3))
        thread.start()
        time.sleep(0.2)
        assert thread.is_alive()
        assert in_child(all_is_well) == 0
        thread.join()
        """,
    }[when] + """
        assert all_is_well()
    """
    assert run_python(program) == (0, "")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the system places threads")
def test_a_worker_leaves_its_callers_processor_and_keeps_its_affinity(processors):
    """Where processors share no cache, Linux would wake it there again, in turns with its caller."""
    usable = os.sched_getaffinity(0)
    if len(usable) < 2:
        pytest.skip("one processor")
    processors(2)
    net, x, t = problem("float32", np.float32, 1)
    net.predict(x)
    here = min(usable)

    def last_processor(thread):
        with open(f"/proc/self/task/{thread}/stat") as file:
            return int(file.read().rpartition(")")[2].split()[36])

    def worker_seconds(thread):
        with open(f"/proc/self/task/{thread}/schedstat") as file:
            return int(file.read().split()[0])

    me = threading.get_native_id()
    before = {int(each): worker_seconds(each) for each in os.listdir("/proc/self/task") if int(each) != me}
    for _ in range(50):
        net.predict(x)
    workers = [each for each, seconds in before.items() if worker_seconds(each) > seconds]
    if not workers:
        pytest.skip("no worker came in time")
    try:
        os.sched_setaffinity(0, {here})
        for worker in workers:
            # There, but free to leave.
            os.sched_setaffinity(worker, {here})
            os.sched_setaffinity(worker, usable)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and any(last_processor(worker) == here for worker in workers):
            net.predict(x)
        assert all(last_processor(worker) != here for worker in workers)
    finally:
        os.sched_setaffinity(0, usable)
    assert all(os.sched_getaffinity(worker) == usable for worker in workers)


@pytest.mark.parametrize(("rows", "density", "threads"), [(100, 0.19, 1), (100, 1, 2), (1000, 0.19, 2), (10, 1, 1)])
def test_few_sparse_rows_are_one_threads_work(processors, monkeypatch, rows, density, threads):
    """By counting alone: how many threads a prediction and a gradient ask for."""
    asked = []

    def cores():
        asked.append(2)
        return 2

    monkeypatch.setattr(_team, "cores", cores)
    rng = np.random.default_rng(0)
    x = rng.uniform(0.1, 1, (rows, 784)).astype(np.float32)
    x[:, round(784 * density):] = 0
    net = cnet.TwoLayerNet(784, 50, 10, rng=0)
    net.predict(x)
    assert len(asked) == threads - 1
    net.gradient(x, np.zeros(rows, int))
    assert len(asked) == 2 * (threads - 1)
