"""What an estimator does at an epoch's end: it measures, writes down, tells callbacks, says whether to go on."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from ..callbacks import EpochInfo
from ..core._network import Network
from ..networks import MultiLayerNet
from .descent import Descent
from .rows import readable
from .settings import Settings

__all__ = ["Progress", "Samples", "Watch"]

Array = npt.NDArray[Any]


@dataclass
class Samples:
    """Inputs (an array or a sparse matrix), targets as scores and as the loss take them, and weights or None."""

    x: Any
    y: Array
    targets: Array
    weight: Array | None

    @cached_property
    def rows(self) -> Any:
        """The inputs as the core reads them."""
        return readable(self.x)

    def __len__(self) -> int:
        return int(self.x.shape[0])

    def take(self, rows: Array) -> Samples:
        """Some of the samples."""
        weight = None if self.weight is None else self.weight[rows]
        return Samples(self.x[rows], self.y[rows], self.targets[rows], weight)


@dataclass
class Progress:
    """What an estimator remembers of its epochs; a warm start and partial_fit go on from it.

    Attributes
    ----------
    epochs, samples : int
        Seen so far.
    best_loss, best_score : float
    without_improvement : int
        Epochs since the loss or the score improved by `tol`.
    """

    epochs: int = 0
    samples: int = 0
    best_loss: float = math.inf
    best_score: float = -math.inf
    without_improvement: int = 0

    def note_losses(self, losses: list[float], tol: float) -> None:
        """Count epochs by their losses."""
        best, without = self.best_loss, self.without_improvement
        for loss in losses:
            without = without + 1 if loss > best - tol else 0
            best = min(best, loss)
        self.best_loss, self.without_improvement = best, without

    def note_score(self, score: float, tol: float) -> None:
        """Count an epoch by its validation score."""
        self.without_improvement = self.without_improvement + 1 if score < self.best_score + tol else 0


class Watch:
    """The end of each epoch of one fit.

    Parameters
    ----------
    estimator : object
        Whose fitted attributes are written, and which scores.
    network : Network
    settings : Settings
    train : Samples
    held_out : Samples or None
        To validate with.
    contexts : object or None
        scikit-learn's context of callbacks for this fit, where there are callbacks.
    """

    def __init__(
        self, estimator: Any, network: Network, settings: Settings, train: Samples, held_out: Samples | None,
        contexts: Any = None,
    ) -> None:
        self.estimator, self.network, self.settings = estimator, network, settings
        self.train, self.held_out, self.contexts = train, held_out, contexts
        self.progress: Progress = estimator._progress
        self.stops_by_score = settings.early_stopping
        self.best = [array.copy() for array in self.parameters()] if self.stops_by_score else None
        self.net: MultiLayerNet | None = None
        self.context: Any = None
        self.asked_to_stop = False
        self.bar: Any = None
        if settings.callbacks:
            self.net = MultiLayerNet._around(network)
        if settings.bar:
            from ..training import progress_bar

            self.bar = progress_bar(True)

    @property
    def sees_each_epoch(self) -> bool:
        """Whether something is to be done at each epoch's end, so that none can follow another in compiled code."""
        return bool(
            self.held_out is not None or self.settings.verbose or self.settings.bar or self.settings.callbacks
            or self.settings.record_train_score or self.contexts is not None
        )

    def parameters(self) -> tuple[Array, ...]:
        return (*self.network.weights, *self.network.biases)

    def begin(self, iterations: int) -> bool:
        """Before the first epoch; return whether callbacks were called, which may have changed parameters."""
        if self.bar is not None:
            self.bar.reset(total=self.settings.max_iter)
        return self.call_each("begin", self.net, iterations)

    def begin_epoch(self) -> None:
        if self.contexts is not None:
            self.context = self.contexts.subcontext(task_name=f"epoch {self.estimator.n_iter_}")
            self.context.call_on_fit_task_begin(estimator=self.estimator, X=self.train.x, y=self.train.y)

    def call_each(self, method: str, *arguments: Any) -> bool:
        called = False
        for each in self.settings.callbacks:
            function = getattr(each, method, None)
            if callable(function):
                function(*arguments)
                called = True
        return called

    def end_epoch(self, loss: float, record: Any) -> bool:
        """Write down an epoch; return whether it has been too long since the last improvement."""
        estimator, progress, n_rows = self.estimator, self.progress, len(self.train)
        estimator.n_iter_ += 1
        estimator.loss_ = loss
        progress.epochs += 1
        progress.samples += n_rows
        estimator.t_ = progress.samples
        estimator.loss_curve_.append(loss)
        if self.settings.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {loss:.8f}")
        if self.settings.record_train_score:
            estimator.train_score_curve_.append(estimator._measure(self.train, self.settings.scoring))
        measured = self.validate() if self.held_out is not None else (None, None)
        if not self.stops_by_score:
            progress.note_losses([loss], self.settings.tol)
            estimator.best_loss_ = progress.best_loss
        self.tell(loss, measured, record)
        if self.bar is not None:
            self.bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
            self.bar.update(1)
        return progress.without_improvement > self.settings.n_iter_no_change

    def end_epochs(self, losses: list[float]) -> bool:
        """The same of epochs of which only the losses are written down; none but the last may be one too many."""
        estimator, progress, n_epochs = self.estimator, self.progress, len(losses)
        estimator.n_iter_ += n_epochs
        estimator.loss_ = losses[-1]
        progress.epochs += n_epochs
        progress.samples += n_epochs * len(self.train)
        estimator.t_ = progress.samples
        estimator.loss_curve_ += losses
        progress.note_losses(losses, self.settings.tol)
        estimator.best_loss_ = progress.best_loss
        return progress.without_improvement > self.settings.n_iter_no_change

    def validate(self) -> tuple[float, Any]:
        """The loss on the held-out samples and, where it has a meaning, their accuracy; their score is noted."""
        assert self.held_out is not None
        held_out = self.held_out
        loss, accuracy = self.network.loss_and_accuracy(held_out.rows, held_out.targets, weight=held_out.weight)
        self.estimator.validation_loss_curve_.append(loss * self.estimator._loss_scale())
        self.note_score(self.estimator._measure(self.held_out, self.settings.scoring))
        return loss, accuracy

    def note_score(self, score: float) -> None:
        estimator, progress = self.estimator, self.progress
        estimator.validation_scores_.append(score)
        if self.settings.verbose:
            print(f"Validation score: {score:f}")
        if self.stops_by_score:
            progress.note_score(score, self.settings.tol)
        if score > progress.best_score:
            progress.best_score = score
            if self.best is not None:
                for target, source in zip(self.best, self.parameters(), strict=True):
                    target[...] = source
        estimator.best_validation_score_ = progress.best_score

    def tell(self, loss: float, measured: tuple[Any, Any], record: Any) -> None:
        """Tell callbacks of the epoch: cnet's own, and scikit-learn's."""
        if self.context is not None and self.context.call_on_fit_task_end(
            estimator=self.estimator, X=self.train.x, y=self.train.y, metadata={"sample_weight": self.train.weight},
            reconstruction_attributes=dict,
        ):
            self.asked_to_stop = True
        if self.net is None:
            return
        losses, accuracy, rate = record.last_epoch()
        info = EpochInfo(
            epoch=self.estimator.n_iter_, iteration=record.iterations, loss=loss, losses=losses,
            train_accuracy=accuracy, validation_loss=measured[0], validation_accuracy=measured[1],
            seconds=record.seconds, network=self.net, learning_rate=rate,
        )
        for each in self.settings.callbacks:
            answer = each(info)
            if answer is True or (isinstance(answer, np.bool_) and bool(answer)):
                self.asked_to_stop = True

    def explain_stop(self, descent: Descent, goes_on: bool) -> None:
        """Say why training ends, or goes on with a lower learning rate."""
        if not self.settings.verbose:
            return
        measure = "Validation score" if self.stops_by_score else "Training loss"
        what = (f"{measure} did not improve more than tol={self.settings.tol:f} for "
                f"{self.settings.n_iter_no_change} consecutive epochs.")
        if goes_on:
            print(f"{what} Setting learning rate to {descent.learning_rate:f}")
        elif descent.kind == "adaptive":
            print(f"{what} Learning rate too small. Stopping.")
        else:
            print(f"{what} Stopping.")

    def diverged(self) -> None:
        """Without a score to choose parameters by, it is an error that they are not finite any more."""
        epoch = self.estimator.n_iter_ + 1
        if not self.stops_by_score:
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

    def end(self) -> None:
        """After the last epoch: the parameters with the best score, if they were chosen by it."""
        if self.best is not None:
            for target, source in zip(self.parameters(), self.best, strict=True):
                target[...] = source
        self.call_each("end", self.net)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
