"""PyTorch as it is taught: modules, autograd and an optimizer, eager, on the CPU."""

import time

import numpy as np
import torch
from torch import nn
from workload import INPUTS, OUTPUTS, as_floats

from . import layers_torch
from .base import Contender, Trained


def build(parameters, activation):
    """nn.Sequential with these starting values."""
    hidden = len(parameters[1])
    middle = nn.ReLU() if activation == "relu" else nn.Sigmoid()
    net = nn.Sequential(nn.Linear(INPUTS, hidden), middle, nn.Linear(hidden, OUTPUTS))
    with torch.no_grad():
        for layer, weight, bias in ((net[0], *parameters[:2]), (net[2], *parameters[2:])):
            layer.weight.copy_(torch.from_numpy(weight.T.copy()))
            layer.bias.copy_(torch.from_numpy(bias))
    return net


class TorchModules(Contender):
    packages = ("torch",)

    def __init__(self, data, threads):
        super().__init__(data, threads)
        torch.set_num_threads(threads)
        self.x = torch.from_numpy(as_floats(data.x))
        self.t = torch.from_numpy(data.t.astype(np.int64))

    def train(self, training):
        start = training.parameters()
        x, t = self.x, self.t
        cross_entropy = nn.functional.cross_entropy

        def run():
            began = time.perf_counter()
            net = build(start, training.activation)
            optimizer = torch.optim.SGD(net.parameters(), lr=training.rate, momentum=training.momentum)
            rows = torch.from_numpy(training.rows(len(x), np.int64))
            rates = training.rates() if training.ramp else None
            setup = time.perf_counter() - began
            for i, chosen in enumerate(rows):
                if rates is not None:
                    optimizer.param_groups[0]["lr"] = float(rates[i])
                optimizer.zero_grad(set_to_none=True)
                loss = cross_entropy(net(x[chosen]), t[chosen])
                loss.backward()
                optimizer.step()
            values = [values.detach().numpy() for values in net.parameters()]
            return Trained([values[0].T, values[1], values[2].T, values[3]], setup)

        return run

    def train_layers(self, training):
        return layers_torch.train_modules(training, self.data)

    def gradient(self, parameters, x, t):
        net = build(parameters, "sigmoid")
        x, t = torch.from_numpy(x), torch.from_numpy(np.asarray(t, np.int64))
        weights = list(net.parameters())

        def run():
            loss = nn.functional.cross_entropy(net(x), t)
            W1, b1, W2, b2 = torch.autograd.grad(loss, weights)
            return [W1.T, b1, W2.T, b2]

        return run

    def predict(self, parameters, x):
        net = build(parameters, "sigmoid")
        x = torch.from_numpy(x)

        @torch.inference_mode()
        def run():
            return torch.softmax(net(x), dim=-1)

        return run
