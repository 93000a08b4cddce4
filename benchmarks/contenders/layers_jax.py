"""JAX: a training of any depth as one program, `jit` of `lax.scan` over the iterations, state donated."""

import time

import jax
import jax.numpy as jnp
import numpy as np
from layers import float_rows

from .base import Trained


def loss(parameters, x, t, activation):
    """Mean cross-entropy; labels as indices."""
    z = x
    for i in range(0, len(parameters), 2):
        z = z @ parameters[i] + parameters[i + 1]
        if i < len(parameters) - 2:
            z = jax.nn.relu(z) if activation == "relu" else jnp.tanh(z)
    return -jnp.take_along_axis(jax.nn.log_softmax(z), t[:, None], axis=1).mean()


def adam(parameters, gradients, state, rate):
    """Adam as optax has it."""
    first, second, step = state
    step = step + 1
    first = [0.9 * m + 0.1 * g for m, g in zip(first, gradients, strict=True)]
    second = [0.999 * v + 0.001 * g * g for v, g in zip(second, gradients, strict=True)]
    one, two = 1 - 0.9**step, 1 - 0.999**step
    parameters = [
        value - rate * (m / one) / (jnp.sqrt(v / two) + 1e-8)
        for value, m, v in zip(parameters, first, second, strict=True)
    ]
    return parameters, (first, second, step)


def sgd(parameters, gradients, state, rate):
    """Plain descent."""
    return [value - rate * g for value, g in zip(parameters, gradients, strict=True)], state


def program(training):
    """The whole training: a function of parameters, state, x, t and the rows of each mini-batch."""
    update = {"adam": adam, "sgd": sgd}[training.optimizer]

    def run(parameters, state, x, t, rows):
        def iteration(carried, chosen):
            parameters, state = carried
            batch = (x[chosen], t[chosen]) if training.batch else (x, t)
            gradients = jax.grad(loss)(parameters, *batch, training.activation)
            return update(parameters, gradients, state, training.rate), None

        length = None if training.batch else training.iterations
        return jax.lax.scan(iteration, (parameters, state), rows, length=length)[0]

    return jax.jit(run, donate_argnums=(0, 1))


def train(training, data):
    """Prepare a training (`layers.LayersTraining`)."""
    x, t = float_rows(training, data)
    x, t, start, compiled = jnp.asarray(x), jnp.asarray(t, jnp.int32), training.parameters(), program(training)

    def run():
        began = time.perf_counter()
        parameters = [jnp.array(values) for values in start]
        state = ([jnp.zeros_like(p) for p in parameters], [jnp.zeros_like(p) for p in parameters], jnp.float32(0))
        rows = jnp.asarray(training.rows(len(x), np.int32)) if training.batch else None
        setup = time.perf_counter() - began
        parameters, _ = compiled(parameters, state, x, t, rows)
        return Trained([np.asarray(values) for values in parameters], setup)

    run()
    return run
