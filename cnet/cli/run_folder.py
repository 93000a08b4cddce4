"""The folder of a run: the model, its history, its pictures, and the checkpoint to go on from.

``model.safetensors`` is the network as training left it, ``history.json`` what was measured.
``checkpoint.safetensors`` is both as they were when the last whole epoch ended, in one file, so
that they cannot disagree: the random numbers of a network's mini-batches are a function of its
seed and the epoch, and training that begins where an epoch begins goes on with the same bits.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..atomic_file import replacing
from ..network import NAMES, TwoLayerNet, load
from ..training import EpochInfo, History
from .console import Failure, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CHECKPOINT", "CURVES", "HISTORY", "MODEL", "Record", "Settings", "load_model", "read_record"]

MODEL, CHECKPOINT = "model.safetensors", "checkpoint.safetensors"
HISTORY, CURVES = "history.json", "curves.png"

# What is measured at each epoch's end.
MEASURES = ("iteration", "train_accuracy", "test_accuracy", "test_loss", "running_accuracy")


@dataclass(frozen=True)
class Settings:
    """What decides the bits of a run, besides its data."""

    data: str
    checksum: int
    hidden: int
    activation: str
    batch_size: int
    learning_rate: float
    sampling: str
    gradient: str
    seed: int
    iterations: int
    iterations_per_epoch: int


@dataclass
class Record:
    """What is known of a run so far.

    Attributes
    ----------
    settings : Settings
    state : str
        "running", "finished", "interrupted" or "diverged".
    loss : numpy.ndarray
        Of each iteration, before its update.
    epochs : dict of str to list of float
        What was measured, at the end of each epoch (or of the part of one that comes last).
    seconds : float
        Time of training alone.
    """

    settings: Settings
    state: str = "running"
    loss: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    epochs: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in MEASURES})
    seconds: float = 0.0

    @property
    def iterations(self) -> int:
        """Iterations done."""
        return len(self.loss)

    @property
    def samples_per_second(self) -> float:
        """Samples trained with in a second, on average."""
        return self.iterations * self.settings.batch_size / self.seconds if self.seconds else 0.0

    def add_epoch(self, info: EpochInfo, iteration: int, train_accuracy: float) -> None:
        """Add what an epoch brought."""
        self.loss = np.concatenate([self.loss, info.losses])
        measured = (
            iteration, train_accuracy, info.validation_accuracy, info.validation_loss, info.train_accuracy
        )
        for name, value in zip(MEASURES, measured, strict=True):
            self.epochs[name].append(np.nan if value is None else float(value))

    def history(self) -> History:
        """What was measured, as the pictures take it: the accuracies are those of all images."""
        epochs = {name: np.array(values, np.float64) for name, values in self.epochs.items()}
        return History(
            loss=self.loss, train_accuracy=epochs["train_accuracy"], validation_loss=epochs["test_loss"],
            validation_accuracy=epochs["test_accuracy"], seconds=self.seconds,
            samples_per_second=self.samples_per_second, epochs=len(epochs["iteration"]),
            iterations=self.iterations, iterations_per_epoch=self.settings.iterations_per_epoch,
        )

    def summary(self) -> dict[str, Any]:
        """All but the loss of each iteration, for JSON."""
        from .. import __version__

        return {
            "cnet": __version__, "state": self.state, "settings": asdict(self.settings),
            "iterations": self.iterations, "seconds": self.seconds,
            "samples_per_second": self.samples_per_second, "epochs": self.epochs,
        }

    def write_history(self, folder: str) -> None:
        """Write ``history.json``."""
        document = {**self.summary(), "loss": self.loss.tolist()}
        with replacing(os.path.join(folder, HISTORY)) as file:
            file.write(to_json(document).encode() + b"\n")

    def write_checkpoint(self, folder: str, net: TwoLayerNet) -> None:
        """Write ``checkpoint.safetensors``: the network, and this record."""
        from ..model_file import write_model

        state = net.__getstate__()
        tensors = {**state["params"], "loss": self.loss}
        tensors |= {name: np.array(values, np.float64) for name, values in self.epochs.items()}
        own = {name: state[name] for name in ("sizes", "activation", "dtype", "seed", "epochs", "iterations")}
        metadata = {"network": own, "settings": asdict(self.settings), "seconds": self.seconds}
        write_model(
            os.path.join(folder, CHECKPOINT), tensors,
            {name: json.dumps(value) for name, value in metadata.items()},
        )


def read_checkpoint(folder: str) -> tuple[TwoLayerNet, Record]:
    """The network and the record of the last whole epoch of a run.

    Raises
    ------
    Failure
        If there is none, or it is none.
    OSError, ValueError
        If it cannot be read, or is damaged.
    """
    from ..model_file import read_model

    if not os.path.isdir(folder):
        raise Failure(f"{folder}: there is no such folder of a run")
    path = os.path.join(folder, CHECKPOINT)
    if not os.path.exists(path):
        raise Failure(f"{folder} holds no {CHECKPOINT}, so it is not the folder of a run to go on with")
    tensors, metadata = read_model(path)
    try:
        return _restored(tensors, {name: json.loads(value) for name, value in metadata.items()})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Failure(f"{path} is not a checkpoint of this version of cnet: {error!r}") from None


def _restored(tensors: Mapping[str, Any], metadata: dict[str, Any]) -> tuple[TwoLayerNet, Record]:
    state = metadata["network"]
    net = TwoLayerNet._from_parts(
        {name: tensors[name] for name in NAMES},
        **{name: state[name] for name in ("sizes", "activation", "dtype", "seed", "epochs", "iterations")},
    )
    record = Record(
        Settings(**metadata["settings"]), loss=tensors["loss"],
        epochs={name: tensors[name].tolist() for name in MEASURES}, seconds=float(metadata["seconds"]),
    )
    return net, record


def read_record(folder: str) -> Record:
    """What is known of a run: from ``history.json``, or, if it was cut off, from its checkpoint.

    Raises
    ------
    Failure
        If it is not the folder of a run, or its history is damaged.
    OSError
        If it cannot be read.
    """
    path = os.path.join(folder, HISTORY)
    if not os.path.exists(path):
        return read_checkpoint(folder)[1]
    try:
        with open(path, "rb") as file:
            document = json.load(file)
        return Record(
            Settings(**document["settings"]), document["state"], np.array(_numbers(document["loss"])),
            {name: _numbers(document["epochs"][name]) for name in MEASURES}, float(document["seconds"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Failure(f"{path} is damaged, or not a history of this version of cnet: {error!r}") from None


def _numbers(values: list[float | None]) -> list[float]:
    """With NaN, which JSON lacks, in place of null."""
    return [np.nan if value is None else float(value) for value in values]


def load_model(path: str) -> TwoLayerNet:
    """The network in a model file, or in the folder of a run.

    Raises
    ------
    Failure
        If there is none.
    OSError, ValueError
        If it cannot be read, or is damaged.
    """
    if not os.path.isdir(path):
        return load(path)
    model = os.path.join(path, MODEL)
    if os.path.exists(model):
        return load(model)
    if os.path.exists(os.path.join(path, CHECKPOINT)):
        return read_checkpoint(path)[0]
    raise Failure(f"{path} holds no {MODEL}, so it is not the folder of a run")


def remove_results(folder: str) -> None:
    """Remove what an earlier run left, which would be taken for this run's."""
    for name in (MODEL, HISTORY, CURVES):
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, name))
