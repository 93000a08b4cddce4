"""cnet, through its public names."""

import time

import cnet
from cnet import training as cnet_training

from .base import Contender, Trained, Unsupported


def build(parameters, activation="sigmoid"):
    """A network with these starting values."""
    W1, b1, W2, b2 = parameters
    net = cnet.TwoLayerNet(len(W1), len(b1), len(b2), activation=activation, rng=0)
    for name, values in zip(("W1", "b1", "W2", "b2"), parameters, strict=True):
        net.params[name] = values
    return net


class Cnet(Contender):
    packages = ("cnet-nn", "numpy")

    def train(self, training):
        options = schedule(training)
        start = training.parameters()

        def run():
            net = build(start, training.activation)
            began = time.perf_counter()
            with setup_clock() as clock:
                net.fit(
                    self.data.x, self.data.t, iterations=training.iterations, batch_size=training.batch,
                    sampling="shuffle" if training.shuffle else "replacement",
                    n_threads=self.threads, rng=training.seed, **options,
                )
            seconds = time.perf_counter() - began
            return Trained(list(net.params.values()), clock.seconds, seconds)

        return run

    def gradient(self, parameters, x, t):
        net = build(parameters)
        names = ("W1", "b1", "W2", "b2")

        def run():
            gradients = net.gradient(x, t)
            return [gradients[name] for name in names]

        return run

    def predict(self, parameters, x):
        net = build(parameters)
        return lambda: net.predict(x)

    def numerical_gradient(self, parameters, x, t):
        net = build(parameters)
        return (lambda: list(net.numerical_gradient(x, t).values())), 1.0


def schedule(training):
    """The options of fit for a rate, a momentum and a ramp."""
    if not training.momentum:
        return {"learning_rate": training.rate}
    optimizers = getattr(cnet, "optimizers", None)
    if not hasattr(optimizers, "Momentum") or not hasattr(optimizers, "LinearRamp"):
        raise Unsupported("this cnet has no optimizers.Momentum and optimizers.LinearRamp yet")
    rate = optimizers.LinearRamp(training.rate) if training.ramp else training.rate
    return {"optimizer": optimizers.Momentum(training.momentum), "learning_rate": rate}


class setup_clock:  # noqa: N801
    """Times how long fit takes to set up.

    No public name tells it: the class that fit makes for its loop is replaced by one that looks
    at the clock. Should it no longer be there, the time is unknown (None).
    """

    def __enter__(self):
        self.seconds = None
        self.kept = getattr(cnet_training, "Trainer", None)
        if self.kept is not None:
            cnet_training.Trainer = self.timed
        return self

    def timed(self, *args, **kwargs):
        began = time.perf_counter()
        trainer = self.kept(*args, **kwargs)
        self.seconds = time.perf_counter() - began
        return trainer

    def __exit__(self, *exception):
        if self.kept is not None:
            cnet_training.Trainer = self.kept
