"""scikit-learn's MLPClassifier with solver "adam" at any depth: float32, no penalty, no early stop.

It shuffles; its iterations are whole epochs, so that a shorter training takes as many of the first rows.
"""

import time

import numpy as np
from layers import float_rows
from sklearn.neural_network import MLPClassifier

from .base import Trained, UnsupportedError, copies

FEWEST_ROWS = 500


def build(training, batch, epochs):
    """An MLPClassifier that will go on from the starting values."""
    start, classes = training.parameters(), training.sizes[-1]
    mlp = MLPClassifier(
        hidden_layer_sizes=training.sizes[1:-1], activation=training.activation, solver=training.optimizer, alpha=0.0,
        batch_size=classes, learning_rate_init=training.rate, max_iter=1, tol=0.0, n_iter_no_change=10**9,
        warm_start=True, random_state=0, momentum=0.0, nesterovs_momentum=False,
    )
    # One tiny fit makes the arrays; then the starting values can be put in.
    mlp.fit(np.zeros((classes, training.sizes[0]), np.float32), np.arange(classes))
    mlp.coefs_, mlp.intercepts_ = copies(start[::2]), copies(start[1::2])
    del mlp._optimizer
    return mlp.set_params(batch_size=batch, max_iter=epochs)


def train(training, data):
    """Prepare a training (`layers.LayersTraining`)."""
    x, t = float_rows(training, data)
    batch = training.batch or len(x)
    n_rows = max(FEWEST_ROWS, training.iterations * batch)
    epochs = max(1, round(n_rows / len(x)))
    if epochs == 1:
        x, t = x[:n_rows], t[:n_rows]
    if len(np.unique(t)) < training.sizes[-1]:
        raise UnsupportedError("its first rows lack a class")
    iterations = epochs * -(-len(x) // batch)

    def run():
        mlp = build(training, batch, epochs)
        began = time.perf_counter()
        mlp.fit(x, t)
        seconds = time.perf_counter() - began
        parameters = [each for pair in zip(mlp.coefs_, mlp.intercepts_, strict=True) for each in pair]
        return Trained(parameters, None, seconds, iterations)

    return run
