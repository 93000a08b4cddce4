"""PyTorch's modules under torch.compile: trainings of any depth only."""

import torch

from . import layers_torch
from .base import Contender


class TorchCompiled(Contender):
    packages = ("torch",)

    def __init__(self, data, threads):
        super().__init__(data, threads)
        torch.set_num_threads(threads)

    def train_layers(self, training):
        return layers_torch.train_modules(training, self.data, compiled=True)
