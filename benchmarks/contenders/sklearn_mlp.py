"""scikit-learn's MLPClassifier: solver "sgd", float32, no penalty, no early stop.

It shuffles instead of drawing with replacement, and its own loop runs over whole epochs: fewer
iterations than an epoch has are a fit on as many of the first rows. Its rows are its own, so its
loss after a check is compared with more tolerance.
"""

import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from workload import OUTPUTS, as_floats

from . import layers_sklearn
from .base import Contender, Trained, UnsupportedError, copies


def build(parameters, batch, epochs, rate, momentum, activation):
    """An MLPClassifier that will go on from these starting values."""
    mlp = MLPClassifier(
        hidden_layer_sizes=(len(parameters[1]),),
        activation="relu" if activation == "relu" else "logistic",
        solver="sgd",
        alpha=0.0,
        batch_size=OUTPUTS,
        learning_rate_init=rate,
        momentum=momentum,
        nesterovs_momentum=False,
        max_iter=1,
        tol=0.0,
        n_iter_no_change=10**9,
        warm_start=True,
        random_state=0,
    )
    # One tiny fit makes the arrays; then the starting values can be put in.
    mlp.fit(np.zeros((OUTPUTS, len(parameters[0])), np.float32), np.arange(OUTPUTS))
    W1, b1, W2, b2 = copies(parameters)
    mlp.coefs_, mlp.intercepts_ = [W1, W2], [b1, b2]
    del mlp._optimizer
    return mlp.set_params(batch_size=batch, max_iter=epochs)


FEWEST_ROWS = 500


class SklearnMLP(Contender):
    packages = ("scikit-learn", "numpy", "scipy")

    def __init__(self, data, threads):
        super().__init__(data, threads)
        warnings.simplefilter("ignore", ConvergenceWarning)
        self.x = as_floats(data.x)
        self.t = data.t

    def train(self, training):
        if training.ramp:
            raise UnsupportedError("has no schedule that rises and falls")
        # Fewer rows may lack a class, which a fit that goes on refuses.
        n_rows = max(FEWEST_ROWS, training.iterations * training.batch)
        epochs = max(1, round(n_rows / len(self.x)))
        x, t = (self.x[:n_rows], self.t[:n_rows]) if epochs == 1 else (self.x, self.t)
        start = training.parameters()
        iterations = epochs * -(-len(x) // training.batch)

        def run():
            mlp = build(start, training.batch, epochs, training.rate, training.momentum, training.activation)
            began = time.perf_counter()
            mlp.fit(x, t)
            seconds = time.perf_counter() - began
            (W1, W2), (b1, b2) = mlp.coefs_, mlp.intercepts_
            return Trained([W1, b1, W2, b2], None, seconds, iterations)

        return run

    def train_layers(self, training):
        return layers_sklearn.train(training, self.data)

    def predict(self, parameters, x):
        mlp = build(parameters, OUTPUTS, 1, 0.1, 0.0, "sigmoid")
        x = x[None, :] if x.ndim == 1 else x
        return lambda: mlp.predict_proba(x)
