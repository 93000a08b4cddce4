"""thinc: a chain of layers over its NumPy operations, whose products are BLIS's, and its own optimizer.

The layers are functions as thinc's own are, with three differences that its users make where time counts: activations
are computed in place, the first layer does not compute the derivatives by its inputs, which nobody reads, and softmax
and loss are differentiated together.
"""

import time

import numpy as np
from layers import float_rows
from thinc.api import SGD, Adam, Model, NumpyOps, chain
from workload import as_floats

from .base import Contender, Trained, UnsupportedError

OPS = NumpyOps(use_blis=True)


def dense(weight, bias, activation, first):
    """One layer: affine, activation."""

    def forward(model, x, is_train):
        W, ops = model.get_param("W"), model.ops
        y = ops.affine(x, W, model.get_param("b"))
        if activation == "relu":
            y = ops.relu(y, inplace=True)
        elif activation == "sigmoid":
            y = ops.sigmoid(y, inplace=True)
        elif activation == "tanh":
            np.tanh(y, out=y)
        else:
            y = ops.softmax(y, inplace=True)

        def backprop(d):
            if activation == "relu":
                d = ops.backprop_relu(d, y, inplace=True)
            elif activation == "sigmoid":
                d = ops.backprop_sigmoid(d, y, inplace=True)
            elif activation == "tanh":
                d *= ops.dtanh(y, inplace=True)
            model.inc_grad("b", d.sum(axis=0))
            model.inc_grad("W", ops.gemm(d, x, trans1=True))
            return d if first else ops.gemm(d, W)

        return y, backprop

    return Model(
        activation, forward, ops=OPS, params={"W": np.ascontiguousarray(weight.T), "b": bias.copy()})


def build(parameters, activation):
    """The network with these starting values; its outputs are probabilities."""
    layers = []
    for i in range(0, len(parameters), 2):
        last = i == len(parameters) - 2
        layers.append(dense(parameters[i], parameters[i + 1], "softmax" if last else activation, i == 0))
    return chain(*layers)


def values_of(net):
    """W1, b1, and so on."""
    return [array for layer in net.layers for array in (layer.get_param("W").T, layer.get_param("b"))]


def optimizer_of(name, rate):
    """Without what thinc adds unless it is told: clipping by norm, and averages."""
    return {"adam": Adam, "sgd": SGD}[name](rate, L2=0.0, grad_clip=0.0, use_averages=False)


def train(start, activation, optimizer, rate, x, t, rows_of_batches):
    """Prepare a training; `rows_of_batches` gives the rows of each, or None where a batch is all rows."""

    def run():
        began = time.perf_counter()
        net = build(start, activation)
        step = optimizer_of(optimizer, rate)
        batches = rows_of_batches()
        setup = time.perf_counter() - began
        for chosen in batches:
            inputs, labels = (x, t) if chosen is None else (x[chosen], t[chosen])
            y, backprop = net.begin_update(inputs)
            y[np.arange(len(labels)), labels] -= 1
            y /= len(labels)
            backprop(y)
            net.finish_update(step)
        return Trained(values_of(net), setup)

    return run


class ThincModel(Contender):
    packages = ("thinc", "blis")

    def check_threads(self):
        """Raise for more threads than it has."""
        if self.threads > 1:
            raise UnsupportedError("its BLIS has one thread")

    def train(self, training):
        self.check_threads()
        if training.momentum or training.ramp:
            raise UnsupportedError("has no momentum without Adam")
        x, t = as_floats(self.data.x), self.data.t.astype(np.intp)
        return train(
            training.parameters(), training.activation, "sgd", training.rate, x, t, lambda: training.rows(len(x)))

    def train_layers(self, training):
        self.check_threads()
        x, t = float_rows(training, self.data)

        def batches():
            return training.rows(len(x)) if training.batch else [None] * training.iterations

        start, t = training.parameters(), t.astype(np.intp)
        return train(start, training.activation, training.optimizer, training.rate, x, t, batches)

    def predict(self, parameters, x):
        self.check_threads()
        net = build(parameters, "sigmoid")
        x = np.ascontiguousarray(x[None, :] if x.ndim == 1 else x)
        return lambda: net.predict(x)
