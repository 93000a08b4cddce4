"""Mini-batches, epoch by epoch: scikit-learn's order of rows, and its rules when to stop.

The epochs themselves are the core's. Python comes in between them, to draw their orders and to decide whether to go
on; where nothing is to be decided, several epochs follow each other in compiled code.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from ..core._network import Network
from ..core._record import Record
from ..core._trainer import Trainer
from ..options import FitOptions
from .descent import Descent
from .watch import Samples, Watch

__all__ = ["DivergedError", "Epochs", "train"]

Array = npt.NDArray[Any]

# Rows of the orders that are drawn at a time.
MOST_ROWS_DRAWN = 1 << 18


class DivergedError(ArithmeticError):
    """The loss or a parameter is no longer finite."""


class Epochs:
    """One compiled fit, run a few epochs at a time.

    Parameters
    ----------
    network : Network
        Its ``weight_decay`` is alpha.
    samples : Samples
    options : FitOptions
        Of which the batch size is at most the number of samples.
    descent : Descent
    max_iter : int
        The most epochs.
    key, first_epoch : int
        Of the random numbers that dropout needs.
    """

    def __init__(
        self, network: Network, samples: Samples, options: FitOptions, descent: Descent, max_iter: int, key: int,
        first_epoch: int,
    ) -> None:
        self.descent, self.n_rows = descent, len(samples)
        self.per_epoch = -(-self.n_rows // options.batch_size)
        self.total = max_iter * self.per_epoch
        self.trainer = Trainer(
            network, samples.rows, samples.targets, samples.weight, options, key=key, first_epoch=first_epoch,
            iterations=self.total, given_orders=True, rate_inside=descent.rate_inside, shared_penalty=True,
        )
        self.record = Record(False, 0.0, network.has_accuracy, self.per_epoch)
        self.sums = np.empty((0, 2))
        self.begin = 0
        descent.begin(self.total)

    def run(self, orders: Array, samples: int) -> None:
        """Run epochs through the rows in these orders (epochs, n_rows), after `samples` samples.

        Raises
        ------
        DivergedError
            If the loss or a parameter is no longer finite. The network keeps the last finite parameters.
        """
        self.sums = np.empty((len(orders), 2))
        self.begin = self.record.iterations
        rates = self.descent.rates(self.begin, len(orders), self.per_epoch, samples, self.n_rows)
        self.trainer.set_orders(orders, self.sums)
        while self.record.iterations < self.begin + len(rates):
            if not self.trainer.advance(self.record, rates[self.record.iterations - self.begin :]):
                raise DivergedError

    def ended(self) -> Array:
        """Of each epoch of the last `run` that has ended, the sums of its batches' losses and penalties."""
        return self.sums[: (self.record.iterations - self.begin) // self.per_epoch]


def train(
    epochs: Epochs, watch: Watch, random_state: np.random.RandomState, loss_scale: float, once: bool
) -> None:
    """Run epochs until the rules say stop.

    Parameters
    ----------
    epochs : Epochs
    watch : Watch
    random_state : numpy.random.RandomState
        Of the shuffles.
    loss_scale : float
        What cnet's loss is multiplied by to be scikit-learn's.
    once : bool
        Whether this is partial_fit, of one epoch.
    """
    settings = watch.settings
    order = np.arange(epochs.n_rows, dtype=np.int64)
    done, most = 0, 1 if once else settings.max_iter
    try:
        if watch.begin(epochs.total):
            epochs.trainer.reload()
        while done < most:
            orders = _draw_orders(_epochs_ahead(watch, most - done, len(order)), order, settings.shuffle, random_state)
            order = orders[-1]
            watch.begin_epoch()
            try:
                epochs.run(orders, watch.progress.samples)
            except DivergedError:
                _end_epochs(epochs, watch, loss_scale)
                watch.diverged()
                break
            except KeyboardInterrupt:
                _end_epochs(epochs, watch, loss_scale)
                raise
            done += len(orders)
            if _end_epochs(epochs, watch, loss_scale) or watch.asked_to_stop:
                break
            if settings.callbacks:
                epochs.trainer.reload()
            if done == settings.max_iter and not once:
                warnings.warn(
                    f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached and the optimization "
                    "hasn't converged yet.", ConvergenceWarning, stacklevel=2,
                )
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=2)
    finally:
        watch.close()
    watch.end()


def _epochs_ahead(watch: Watch, left: int, n_rows: int) -> int:
    """How many epochs there are in which nobody has to decide whether to go on.

    Training ends when `n_iter_no_change` is exceeded by the epochs without an improvement, of which each epoch adds one
    at most.
    """
    if watch.sees_each_epoch:
        return 1
    decided = watch.settings.n_iter_no_change + 1 - watch.progress.without_improvement
    return int(max(1, min(decided, left, MOST_ROWS_DRAWN // n_rows)))


def _draw_orders(epochs: int, order: Array, shuffle: bool, random_state: np.random.RandomState) -> Array:
    """The orders of the next epochs, each drawn from the one before, of which `order` is the last."""
    orders = np.empty((epochs, len(order)), np.int64)
    for each in orders:
        each[...] = order
        if shuffle:
            # The same exchanges, of the rows themselves, as scikit-learn makes of their places.
            random_state.shuffle(each)
        order = each
    return orders


def _end_epochs(epochs: Epochs, watch: Watch, loss_scale: float) -> bool:
    """Write down the epochs that have ended; return whether the last of them says stop."""
    descent, sums = epochs.descent, epochs.ended()
    losses: list[float] = ((sums[:, 0] * loss_scale + sums[:, 1]) / epochs.n_rows).tolist()
    if not losses:
        return False
    too_long = watch.end_epoch(losses[0], epochs.record) if watch.sees_each_epoch else watch.end_epochs(losses)
    descent.end_epoch(watch.progress.samples)
    if not too_long:
        return False
    goes_on = descent.goes_on()
    watch.explain_stop(descent, goes_on)
    watch.progress.without_improvement = 0 if goes_on else watch.progress.without_improvement
    return not goes_on
