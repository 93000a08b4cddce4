"""What a fit is given so that a run that goes on is as if it had never ended: its place in schedule and patience."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from ..callbacks import EarlyStopping, EpochInfo
from ..schedule_base import FloatArray, Schedule
from .record import Best

if TYPE_CHECKING:
    from ..networks import MultiLayerNet
    from .settings import Settings

__all__ = ["RestOfSchedule", "Watch"]


class RestOfSchedule(Schedule):
    """What is left of a run's schedule.

    Parameters
    ----------
    whole : Schedule
        That of the whole run.
    done, total : int
        How many of the run's iterations were done before, of how many in all.
    """

    name: ClassVar[str] = "rest"

    whole: Schedule
    done: int
    total: int

    def __init__(self, whole: Schedule, done: int, total: int) -> None:
        self._set(whole=whole, done=done, total=total)

    def factors_between(self, begin: int, end: int, total: int) -> FloatArray:
        """Return the factors of the iterations from `begin` up to `end` of what is left."""
        return self.whole.factors_between(self.done + begin, self.done + end, self.total)


class Watch(EarlyStopping):
    """Early stopping that knows what the sessions before have seen.

    Parameters
    ----------
    settings : Settings
        Their `early_stop` is not None.
    before : Best
        How far it was.
    epochs : int
        How many epochs ended before.
    """

    def __init__(self, settings: Settings, before: Best, epochs: int) -> None:
        assert settings.early_stop is not None
        super().__init__(
            patience=settings.early_stop, min_delta=settings.early_stop_delta, metric=settings.early_stop_metric
        )
        self._before, self._epochs = before, epochs

    @property
    def best(self) -> Best:
        """How far it is."""
        return Best(self.value, self.epoch or 0, self._waited, self.params)

    def begin(self, network: MultiLayerNet, total: int) -> None:
        """Go on from where it was; ``fit`` calls it before the first iteration."""
        super().begin(network, total)
        self.value, self.epoch = self._before.value, self._before.epoch or None
        self.params, self._waited = self._before.params, self._before.waited

    def __call__(self, info: EpochInfo) -> bool:
        """Look at the epoch that has ended, and say whether the fit should end."""
        return super().__call__(replace(info, epoch=self._epochs + info.epoch))

    def restore(self, network: MultiLayerNet) -> None:
        """Give a network the best parameters. What the optimizer had then is in no file, and needs no restoring."""
        assert self.params is not None
        network.params = self.params
