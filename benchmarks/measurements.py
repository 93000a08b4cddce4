"""What a worker does for each kind of case: prepare (untimed, with a check), then measure."""

import time
from dataclasses import replace

import layers
import numpy as np
import workload
from contenders.base import UnsupportedError
from workload import Training

# How far a result may be from NumPy's in float64, relative to its largest entry.
GRADIENT_TOLERANCE = 1e-4
NUMERICAL_TOLERANCE = 1e-6
# Rows on which the loss after the check's training is looked at.
CHECK_ROWS = 10_000


def check_training(hidden, batch):
    """A short training that learns enough to tell right work from wrong, at any size.

    Everybody takes the rows that cnet's generator draws, so that only rounding differs.
    """
    iterations, rate = {1: (2000, 0.02), 10: (400, 0.1)}.get(batch, (60, 0.3))
    return Training(hidden, batch, iterations, rate=rate, std=0.05, cnet_rows=True)


class TrainMeasurement:
    """Seconds for each iteration of a training, the set-up included."""

    def __init__(self, contender, command):
        self.contender = contender
        self.training = Training(command["hidden"], command["batch"], 1, **command.get("options", {}))
        self.target = command["seconds"]
        self.largest = command["largest"]
        self.run = None

    def prepare(self):
        """Check, choose the number of iterations, compile and warm up."""
        loss = self.check()
        self.training = replace(self.training, iterations=self.choose_iterations())
        self.run = self.train(self.training)
        return {"check": loss, "iterations": self.training.iterations}

    def train(self, training):
        """Prepare a training."""
        return self.contender.train(training)

    def check(self):
        """The loss after a short training."""
        data = self.contender.data
        checked = self.train(check_training(self.training.hidden, self.training.batch))()
        return workload.loss(
            checked.parameters, workload.as_floats(data.x[:CHECK_ROWS]), data.t[:CHECK_ROWS].astype(np.intp)
        )

    def choose_iterations(self):
        """As many as take about the target's seconds."""
        iterations, seconds = 4, 0.0
        while True:
            seconds, done = self.timed(replace(self.training, iterations=iterations))
            if seconds >= 0.1 * self.target or iterations >= self.largest:
                break
            iterations = min(self.largest, int(iterations * min(10, max(2, 0.15 * self.target / seconds))))
        return int(max(4, min(self.largest, done * self.target / seconds)))

    def timed(self, training, run=None):
        """Seconds and iterations of one run."""
        run = run or self.train(training)
        began = time.perf_counter()
        self.trained = run()
        seconds = time.perf_counter() - began
        return self.trained.seconds or seconds, self.trained.iterations or training.iterations

    def measure(self):
        """One training."""
        seconds, iterations = self.timed(self.training, self.run)
        return {"value": seconds / iterations, "setup": self.trained.setup, "iterations": iterations}


class LayersMeasurement(TrainMeasurement):
    """Seconds for each iteration of a training of any depth, the set-up included."""

    def __init__(self, contender, command):
        self.contender = contender
        self.training = layers_training(command)
        self.target = command["seconds"]
        self.largest = command["largest"]
        self.run = None

    def train(self, training):
        return self.contender.train_layers(training)

    def check(self):
        """The loss on the last rows (scikit-learn may have seen the first only) after a short training."""
        training = self.training
        x, t = layers.float_rows(training, self.contender.data)
        training = replace(training, iterations=training.iterations_of_check(len(x)), check_rows=training.batch > 0)
        parameters = self.train(training)().parameters
        return layers.loss(training, parameters, x[-CHECK_ROWS:], t[-CHECK_ROWS:])


class OptimizerCostMeasurement(LayersMeasurement):
    """Seconds for each iteration that Adam takes above plain descent: one training of each, one after the other."""

    def prepare(self):
        """As for a training; the number of iterations is that of Adam's."""
        answer = super().prepare()
        self.plain = self.train(replace(self.training, optimizer="sgd"))
        return answer

    def measure(self):
        """Two trainings."""
        values = []
        for run in (self.plain, self.run):
            seconds, iterations = self.timed(self.training, run)
            values.append(seconds / iterations)
        return {"value": values[1] - values[0], "setup": None, "iterations": self.training.iterations}


def layers_training(command):
    """The training that a case asks for."""
    return layers.LayersTraining(tuple(command["sizes"]), command["data"], command["batch"], 1, **command["options"])


class AccuracyMeasurement(TrainMeasurement):
    """Seconds of a whole training, and the share of the test set that it gets right.

    Each measurement starts from other values and takes other mini-batches.
    """

    def __init__(self, contender, command):
        self.contender = contender
        batch = command["batch"]
        iterations = command["epochs"] * (len(contender.data.x) // batch)
        self.training = Training(
            command["hidden"], batch, iterations, activation="relu", std=0, shuffle=True, **command["options"]
        )

    def prepare(self):
        """Nothing but a short run; the accuracy is the check."""
        self.contender.train(replace(self.training, iterations=20))()
        return {"check": None, "iterations": self.training.iterations}

    def measure(self):
        """One training, and its accuracy."""
        self.training = replace(self.training, seed=self.training.seed + 1)
        seconds, iterations = self.timed(self.training)
        data = self.contender.data
        share = workload.accuracy(self.trained.parameters, data.x_test, data.t_test, "relu")
        return {"value": seconds, "setup": self.trained.setup, "iterations": iterations, "accuracy": share}


class MemoryMeasurement:
    """The process's peak during a training, above what it held before.

    The arrays that are passed in are there before. Whatever a framework needs for its first
    training (compilation, pools) is counted.
    """

    def __init__(self, contender, command):
        self.contender = contender
        self.training = Training(command["hidden"], command["batch"], command["iterations"])

    def prepare(self):
        """Nothing is warmed up."""
        return {"check": None, "iterations": self.training.iterations}

    def measure(self):
        """Bytes."""
        try:
            # 5 resets the peak to what is held now (proc(5)).
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")
        except OSError as error:
            raise UnsupportedError(f"the peak cannot be reset here: {error}") from None
        before = process_memory("VmRSS")
        self.contender.train(self.training)()
        peak = process_memory("VmHWM") - before
        return {"value": peak, "setup": None, "iterations": self.training.iterations}


def process_memory(field):
    """Bytes that Linux tells of this process."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(f"{field}:"):
                return 1024 * int(line.split()[1])
    raise UnsupportedError(f"the system does not tell {field}")


class CallMeasurement:
    """Seconds of one call, as the mean over a block of calls."""

    def __init__(self, contender, command):
        self.contender = contender
        self.target = command["seconds"]
        self.parameters = Training(command["hidden"], 1, 1, std=0.05).parameters()
        self.call, self.share, self.repeats = None, 1.0, 1

    def checked_call(self):
        """The function to time, its result held against NumPy's; and the largest difference."""
        raise NotImplementedError

    def prepare(self):
        """Check, warm up, and choose how many calls make a block."""
        self.call, difference, tolerance = self.checked_call()
        if not difference <= tolerance:
            raise AssertionError(f"result is {difference:.2g} off (relative), allowed are {tolerance:.2g}")
        while True:
            seconds = self.block()
            if seconds >= 0.1 * self.target:
                break
            self.repeats *= 2
        self.repeats = max(1, round(self.repeats * self.target / seconds))
        return {"check": difference, "iterations": self.repeats}

    def block(self):
        """Seconds of one block."""
        call = self.call
        began = time.perf_counter()
        for _ in range(self.repeats):
            call()
        return time.perf_counter() - began

    def measure(self):
        """One block."""
        return {"value": self.block() / self.repeats / self.share, "setup": None, "iterations": self.repeats}


def difference(results, expected):
    """max |difference| / max |expected| over all arrays."""
    largest = max(np.abs(values).max() for values in expected)
    off = [np.abs(np.asarray(got) - want).max() for got, want in zip(results, expected, strict=True)]
    return float(max(off) / largest)


class GradientMeasurement(CallMeasurement):
    """The gradient for one batch."""

    def __init__(self, contender, command):
        super().__init__(contender, command)
        if command["rows"] == "dense":
            self.x, self.t = workload.dense_rows(command["batch"])
        else:
            data = contender.data
            self.x = workload.as_floats(data.x[: command["batch"]])
            self.t = data.t[: command["batch"]].astype(np.intp)

    def checked_call(self):
        call = self.contender.gradient(self.parameters, self.x, self.t)
        expected = workload.reference_gradient(self.parameters, self.x, self.t)
        return call, difference(call(), expected), GRADIENT_TOLERANCE


class PredictMeasurement(CallMeasurement):
    """The probabilities of some rows; of one row as (784,)."""

    def __init__(self, contender, command):
        super().__init__(contender, command)
        self.x = workload.as_floats(contender.data.x_test[: command["batch"]])

    def checked_call(self):
        x = self.x[0] if len(self.x) == 1 else self.x
        call = self.contender.predict(self.parameters, x)
        expected = workload.forward([v.astype(np.float64) for v in self.parameters], self.x)[1]
        return call, difference([np.atleast_2d(np.asarray(call()))], [expected]), GRADIENT_TOLERANCE


class NumericalMeasurement(GradientMeasurement):
    """Central differences by all parameters, or by a share of them and scaled up."""

    def checked_call(self):
        call, self.share = self.contender.numerical_gradient(self.parameters, self.x, self.t)
        expected = workload.reference_gradient(self.parameters, self.x, self.t)
        result = call()
        if self.share < 1:
            where, differences = result
            result, expected = [differences], [expected[0].reshape(-1)[where]]
        # At h = 1e-4 central differences are that near to backpropagation.
        return call, difference(result, expected), NUMERICAL_TOLERANCE


KINDS = {
    "train": TrainMeasurement,
    "layers": LayersMeasurement,
    "optimizer-cost": OptimizerCostMeasurement,
    "accuracy": AccuracyMeasurement,
    "memory": MemoryMeasurement,
    "gradient": GradientMeasurement,
    "predict": PredictMeasurement,
    "numerical": NumericalMeasurement,
}
