"""NumPy in float32: the loop by hand, in place, with buffers that are made once."""

import time

import numpy as np
from workload import as_floats

from .base import Contender, Trained, copies


class NumpyLoop(Contender):
    packages = ("numpy",)

    def __init__(self, data, threads):
        super().__init__(data, threads)
        self.x = as_floats(data.x)
        self.t = data.t.astype(np.intp)

    def train(self, training):
        start = training.parameters()
        loop = momentum_loop if training.momentum else plain_loop

        def run():
            began = time.perf_counter()
            passes = Passes(copies(start), training.batch, training.activation)
            rows = training.rows(len(self.x))
            setup = time.perf_counter() - began
            loop(passes, self.x, self.t, rows, training)
            return Trained(passes.parameters, setup)

        return run

    def gradient(self, parameters, x, t):
        passes = Passes(copies(parameters), len(x), "sigmoid")
        return lambda: passes.gradient(x, t, 1.0)

    def predict(self, parameters, x):
        W1, b1, W2, b2 = copies(parameters)

        def run():
            z = x @ W1
            z += b1
            sigmoid(z)
            y = z @ W2
            y += b2
            return softmax(y)

        return run

    def numerical_gradient(self, parameters, x, t):
        """The naive way in float64: the loss of the whole network, twice for each parameter."""
        return naive_numerical_gradient(copies(parameters, np.float64), np.asarray(x, np.float64), t)


def sigmoid(a):
    """In place."""
    np.negative(a, out=a)
    np.exp(a, out=a)
    a += 1
    np.reciprocal(a, out=a)
    return a


def softmax(y):
    """In place, by rows."""
    y -= y.max(axis=-1, keepdims=True)
    np.exp(y, out=y)
    y /= y.sum(axis=-1, keepdims=True)
    return y


class Passes:
    """Forward and backward over one mini-batch, with their buffers."""

    def __init__(self, parameters, batch, activation):
        self.parameters = parameters
        self.relu = activation == "relu"
        W1, b1, W2, b2 = parameters
        self.x = np.empty((batch, len(W1)), np.float32)
        self.z = np.empty((batch, len(b1)), np.float32)
        self.y = np.empty((batch, len(b2)), np.float32)
        self.d = np.empty_like(self.z)
        self.slope = np.empty_like(self.z)
        self.samples = np.arange(batch)
        self.gradients = [np.empty_like(values) for values in parameters]

    def gradient(self, x, t, scale):
        """scale times the gradient."""
        W1, b1, W2, b2 = self.parameters
        dW1, db1, dW2, db2 = self.gradients
        z, y, d, slope = self.z, self.y, self.d, self.slope
        np.dot(x, W1, out=z)
        z += b1
        if self.relu:
            np.maximum(z, 0, out=z)
        else:
            sigmoid(z)
        np.dot(z, W2, out=y)
        y += b2
        softmax(y)
        y[self.samples, t] -= 1
        y *= scale / len(y)
        np.dot(y, W2.T, out=d)
        if self.relu:
            np.greater(z, 0, out=slope)
        else:
            np.subtract(1, z, out=slope)
            slope *= z
        d *= slope
        np.dot(z.T, y, out=dW2)
        y.sum(axis=0, out=db2)
        np.dot(x.T, d, out=dW1)
        d.sum(axis=0, out=db1)
        return self.gradients


def plain_loop(passes, x, t, rows, training):
    """Gradient descent, the rate folded into the deltas."""
    parameters = passes.parameters
    for chosen in rows:
        np.take(x, chosen, axis=0, out=passes.x, mode="clip")
        steps = passes.gradient(passes.x, t[chosen], training.rate)
        for values, step in zip(parameters, steps, strict=True):
            values -= step


def momentum_loop(passes, x, t, rows, training):
    """v = momentum * v - rate * gradient; W += v."""
    speeds = [np.zeros_like(values) for values in passes.parameters]
    for chosen, rate in zip(rows, training.rates(), strict=True):
        np.take(x, chosen, axis=0, out=passes.x, mode="clip")
        steps = passes.gradient(passes.x, t[chosen], rate)
        for values, speed, step in zip(passes.parameters, speeds, steps, strict=True):
            speed *= training.momentum
            speed -= step
            values += speed


def naive_numerical_gradient(parameters, x, t, h=1e-4, count=400):
    """Central differences for `count` parameters of W1, and the share of all that they are."""
    from workload import loss

    W1 = parameters[0].reshape(-1)
    where = np.linspace(0, W1.size - 1, count).astype(int)

    def run():
        differences = []
        for i in where:
            kept = W1[i]
            W1[i] = kept + h
            above = loss(parameters, x, t)
            W1[i] = kept - h
            below = loss(parameters, x, t)
            W1[i] = kept
            differences.append((above - below) / (2 * h))
        return where, np.array(differences)

    return run, count / sum(values.size for values in parameters)
