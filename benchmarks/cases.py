"""The cases: what is measured, with which sizes, and who takes part."""

from dataclasses import dataclass
from fnmatch import fnmatch

HIDDEN = (16, 50, 128, 512, 2048)
BATCHES = (1, 10, 100, 1000)
TRAINERS = ("cnet", "numpy", "torch", "torch-loop", "jax", "sklearn")
SEED_TRAINERS = (*TRAINERS, "thinc", "tinygrad")
LAYERS_TRAINERS = ("cnet", "torch", "torch-loop", "torch-compile", "jax", "sklearn", "thinc", "tinygrad")
DIFFERENTIATORS = ("cnet", "numpy", "torch", "torch-loop", "jax")
PREDICTORS = ("cnet", "numpy", "torch", "torch-loop", "jax", "sklearn", "onnxruntime", "thinc", "tinygrad")
# Seconds that one measurement of a training takes, for cnet and for a peer.
CNET_SECONDS, PEER_SECONDS = 1.0, 0.5


@dataclass(frozen=True)
class Case:
    """One thing that is measured.

    unit : the unit in the table
    command : what the workers are told (measurements.py)
    contenders : who takes part
    threads : numbers of threads that are tried
    fresh : whether each measurement needs a new process
    """

    name: str
    title: str
    unit: str
    command: dict
    contenders: tuple
    threads: tuple = (1, 2)
    fresh: bool = False

    def command_for(self, quick):
        """The workers' command, by contender's name and threads."""

        def command(name, threads):
            seconds = self.command.get("seconds") or (CNET_SECONDS if name in ("cnet", "before") else PEER_SECONDS)
            return {**self.command, "seconds": seconds * (0.2 if quick else 1)}

        return command

    def data_name(self, images):
        """What the data are called in the table: `images`, or those of the case's own."""
        own = self.command.get("data", "mnist")
        return images if own == "mnist" else {"digits": "scikit-learn's digits"}.get(own, "drawn data")

    def measures(self, name):
        """Whether a contender takes part."""
        return ("cnet" if name == "before" else name) in self.contenders


def train_case(name, title, hidden, batch, contenders=TRAINERS, threads=(1, 2), **options):
    """A training with plain gradient descent at 0.1; options of `workload.Training`."""
    command = {"kind": "train", "hidden": hidden, "batch": batch, "largest": 200_000, "options": options}
    return Case(name, title, "us/iteration", command, contenders, threads)


def accuracy_case(name, title, hidden, batch, epochs, **options):
    """A whole training, with the accuracy that it reached."""
    command = {"kind": "accuracy", "hidden": hidden, "batch": batch, "epochs": epochs, "options": options}
    return Case(name, title, "s", command, TRAINERS)


def all_cases():
    """Every case, in the order of the report."""
    return [*training_cases(), *layers_cases(), *call_cases(), *whole_cases()]


def training_cases():
    """Time of an iteration."""
    seed = "784-50-10, sigmoid, batch 100, SGD 0.1"
    cases = [
        train_case("seed", f"Seed job: {seed}", 50, 100, SEED_TRAINERS),
        train_case("seed-floats", f"Seed job, cnet on float32 images too: {seed}", 50, 100, floats=True),
    ]
    for hidden in HIDDEN:
        for batch in BATCHES:
            title = f"Training 784-{hidden}-10, batch {batch}"
            cases.append(train_case(f"train-h{hidden}-b{batch}", title, hidden, batch))
    for hidden in (50, 512):
        title = f"Threads: training 784-{hidden}-10, batch 100"
        cases.append(train_case(f"scaling-h{hidden}", title, hidden, 100, ("cnet",), (1, 2, 4)))
    title = "Training 784-50-10, batch 100, by central differences"
    cases.append(train_case("numerical-fit", title, 50, 100, ("cnet",), numerical=True))
    return cases


def layers_case(name, title, sizes, data, batch, kind="layers", contenders=LAYERS_TRAINERS, **options):
    """A training of any depth with Adam; options of `layers.LayersTraining`."""
    command = {
        "kind": kind, "sizes": sizes, "data": data, "batch": batch, "largest": 200_000, "options": options,
    }
    return Case(name, title, "us/iteration", command, contenders)


def layers_cases():
    """Deeper networks, and Adam."""
    deep, digits, cover = (784, 512, 512, 10), (64, 100, 10), (54, 128, 64, 7)
    return [
        layers_case("deep", "784-512-512-10, relu, batch 128, Adam", deep, "mnist", 128),
        layers_case("deep-floats", "784-512-512-10, relu, batch 128, Adam, cnet on float32 too", deep, "mnist", 128,
                    floats=True),
        layers_case("deep-dense", "784-512-512-10, relu, batch 128, Adam; rows without a zero", deep, "dense", 128),
        layers_case("digits-adam", "64-100-10, relu, batch 200, Adam", digits, "digits", 200),
        layers_case("full-batch", "4-32-16-4, tanh, all 200 rows in each iteration, Adam", (4, 32, 16, 4), "dense", 0,
                    activation="tanh", rate=0.01),
        layers_case("cover-dense", "54-128-64-7, relu, batch 256, Adam; rows without a zero", cover, "dense", 256),
        layers_case("cover-one-hot", "54-128-64-7, relu, batch 256, Adam; 10 columns, 44 one-hot", cover,
                    "one-hot", 256),
        layers_case("adam-cost", "784-50-10, relu, batch 100: Adam's time above SGD's", (784, 50, 10), "mnist", 100,
                    kind="optimizer-cost", contenders=("cnet",)),
    ]


def call_cases():
    """Time of one call."""
    cases = []
    for rows, what in (("dense", "dense float32 rows"), ("images", "images as float32 rows")):
        command = {"kind": "gradient", "hidden": 50, "batch": 100, "rows": rows, "seconds": 0.2}
        cases.append(Case(f"gradient-{rows}", f"Gradient of 100 {what}", "us/call", command, DIFFERENTIATORS))
    for batch in (1, 100, 10_000):
        command = {"kind": "predict", "hidden": 50, "batch": batch, "seconds": 0.2}
        title = f"Prediction of {batch} float32 row{'s' * (batch > 1)}, 784-50-10"
        cases.append(Case(f"predict-{batch}", title, "us/call", command, PREDICTORS))
    command = {"kind": "numerical", "hidden": 50, "batch": 100, "rows": "images", "seconds": 0.2}
    title = "Numerical gradient of 100 images, 784-50-10 (NumPy: the naive way, scaled up from a part)"
    cases.append(Case("numerical", title, "ms/call", command, ("cnet", "numpy")))
    return cases


def whole_cases():
    """Whole trainings: time to an accuracy, and memory."""
    momentum = {"rate": 0.1, "momentum": 0.9, "ramp": True}
    recipe = "relu, batch 32, momentum 0.9, rate ramped to 0.1 and back"
    plain = "97 %: 784-256-10, relu, batch 32, SGD 0.25, 2 epochs"
    cases = [
        accuracy_case("accuracy-97-plain", plain, 256, 32, 2, rate=0.25),
        accuracy_case("accuracy-97", f"97 %: 784-64-10, {recipe}, 2 epochs", 64, 32, 2, **momentum),
        accuracy_case("accuracy-98", f"98 %: 784-256-10, {recipe}, 3 epochs", 256, 32, 3, **momentum),
        accuracy_case("accuracy-98.4", f"98.4 %: 784-512-10, {recipe}, 6 epochs", 512, 32, 6, **momentum),
    ]
    command = {"kind": "memory", "hidden": 50, "batch": 100, "iterations": 2000}
    title = "Memory: peak of training 784-50-10 above what was held before, all rows passed in"
    cases.append(Case("memory", title, "MB", command, TRAINERS, fresh=True))
    return cases


def chosen(patterns):
    """The cases that match one of the comma-separated patterns (`train-*`, `seed`)."""
    found = [
        case for case in all_cases() if any(fnmatch(case.name, pattern) for pattern in patterns.split(","))
    ]
    if not found:
        raise SystemExit(f"no case matches {patterns!r}; --list shows them")
    return found
