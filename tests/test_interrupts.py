"""Ctrl-C at every moment of a fit: history and parameters agree, and the network can be trained again."""

import ctypes
import os
import select
import signal
import sys
import threading
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import cnet

HERE = Path(cnet.__file__).parent
EPOCHS = 2
X = np.random.default_rng(0).normal(size=(7, 3))
T = np.arange(7) % 2

pytestmark = pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals come up in the main thread"
)


def make():
    return cnet.TwoLayerNet(3, 4, 2, 0.5, rng=0)


def bits(net):
    return b"".join(array.tobytes() for array in net.params.values())


def options(gradient, seen=None):
    """A fit of two iterations an epoch that does all that a fit can do."""

    def callback(info):
        if seen is not None:
            seen[info.iteration] = bits(info.network)

    common = {"epochs": EPOCHS, "batch_size": 4, "sampling": "shuffle", "n_threads": 1, "callback": callback}
    if gradient == "unwatched":
        return {**common, "callback": None if seen is None else callback}
    if gradient == "everything":
        return {
            **common, "optimizer": "adam", "averaging": 0.5, "dropout": 0.2, "clip_norm": 0.5, "validation_split": 0.1,
            "sample_weight": np.arange(len(T)) % 3 + 1, "class_weight": {0: 2},
            "early_stopping": cnet.EarlyStopping(patience=9, restore_best=False),
        }
    return {**common, "gradient": gradient, "validation_data": (X, T)}


class Interrupter:
    """A trace function that interrupts before one of the bytecodes of cnet's own Python code, counted from 0."""

    def __init__(self, at, interrupt):
        self.at, self.interrupt, self.count = at, interrupt, 0

    def __call__(self, frame, event, argument):
        if not frame.f_code.co_filename.startswith(os.fspath(HERE)):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        if event == "opcode":
            self.count += 1
            if self.count > self.at >= 0:
                self.at = -1
                self.interrupt()
        return self


def raise_error():
    raise KeyboardInterrupt


def send_signal():
    signal.raise_signal(signal.SIGINT)


def interrupted(at, interrupt, gradient):
    """Train, interrupted before a bytecode: how many iterations were done by then; or the number of bytecodes."""
    net = make()
    interrupter = Interrupter(at, interrupt)
    former = sys.gettrace()
    try:
        sys.settrace(interrupter)
        net.fit(X, T, **options(gradient))
        sys.settrace(former)
        return interrupter.count
    except KeyboardInterrupt as error:
        sys.settrace(former)
        # As an interactive session does, keep the frames alive.
        assert error.__traceback__ is not None
        return check_rest(net, gradient)
    finally:
        sys.settrace(former)


@cache
def undisturbed(gradient):
    """The parameters after 0, 2, 4 iterations, and the history of the whole."""
    net = make()
    seen = {0: bits(net)}
    return seen, net.fit(X, T, **options(gradient, seen))


def check_rest(net, gradient):
    """What an interrupted fit left, while its frames are still there; the iterations done."""
    seen, complete = undisturbed(gradient)
    history, done = net.history, net.iterations
    # The parameters are those after exactly so many iterations, and history describes these.
    assert bits(net) == seen[done]
    if history is None:
        assert done == 0
    else:
        assert history.iterations == done == len(history.loss)
        assert history.epochs == len(history.train_accuracy) == done // 2
        np.testing.assert_array_equal(history.loss, complete.loss[:done])
        np.testing.assert_array_equal(history.train_accuracy, complete.train_accuracy[: done // 2])
    if history is not None and history.validation_loss is not None:
        measured = len(history.validation_loss)
        assert done // 2 - 1 <= measured <= done // 2 and measured == len(history.validation_accuracy)
        np.testing.assert_array_equal(history.validation_loss, complete.validation_loss[:measured])
    # It can be trained on, and goes on where it was.
    if done < 2 * EPOCHS:
        rest = net.fit(X, T, **{**options(gradient), "epochs": EPOCHS - done // 2})
        np.testing.assert_array_equal(rest.loss, complete.loss[done:])
    assert bits(net) == seen[2 * EPOCHS]
    return done


@pytest.fixture
def quota_read(monkeypatch):
    """Fits do not read the quota of processors anew: which of them would is a matter of time."""
    make().fit(X, T, iterations=1)
    monkeypatch.setattr("cnet.core.processors.QUOTA_LASTS", float("inf"))


@pytest.mark.parametrize(
    ("interrupt", "gradient"), [(send_signal, "backprop"), (raise_error, "numerical")], ids=["signal", "error"]
)
def test_an_interrupt_before_each_bytecode(interrupt, gradient, quota_read):
    undisturbed(gradient)
    count = interrupted(-1, interrupt, gradient)
    assert count > 300
    assert {interrupted(at, interrupt, gradient) for at in range(count)} == {0, 2, 4}


def test_an_interrupt_of_a_fit_whose_epochs_nobody_watches(quota_read):
    """Both epochs are one call of compiled code, after which the signal is seen."""
    undisturbed("unwatched")
    count = interrupted(-1, send_signal, "unwatched")
    assert {interrupted(at, send_signal, "unwatched") for at in range(0, count, 5)} == {0, 4}


def test_an_interrupt_of_a_fit_with_every_option(quota_read):
    """Before every eleventh bytecode, most of which check the options."""
    undisturbed("everything")
    count = interrupted(-1, send_signal, "everything")
    assert {interrupted(at, send_signal, "everything") for at in range(0, count, 11)} == {0, 2, 4}


def test_an_interrupt_where_history_is_read():
    """Reading it again gives it whole."""
    net = make()
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, T, **{**options("backprop"), "callback": lambda info: raise_error()})
    count = 0
    while True:
        interrupter = Interrupter(count, raise_error)
        sys.settrace(interrupter)
        try:
            history = net.history
            sys.settrace(None)
            break
        except KeyboardInterrupt:
            count += 1
        finally:
            sys.settrace(None)
        net._progress._seen = -1
    assert count > 10 and history.iterations == len(history.loss) == net.iterations == 2


def refused(net):
    try:
        net.fit(X, T, epochs=1)
    except RuntimeError as error:
        return "being trained already" in str(error)
    return False


def in_child(fork, work):
    """Do some work in a child process; what it returned.

    Without its hooks, a fork may find another thread in the midst of passing on Python's own lock (the GIL), which is
    then held in the child for ever: such a child is ended, and another one tries.
    """
    for _ in range(5):
        time.sleep(0.05)
        there, here = os.pipe()
        pid = fork()
        if pid == 0:
            try:
                os.write(here, repr(work()).encode())
            finally:
                os._exit(0)
        os.close(here)
        answered = bool(select.select([there], [], [], 10)[0])
        if not answered:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        with os.fdopen(there) as file:
            answer = file.read()
        if answered:
            return answer
    raise AssertionError("five children hung")


def fork_without_hooks():
    """As servers written in C do: the hooks of os.fork do not run, the threads are gone all the same."""
    return ctypes.PyDLL(None).fork()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("fork", [getattr(os, "fork", None), fork_without_hooks], ids=["with_hooks", "without_hooks"])
def test_who_holds_a_network_after_a_fork(fork):
    """The thread that forked goes on with its fit in the child; other threads, and their fits, are not there."""
    net, inside, over = make(), threading.Event(), threading.Event()
    answers = []

    def from_a_new_thread(work):
        results = []
        thread = threading.Thread(target=lambda: results.append(work()))
        thread.start()
        thread.join()
        return results[0]

    def callback(info):
        if info.epoch == 1:
            answers.append(in_child(fork, lambda: refused(net)))
            inside.set()
            over.wait(120)

    thread = threading.Thread(target=net.fit, args=(X, T), kwargs={"epochs": 2, "n_threads": 1, "callback": callback})
    thread.start()
    assert inside.wait(120)
    # In the child of the thread that trains; in that of another; and there, in a thread that is new.
    answers.append(in_child(fork, lambda: refused(net)))
    answers.append(in_child(fork, lambda: from_a_new_thread(lambda: refused(net))))
    answers.append(repr(refused(net)))
    over.set()
    thread.join()
    assert answers == ["True", "False", "False", "True"] and not refused(net)


def test_a_network_is_let_go_of_whatever_ends_its_fit():
    net = make()
    for error in (KeyboardInterrupt, SystemExit, MemoryError, GeneratorExit, ZeroDivisionError):

        def end(info, error=error):
            raise error

        with pytest.raises(error):
            net.fit(X, T, epochs=1, callback=end)
    with pytest.raises(ValueError, match="x"):
        net.fit(X[:, :2], T)
    assert net.fit(X, T, epochs=1).epochs == 1
