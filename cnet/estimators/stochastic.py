"""Mini-batches, epoch by epoch: scikit-learn's order of rows, learning rates and rules when to stop.

The epochs themselves are the core's. Python comes in once an epoch, to draw its order and to decide whether to go on.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from ..core._network import Network
from ..core._record import Record
from ..core._trainer import Trainer
from ..optimizer_base import Optimizer
from ..optimizers import SGD, Adam, Momentum, Nesterov
from ..options import FitOptions
from .settings import Settings

__all__ = ["Descent", "DivergedError", "Epochs", "Progress", "Watch", "descent_for", "train"]

Array = npt.NDArray[Any]

# An adaptive learning rate that is no higher is not lowered any more.
LOWEST_RATE = 1e-6


# Rows of the orders that are drawn at a time.
MOST_ROWS_DRAWN = 1 << 18


class DivergedError(ArithmeticError):
    """The loss or a parameter is no longer finite."""


class Descent:
    """The optimizer of an estimator and its learning rate, which stay as they are from one partial_fit to the next.

    Parameters
    ----------
    optimizer : Optimizer
    settings : Settings
    rate_inside : bool
        Whether the optimizer has scikit-learn's form.
    """

    def __init__(self, optimizer: Optimizer, settings: Settings, rate_inside: bool) -> None:
        self.optimizer, self.rate_inside = optimizer, rate_inside
        self.schedule = settings.learning_rate if settings.solver == "sgd" else "constant"
        self.learning_rate = self.first_rate = settings.learning_rate_init
        self.power_t = settings.power_t

    def rates(self, epochs: int, samples: int, n_rows: int) -> Array:
        """The learning rates of the next epochs, after `samples` samples; as many as there is no need to decide on."""
        rates = np.full(epochs, self.learning_rate)
        if self.schedule == "invscaling":
            for i in range(1, epochs):
                rates[i] = self.rate_after(samples + i * n_rows)
        return rates

    def rate_after(self, samples: int) -> float:
        return float(self.first_rate / (samples + 1) ** self.power_t)

    def end_epoch(self, samples: int) -> None:
        """After an epoch: `samples` have been seen in all."""
        if self.schedule == "invscaling":
            self.learning_rate = self.rate_after(samples)

    def goes_on(self) -> bool:
        """Whether there is a lower rate to go on with where there was no improvement; it is taken."""
        if self.schedule != "adaptive" or self.learning_rate <= LOWEST_RATE:
            return False
        self.learning_rate /= 5.0
        return True


def descent_for(settings: Settings) -> Descent:
    """Make the optimizer that `solver` and its parameters stand for."""
    if settings.solver == "adam":
        adam = Adam(beta1=settings.beta_1, beta2=settings.beta_2, epsilon=settings.epsilon)
        return Descent(adam, settings, rate_inside=True)
    if settings.momentum == 0:
        return Descent(SGD(), settings, rate_inside=False)
    optimizer = Nesterov() if settings.nesterovs_momentum else Momentum()
    # Also 1, which cnet's own users cannot have.
    optimizer._set(momentum=settings.momentum)
    return Descent(optimizer, settings, rate_inside=True)


class Epochs:
    """One compiled fit, run a few epochs at a time.

    Parameters
    ----------
    network : Network
        Its ``weight_decay`` is alpha.
    x, t : ndarray
    weight : ndarray or None
    options : FitOptions
        Of which the batch size is at most the number of samples.
    descent : Descent
    max_iter : int
        The most epochs.
    """

    def __init__(
        self, network: Network, x: Array, t: Array, weight: Array | None, options: FitOptions, descent: Descent,
        max_iter: int,
    ) -> None:
        self.descent, self.n_rows = descent, len(x)
        self.per_epoch = -(-len(x) // options.batch_size)
        self.trainer = Trainer(
            network, x, t, weight, options, key=0, first_epoch=0, iterations=max_iter * self.per_epoch,
            given_orders=True, rate_inside=descent.rate_inside, shared_penalty=True,
        )
        self.record = Record(False, 0.0, False, self.per_epoch)
        self.sums = np.empty((0, 2))
        self.begin = 0

    def run(self, orders: Array, rates: Array) -> None:
        """Run epochs through the rows in these orders (epochs, n_rows), each with its learning rate.

        Raises
        ------
        DivergedError
            If the loss or a parameter is no longer finite. The network keeps the last finite parameters.
        """
        self.sums = np.empty((len(orders), 2))
        self.begin = self.record.iterations
        each = np.repeat(rates, self.per_epoch)
        self.trainer.set_orders(orders, self.sums)
        while self.record.iterations < self.begin + len(each):
            if not self.trainer.advance(self.record, each[self.record.iterations - self.begin :]):
                raise DivergedError

    def ended(self) -> Array:
        """Of each epoch of the last `run` that has ended, the sums of its batches' losses and penalties."""
        return self.sums[: (self.record.iterations - self.begin) // self.per_epoch]


@dataclass
class Progress:
    """What an estimator remembers of its epochs; a warm start and partial_fit go on from it.

    Attributes
    ----------
    samples : int
        Seen so far.
    best_loss : float
    best_score : float
    without_improvement : int
        Epochs since the loss or the score improved by `tol`.
    """

    samples: int = 0
    best_loss: float = math.inf
    best_score: float = -math.inf
    without_improvement: int = 0

    def note_loss(self, loss: float, tol: float) -> None:
        """Count an epoch by its loss."""
        # A NaN is no improvement, but scikit-learn counts it as one: its comparisons fail.
        self.without_improvement = self.without_improvement + 1 if loss > self.best_loss - tol else 0
        self.best_loss = min(self.best_loss, loss)

    def note_score(self, score: float, tol: float) -> bool:
        """Count an epoch by its validation score; return whether it is the best so far."""
        self.without_improvement = self.without_improvement + 1 if score < self.best_score + tol else 0
        if not score > self.best_score:
            return False
        self.best_score = score
        return True


class Watch:
    """What an estimator does at an epoch's end: it measures, keeps lists, says what happened.

    Parameters
    ----------
    estimator : object
        Whose fitted attributes are written.
    network : Network
    settings : Settings
    score : callable or None
        Of no arguments: the validation score of the network's parameters.
    """

    def __init__(self, estimator: Any, network: Network, settings: Settings, score: Any) -> None:
        self.estimator, self.network, self.settings, self.score = estimator, network, settings, score
        self.progress: Progress = estimator._progress
        self.best = self.copies() if score is not None else None

    def copies(self) -> list[Array]:
        return [array.copy() for array in (*self.network.weights, *self.network.biases)]

    def restore(self) -> None:
        """Give the network the parameters with the best score."""
        if self.best is not None:
            for target, source in zip((*self.network.weights, *self.network.biases), self.best, strict=True):
                target[...] = source

    def end_epoch(self, loss: float, n_rows: int) -> bool:
        """Write down an epoch; return whether it has been too long since the last improvement."""
        estimator, progress = self.estimator, self.progress
        estimator.n_iter_ += 1
        estimator.loss_ = loss
        progress.samples += n_rows
        estimator.t_ = progress.samples
        estimator.loss_curve_.append(loss)
        self.say(f"Iteration {estimator.n_iter_}, loss = {loss:.8f}")
        if self.score is None:
            progress.note_loss(loss, self.settings.tol)
            estimator.best_loss_ = progress.best_loss
        else:
            self.note_score(self.score())
        return progress.without_improvement > self.settings.n_iter_no_change

    def epochs_ahead(self, left: int, n_rows: int) -> int:
        """How many epochs there are in which nobody has to decide whether to go on.

        Training ends when `n_iter_no_change` is exceeded by the epochs without an improvement, of which each epoch adds
        one at most.
        """
        if self.score is not None or self.settings.verbose:
            return 1
        decided = self.settings.n_iter_no_change + 1 - self.progress.without_improvement
        return int(max(1, min(decided, left, MOST_ROWS_DRAWN // n_rows)))

    def note_score(self, score: float) -> None:
        self.estimator.validation_scores_.append(score)
        self.say(f"Validation score: {score:f}")
        if self.progress.note_score(score, self.settings.tol):
            self.best = self.copies()
        self.estimator.best_validation_score_ = self.progress.best_score

    def say(self, text: str) -> None:
        if self.settings.verbose:
            print(text)

    def explain_stop(self, descent: Descent, goes_on: bool) -> None:
        """Say why training ends, or goes on with a lower learning rate."""
        if not self.settings.verbose:
            return
        measure = "Training loss" if self.score is None else "Validation score"
        what = (f"{measure} did not improve more than tol={self.settings.tol:f} for "
                f"{self.settings.n_iter_no_change} consecutive epochs.")
        if goes_on:
            print(f"{what} Setting learning rate to {descent.learning_rate:f}")
        elif descent.schedule == "adaptive":
            print(f"{what} Learning rate too small. Stopping.")
        else:
            print(f"{what} Stopping.")

    def diverged(self) -> None:
        """Without a score to choose parameters by, it is an error that they are not finite any more."""
        epoch = self.estimator.n_iter_ + 1
        if self.score is None:
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
                f"preprocessed. It was in epoch {epoch}; a lower learning_rate_init may help too. coefs_ are the last "
                "that were all finite."
            ) from None
        self.estimator.n_iter_, self.estimator.loss_ = epoch, math.nan
        self.estimator.loss_curve_.append(math.nan)
        self.note_score(math.nan)
        warnings.warn(
            f"the loss or a parameter was no longer finite in epoch {epoch}; coefs_ are those with the best validation "
            "score. Scale the data, or lower learning_rate_init", ConvergenceWarning, stacklevel=2,
        )


def train(
    epochs: Epochs, watch: Watch, random_state: np.random.RandomState, n_rows: int, loss_scale: float, once: bool
) -> None:
    """Run epochs until the rules say stop.

    Parameters
    ----------
    epochs : Epochs
    watch : Watch
    random_state : numpy.random.RandomState
        Of the shuffles.
    n_rows : int
        Samples of an epoch.
    loss_scale : float
        What cnet's loss is multiplied by to be scikit-learn's.
    once : bool
        Whether this is partial_fit, of one epoch.
    """
    settings = watch.settings
    order = np.arange(n_rows, dtype=np.int64)
    done, most = 0, 1 if once else settings.max_iter
    try:
        while done < most:
            orders = _draw_orders(watch.epochs_ahead(most - done, n_rows), order, settings.shuffle, random_state)
            order = orders[-1]
            try:
                epochs.run(orders, epochs.descent.rates(len(orders), watch.progress.samples, n_rows))
            except DivergedError:
                _end_epochs(epochs, watch, loss_scale)
                watch.diverged()
                break
            except KeyboardInterrupt:
                _end_epochs(epochs, watch, loss_scale)
                raise
            done += len(orders)
            if _end_epochs(epochs, watch, loss_scale):
                break
            if done == settings.max_iter and not once:
                warnings.warn(
                    f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached and the optimization "
                    "hasn't converged yet.", ConvergenceWarning, stacklevel=2,
                )
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=2)
    watch.restore()


def _draw_orders(epochs: int, order: Array, shuffle: bool, random_state: np.random.RandomState) -> Array:
    """The orders of the next epochs, each drawn from the one before, of which `order` is the last."""
    orders = np.empty((epochs, len(order)), np.int64)
    for each in orders:
        if shuffle:
            drawn = np.arange(len(order))
            random_state.shuffle(drawn)
            np.take(order, drawn, out=each)
        else:
            each[...] = order
        order = each
    return orders


def _end_epochs(epochs: Epochs, watch: Watch, loss_scale: float) -> bool:
    """Write down the epochs that have ended; return whether the last of them says stop."""
    n_rows, descent = epochs.n_rows, epochs.descent
    for loss, penalty in epochs.ended().tolist():
        too_long = watch.end_epoch((loss * loss_scale + penalty) / n_rows, n_rows)
        descent.end_epoch(watch.progress.samples)
        if too_long:
            goes_on = descent.goes_on()
            watch.explain_stop(descent, goes_on)
            if not goes_on:
                return True
            watch.progress.without_improvement = 0
    return False
