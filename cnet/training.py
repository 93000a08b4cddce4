"""What one fit is: its options, its epochs, and what it records.

The iterations themselves run in ``core._trainer``; here are the checks before
them, and what happens at ticks and at each epoch's end.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .callbacks import BestParams, Callback, EarlyStopping, EpochInfo, as_callbacks
from .core._numerical_trainer import NumericalTrainer
from .core._one_fit import alone
from .core._record import Record
from .core._trainer import Trainer
from .errors import DivergenceError
from .fit_data import FitData, refuse_wrong_rows, take_data
from .history import History, Progress
from .options import FitOptions
from .rates import Rates
from .rng import as_key
from .trained_on import look_at_fit

if TYPE_CHECKING:
    from .networks import MultiLayerNet

__all__ = ["Callback", "EpochInfo", "History", "fit", "progress_bar"]

DEFAULT_EPOCHS = 10
# How far parameters are moved for a numerical gradient.
STEP = 1e-4
SECONDS_BETWEEN_SHOWS = 0.04


class _Fit:
    """One running fit."""

    def __init__(
        self, network: MultiLayerNet, data: FitData, options: FitOptions, key: int, first_epoch: int,
        callbacks: list[Callback], bar: Any,
    ) -> None:
        self.network, self.options, self.callbacks, self.bar = network, options, callbacks, bar
        self.validation = data.validation
        self.is_watched = self.validation is not None or bool(callbacks)
        self.refuse_read_only()
        self.refuse_metrics()
        # The length of the inputs says how long an epoch is.
        n_rows = max(1, data.x.shape[0]) if data.x.ndim else 1
        self.per_epoch = -(-n_rows // options.batch_size)
        self.total = options.iterations or (options.epochs or DEFAULT_EPOCHS) * self.per_epoch
        self.first_epoch = first_epoch
        self.rates = Rates(options.learning_rate, options.schedule, self.total)
        started = time.perf_counter()
        self.trainer = self.take_trainer(data, key)
        self.record = Record(
            self.validation is not None, time.perf_counter() - started, network._core.has_accuracy, self.per_epoch
        )
        self.next_show = 0.0
        validation_x = self.validation[0] if self.validation else None
        look_at_fit(network._core, data.x, validation_x, self.total * options.batch_size)
        if bar is not None:
            bar.reset(total=self.total)

    def take_trainer(self, data: FitData, key: int) -> Trainer | NumericalTrainer:
        core, options, shuffle = self.network._core, self.options, self.options.sampling == "shuffle"
        if options.gradient == "numerical":
            return NumericalTrainer(
                core, data.x, data.t, data.weight, batch_size=options.batch_size, h=STEP, shuffle=shuffle, key=key,
                first_epoch=self.first_epoch, n_threads=options.n_threads,
            )
        return Trainer(
            core, data.x, data.t, data.weight, options, key=key, first_epoch=self.first_epoch, iterations=self.total
        )

    def refuse_read_only(self) -> None:
        names = self.network.params.read_only()
        if names:
            raise ValueError(
                f"{', '.join(names)} of this network cannot be trained: marked read-only "
                "(flags.writeable is False)"
            )

    def refuse_metrics(self) -> None:
        """Raise for a callback of cnet's own that would watch what this fit does not measure."""
        for each in self.callbacks:
            if not isinstance(each, BestParams):
                continue
            name, metric = type(each).__name__, each.metric
            if metric.startswith("validation") and self.validation is None:
                raise ValueError(
                    f"{name} watches {metric}, for which there are no data: pass validation_data=(x, t) or "
                    'validation_split=0.1, or let it watch metric="loss"'
                )
            if metric.endswith("accuracy") and not self.network._core.has_accuracy:
                raise ValueError(
                    f"{name} watches {metric}, which has no meaning with the loss {self.network._core.loss!r}; watch "
                    "a loss"
                )

    def run(self) -> None:
        """Epochs, until all iterations are done or somebody says stop."""
        self.call_each("begin", self.network, self.total)
        past = self.network._progress
        # The fit begins with this assignment: from here on the record tells what was done to the parameters.
        self.network._progress = Progress(
            past.epochs, past.iterations, record=self.record, iterations_per_epoch=self.per_epoch
        )
        while self.record.iterations < self.total and not self.asked_to_stop():
            if not self.trainer.advance(self.record, self.next_rates()):
                self.raise_divergence()
            self.show()
            if self.is_watched and self.is_between_epochs() and self.end_epoch():
                break
        self.call_each("end", self.network)
        self.show(at_end=True)

    def call_each(self, method: str, *arguments: Any) -> None:
        """Call a method of each callback that has it."""
        called = False
        callbacks = self.callbacks
        if method == "end":
            # What restores the best parameters goes first: the others see the network as the fit leaves it.
            callbacks = sorted(callbacks, key=lambda each: not isinstance(each, EarlyStopping))
        for each in callbacks:
            function = getattr(each, method, None)
            if callable(function):
                function(*arguments)
                called = True
        if called:
            # They may have assigned parameters, or marked them.
            self.refuse_read_only()
            self.trainer.reload()

    def asked_to_stop(self) -> bool:
        """Whether ``network.request_stop()`` was called since this fit began."""
        if self.network._core.asked_to_stop:
            self.record.stop("request")
            return True
        return False

    def next_rates(self) -> npt.NDArray[np.float64]:
        """The learning rates of the next iterations, as many as one tick may do.

        Where nobody watches the ends of epochs, these are as many as there are, and epochs follow each other in
        compiled code.
        """
        done = self.record.iterations
        end = self.total
        if self.is_watched:
            end = min(end, (done // self.per_epoch + 1) * self.per_epoch)
        return self.rates.between(done, end)

    def is_between_epochs(self) -> bool:
        return self.record.iterations % self.per_epoch == 0 or self.record.iterations == self.total

    def show(self, at_end: bool = False) -> None:
        """Move the bar, not more often than one can see."""
        if self.bar is None or (time.perf_counter() < self.next_show and not at_end):
            return
        loss = self.record.snapshot()["loss"]
        if len(loss):
            self.bar.set_postfix(loss=f"{loss[-1]:.4f}", refresh=False)
        self.bar.update(len(loss) - self.bar.n)
        self.next_show = time.perf_counter() + SECONDS_BETWEEN_SHOWS

    def end_epoch(self) -> bool:
        """Validate, call back; whether to stop."""
        measured: tuple[float | None, float | None] = (None, None)
        if self.validation is not None:
            x, t, weight = self.validation
            measured = self.network._core.loss_and_accuracy(x, t, n_threads=self.options.n_threads, weight=weight)
            self.record.add_validation(*measured)
        if not self.callbacks:
            return False
        losses, train_accuracy, rate = self.record.last_epoch()
        info = EpochInfo(
            epoch=self.record.epochs,
            iteration=self.record.iterations,
            loss=float(np.add.reduce(losses) / len(losses)),
            losses=losses,
            train_accuracy=train_accuracy,
            validation_loss=measured[0],
            validation_accuracy=measured[1],
            seconds=self.record.seconds,
            network=self.network,
            learning_rate=rate,
        )
        stop = False
        for each in self.callbacks:
            answer = each(info)
            if answer is True or (isinstance(answer, np.bool_) and bool(answer)):
                stop = True
                self.record.stop("early_stopping" if isinstance(each, EarlyStopping) else "callback")
        # A callback may have assigned parameters, or marked them.
        self.refuse_read_only()
        self.trainer.reload()
        return stop

    def raise_divergence(self) -> None:
        self.record.stop("divergence")
        history = self.network.history
        assert history is not None
        iteration = history.iterations - 1
        broken = [name for name, array in self.network.params.items() if not np.isfinite(array).all()]
        if broken:
            # Published parameters are finite: these were assigned, before the fit or by a callback.
            raise DivergenceError(
                f"the loss or a parameter was no longer finite at iteration {iteration}; the likely cause is that "
                f"parameters were not finite before training went on: {', '.join(broken)} held NaN or "
                "infinity, assigned before the fit or by a callback. The parameters are as they were assigned; "
                "assign finite ones",
                iteration, history,
            )
        raise DivergenceError(
            f"the loss or a parameter was no longer finite at iteration {iteration}; the likely cause is a learning "
            f"rate that is too high ({self.rates.explain(iteration)}). The network keeps the last parameters that "
            "were all finite; use a lower rate",
            iteration, history,
        )


def progress_bar(progress: Any) -> Any:
    """The bar that ``progress=True`` asks for, or None.

    Raises
    ------
    TypeError, ImportError
        If `progress` is no bool and no bar, or tqdm is not installed.
    """
    # A bar of the caller's own, with these of tqdm's methods: reset, set_postfix, update, close; and n.
    if hasattr(progress, "set_postfix"):
        return progress
    if not isinstance(progress, bool | np.bool_):
        raise TypeError(f"progress must be True or False, got {progress!r}")
    # A program without a console has no standard error to show it on.
    if not progress or sys.stderr is None:
        return None
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise ModuleNotFoundError('progress=True needs tqdm: pip install "cnet-nn[cli]"') from None
    return tqdm(total=0, unit="it")


def fit(
    network: MultiLayerNet, x: npt.ArrayLike, t: npt.ArrayLike, options: FitOptions, *,
    validation_data: tuple[npt.ArrayLike, npt.ArrayLike] | None, sample_weight: npt.ArrayLike | None,
    class_weight: Any, rng: Any, callback: Any, progress: bool,
) -> History:
    """Train `network`; see ``MultiLayerNet.fit``."""
    callbacks = as_callbacks(callback)
    if options.early_stopping is not None:
        # It keeps parameters as they were measured: before the other callbacks, which may change them.
        # One that is among them too is called once an epoch.
        callbacks = [options.early_stopping, *(each for each in callbacks if each is not options.early_stopping)]
    bar = progress_bar(progress)

    def train() -> None:
        if rng is None:
            key, first_epoch = network.seed, network._progress.epochs
        else:
            key, first_epoch = as_key(rng), 0
        data = take_data(
            network._core, x, t, options, key, validation_data=validation_data, sample_weight=sample_weight,
            class_weight=class_weight,
        )
        try:
            running = _Fit(network, data, options, key, first_epoch, callbacks, bar)
        except (TypeError, ValueError):
            if options.validation_split is not None:
                refuse_wrong_rows(network._core, x, t)
            raise
        running.run()

    try:
        alone(network._core, train)
    finally:
        if bar is not None:
            bar.close()
    history = network.history
    assert history is not None
    return history
