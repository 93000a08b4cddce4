"""One session of a run: from its first epoch, or from a checkpoint, to whatever ends it."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING

import numpy as np

from . import pictures, run_folder
from .console import FAILURE, INTERRUPTED, Failure, as_word, complain, note, one_line, warn
from .going_on import RestOfSchedule, Watch
from .progress import Progress
from .run_folder import CHECKPOINT, CURVES, HISTORY, MODEL, Snapshot

if TYPE_CHECKING:
    from ..callbacks import EpochInfo
    from ..networks import MultiLayerNet
    from .data import Data
    from .record import Record

__all__ = ["Session"]

# Between two checkpoints, so that writing them takes little of the time, however short an epoch is. One that has
# grown large, or lies on a slow disk, is written less often: it may take a twentieth of the time.
CHECKPOINT_SECONDS = 2.0
CHECKPOINT_SHARE = 0.05


class Session:
    """Trains, keeps checkpoints, and writes what came of it.

    Parameters
    ----------
    folder : str
        Of the run; this process owns it.
    net : MultiLayerNet
    record : Record
        What the run has done before.
    data : Data
    resumed : bool
        It goes on from the checkpoint in the folder; a new run begins beside what an earlier one left there.
    n_threads : int or None
    as_json : bool
        Standard output is not for people.
    continued_by : str, optional
        What ``--resume`` continues it by, where that is not its folder.
    """

    def __init__(
        self, folder: str, net: MultiLayerNet, record: Record, data: Data, *, resumed: bool,
        n_threads: int | None, as_json: bool, continued_by: str | None = None,
    ) -> None:
        self.continued_by = folder if continued_by is None else continued_by
        self.folder, self.net, self.record = folder, net, record
        self.settings, self.n_threads = record.settings, n_threads
        self.data = data.prepared(record.settings.preprocessing)
        self.divergence = ""
        self.status = 0
        self.done_before, self.seconds_before = record.iterations, record.seconds
        self.loss_before = record.loss
        self.had_model = run_folder.has_model(folder)
        # Something to be kept until there is something better.
        self.replaces = not resumed and (self.had_model or os.path.exists(os.path.join(folder, CHECKPOINT)))
        # The last whole epoch, and whether the checkpoint in the folder is of an earlier one.
        self.snapshot, self.is_ahead = Snapshot.of(net, record), False
        self.next_checkpoint = time.monotonic() + CHECKPOINT_SECONDS
        self.checkpoint_failed = False
        watches = self.settings.early_stop is not None
        self.watch = Watch(self.settings, record.best, len(record.measured)) if watches else None
        self.progress = Progress(self.settings.batch_size, self.settings.iterations, record.iterations, as_json)

    def run(self) -> None:
        """Train to the end, or until Ctrl-C or divergence; the record's state tells which.

        Whatever else ends it, the last whole epoch is in the checkpoint.
        """
        if not self.replaces:
            self._write_checkpoint()
        try:
            self._train()
        except BaseException:
            self._keep_last_epoch()
            raise

    def _train(self) -> None:
        from ..errors import DivergenceError

        try:
            self._fit()
            self.record.state = "finished" if self.record.iterations >= self.settings.iterations else "stopped"
        except KeyboardInterrupt:
            self._catch_up("interrupted")
        except DivergenceError as error:
            self._catch_up("diverged")
            iteration = self.done_before + error.iteration
            self.divergence = (
                f"training diverged at iteration {iteration:,}: the loss is no longer finite, likely because "
                f"the learning rate {self.settings.learning_rate:g} is too high"
            )

    def _fit(self) -> None:
        settings, schedule = self.settings, self.settings.schedule_object()
        if schedule is not None and self.done_before:
            schedule = RestOfSchedule(schedule, self.done_before, settings.iterations)
        self.net.fit(
            *self.data.train,
            iterations=settings.iterations - self.done_before, **settings.fit_options(), schedule=schedule,
            n_threads=self.n_threads, validation_data=None if settings.validation_split else self.data.test,
            early_stopping=self.watch, callback=self.end_epoch, progress=self.progress,  # type: ignore[arg-type]
        )

    def end_epoch(self, info: EpochInfo) -> None:
        """Measure on all training images, say so, and keep the state of a whole epoch."""
        iteration = self.done_before + info.iteration
        train_accuracy = self.net.accuracy(*self.data.train)
        # Where training images are held out, the fit has measured those.
        test = self.net._core.loss_and_accuracy(*self.data.test) if self.settings.validation_split else None
        self.record.add_epoch(info, iteration, train_accuracy, test)
        if self.watch is not None:
            self.record.best = self.watch.best
        self.record.seconds = self.seconds_before + info.seconds
        test_accuracy = self.record.measured[-1].test_accuracy
        self.progress.set_accuracy(test_accuracy)
        epoch, rest = divmod(iteration, self.settings.iterations_per_epoch)
        if rest == 0:
            self.snapshot, self.is_ahead = Snapshot.of(self.net, self.record), True
            if time.monotonic() >= self.next_checkpoint:
                self._try_checkpoint()
        name = f"epoch {epoch:3d}" if rest == 0 else f"iteration {iteration:,}"
        last = iteration >= self.settings.iterations or self.record.is_stopped
        self.progress.epoch_line(name, info.loss, train_accuracy, test_accuracy, last=last)

    def _try_checkpoint(self) -> None:
        """Write a checkpoint if that is possible: a full disk must not end hours of training."""
        began = time.monotonic()
        try:
            self._write_checkpoint()
        except OSError as error:
            if not self.checkpoint_failed:
                warn(f"{one_line(error)}; training continues, and the checkpoint is tried again")
            self.checkpoint_failed = True
        ended = time.monotonic()
        self.next_checkpoint = ended + max(CHECKPOINT_SECONDS, (ended - began) / CHECKPOINT_SHARE)

    def _write_checkpoint(self) -> None:
        run_folder.write_checkpoint(self.folder, self.record, self.snapshot)
        self.is_ahead = False
        if not self.had_model:
            run_folder.remove_history(self.folder)

    def _keep_last_epoch(self) -> None:
        if self.is_ahead:
            try:
                self._write_checkpoint()
            except OSError as error:
                complain(one_line(error))

    def _catch_up(self, state: str) -> None:
        """Take over the iterations of the epoch under way, which no callback has told of."""
        history = self.net.history
        self.record.state = state
        if history is not None:
            self.record.loss = np.concatenate([self.loss_before, history.loss])
            self.record.seconds = self.seconds_before + history.seconds

    def write_results(self, draw: bool) -> list[str]:
        """Write the network, its history and its picture; the names of the files.

        A failure is told, and the rest is written as far as it would not contradict what is there.
        """
        written: list[str] = []
        has_result = self.record.state != "diverged" and not self._is_hardly_begun()
        try:
            if self.is_ahead or has_result:
                self._write_checkpoint()
        except OSError as error:
            self._fail(error)
        try:
            if has_result:
                run_folder.with_preprocessing(self.net, self.settings).save(os.path.join(self.folder, MODEL))
                written.append(MODEL)
            # Beside the model of before its own history stays.
            if has_result or (self.record.state == "diverged" and not self.had_model):
                run_folder.write_history(self.folder, self.record)
                written.append(HISTORY)
                if draw:
                    pictures.write_curves(self.record, os.path.join(self.folder, CURVES))
                    written.append(CURVES)
        except (Failure, OSError, ValueError, RuntimeError) as error:
            self._fail(error)
        return written

    def _is_hardly_begun(self) -> bool:
        """Whether Ctrl-C came before anything was learned, or before it could match what is there."""
        if self.record.state != "interrupted":
            return False
        done = self.record.iterations
        return done == self.done_before or (self.replaces and done < self.settings.iterations_per_epoch)

    def _fail(self, error: Exception) -> None:
        complain(one_line(error))
        self.status = FAILURE

    def conclude(self) -> int:
        """Say how to go on if training did not come to its end, and what looks wrong; the exit status."""
        model, checkpoint = (os.path.join(self.folder, name) for name in (MODEL, CHECKPOINT))
        before = [f"{model} is still the one from before"] if self.had_model else []
        if self.record.state == "interrupted":
            if self._is_hardly_begun():
                note("; ".join(["interrupted before the first epoch had ended", *before]))
            else:
                note(f"interrupted: {model} is the network as it was then; cnet train --resume "
                     f"{as_word(self.continued_by)} continues from the last whole epoch")
            return self.status or INTERRUPTED
        if self.record.state == "diverged":
            if self.snapshot.iterations:
                before.append(f"the last whole epoch is in {checkpoint}")
            complain("; ".join([self.divergence, *before]))
            return FAILURE
        self._warn_of_nonsense()
        return self.status

    def _warn_of_nonsense(self) -> None:
        """A loss that is finite, but far above that of guessing and above that of the start, is no success."""
        guessing = math.log(self.net.sizes[-1])
        limit = max(2 * guessing, float(self.record.loss[0]))
        # The test images tell of most runs that all is well; only the training images tell what was learned.
        if self.record.measured and self.record.measured[-1].test_loss <= limit:
            return
        loss = self.net._core.loss_and_accuracy(*self.data.train)[0]
        if not loss <= limit:
            warn(f"after training the loss on the training images is {loss:.3g}, where guessing has "
                 f"{guessing:.3g}: the learning rate {self.settings.learning_rate:g} is likely too high")
