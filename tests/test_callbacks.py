"""Callbacks: what they are told, EarlyStopping, BestParams and Checkpoint, and requests to stop."""

import copy
import math
import os
import pickle
import signal
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

import cnet
from cnet.callbacks import METRICS, EpochInfo

N = 60
X = np.random.default_rng(0).normal(0, 1, (N, 5))
T = (X[:, 0] > 0) + (X[:, 1] > 0)
# Labels that cannot be learnt: the validation loss soon rises.
X_NEW, T_NEW = np.random.default_rng(1).normal(0, 1, (30, 5)), np.random.default_rng(2).integers(0, 3, 30)


def make(dtype=np.float32):
    return cnet.TwoLayerNet(5, 8, 3, 0.5, dtype=dtype, rng=0)


def bits(net):
    return b"".join(array.tobytes() for array in net.params.values())


class Logger:
    """Notes every call."""

    def __init__(self, stop_at=None):
        self.calls, self.stop_at = [], stop_at

    def begin(self, network, total):
        self.calls.append(("begin", network, total))

    def __call__(self, info):
        self.calls.append(info.epoch)
        return info.epoch == self.stop_at

    def end(self, network):
        self.calls.append(("end", network))


def info_of(epoch=1, **metrics):
    values = {"loss": 1.0, "train_accuracy": 0.5, "validation_loss": None, "validation_accuracy": None, **metrics}
    return EpochInfo(epoch=epoch, iteration=epoch, losses=np.ones(1), seconds=0.0, network=make(), learning_rate=0.1,
                     **values)


# ---- any callbacks --------------------------------------------------------------------------


def test_when_callbacks_are_called():
    net, first, second, plain = make(), Logger(), Logger(stop_at=3), []
    history = net.fit(X, T, epochs=5, batch_size=20, callback=[first, second, plain.append])
    assert first.calls == second.calls == [("begin", net, 15), 1, 2, 3, ("end", net)]
    assert [info.epoch for info in plain] == [1, 2, 3] and (history.epochs, history.stopped) == (3, "callback")
    # The same objects serve another fit; a tuple will do; one alone too.
    net.fit(X, T, epochs=2, batch_size=20, callback=(first,))
    assert first.calls[5:] == [("begin", net, 6), 1, 2, ("end", net)]
    other = net.fit(X, T, epochs=2, callback=first)
    assert first.calls[-1] == ("end", net) and other.stopped is None
    assert net.fit(X, T, epochs=1, callback=[]).epochs == 1


def test_nothing_is_called_for_a_fit_that_is_refused_and_no_end_after_an_error():
    net, logger = make(), Logger()
    with pytest.raises(ValueError, match="sample_weight"):
        net.fit(X, T, sample_weight=-np.ones(N), callback=logger)
    assert logger.calls == []

    def fail(info):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        net.fit(X, T, callback=[logger, fail])
    assert [call for call in logger.calls if call != 1] == [("begin", net, 10)]
    with pytest.raises(cnet.DivergenceError):
        net.fit(X, T, learning_rate=1e300, callback=logger)
    assert all(call[0] == "begin" for call in logger.calls if call != 1)


def test_an_error_in_begin_changes_nothing():
    net = make()
    net.fit(X, T, epochs=1)
    before, history = bits(net), net.history

    def begin(network, total):
        raise ZeroDivisionError

    stopper = Logger()
    stopper.begin = begin
    with pytest.raises(ZeroDivisionError):
        net.fit(X, T, callback=stopper)
    assert bits(net) == before and net.history is history


def test_what_begin_and_end_assign_is_kept():
    net, other = make(np.float64), make(np.float64)
    setter = Logger()
    setter.begin = lambda network, total: network.params.update(b2=[1, 2, 3])
    setter.end = lambda network: network.params.update(b1=np.arange(8))
    net.fit(X, T, epochs=2, callback=setter)
    other.params["b2"] = [1, 2, 3]
    other.fit(X, T, epochs=2)
    assert net.params["b1"].tolist() == list(range(8)) and (net.params["W1"] == other.params["W1"]).all()
    setter.begin = lambda network, total: setattr(network.params["W1"].flags, "writeable", False)
    with pytest.raises(ValueError, match="W1 of this network cannot be trained: marked read-only"):
        net.fit(X, T, callback=setter)


def test_a_callback_is_told_the_rate_and_the_metrics():
    infos = []
    history = make().fit(X, T, epochs=3, batch_size=20, schedule="linear", validation_split=0.5, callback=infos.append)
    assert [info.learning_rate for info in infos] == history.learning_rates.tolist()
    for metric, series in {"train_accuracy": "train_accuracy", "validation_loss": "validation_loss",
                           "validation_accuracy": "validation_accuracy"}.items():
        assert [getattr(info, metric) for info in infos] == getattr(history, series).tolist()


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_where_accuracy_has_no_meaning(loss):
    net = cnet.MultiLayerNet(5, [4], 1, loss=loss, rng=0)
    infos = []
    history = net.fit(X, T[:, np.newaxis], epochs=2, validation_split=0.2, learning_rate=0.01, callback=infos.append)
    assert history.train_accuracy is None and history.validation_accuracy is None
    assert len(history.validation_loss) == 2 and np.isfinite(history.validation_loss).all()
    assert infos[0].train_accuracy is None and infos[0].validation_accuracy is None
    assert "accuracy" not in repr(history) and history.to_dict()["train_accuracy"] is None
    before = bits(net)
    for metric in ("train_accuracy", "validation_accuracy"):
        with pytest.raises(ValueError, match=f"BestParams watches {metric}, which has no meaning with the loss"):
            net.fit(X, T[:, np.newaxis], validation_split=0.2, callback=cnet.BestParams(metric=metric))
    assert bits(net) == before


def test_parameters_that_a_callback_assigns_during_averaging_are_where_it_goes_on():
    nets = [make(np.float64), make(np.float64)]

    def assign(info):
        if info.epoch == 2:
            info.network.params.update(W2=np.ones((8, 3)))

    nets[0].fit(X, T, epochs=4, averaging=0.9, callback=assign)
    nets[1].fit(X, T, epochs=2, averaging=0.9)
    nets[1].params["W2"] = np.ones((8, 3))
    nets[1].fit(X, T, epochs=2, averaging=0.9)
    assert bits(nets[0]) == bits(nets[1])
    # One that only looks, or writes what is there, changes nothing.
    looked, plain = make(), make()
    looked.fit(X, T, epochs=3, averaging=0.9, callback=lambda info: setattr(looked, "params", looked.params.copy()))
    plain.fit(X, T, epochs=3, averaging=0.9)
    assert bits(looked) == bits(plain)


def test_a_callback_may_reset_the_optimizer():
    nets = [make(), make()]
    nets[0].fit(X, T, epochs=3, optimizer="adam", callback=lambda info: info.epoch == 1 and nets[0].reset_optimizer())
    nets[1].fit(X, T, epochs=1, optimizer="adam")
    nets[1].reset_optimizer()
    nets[1].fit(X, T, epochs=2, optimizer="adam")
    assert bits(nets[0]) == bits(nets[1])


# ---- EarlyStopping and BestParams -------------------------------------------------------------

RISING = {"loss": 1.0, "train_accuracy": -1.0, "validation_loss": 1.0, "validation_accuracy": -1.0}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("values", "patience", "min_delta", "stops", "best"), [
    ([5, 4, 3, 2, 1], 1, 0, None, 5), ([5, 5], 1, 0, 2, 1), ([5, 6, 4, 5, 6], 2, 0, 5, 3), ([5, 6, 7, 8], 3, 0, 4, 1),
    ([5, 4.5, 4.2, 3.9], 2, 1, 3, 1), ([5, 4.5, 3.9, 3.5], 2, 1, None, 3), ([math.nan, math.nan], 2, 0, 2, None),
    ([math.nan, 5, 6], 2, 0, None, 2), ([5, math.nan, 4], 2, 0, None, 3), ([5, 4], 1, 1, 2, 1),
    ([math.inf, math.inf, 3], 5, 0, None, 3),
])
def test_when_a_fit_is_stopped(metric, values, patience, min_delta, stops, best):
    stopping = cnet.EarlyStopping(patience=patience, min_delta=min_delta, metric=metric)
    keeping = cnet.BestParams(metric)
    for epoch, value in enumerate(values, 1):
        info = info_of(epoch, **{metric: value * RISING[metric]})
        assert stopping(info) is (stops is not None and epoch >= stops) is stopping.stopped
        assert keeping(info) is False
        if stopping.stopped:
            break
    assert stopping.epoch == best and (min_delta or keeping.epoch == best)
    assert best is None or stopping.value == values[best - 1] * RISING[metric]
    stopping.begin(make(), 3)
    assert (stopping.epoch, stopping.value, stopping.params, stopping.stopped) == (None, None, None, False)


def seen(**options):
    """What a fit of 30 epochs is like, undisturbed: its history, and parameters and steps after each epoch."""
    net, kept = make(), []
    history = net.fit(X, T, epochs=30, callback=lambda info: kept.append(
        (bits(net), net._core.optimizer_state.copy())), **options)
    return history, kept


OPTIONS = {"learning_rate": 0.05, "optimizer": "adam", "validation_data": (X_NEW, T_NEW)}


@pytest.mark.parametrize("averaging", [None, 0.5])
@pytest.mark.parametrize("given", ["number", "object", "callback"])
def test_early_stopping_restores_the_best_epoch(given, averaging):
    options = {**OPTIONS, "averaging": averaging}
    history, kept = seen(**options)
    stopping = cnet.EarlyStopping(patience=3)
    how = {"number": {"early_stopping": 3}, "object": {"early_stopping": stopping}, "callback": {"callback": stopping}}
    net = make()
    short = net.fit(X, T, epochs=30, **options, **how[given])
    best = int(np.argmin(history.validation_loss[: short.epochs]))
    assert best + 3 + 1 == short.epochs < 30 and short.stopped == "early_stopping"
    np.testing.assert_array_equal(short.validation_loss, history.validation_loss[: short.epochs])
    parameters, state = kept[best]
    assert bits(net) == parameters and net.loss(X_NEW, T_NEW) == short.validation_loss[best]
    now = net._core.optimizer_state
    assert now.steps == state.steps == best + 1 and (now.raw is None) is (averaging is None)
    for one, other in zip(now.arrays, state.arrays, strict=True):
        np.testing.assert_array_equal(one[0][0], other[0][0])
    assert averaging is None or (now.raw_of(net._core)[0][0] == state.raw[0][0]).all()
    # Batches are never drawn again.
    assert net.iterations == short.iterations == short.epochs


def test_early_stopping_without_restoring_and_at_the_end_of_all_epochs():
    history, kept = seen(**OPTIONS)
    net = make()
    short = net.fit(X, T, epochs=30, early_stopping=cnet.EarlyStopping(patience=2, restore_best=False), **OPTIONS)
    assert bits(net) == kept[short.epochs - 1][0]
    # The best epoch is restored as well where all iterations were done, or something else ends the fit.
    for more in ({"epochs": 30}, {"epochs": 40, "callback": lambda info: info.epoch == 30},
                 {"epochs": 40, "callback": lambda info: info.epoch == 30 and info.network.request_stop()}):
        net = make()
        whole = net.fit(X, T, early_stopping=100, **OPTIONS, **more)
        assert whole.epochs == 30 and bits(net) == kept[int(np.argmin(history.validation_loss))][0]


def test_one_stopping_serves_several_fits():
    stopping = cnet.EarlyStopping(patience=2)
    ends = []
    for _ in range(2):
        net = make()
        ends.append((net.fit(X, T, epochs=30, early_stopping=stopping, **OPTIONS), bits(net), stopping.epoch))
    assert ends[0] == ends[1] and stopping.stopped


def test_one_that_is_passed_twice_is_called_once_an_epoch():
    stopping, once = cnet.EarlyStopping(patience=2), make()
    history = once.fit(X, T, epochs=30, early_stopping=stopping, **OPTIONS)
    for callback in (stopping, [Logger(), stopping]):
        net = make()
        twice = net.fit(X, T, epochs=30, early_stopping=stopping, callback=callback, **OPTIONS)
        assert twice == history and bits(net) == bits(once)


def test_the_best_parameters_are_kept_and_can_be_restored():
    net, best = make(), cnet.BestParams("validation_accuracy")
    with pytest.raises(ValueError, match="there are no best parameters yet: .* finite validation_accuracy"):
        best.restore(net)
    history, kept = seen(**OPTIONS)
    net.fit(X, T, epochs=30, callback=best, **OPTIONS)
    assert best.epoch == int(np.argmax(history.validation_accuracy)) + 1
    assert best.value == history.validation_accuracy.max()
    assert bits(net) == kept[29][0]
    net.params = best.params
    assert bits(net) == kept[best.epoch - 1][0]
    other = make()
    best.restore(other)
    assert bits(other) == bits(net) and other._core.optimizer_state.steps == best.epoch
    # What the other does with it leaves the kept ones alone.
    other.fit(X, T, epochs=1, optimizer="adam")
    best.restore(net)
    assert bits(net) == kept[best.epoch - 1][0] and net._core.optimizer_state.steps == best.epoch
    with pytest.raises(ValueError, match=r"float32\(5, 8\) do not go into a network with float64\(5, 8\)"):
        best.restore(make(np.float64))
    with pytest.raises(ValueError, match="expected parameters of 3 layers, got 2"):
        best.restore(cnet.MultiLayerNet(5, [8, 8], 3))
    locked = make()
    locked.params["b1"].flags.writeable = False
    before = bits(locked)
    with pytest.raises(ValueError, match="read-only"):
        best.restore(locked)
    assert bits(locked) == before


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_a_stopping_that_has_not_been_used_can_be_copied(copier):
    one = cnet.EarlyStopping(patience=3, min_delta=0.5, metric="loss", restore_best=False)
    assert repr(copier(one)) == repr(one) == (
        "EarlyStopping(patience=3, min_delta=0.5, metric='loss', restore_best=False)")
    assert repr(pickle.loads(pickle.dumps(cnet.BestParams()))) == "BestParams(metric='validation_loss')"
    assert repr(cnet.Checkpoint("a", 3)) == "Checkpoint('a', every=3)"


@pytest.mark.parametrize(("make_one", "error", "message"), [
    (lambda: cnet.EarlyStopping(), TypeError, "patience"), (lambda: cnet.EarlyStopping(3), TypeError, "positional"),
    (lambda: cnet.EarlyStopping(patience=0), ValueError, "patience must be from 1"),
    (lambda: cnet.EarlyStopping(patience=1.5), TypeError, "patience must be an integer"),
    (lambda: cnet.EarlyStopping(patience=1, min_delta=-1), ValueError, "min_delta must be finite and not negative"),
    (lambda: cnet.EarlyStopping(patience=1, min_delta=math.nan), ValueError, "min_delta must be finite"),
    (lambda: cnet.EarlyStopping(patience=1, metric="accuracy"), ValueError, "metric must be one of 'loss', "),
    (lambda: cnet.EarlyStopping(patience=1, restore_best="no"), TypeError, "restore_best must be True or False"),
    (lambda: cnet.BestParams(None), TypeError, "metric must be a string"),
    (lambda: cnet.Checkpoint(3), TypeError, "path must be a str"),
    (lambda: cnet.Checkpoint("a", 0), ValueError, "every must be from 1"),
    (lambda: cnet.BestParams()(info_of()), ValueError, "BestParams watches validation_loss, which this fit does not"),
])
def test_callbacks_refuse_what_they_cannot_use(make_one, error, message):
    with pytest.raises(error, match=message):
        make_one()


# ---- Checkpoint --------------------------------------------------------------------------------


def test_checkpoints_are_whole_networks_with_their_state(tmp_path):
    net, path, saved = make(), tmp_path / "net", []

    def look(info):
        saved.append(cnet.load(path).iterations if path.exists() else None)

    net.fit(X, T, epochs=5, optimizer="adam", averaging=0.5, batch_size=20,
            callback=[cnet.Checkpoint(path, every=2), look])
    assert saved == [None, 6, 6, 12, 12] and cnet.load(path).iterations == 15
    other = cnet.load(path)
    for one in (net, other):
        one.fit(X, T, epochs=2, optimizer="adam", averaging=0.5)
    assert bits(net) == bits(other)


def test_a_checkpoint_at_the_end_has_the_restored_parameters(tmp_path):
    net = make()
    net.fit(X, T, epochs=30, early_stopping=2, callback=cnet.Checkpoint(tmp_path / "net"), **OPTIONS)
    assert bits(cnet.load(tmp_path / "net")) == bits(net)


@pytest.mark.parametrize("first", [0, 1])
def test_a_checkpoint_holds_the_restored_parameters_in_any_order(tmp_path, first):
    net, path = make(), tmp_path / "net"
    callbacks = [cnet.Checkpoint(path), cnet.EarlyStopping(patience=2)]
    net.fit(X, T, epochs=30, callback=[callbacks[first], callbacks[1 - first]], **OPTIONS)
    assert bits(cnet.load(path)) == bits(net) and callbacks[1].stopped


def test_a_checkpoint_that_cannot_be_written_ends_the_fit_with_its_history(tmp_path):
    net = make()
    with pytest.raises(OSError, match="nowhere"):
        net.fit(X, T, epochs=5, callback=cnet.Checkpoint(tmp_path / "nowhere" / "net"))
    assert net.history.epochs == 1 and net.fit(X, T, epochs=1).epochs == 1


# ---- requests to stop ----------------------------------------------------------------------------


def test_a_request_where_no_fit_runs_does_nothing():
    net = make()
    net.request_stop()
    history = net.fit(X, T, epochs=3)
    assert history.epochs == 3 and history.stopped is None
    net.request_stop()
    assert net.fit(X, T, epochs=3).epochs == 3
    # Nor does one to another network; and a fit that was refused leaves nothing behind.
    other = make()
    net.fit(X, T, epochs=3, callback=lambda info: other.request_stop())
    with pytest.raises(ValueError, match="x"):
        net.fit(X[:, :2], T)
    assert net.history.epochs == 3 == net.fit(X, T, epochs=3).epochs


@pytest.mark.parametrize("gradient", ["backprop", "numerical"])
def test_another_thread_stops_a_fit(gradient):
    net, running = make(), threading.Event()
    logger = Logger()

    def stop():
        assert running.wait(60)
        net.request_stop()

    thread = threading.Thread(target=stop)
    thread.start()
    began = time.perf_counter()
    history = net.fit(np.tile(X, (20_000, 1)), np.tile(T, 20_000), epochs=1, batch_size=1, gradient=gradient,
                      progress=SimpleNamespace(reset=lambda total: None, close=lambda: None, n=0,
                                               update=lambda n: running.set(), set_postfix=lambda **more: None),
                      callback=logger)
    thread.join()
    assert time.perf_counter() - began < 60
    assert 0 < history.iterations < 1_200_000 and history.stopped == "request" and history.epochs == 1
    assert len(history.loss) == net.iterations == history.iterations
    # The epoch was cut off: no validation, no callback, but the end.
    assert [call[0] for call in logger.calls] == ["begin", "end"]


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread() or os.name == "nt",
                    reason="signals come up in the main thread")
def test_a_signal_handler_stops_a_fit():
    net = make()
    former = signal.signal(signal.SIGALRM, lambda number, frame: net.request_stop())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        history = net.fit(X, T, iterations=10**9)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    assert history.stopped == "request" and 0 < history.iterations < 10**9
    whole = make()
    whole.fit(X, T, iterations=history.iterations)
    assert bits(whole) == bits(net)


def test_a_request_at_an_epochs_end_lets_it_end():
    net, logger = make(), Logger()
    history = net.fit(X, T, epochs=9, callback=[lambda info: net.request_stop(), logger], validation_split=0.2)
    assert history.epochs == len(history.validation_loss) == 1 and logger.calls[1] == 1
    # After the last epoch there is nothing to stop.
    assert net.fit(X, T, epochs=1, callback=lambda info: net.request_stop()).stopped is None
