"""cnet, through its public names."""

import time

from workload import as_floats

import cnet
from cnet import training as cnet_training

from . import layers_cnet
from .base import Contender, Trained, UnsupportedError


def build(parameters, activation="sigmoid", seed=0):
    """A network with these starting values."""
    W1, b1, W2, b2 = parameters
    net = cnet.TwoLayerNet(len(W1), len(b1), len(b2), activation=activation, rng=seed)
    for name, values in zip(("W1", "b1", "W2", "b2"), parameters, strict=True):
        net.params[name] = values
    return net


class Cnet(Contender):
    packages = ("cnet-nn", "numpy")

    def train(self, training):
        options = schedule(training)
        start = training.parameters()
        x = as_floats(self.data.x) if training.floats else self.data.x

        def run():
            net = build(start, training.activation, training.seed)
            began = time.perf_counter()
            with setup_clock() as clock:
                net.fit(
                    x, self.data.t, iterations=training.iterations, batch_size=training.batch,
                    n_threads=self.threads, **options,
                )
            seconds = time.perf_counter() - began
            return Trained(list(net.params.values()), clock.seconds, seconds)

        return run

    def train_layers(self, training):
        return layers_cnet.train(training, self.data, self.threads, setup_clock)

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
    """The options of fit for a rate, a momentum, a ramp, and central differences."""
    options = {"sampling": "shuffle" if training.shuffle else "replacement", "learning_rate": training.rate}
    if training.numerical:
        try:
            cnet.TwoLayerNet(2, 2, 2, rng=0).fit([[0, 1]], [0], iterations=1, gradient="numerical")
        except ValueError as error:
            raise UnsupportedError(f"this cnet does not train numerically: {error}") from None
        return {**options, "gradient": "numerical"}
    if not training.momentum:
        return options
    optimizers = getattr(cnet, "optimizers", None)
    if not hasattr(optimizers, "Momentum") or not hasattr(optimizers, "LinearRamp"):
        raise UnsupportedError("this cnet has no optimizers.Momentum and optimizers.LinearRamp yet")
    rate = optimizers.LinearRamp(training.rate) if training.ramp else training.rate
    return {**options, "optimizer": optimizers.Momentum(momentum=training.momentum), "learning_rate": rate}


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
