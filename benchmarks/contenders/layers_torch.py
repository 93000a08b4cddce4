"""PyTorch at any depth: modules with autograd (eager or compiled), and a loop by hand without autograd."""

import time

import numpy as np
import torch
from layers import float_rows
from torch import nn

from .base import Trained


def tensors(training, data):
    """Inputs and labels."""
    x, t = float_rows(training, data)
    return torch.from_numpy(x), torch.from_numpy(t.astype(np.int64))


def batches(training, x, t):
    """The rows of each mini-batch, or None for each iteration where it is all rows."""
    if training.batch:
        return torch.from_numpy(training.rows(len(x), np.int64))
    return [None] * training.iterations


def build(training):
    """nn.Sequential with the starting values."""
    parameters, modules = training.parameters(), []
    for i in range(0, len(parameters), 2):
        layer = nn.Linear(*parameters[i].shape)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(parameters[i].T.copy()))
            layer.bias.copy_(torch.from_numpy(parameters[i + 1]))
        modules += [layer, nn.ReLU() if training.activation == "relu" else nn.Tanh()]
    return nn.Sequential(*modules[:-1])


def train_modules(training, data, compiled=False):
    """Modules, autograd, and the fused Adam (or SGD) of `torch.optim`; with torch.compile if asked for."""
    x, t = tensors(training, data)
    optimizers = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}

    def run():
        began = time.perf_counter()
        net = build(training)
        optimizer = optimizers[training.optimizer](net.parameters(), lr=training.rate, fused=True)

        def loss_of(x, t):
            return nn.functional.cross_entropy(net(x), t)

        compute = torch.compile(loss_of) if compiled else loss_of
        if compiled:
            compute(x[: training.batch or None], t[: training.batch or None]).backward()
            began = time.perf_counter()
        rows = batches(training, x, t)
        setup = time.perf_counter() - began
        for chosen in rows:
            optimizer.zero_grad(set_to_none=True)
            loss = compute(x, t) if chosen is None else compute(x[chosen], t[chosen])
            loss.backward()
            optimizer.step()
        seconds = time.perf_counter() - began
        values = [values.detach().numpy() for values in net.parameters()]
        return Trained([value.T if value.ndim == 2 else value for value in values], setup, seconds)

    return run


def train_loop(training, data):
    """By hand: no autograd, buffers made once, one fused step for all parameters, which are one array."""
    x, t = tensors(training, data)

    @torch.inference_mode()
    def run():
        began = time.perf_counter()
        passes = Passes(training, training.batch or len(x))
        step = Step(training, passes)
        rows = batches(training, x, t)
        setup = time.perf_counter() - began
        column = t.unsqueeze(1)
        for chosen in rows:
            if chosen is None:
                passes.gradient(x, column)
            else:
                torch.index_select(x, 0, chosen, out=passes.x)
                torch.index_select(t, 0, chosen, out=passes.t)
                passes.gradient(passes.x, passes.t.unsqueeze(1))
            step()
        return Trained([values.numpy() for values in passes.parameters], setup)

    return run


class Passes:
    """Forward and backward over one mini-batch; parameters and gradients are views of one array each."""

    def __init__(self, training, batch):
        start, sizes = training.parameters(), training.sizes
        self.relu = training.activation == "relu"
        self.flat = torch.from_numpy(np.concatenate([values.ravel() for values in start]))
        self.flat_gradient = torch.zeros_like(self.flat)
        shapes = [values.shape for values in start]
        self.parameters, self.gradients = views(self.flat, shapes), views(self.flat_gradient, shapes)
        self.x = torch.empty(batch, sizes[0])
        self.t = torch.empty(batch, dtype=torch.int64)
        self.z = [torch.empty(batch, size) for size in sizes[1:]]
        self.d = [torch.empty(batch, size) for size in sizes[1:]]
        self.ones = torch.full((batch, 1), -1.0)

    def gradient(self, x, t):
        """Leave the gradient of the mean loss in `flat_gradient`; t is a column."""
        last = len(self.z) - 1
        source = x
        for layer, z in enumerate(self.z):
            torch.addmm(self.parameters[2 * layer + 1], source, self.parameters[2 * layer], out=z)
            if layer < last:
                z.relu_() if self.relu else z.tanh_()
            source = z
        delta = self.d[last]
        torch.softmax(self.z[last], 1, out=delta)
        delta.scatter_add_(1, t, self.ones)
        delta.mul_(1 / len(x))
        for layer in range(last, -1, -1):
            source = self.z[layer - 1] if layer else x
            torch.mm(source.t(), delta, out=self.gradients[2 * layer])
            torch.sum(delta, 0, out=self.gradients[2 * layer + 1])
            if layer:
                below = self.d[layer - 1]
                torch.mm(delta, self.parameters[2 * layer].t(), out=below)
                if self.relu:
                    torch.ops.aten.threshold_backward.grad_input(below, source, 0, grad_input=below)
                else:
                    torch.ops.aten.tanh_backward.grad_input(below, source, grad_input=below)
                delta = below


def views(flat, shapes):
    """Arrays of these shapes, one after the other, in one array."""
    parts = torch.split(flat, [int(np.prod(shape)) for shape in shapes])
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]


class Step:
    """The optimizer's step on the one array of all parameters, by PyTorch's own fused kernel."""

    def __init__(self, training, passes):
        self.rate, self.adam = training.rate, training.optimizer == "adam"
        self.flat, self.gradient = [passes.flat], [passes.flat_gradient]
        self.first, self.second = [torch.zeros_like(passes.flat)], [torch.zeros_like(passes.flat)]
        self.steps = [torch.zeros(())]

    def __call__(self):
        if not self.adam:
            self.flat[0].add_(self.gradient[0], alpha=-self.rate)
            return
        self.steps[0] += 1
        torch._fused_adam_(
            self.flat, self.gradient, self.first, self.second, [], self.steps, lr=self.rate, beta1=0.9,
            beta2=0.999, weight_decay=0.0, eps=1e-8, amsgrad=False, maximize=False,
        )
