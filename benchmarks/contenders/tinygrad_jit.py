"""tinygrad: twelve iterations in one TinyJit, which also chooses the rows; kernels are searched for, compiled by clang.

A program is compiled once for each network and kept: a training starts it from other values. So iterations are a
multiple of twelve.
"""

import os
import time

# Before the import, which reads it: search for the fastest of each kernel's forms. What is found stays on the disk.
os.environ.setdefault("BEAM", "1")

import numpy as np
from layers import float_rows
from tinygrad import Device, Tensor, TinyJit
from tinygrad.helpers import Context
from tinygrad.nn.optim import SGD, Adam
from workload import as_floats

from .base import Contender, Trained, UnsupportedError

# Iterations of one call: the checks' numbers are multiples of it.
TOGETHER = 12


def scores(parameters, x, activation):
    """The network before the softmax."""
    for i in range(0, len(parameters), 2):
        x = x.linear(parameters[i], parameters[i + 1])
        if i < len(parameters) - 2:
            x = getattr(x, activation)()
    return x


class Program:
    """Parameters, the optimizer, and the compiled iterations."""

    def __init__(self, start, activation, optimizer, rate, x, t, batch):
        self.parameters = [Tensor(values).realize().is_param_(True) for values in start]
        self.optimizer = {"adam": Adam, "sgd": SGD}[optimizer](self.parameters, lr=rate)
        self.state = [*getattr(self.optimizer, "m", []), *getattr(self.optimizer, "v", [])]
        self.powers = [getattr(self.optimizer, name) for name in ("b1_t", "b2_t") if hasattr(self.optimizer, name)]

        def iteration(inputs, labels):
            self.optimizer.zero_grad()
            scores(self.parameters, inputs, activation).sparse_categorical_crossentropy(labels).backward()
            Tensor.realize(*self.optimizer.schedule_step())

        @TinyJit
        def run(rows):
            for i in range(TOGETHER):
                iteration(x[rows[i]], t[rows[i]])

        @TinyJit
        def run_on_all():
            for _ in range(TOGETHER):
                iteration(x, t)

        self.rows = Tensor(np.zeros((TOGETHER, batch), np.int32)).realize() if batch else None
        self.run = (lambda: run(self.rows)) if batch else run_on_all
        # The first call runs without the compiled program, the second one compiles it.
        with Context(TRAINING=1):
            for _ in range(3):
                self.run()

    def start_from(self, start):
        """Set all that a training changes, in its own memory."""
        for parameter, values in zip(self.parameters, start, strict=True):
            memory_of(parameter)[:] = values.ravel()
        for tensor in self.state:
            memory_of(tensor)[:] = 0
        for tensor in self.powers:
            memory_of(tensor)[:] = 1


def memory_of(tensor, dtype=np.float32):
    """A realized tensor's elements, once nothing runs that reads them: a new tensor takes much longer than a copy."""
    Device[tensor.device].synchronize()
    return np.frombuffer(tensor.uop.base.realized.as_memoryview(allow_zero_copy=True), dtype)


class TinygradJit(Contender):
    packages = ("tinygrad",)

    def __init__(self, data, threads):
        super().__init__(data, threads)
        self.programs = {}
        self.images = None

    def train(self, training):
        if training.momentum or training.ramp:
            raise UnsupportedError("is not asked for momentum here")
        if self.images is None:
            self.images = self.tensors(as_floats(self.data.x), self.data.t)
        return self.prepare(training, self.images, training.activation, "sgd")

    def train_layers(self, training):
        tensors = self.tensors(*float_rows(training, self.data))
        return self.prepare(training, tensors, training.activation, training.optimizer)

    def tensors(self, x, t):
        """Inputs and labels."""
        return Tensor(x).realize(), Tensor(np.asarray(t, np.int32)).realize()

    def prepare(self, training, tensors, activation, optimizer):
        """A training by the compiled program of its kind."""
        start, batch, rate = training.parameters(), training.batch, training.rate
        key = tuple(values.shape for values in start), activation, optimizer, rate, batch, len(tensors[0])
        if key not in self.programs:
            self.programs[key] = Program(start, activation, optimizer, rate, *tensors, batch)
        program = self.programs[key]
        calls = -(-training.iterations // TOGETHER)

        def run():
            began = time.perf_counter()
            program.start_from(start)
            if batch:
                rows = training.rows(len(tensors[0]), np.int32)
                rows = np.resize(rows, (calls, TOGETHER, batch))
            setup = time.perf_counter() - began
            with Context(TRAINING=1):
                for i in range(calls):
                    if batch:
                        memory_of(program.rows, np.int32)[:] = rows[i].ravel()
                    program.run()
            values = [parameter.numpy() for parameter in program.parameters]
            return Trained(values, setup, iterations=calls * TOGETHER)

        return run

    def predict(self, parameters, x):
        parameters = [Tensor(values).realize() for values in parameters]
        x = np.ascontiguousarray(x[None, :] if x.ndim == 1 else x)
        inputs = Tensor(x).realize()
        program = TinyJit(lambda x: scores(parameters, x, "sigmoid").softmax().realize())
        for _ in range(3):
            program(inputs)

        def run():
            memory_of(inputs)[:] = x.ravel()
            return program(inputs).numpy()

        return run
