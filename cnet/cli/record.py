"""What is known of a run: what it was asked to do, and what was measured."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..training import EpochInfo, History
from .fields import Fields, WrongFieldsError
from .preprocessing import is_of_one
from .settings import MOST_ITERATIONS, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["STATES", "Best", "Measured", "Record", "Settings"]

FloatArray = npt.NDArray[np.float64]

# A run is stopped where its early stopping has ended it.
STATES = ("running", "finished", "stopped", "interrupted", "diverged")
# What is measured only where training images are held out.
HELD_OUT = ("validation_loss", "validation_accuracy")


class Measured(NamedTuple):
    """What is measured at the end of an epoch, or of the part of one that comes last."""

    iteration: int
    train_accuracy: float
    test_accuracy: float
    test_loss: float
    running_accuracy: float
    validation_loss: float = math.nan
    validation_accuracy: float = math.nan

    @staticmethod
    def names(settings: Settings) -> tuple[str, ...]:
        """The fields that a run of these settings measures."""
        return tuple(name for name in Measured._fields if settings.validation_split or name not in HELD_OUT)


class Best(NamedTuple):
    """How far early stopping is.

    Attributes
    ----------
    value : float or None
        The best value of what is watched; None before there is any.
    epoch : int
        The best epoch, counted from 1 at the beginning of the run; 0 for none.
    waited : int
        Epochs since then.
    params : dict or None
        The best epoch's parameters, where they are known.
    """

    value: float | None = None
    epoch: int = 0
    waited: int = 0
    params: dict[str, npt.NDArray[Any]] | None = None

    def told(self) -> dict[str, Any]:
        """All but the parameters, for JSON."""
        return {"value": self.value, "epoch": self.epoch, "waited": self.waited}

    @classmethod
    def of(cls, fields: Fields) -> Best:
        """What a file has; what is wrong is collected in `fields`."""
        value = fields.number("value", 0.0) if fields.tree.get("value") is not None else None
        epoch, waited = (fields.whole(name, 0, MOST_ITERATIONS) for name in ("epoch", "waited"))
        return cls(value, epoch, waited)


class Record:
    """What is known of a run so far.

    Parameters
    ----------
    settings : Settings
    state : str
        "running", "finished", "stopped", "interrupted" or "diverged".
    loss : numpy.ndarray, shape (iterations,)
        Of each mini-batch, before its update.
    measured : iterable of Measured
        By epoch.
    seconds : float
        Time of training alone.
    best : Best, optional
        How far early stopping is.
    """

    def __init__(
        self, settings: Settings, state: str = "running", loss: FloatArray | None = None,
        measured: Iterable[Measured] = (), seconds: float = 0.0, best: Best | None = None,
    ) -> None:
        self.settings, self.state, self.seconds = settings, state, seconds
        self.best = Best() if best is None else best
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
        by_name = {name: list(column) for name, column in zip(Measured._fields, columns, strict=True)}
        return {name: by_name[name] for name in Measured.names(self.settings)}

    @property
    def is_stopped(self) -> bool:
        """Whether early stopping has ended the run."""
        patience = self.settings.early_stop
        return patience is not None and self.best.waited >= patience

    @property
    def samples_per_second(self) -> float:
        """Samples trained with in a second, on average."""
        return self.iterations * self.settings.batch_size / self.seconds if self.seconds else 0.0

    def add_epoch(
        self, info: EpochInfo, iteration: int, train_accuracy: float, test: tuple[float, float] | None = None
    ) -> None:
        """Add what an epoch brought.

        Parameters
        ----------
        info : EpochInfo
        iteration : int
            Counted from the beginning of the run.
        train_accuracy : float
        test : (float, float), optional
            Loss and accuracy on the test images; without it, those are the fit's validation data.
        """
        self._pieces.append(info.losses)
        self.iterations += len(info.losses)
        test_loss, test_accuracy = test or (info.validation_loss, info.validation_accuracy)
        assert info.train_accuracy is not None and test_loss is not None and test_accuracy is not None
        measured = [train_accuracy, test_accuracy, test_loss, info.train_accuracy]
        if test is not None:
            assert info.validation_loss is not None and info.validation_accuracy is not None
            measured += [info.validation_loss, info.validation_accuracy]
        self.measured.append(Measured(iteration, *map(float, measured)))

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

        summary = {
            "cnet": __version__, "state": self.state, "settings": asdict(self.settings),
            "iterations": self.iterations, "seconds": self.seconds,
            "samples_per_second": self.samples_per_second, "epochs": self.epochs,
        }
        if self.settings.early_stop is not None:
            summary["early_stopping"] = self.best.told()
        return summary

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
        try:
            settings = Settings.of(fields.part("settings"))
        except WrongFieldsError as error:
            fields.wrong[:0] = error.wrong
            names = Measured._fields[:-len(HELD_OUT)]
        else:
            names = Measured.names(settings)
            fields.require(
                is_of_one(settings.preprocessing), "settings.preprocessing must be that of one network, or null")
        columns = {name: parts.numbers(name, missing=name.endswith("_loss")) for name in names}
        fields.check(parts)
        best = None
        if settings.early_stop is not None:
            best_fields = fields.part("early_stopping")
            best = Best.of(best_fields)
            fields.check(best_fields)
        fields.require(len(loss) == iterations, f"loss must have {iterations} numbers, got {len(loss)}")
        fields.require(
            iterations <= settings.iterations,
            f"iterations must be at most settings.iterations ({settings.iterations}), got {iterations}",
        )
        _check_epochs(parts, columns, iterations, settings.iterations_per_epoch, whole_epochs)
        fields.check(parts)
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        measured = (Measured(int(iteration), *others) for iteration, *others in rows)
        return cls(settings, state, loss, measured, seconds, best)


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
