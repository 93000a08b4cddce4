"""The cases: what is measured, with which sizes, and who takes part."""

from dataclasses import dataclass
from fnmatch import fnmatch

HIDDEN = (16, 50, 128, 512, 2048)
BATCHES = (1, 10, 100, 1000)
TRAINERS = ("cnet", "numpy", "torch", "torch-loop", "jax", "sklearn")
DIFFERENTIATORS = ("cnet", "numpy", "torch", "torch-loop", "jax")
PREDICTORS = ("cnet", "numpy", "torch", "torch-loop", "jax", "sklearn", "onnxruntime")
# An ordinary laptop's share of seconds for each measurement of cnet and of a peer.
CNET_SECONDS, PEER_SECONDS = 1.0, 0.5


@dataclass(frozen=True)
class Case:
    """One thing that is measured.

    unit : the unit in the table
    command : what the workers are told (measurements.py)
    contenders : who takes part
    threads : numbers of threads that are tried
    """

    name: str
    title: str
    unit: str
    command: dict
    contenders: tuple
    threads: tuple = (1, 2)

    def command_for(self, quick):
        """The workers' command, by contender's name and threads."""

        def command(name, threads):
            seconds = self.command.get("seconds") or (CNET_SECONDS if name == "cnet" else PEER_SECONDS)
            return {**self.command, "seconds": seconds * (0.2 if quick else 1)}

        return command


def train_case(name, title, hidden, batch):
    """A training with plain gradient descent at 0.1."""
    command = {"kind": "train", "hidden": hidden, "batch": batch, "largest": 200_000}
    return Case(name, title, "us/iteration", command, TRAINERS)


def all_cases():
    """Every case, in the order of the report."""
    cases = [train_case("seed", "Seed job: 784-50-10, sigmoid, batch 100, SGD 0.1", 50, 100)]
    for hidden in HIDDEN:
        for batch in BATCHES:
            title = f"Training 784-{hidden}-10, batch {batch}"
            cases.append(train_case(f"train-h{hidden}-b{batch}", title, hidden, batch))
    for rows, what in (("dense", "dense float32 rows"), ("images", "images as float32 rows")):
        command = {"kind": "gradient", "hidden": 50, "batch": 100, "rows": rows, "seconds": 0.2}
        cases.append(Case(f"gradient-{rows}", f"Gradient of 100 {what}", "us/call", command, DIFFERENTIATORS))
    for batch in (1, 100, 10_000):
        command = {"kind": "predict", "hidden": 50, "batch": batch, "seconds": 0.2}
        title = f"Prediction of {batch} float32 row{'s' * (batch > 1)}, 784-50-10"
        cases.append(Case(f"predict-{batch}", title, "us/call", command, PREDICTORS))
    command = {"kind": "numerical", "hidden": 50, "batch": 100, "rows": "images", "seconds": 0.2}
    title = "Numerical gradient of 100 images, 784-50-10 (NumPy: the naive way, scaled up from a part)"
    cases.append(Case("numerical", title, "us/call", command, ("cnet", "numpy")))
    return cases


def chosen(patterns):
    """The cases that match one of the comma-separated patterns (`train-*`, `seed`)."""
    found = [
        case for case in all_cases() if any(fnmatch(case.name, pattern) for pattern in patterns.split(","))
    ]
    if not found:
        raise SystemExit(f"no case matches {patterns!r}; there are {', '.join(c.name for c in all_cases())}")
    return found
