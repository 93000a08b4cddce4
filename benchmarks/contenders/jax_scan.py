"""JAX: the whole training one compiled program, `jit` of `lax.scan` over the iterations."""

import time

import jax
import jax.numpy as jnp
import numpy as np
from workload import as_floats

from . import layers_jax
from .base import Contender, Trained


def scores(parameters, x, activation):
    """The network before the softmax."""
    W1, b1, W2, b2 = parameters
    a = x @ W1 + b1
    return (jax.nn.relu(a) if activation == "relu" else jax.nn.sigmoid(a)) @ W2 + b2


def loss(parameters, x, t, activation="sigmoid"):
    """Mean cross-entropy; labels as indices."""
    logarithms = jax.nn.log_softmax(scores(parameters, x, activation))
    return -jnp.take_along_axis(logarithms, t[:, None], axis=1).mean()


class JaxScan(Contender):
    packages = ("jax", "jaxlib")

    def __init__(self, data, threads):
        super().__init__(data, threads)
        self.x = jnp.asarray(as_floats(data.x))
        self.t = jnp.asarray(data.t, jnp.int32)

    def train(self, training):
        start = training.parameters()
        program = momentum_program(training) if training.momentum else plain_program(training)

        def run():
            began = time.perf_counter()
            parameters = [jnp.array(values) for values in start]
            rows = jnp.asarray(training.rows(len(self.x), np.int32))
            setup = time.perf_counter() - began
            parameters = program(parameters, self.x, self.t, rows, training.rates())
            return Trained([np.asarray(values) for values in parameters], setup)

        run()
        return run

    def train_layers(self, training):
        return layers_jax.train(training, self.data)

    def gradient(self, parameters, x, t):
        parameters = [jnp.asarray(values) for values in parameters]
        x, t = jnp.asarray(x), jnp.asarray(t, jnp.int32)
        program = jax.jit(jax.grad(loss))
        return lambda: jax.block_until_ready(program(parameters, x, t))

    def predict(self, parameters, x):
        parameters = [jnp.asarray(values) for values in parameters]
        x = jnp.asarray(x)
        program = jax.jit(lambda parameters, x: jax.nn.softmax(scores(parameters, x, "sigmoid")))
        return lambda: jax.block_until_ready(program(parameters, x))


def plain_program(training):
    """Gradient descent at one rate."""

    def program(parameters, x, t, rows, rates):
        def iteration(parameters, chosen):
            # The data are arguments, not constants: constants would be compiled into the program.
            gradients = jax.grad(loss)(parameters, x[chosen], t[chosen], training.activation)
            values = [value - training.rate * g for value, g in zip(parameters, gradients, strict=True)]
            return values, None

        return jax.lax.scan(iteration, parameters, rows)[0]

    return jax.jit(program, donate_argnums=0)


def momentum_program(training):
    """Momentum, and a rate for each iteration."""

    def program(parameters, x, t, rows, rates):
        def iteration(state, inputs):
            parameters, speeds = state
            chosen, rate = inputs
            gradients = jax.grad(loss)(parameters, x[chosen], t[chosen], training.activation)
            speeds = [training.momentum * v + g for v, g in zip(speeds, gradients, strict=True)]
            values = [value - rate * v for value, v in zip(parameters, speeds, strict=True)]
            return (values, speeds), None

        speeds = [jnp.zeros_like(values) for values in parameters]
        return jax.lax.scan(iteration, (parameters, speeds), (rows, rates))[0][0]

    return jax.jit(program, donate_argnums=0)
