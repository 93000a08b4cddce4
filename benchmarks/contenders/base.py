"""What every contender is asked to do.

Each method that a contender has prepares one piece of work, outside of the timing (conversion
of the data, compilation, buffers), and returns a function without arguments that does it.
"""

from dataclasses import dataclass

import numpy as np


class UnsupportedError(Exception):
    """A contender has no such thing; the message says why."""


@dataclass
class Trained:
    """What a training returns.

    parameters : list of float arrays W1 (I, H), b1 (H,), W2 (H, O), b2 (O,), and so on
    setup : seconds from the call until the first iteration began, or None if unknown
    seconds : of the whole training, or None: from the call to the return
    iterations : how many there were, or None: as many as asked for
    """

    parameters: list
    setup: float | None
    seconds: float | None = None
    iterations: int | None = None


class Contender:
    """One way to train and run the network, with a fixed number of threads."""

    # Packages whose versions belong into the report.
    packages = ()

    def __init__(self, data, threads):
        self.data = data
        self.threads = threads

    def train(self, training):
        """Prepare a training (`workload.Training`); the function returns `Trained`."""
        raise UnsupportedError("does not train")

    def train_layers(self, training):
        """Prepare a training of any depth (`layers.LayersTraining`); the function returns `Trained`."""
        raise UnsupportedError("does not train more than one hidden layer here")

    def gradient(self, parameters, x, t):
        """Prepare the gradient for one batch x (B, I) float32, t (B,): a list of four arrays."""
        raise UnsupportedError("gives no gradient")

    def predict(self, parameters, x):
        """Prepare the probabilities (B, O) for x (B, I) float32; B = 1 may be given as (I,)."""
        raise UnsupportedError("does not predict")

    def numerical_gradient(self, parameters, x, t):
        """Prepare central differences by all parameters: a list of four arrays, and a factor.

        The factor says which share of the work is done: the naive way takes over ten seconds,
        so a part of it is timed.
        """
        raise UnsupportedError("has no numerical gradient")


def copies(parameters, dtype=np.float32):
    """The four arrays, copied."""
    return [np.array(values, dtype) for values in parameters]
