"""PyTorch by hand: no autograd, buffers made once, the update fused into the product."""

import time

import numpy as np
import torch
from workload import as_floats

from . import layers_torch
from .base import Contender, Trained


class TorchLoop(Contender):
    packages = ("torch",)

    def __init__(self, data, threads):
        super().__init__(data, threads)
        torch.set_num_threads(threads)
        self.x = torch.from_numpy(as_floats(data.x))
        self.t = torch.from_numpy(data.t.astype(np.int64))

    def train(self, training):
        start = training.parameters()
        loop = momentum_loop if training.momentum else plain_loop

        @torch.inference_mode()
        def run():
            began = time.perf_counter()
            passes = Passes(start, training.batch, training.activation)
            rows = torch.from_numpy(training.rows(len(self.x), np.int64))
            setup = time.perf_counter() - began
            loop(passes, self.x, self.t, rows, training)
            return Trained([values.numpy() for values in passes.parameters], setup)

        return run

    def train_layers(self, training):
        return layers_torch.train_loop(training, self.data)

    def gradient(self, parameters, x, t):
        passes = Passes(parameters, len(x), "sigmoid")
        gradients = [torch.empty_like(values) for values in passes.parameters]
        x, t = torch.from_numpy(x), torch.from_numpy(np.asarray(t, np.int64)[:, None])

        @torch.inference_mode()
        def run():
            passes.deltas(x, t)
            passes.gradient(x, gradients)
            return gradients

        return run

    def predict(self, parameters, x):
        W1, b1, W2, b2 = (torch.from_numpy(values) for values in parameters)
        x = torch.from_numpy(x)[None, :] if x.ndim == 1 else torch.from_numpy(x)

        @torch.inference_mode()
        def run():
            z = torch.addmm(b1, x, W1).sigmoid_()
            return torch.softmax(torch.addmm(b2, z, W2), dim=1)

        return run


class Passes:
    """Forward and backward over one mini-batch, with their buffers."""

    def __init__(self, parameters, batch, activation):
        self.parameters = [torch.from_numpy(values).clone() for values in parameters]
        self.relu = activation == "relu"
        inputs, hidden, outputs = len(parameters[0]), len(parameters[1]), len(parameters[3])
        self.x = torch.empty(batch, inputs)
        self.t = torch.empty(batch, dtype=torch.int64)
        self.z = torch.empty(batch, hidden)
        self.y = torch.empty(batch, outputs)
        self.p = torch.empty(batch, outputs)
        self.d = torch.empty(batch, hidden)
        self.minus_one = torch.full((batch, 1), -1.0)

    def take(self, x, t, chosen):
        """Gather a mini-batch; the labels as a column."""
        torch.index_select(x, 0, chosen, out=self.x)
        torch.index_select(t, 0, chosen, out=self.t)
        return self.x, self.t.unsqueeze(1)

    def deltas(self, x, t):
        """Leave the deltas, summed over nothing and divided by nothing, in p and d."""
        W1, b1, W2, b2 = self.parameters
        torch.addmm(b1, x, W1, out=self.z)
        self.z.relu_() if self.relu else self.z.sigmoid_()
        torch.addmm(b2, self.z, W2, out=self.y)
        torch.softmax(self.y, 1, out=self.p)
        self.p.scatter_add_(1, t, self.minus_one)
        torch.mm(self.p, W2.t(), out=self.d)
        if self.relu:
            self.d.mul_(self.z > 0)
        else:
            torch.ops.aten.sigmoid_backward.grad_input(self.d, self.z, grad_input=self.d)

    def gradient(self, x, out):
        """The gradient of the mean loss, into `out`."""
        scale = 1 / len(x)
        for (dW, db), (values, delta) in zip(
            (out[:2], out[2:]), ((x, self.d), (self.z, self.p)), strict=True
        ):
            torch.mm(values.t(), delta.mul_(scale), out=dW)
            torch.sum(delta, 0, out=db)


def plain_loop(passes, x, t, rows, training):
    """Gradient descent: W += -rate / batch * (x^T d), in one call."""
    W1, b1, W2, b2 = passes.parameters
    step = -training.rate / training.batch
    for chosen in rows:
        images, labels = passes.take(x, t, chosen)
        passes.deltas(images, labels)
        W2.addmm_(passes.z.t(), passes.p, alpha=step)
        b2.add_(passes.p.sum(0), alpha=step)
        W1.addmm_(images.t(), passes.d, alpha=step)
        b1.add_(passes.d.sum(0), alpha=step)


def momentum_loop(passes, x, t, rows, training):
    """v = momentum * v + gradient; W -= rate * v."""
    W1, b1, W2, b2 = passes.parameters
    v1, c1, v2, c2 = speeds = [torch.zeros_like(values) for values in passes.parameters]
    scale = 1 / training.batch
    for chosen, rate in zip(rows, training.rates().tolist(), strict=True):
        images, labels = passes.take(x, t, chosen)
        passes.deltas(images, labels)
        v1.addmm_(images.t(), passes.d, beta=training.momentum, alpha=scale)
        c1.mul_(training.momentum).add_(passes.d.sum(0), alpha=scale)
        v2.addmm_(passes.z.t(), passes.p, beta=training.momentum, alpha=scale)
        c2.mul_(training.momentum).add_(passes.p.sum(0), alpha=scale)
        for values, speed in zip(passes.parameters, speeds, strict=True):
            values.add_(speed, alpha=-rate)
