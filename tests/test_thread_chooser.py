"""A fit that loses a processor to another program goes on with fewer threads, and takes them back."""

import numpy as np
import pytest

import cnet
from cnet.core import _trainer, thread_chooser
from cnet.core.thread_chooser import ThreadChooser


class Machine:
    """Iterations a second and waits, by the number of threads, as a machine would show them; and its clock."""

    def __init__(self, processors):
        self.processors, self.busy, self.now = processors, 0, 0.0
        self.slow_down = 6.6

    def clock(self):
        return self.now

    def rate(self, threads):
        """One thread does 1,000 iterations a second; who shares a processor makes all others wait."""
        return 1000 * threads / (self.slow_down if threads > self.processors - self.busy else 1)

    def share(self, threads):
        return 0.4 if 1 < threads > self.processors - self.busy else 0.0

    def fit(self, chooser, seconds):
        """Ticks for so long; returns the iterations, and the threads at the end."""
        until, done = self.now + seconds, 0
        while self.now < until:
            threads, tick, share = chooser.threads, chooser.tick, self.share(chooser.threads)
            if share and chooser.patience < share * tick:
                tick = chooser.patience / share
            self.now += tick
            done += self.rate(threads) * tick
            chooser.measured(self.rate(threads) * tick, tick, share * tick)
        return done, chooser.threads


@pytest.fixture(autouse=True)
def nothing_found(monkeypatch):
    """Each test begins as a new process does."""
    monkeypatch.setattr(ThreadChooser, "_found", None)


@pytest.fixture
def machine():
    return Machine(2)


def test_free_processors_are_all_used(machine):
    done, threads = machine.fit(ThreadChooser(2, machine.clock), 20)
    assert threads == 2 and done == pytest.approx(2000 * machine.now)


@pytest.mark.parametrize("seconds", [0.3, 1, 10, 100])
def test_a_busy_processor_costs_little(machine, seconds):
    machine.busy = 1
    done, _ = machine.fit(ThreadChooser(2, machine.clock), seconds)
    assert done > seconds * 1000 / 1.5
    assert done > seconds * 1000 / 1.1 or seconds < 1


def test_a_processor_that_is_free_again_is_used(machine):
    chooser = ThreadChooser(2, machine.clock)
    machine.busy = 1
    assert machine.fit(chooser, 5)[1] == 1
    machine.busy = 0
    assert machine.fit(chooser, thread_chooser.LAST_INTERVAL + 1)[1] == 2
    # And it is given up again as fast.
    machine.busy = 1
    assert machine.fit(chooser, 0.2)[1] == 1


def test_a_short_disturbance_is_soon_forgotten(machine):
    chooser = ThreadChooser(2, machine.clock)
    for _ in range(5):
        machine.busy = 1
        machine.fit(chooser, 0.03)
        machine.busy = 0
        done, threads = machine.fit(chooser, 30)
        assert threads == 2 and done > 0.98 * 60000


def test_one_of_eight_processors_is_busy():
    machine = Machine(8)
    machine.busy = 1
    done, threads = machine.fit(ThreadChooser(8, machine.clock), 20)
    assert 4 <= threads <= 7 and done > 20 * 3800


def test_all_processors_are_busy(machine):
    machine.busy = 2
    machine.fit(chooser := ThreadChooser(2, machine.clock), 5)
    assert chooser.threads >= 1


def test_threads_that_wait_and_are_faster_still_are_kept(machine):
    # Three parts on two threads, say: one of them waits for a third of the time.
    machine.share = lambda threads: 0.3 if threads == 2 else 0.0
    machine.rate = lambda threads: 1000 * threads * (1 - machine.share(threads))
    done, threads = machine.fit(ThreadChooser(2, machine.clock), 20)
    assert threads == 2 and done > 0.98 * 20 * 1400


def test_waits_that_grow_worse_than_those_are_seen_at_once(machine):
    chooser = ThreadChooser(2, machine.clock)
    machine.share = lambda threads: 0.3 if threads == 2 else 0.0
    machine.rate = lambda threads: 1000 * threads * (1 - machine.share(threads))
    machine.fit(chooser, 20)
    machine.share, machine.rate = (lambda n: 0.6 if n == 2 else 0.0), (lambda n: 300 if n == 2 else 1000)
    assert machine.fit(chooser, 0.5)[1] == 1


def test_short_fits_go_by_what_the_last_one_found(machine):
    machine.busy = 1
    done = sum(machine.fit(ThreadChooser(2, machine.clock), 0.004)[0] for _ in range(1000))
    assert done > machine.now * 1000 / 1.5
    machine.busy = 0
    machine.now += thread_chooser.LAST_INTERVAL + 1
    assert ThreadChooser(2, machine.clock).threads == 2
    # That of another number of threads is another matter.
    machine.busy = 1
    machine.fit(ThreadChooser(2, machine.clock), 0.1)
    assert ThreadChooser(4, machine.clock).threads == 4


@pytest.mark.parametrize("seconds", [0.0, -5.0, float("nan"), 1e9])
def test_a_clock_that_is_set_meanwhile_decides_nothing(machine, seconds):
    chooser = ThreadChooser(2, machine.clock)
    chooser.measured(100, seconds, 1.0)
    assert chooser.threads == 2


# ---- in a fit ----

class Changing:
    """Other threads at each tick, which are short."""

    tick, patience = 0.0, float("inf")
    seen = []

    def __init__(self, most):
        self.most, self.threads = most, most

    def measured(self, iterations, seconds, waited):
        self.seen.append((iterations, seconds, waited))
        self.threads = 1 + self.threads * 2 % self.most


@pytest.mark.parametrize("batch_size", [20, 1100])
@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
@pytest.mark.parametrize("density", [0.2, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_number_may_change_at_every_tick(monkeypatch, dtype, density, optimizer, batch_size):
    rng = np.random.default_rng(0)
    x, t = rng.uniform(0.1, 1, (1300, 70)).astype(np.float32), rng.integers(0, 5, 1300)
    x[rng.random(x.shape) > density] = 0

    def trained(n_threads):
        net = cnet.TwoLayerNet(70, 33, 5, 0.3, dtype=dtype, rng=1)
        net.fit(x, t, iterations=60, batch_size=batch_size, optimizer=optimizer, n_threads=n_threads)
        return net.params

    alone = trained(1)
    monkeypatch.setattr(Changing, "seen", [])
    monkeypatch.setattr(_trainer, "ThreadChooser", Changing)
    for name, array in trained(5).items():
        np.testing.assert_array_equal(array, alone[name])
    assert sum(iterations for iterations, _, _ in Changing.seen) == 60
    assert len(Changing.seen) == 60


def test_waits_are_measured_and_end_a_tick(monkeypatch):
    # More threads than processors: they cannot but wait for each other.
    ticks = []

    class Watching(Changing):
        tick, patience = 1000.0, 1e-4

        def measured(self, iterations, seconds, waited):
            ticks.append((iterations, seconds, waited))

    monkeypatch.setattr(_trainer, "ThreadChooser", Watching)
    monkeypatch.setattr("cnet.core._team.cores", lambda: 1)
    rng = np.random.default_rng(0)
    net = cnet.TwoLayerNet(100, 64, 5, rng=1)
    net.fit(rng.random((500, 100)), rng.integers(0, 5, 500), iterations=300, batch_size=500, n_threads=64)
    assert len(ticks) > 6  # the epochs' ends alone
    assert all(0 <= waited <= seconds for _, seconds, waited in ticks)
    assert any(waited > 1e-4 for _, _, waited in ticks)
