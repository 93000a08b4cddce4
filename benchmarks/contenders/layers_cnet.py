"""cnet at any depth."""

import time

from layers import float_rows, rows_of

import cnet
from cnet import optimizers

from .base import Trained, UnsupportedError


def train(training, data, threads, clock_of):
    """Prepare a training (`layers.LayersTraining`); `clock_of` makes a clock of the set-up."""
    x, t = (float_rows if training.floats else rows_of)(training, data)
    start = training.parameters()
    if not hasattr(cnet, "MultiLayerNet"):
        raise UnsupportedError("this cnet has no MultiLayerNet yet")
    options = {
        "batch_size": training.batch or len(x), "n_threads": threads,
        "sampling": "replacement" if training.check_rows else "shuffle",
        "optimizer": {"adam": optimizers.Adam, "sgd": optimizers.SGD}[training.optimizer](lr=training.rate),
    }
    return lambda: fit(training, start, x, t, options, clock_of)


def fit(training, start, x, t, options, clock_of):
    """One training from the starting values."""
    inputs, *hidden, outputs = training.sizes
    net = cnet.MultiLayerNet(inputs, hidden, outputs, activation=training.activation, rng=training.seed)
    net.params = dict(zip(net.params, start, strict=True))
    began = time.perf_counter()
    with clock_of() as clock:
        net.fit(x, t, iterations=training.iterations, **options)
    seconds = time.perf_counter() - began
    return Trained(list(net.params.values()), clock.seconds, seconds)
