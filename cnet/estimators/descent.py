"""The optimizer of an estimator, and its learning rate from one iteration to the next."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..optimizer_base import Optimizer
from ..optimizers import SGD, Adam, Momentum, Nesterov
from ..rates import Rates
from .settings import Settings

__all__ = ["Descent", "descent_for"]

Array = npt.NDArray[Any]

# An adaptive learning rate that is no higher is not lowered any more.
LOWEST_RATE = 1e-6


class Descent:
    """An optimizer and its learning rate, which stay as they are from one partial_fit to the next.

    Parameters
    ----------
    optimizer : Optimizer
    settings : Settings
    rate_inside : bool
        Whether the optimizer has scikit-learn's form.
    """

    def __init__(self, optimizer: Optimizer, settings: Settings, rate_inside: bool) -> None:
        self.optimizer, self.rate_inside = optimizer, rate_inside
        self.kind = settings.learning_rate if settings.solver == "sgd" else "constant"
        self.learning_rate = self.first_rate = settings.learning_rate_init if optimizer.lr is None else optimizer.lr
        self.power_t = settings.power_t
        self.schedule = settings.schedule
        self._plan: Rates | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_plan": None}

    def begin(self, total: int) -> None:
        """Begin a fit of at most `total` iterations."""
        self._plan = None if self.schedule is None else Rates(self.learning_rate, self.schedule, total)

    def rates(self, begin: int, epochs: int, per_epoch: int, samples: int, n_rows: int) -> Array:
        """The learning rates of the iterations of some epochs.

        Parameters
        ----------
        begin : int
            The first of them, counted in this fit.
        epochs, per_epoch : int
            Epochs, and iterations of each.
        samples, n_rows : int
            Samples seen before, and those of an epoch.
        """
        if self._plan is not None:
            pieces, done, end = [], begin, begin + epochs * per_epoch
            while done < end:
                pieces.append(self._plan.between(done, end))
                done += len(pieces[-1])
            return np.concatenate(pieces)
        each = np.full(epochs, self.learning_rate)
        if self.kind == "invscaling":
            for i in range(1, epochs):
                each[i] = self._rate_after(samples + i * n_rows)
        return np.repeat(each, per_epoch)

    def end_epoch(self, samples: int) -> None:
        """After an epoch: `samples` have been seen in all."""
        if self.kind == "invscaling":
            self.learning_rate = self._rate_after(samples)

    def goes_on(self) -> bool:
        """Whether there is a lower rate to go on with where there was no improvement; it is taken."""
        if self.kind != "adaptive" or self.learning_rate <= LOWEST_RATE:
            return False
        self.learning_rate /= 5.0
        return True

    def _rate_after(self, samples: int) -> float:
        return float(self.first_rate / (samples + 1) ** self.power_t)


def descent_for(settings: Settings) -> Descent:
    """Make the optimizer that was asked for, or that `solver` and its parameters stand for."""
    if settings.optimizer is not None:
        return Descent(settings.optimizer, settings, rate_inside=False)
    if settings.solver == "adam":
        adam = Adam(beta1=settings.beta_1, beta2=settings.beta_2, epsilon=settings.epsilon)
        return Descent(adam, settings, rate_inside=True)
    if settings.momentum == 0:
        return Descent(SGD(), settings, rate_inside=False)
    optimizer = Nesterov() if settings.nesterovs_momentum else Momentum()
    # Also 1, which cnet's own users cannot have.
    optimizer._set(momentum=settings.momentum)
    return Descent(optimizer, settings, rate_inside=True)
