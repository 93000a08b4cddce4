"""What is known of a run: what it was asked to do, and what was measured."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..training import EpochInfo, History
from .fields import Fields, WrongFieldsError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ACTIVATIONS", "GRADIENTS", "MOST_ITERATIONS", "SAMPLINGS", "STATES", "Measured", "Record", "Settings"]

FloatArray = npt.NDArray[np.float64]

ACTIVATIONS = ("sigmoid", "relu", "tanh")
SAMPLINGS = ("replacement", "shuffle")
GRADIENTS = ("backprop", "numerical")
STATES = ("running", "finished", "interrupted", "diverged")
# What `TwoLayerNet.fit` counts up to.
MOST_ITERATIONS = 2**31 - 1


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

    @classmethod
    def of(cls, fields: Fields) -> Settings:
        """Settings as a file has them.

        Raises
        ------
        WrongFieldsError
            If one is of a wrong type or out of range; it is a ValueError that names them.
        """
        settings = cls(
            data=fields.text("data"),
            checksum=fields.whole("checksum", 0, 2**32 - 1),
            hidden=fields.whole("hidden", 1, 2**31 - 1),
            activation=fields.choice("activation", ACTIVATIONS),
            batch_size=fields.whole("batch_size", 1, 2**31 - 1),
            learning_rate=fields.number("learning_rate", math.ulp(0.0)),
            sampling=fields.choice("sampling", SAMPLINGS),
            gradient=fields.choice("gradient", GRADIENTS),
            seed=fields.whole("seed", 0, 2**64 - 1),
            iterations=fields.whole("iterations", 1, MOST_ITERATIONS),
            iterations_per_epoch=fields.whole("iterations_per_epoch", 1, MOST_ITERATIONS),
        )
        fields.check()
        return settings


class Measured(NamedTuple):
    """What is measured at the end of an epoch, or of the part of one that comes last."""

    iteration: int
    train_accuracy: float
    test_accuracy: float
    test_loss: float
    running_accuracy: float


class Record:
    """What is known of a run so far.

    Parameters
    ----------
    settings : Settings
    state : str
        "running", "finished", "interrupted" or "diverged".
    loss : numpy.ndarray, shape (iterations,)
        Of each mini-batch, before its update.
    measured : iterable of Measured
        By epoch.
    seconds : float
        Time of training alone.
    """

    def __init__(
        self, settings: Settings, state: str = "running", loss: FloatArray | None = None,
        measured: Iterable[Measured] = (), seconds: float = 0.0,
    ) -> None:
        self.settings, self.state, self.seconds = settings, state, seconds
        self.measured = list(measured)
        self._pieces: list[FloatArray] = []
        self.loss = np.empty(0) if loss is None else loss

    @property
    def loss(self) -> FloatArray:
        """The loss of each iteration."""
        # Pieces come epoch by epoch, and are put together only when somebody looks.
        if len(self._pieces) > 1:
            self._pieces = [np.concatenate(self._pieces)]
        return self._pieces[0]

    @loss.setter
    def loss(self, loss: FloatArray) -> None:
        self._pieces = [loss]
        self.iterations = len(loss)

    @property
    def epochs(self) -> dict[str, list[float]]:
        """What was measured, as a list for each kind."""
        columns = zip(*self.measured, strict=True) if self.measured else [()] * len(Measured._fields)
        return {name: list(column) for name, column in zip(Measured._fields, columns, strict=True)}

    @property
    def samples_per_second(self) -> float:
        """Samples trained with in a second, on average."""
        return self.iterations * self.settings.batch_size / self.seconds if self.seconds else 0.0

    def add_epoch(self, info: EpochInfo, iteration: int, train_accuracy: float) -> None:
        """Add what an epoch brought; `iteration` counts from the beginning of the run."""
        self._pieces.append(info.losses)
        self.iterations += len(info.losses)
        accuracy, loss = info.validation_accuracy, info.validation_loss
        assert accuracy is not None and loss is not None and info.train_accuracy is not None
        self.measured.append(
            Measured(iteration, float(train_accuracy), float(accuracy), float(loss), float(info.train_accuracy))
        )

    def history(self) -> History:
        """What was measured, as the pictures take it: the accuracies are those of all images."""
        epochs = {name: np.array(values, np.float64) for name, values in self.epochs.items()}
        return History(
            loss=self.loss, train_accuracy=epochs["train_accuracy"], validation_loss=epochs["test_loss"],
            validation_accuracy=epochs["test_accuracy"], seconds=self.seconds,
            samples_per_second=self.samples_per_second, epochs=len(self.measured),
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

    @classmethod
    def of(cls, tree: object, *, whole_epochs: bool) -> Record:
        """A record as a file has it.

        Parameters
        ----------
        tree : object
            What `summary` gives, and ``loss``.
        whole_epochs : bool
            It has to end where an epoch ends, and nothing is missing, as in a checkpoint.

        Raises
        ------
        WrongFieldsError
            If a field is of a wrong type, out of range, or contradicts another; it is a ValueError that
            names them.
        """
        fields = Fields(tree)
        parts = fields.part("epochs")
        state = fields.choice("state", STATES)
        seconds = fields.number("seconds", 0.0)
        iterations = fields.whole("iterations", 0, MOST_ITERATIONS)
        loss = fields.numbers("loss", missing=state == "diverged")
        columns = {name: parts.numbers(name, missing=name == "test_loss") for name in Measured._fields}
        try:
            settings = Settings.of(fields.part("settings"))
        except WrongFieldsError as error:
            fields.wrong[:0] = error.wrong
        fields.check(parts)
        fields.require(len(loss) == iterations, f"loss must have {iterations} numbers, got {len(loss)}")
        fields.require(
            iterations <= settings.iterations,
            f"iterations must be at most settings.iterations ({settings.iterations}), got {iterations}",
        )
        _check_epochs(parts, columns, iterations, settings.iterations_per_epoch, whole_epochs)
        fields.check(parts)
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        measured = (Measured(int(iteration), *others) for iteration, *others in rows)
        return cls(settings, state, loss, measured, seconds)


def _check_epochs(
    parts: Fields, columns: dict[str, FloatArray], iterations: int, per_epoch: int, whole_epochs: bool
) -> None:
    """Note in `parts` what is out of range in the columns, or contradicts what else is known."""
    ends = columns["iteration"]
    for name, column in columns.items():
        parts.require(
            len(column) == len(ends), f"epochs.{name} must be as long as epochs.iteration ({len(ends)}), "
            f"got {len(column)} numbers",
        )
        if name.endswith("accuracy"):
            parts.require(
                bool(((column >= 0) & (column <= 1)).all()), f"epochs.{name} must be shares from 0 to 1"
            )
    expected = np.minimum(per_epoch * np.arange(1, len(ends) + 1, dtype=np.float64), iterations)
    parts.require(
        np.array_equal(ends, expected) and (len(ends) < 2 or ends[-2] < ends[-1]),
        f"epochs.iteration must be where epochs of {per_epoch} iterations end, up to {iterations}",
    )
    if whole_epochs:
        parts.require(
            iterations == len(ends) * per_epoch,
            f"iterations must be those of {len(ends)} whole epochs of {per_epoch}, got {iterations}",
        )
