"""Where nobody watches the ends of epochs, they follow each other in compiled code: nothing else may differ."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import cnet

ROWS = 23
X = np.random.default_rng(0).normal(size=(ROWS, 6)).astype(np.float32)
X[np.random.default_rng(1).random(X.shape) < 0.4] = 0
T = np.random.default_rng(2).integers(0, 3, ROWS)
OPTIONS = {
    "plain": {},
    "adam": {"optimizer": "adam", "schedule": "cosine"},
    "weights": {"sample_weight": np.arange(ROWS) % 4, "optimizer": "momentum"},
    "dropout": {"dropout": 0.3, "input_dropout": 0.1, "optimizer": "rmsprop"},
    "adversarial": {"adversarial": 0.1, "optimizer": "adam"},
    "noise": {"input_noise": 0.3, "optimizer": "adam"},
    "separate": {"clip_norm": 0.5, "max_norm": 2.0, "averaging": 0.9, "optimizer": "adamw"},
    "separate weights": {"clip_norm": 0.5, "sample_weight": np.arange(ROWS) % 4},
}


def make(first_layer="auto", dtype=np.float32, loss="cross_entropy"):
    net = cnet.MultiLayerNet(6, [5, 4], 3, activation="tanh", weight_init_std=0.5, dtype=dtype, loss=loss, rng=0)
    net._core.forced_first_layer = first_layer
    return net


def bits(net):
    return [array.tobytes() for array in net.params.values()]


def watched(net, x, t, **options):
    """A fit that comes back after each epoch, to a callback that does nothing."""
    seen = []
    history = net.fit(x, t, **options, callback=lambda info: seen.append(info.epoch))
    assert seen == list(range(1, history.epochs + 1))
    return history


@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize("first_layer", ["sparse", "dense"])
@pytest.mark.parametrize("sampling", ["shuffle", "replacement"])
@pytest.mark.parametrize("option", OPTIONS)
def test_epochs_in_one_tick_are_those_that_are_watched(option, sampling, first_layer, n_threads):
    # Epochs of 1, 2, 3 and 23 iterations; the last one is cut short.
    for batch_size, iterations in ((ROWS, 7), (12, 9), (11, 13), (1, 60)):
        options = {**OPTIONS[option], "sampling": sampling, "batch_size": batch_size, "iterations": iterations}
        one, other = make(first_layer), make(first_layer)
        together = one.fit(X, T, **options, n_threads=n_threads)
        expected = watched(other, X, T, **options, n_threads=1)
        assert together == expected and bits(one) == bits(other)
        assert together.epochs == -(-iterations // together.iterations_per_epoch) == len(together.train_accuracy)
        # And both go on to the same.
        assert one.fit(X, T, **options) == watched(other, X, T, **options) and bits(one) == bits(other)


def test_epochs_by_central_differences_are_those_that_are_watched():
    for loss, sampling in (("cross_entropy", "shuffle"), ("squared_error", "replacement")):
        t = T if loss == "cross_entropy" else np.eye(3)[T]
        options = {"gradient": "numerical", "batch_size": 12, "iterations": 5, "sampling": sampling}
        one, other = make(loss=loss), make(loss=loss)
        assert one.fit(X, t, **options) == watched(other, X, t, **options) and bits(one) == bits(other)


def test_more_epochs_than_a_tick_goes_through():
    """Also where no loss has an accuracy, and where a chunk of rates ends within an epoch."""
    one, other = make(loss="squared_error"), make(loss="squared_error")
    options = {"epochs": 2500, "batch_size": 2, "sampling": "shuffle", "schedule": "linear", "learning_rate": 1e-4}
    x, t = X[:3], np.eye(3)[T[:3]]
    history, expected = one.fit(x, t, **options), watched(other, x, t, **options)
    assert history == expected and bits(one) == bits(other)
    assert history.epochs == 2500 and history.iterations == 5000 and history.train_accuracy is None
    rates = cnet.schedules.Linear().factors(5000) * 1e-4
    np.testing.assert_allclose(history.learning_rates, rates[1::2])
    assert 0 < history.samples_per_second < np.inf


@pytest.mark.parametrize("sampling", ["shuffle", "replacement"])
def test_a_chunk_of_rates_may_end_within_an_epoch(sampling, monkeypatch):
    monkeypatch.setattr("cnet.rates.CHUNK", 7)
    options = {"iterations": 40, "batch_size": 8, "sampling": sampling, "schedule": "cosine"}
    one, other = make(), make()
    chunks = one.fit(X, T, **options)
    monkeypatch.undo()
    assert chunks == watched(other, X, T, **options) and bits(one) == bits(other)


def test_the_samples_of_epochs_are_counted():
    for sampling, samples in (("shuffle", 23 + 23 + 10), ("replacement", 8 * 10)):
        history = make().fit(X, T, iterations=8 if sampling == "replacement" else 7, batch_size=10, sampling=sampling)
        assert history.samples_per_second * history.seconds == pytest.approx(samples)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.skipif(os.name == "nt", reason="signals of another thread do not wake a fit here")
def test_an_interrupt_between_epochs_leaves_what_can_go_on(n_threads):
    """Epochs are single iterations: wherever the tick ends, the rest continues to the bit."""
    options = {"batch_size": ROWS, "sampling": "shuffle", "optimizer": "adam", "n_threads": n_threads}
    net, whole = make(), make()
    net.fit(X, T, **options, epochs=1)
    whole.fit(X, T, **options, epochs=1)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, T, **options, epochs=10**7)
    done = net.history.iterations
    assert done > 100 and net.history.epochs == done == len(net.history.train_accuracy) == net.iterations - 1
    history = whole.fit(X, T, **options, epochs=done)
    assert bits(net) == bits(whole)
    np.testing.assert_array_equal(net.history.loss, history.loss)
    np.testing.assert_array_equal(net.history.train_accuracy, history.train_accuracy)
    np.testing.assert_array_equal(net.history.learning_rates, history.learning_rates)
    assert net.fit(X, T, **options, epochs=20) == whole.fit(X, T, **options, epochs=20) and bits(net) == bits(whole)


def test_a_request_ends_a_fit_of_many_epochs():
    net = make()
    thread = threading.Thread(
        target=net.fit, args=(X, T), kwargs={"batch_size": ROWS, "sampling": "shuffle", "epochs": 10**7})
    thread.start()
    while not net.iterations:
        time.sleep(0.001)
    # What others read meanwhile is of one moment.
    for _ in range(50):
        history = net.history
        assert len(history.loss) == history.iterations == history.epochs == len(history.train_accuracy)
    net.request_stop()
    thread.join(10)
    assert not thread.is_alive() and net.history.stopped == "request" and net.history.iterations < 10**7


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_divergence_ends_the_epoch_in_which_it_came(n_threads):
    net, other = make(loss="squared_error"), make(loss="squared_error")
    options = {"batch_size": ROWS, "sampling": "shuffle", "learning_rate": 1e4, "epochs": 500}
    with pytest.raises(cnet.DivergenceError) as error:
        net.fit(X, T[:, None] == np.arange(3), **options, n_threads=n_threads)
    with pytest.raises(cnet.DivergenceError) as expected:
        watched(other, X, T[:, None] == np.arange(3), **options)
    history = error.value.history
    assert history.stopped == "divergence" and history.epochs == history.iterations == error.value.iteration + 1
    # Without a watcher, parameters are looked at when a tick ends, losses always.
    assert 0 <= error.value.iteration - expected.value.iteration <= 1
    assert all(np.isfinite(array).all() for array in net.params.values())
