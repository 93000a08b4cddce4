"""What one fit is: its options, its epochs, and what it records.

The iterations themselves run in ``core._trainer``; here are the checks before
them, and what happens at ticks and at each epoch's end.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .core._arrays import real_array
from .core._inputs import as_inputs, as_targets
from .core._numerical_trainer import NumericalTrainer
from .core._one_fit import alone
from .core._record import Record
from .core._trainer import Trainer
from .errors import DivergenceError, raise_in_context
from .history import History, Progress
from .optimizers import LinearRamp
from .options import FitOptions
from .rng import as_key
from .trained_on import look_at_fit

if TYPE_CHECKING:
    from .networks import MultiLayerNet

__all__ = ["EpochInfo", "History", "fit"]

FloatArray = npt.NDArray[np.float64]
Callback = Callable[["EpochInfo"], object]

DEFAULT_EPOCHS = 10
# How far parameters are moved for a numerical gradient.
STEP = 1e-4
SECONDS_BETWEEN_SHOWS = 0.04


@dataclass(frozen=True, eq=False)
class EpochInfo:
    """The state of a fit at the end of an epoch, which a callback receives.

    Two such objects are equal only if they are identical.

    Attributes
    ----------
    epoch : int
        The number of epochs of this fit that have ended, including this one.
    iteration : int
        The number of iterations of this fit so far.
    loss : float
        The mean loss of the epoch's iterations.
    losses : numpy.ndarray
        The loss of each of the epoch's iterations, before its update: a read-only copy.
    train_accuracy : float
        The accuracy on the epoch's own mini-batches, each before its update.
    validation_loss, validation_accuracy : float or None
    seconds : float
        Time spent on training so far.
    network : MultiLayerNet
        The network itself, with its current parameters. What a callback assigns to them is
        kept. Training continues in the same memory: keep ``network.params.copy()``, not
        ``dict(network.params)``, whose arrays change with the next epoch.

    Examples
    --------
    >>> import cnet
    >>> x, t = cnet.datasets.make_digits(200, rng=0)
    >>> net = cnet.TwoLayerNet(784, 10, 10, rng=0)
    >>> def stop_after_two(info):
    ...     print(info.epoch, info.iteration)
    ...     return info.epoch == 2
    >>> history = net.fit(x, t, epochs=5, callback=stop_after_two)
    1 2
    2 4

    Keep the parameters of the epoch with the lowest loss on validation data:

    >>> best = {"loss": float("inf")}
    >>> def keep_best(info):
    ...     if info.validation_loss < best["loss"]:
    ...         best.update(loss=info.validation_loss, params=info.network.params.copy())
    >>> history = net.fit(
    ...     x[:150], t[:150], epochs=3, validation_data=(x[150:], t[150:]), callback=keep_best)
    >>> net.params = best["params"]
    >>> bool(net.loss(x[150:], t[150:]) == history.validation_loss.min())
    True
    """

    epoch: int
    iteration: int
    loss: float
    losses: FloatArray = field(repr=False)
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    network: MultiLayerNet


class _Fit:
    """One running fit."""

    def __init__(
        self, network: MultiLayerNet, x: Any, t: Any, options: FitOptions, key: int, first_epoch: int,
        validation_data: Any, callback: Callback | None, bar: Any,
    ) -> None:
        self.network, self.options, self.callback, self.bar = network, options, callback, bar
        self.refuse_read_only()
        self.validation_data = _check_validation(network, validation_data, options.n_threads)
        # What is no array yet becomes one here, once: its length says how long an epoch is.
        x = real_array(x, "x")
        n_rows = max(1, x.shape[0]) if x.ndim else 1
        self.per_epoch = -(-n_rows // options.batch_size)
        self.total = options.iterations or (options.epochs or DEFAULT_EPOCHS) * self.per_epoch
        self.first_epoch = first_epoch
        rate = options.learning_rate
        self.schedule = rate.rates(self.total) if isinstance(rate, LinearRamp) else None
        started = time.perf_counter()
        self.trainer = self.take_trainer(x, t, key)
        self.record = Record(self.validation_data is not None, time.perf_counter() - started)
        # The rates of an epoch, where they are all the same.
        self.rates = np.full(min(self.per_epoch, self.total), 0.0 if self.schedule is not None else rate)
        self.next_show = 0.0
        validation_x = self.validation_data[0] if self.validation_data else None
        look_at_fit(network._core, x, validation_x, self.total * options.batch_size)
        if bar is not None:
            bar.reset(total=self.total)

    def take_trainer(self, x: Any, t: Any, key: int) -> Trainer | NumericalTrainer:
        core, options, shuffle = self.network._core, self.options, self.options.sampling == "shuffle"
        if options.gradient == "numerical":
            return NumericalTrainer(
                core, x, t, batch_size=options.batch_size, h=STEP, shuffle=shuffle, key=key,
                n_threads=options.n_threads,
            )
        return Trainer(core, x, t, None, options, key=key, first_epoch=self.first_epoch, iterations=self.total)

    def refuse_read_only(self) -> None:
        names = self.network.params.read_only()
        if names:
            raise ValueError(
                f"{', '.join(names)} of this network cannot be trained: marked read-only "
                "(flags.writeable is False)"
            )

    def run(self) -> None:
        """Epochs, until all iterations are done or a callback says stop."""
        past = self.network._progress
        # The fit begins with this assignment: from here on the record tells what was done to the parameters.
        self.network._progress = Progress(
            past.epochs, past.iterations, record=self.record, iterations_per_epoch=self.per_epoch
        )
        epoch = 0
        while self.record.iterations < self.total:
            self.trainer.start_epoch(self.first_epoch + epoch)
            self.record.begin_epoch()
            self.run_epoch()
            epoch += 1
            if self.end_epoch(epoch):
                break
        self.show(at_end=True)

    def run_epoch(self) -> None:
        """One epoch, tick by tick."""
        begin = self.record.iterations
        end = min(begin + self.per_epoch, self.total)
        rates = self.rates[: end - begin] if self.schedule is None else self.schedule[begin:end]
        while self.record.iterations < end:
            finite = self.trainer.advance(self.record, rates)
            if not finite:
                self.raise_divergence()
            self.show()

    def show(self, at_end: bool = False) -> None:
        """Move the bar, not more often than one can see."""
        if self.bar is None or (time.perf_counter() < self.next_show and not at_end):
            return
        loss = self.record.snapshot()["loss"]
        self.bar.set_postfix(loss=f"{loss[-1]:.4f}", refresh=False)
        self.bar.update(len(loss) - self.bar.n)
        self.next_show = time.perf_counter() + SECONDS_BETWEEN_SHOWS

    def end_epoch(self, epoch: int) -> bool:
        """Validate, call back; whether to stop."""
        validation: tuple[float, float] | tuple[None, None] = (None, None)
        if self.validation_data is not None:
            validation = self.network._core.loss_and_accuracy(*self.validation_data, n_threads=self.options.n_threads)
            self.record.add_validation(*validation)
        if self.callback is None:
            return False
        losses, train_accuracy = self.record.last_epoch()
        stop = self.callback(EpochInfo(
            epoch=epoch,
            iteration=self.record.iterations,
            loss=float(np.add.reduce(losses) / len(losses)),
            losses=losses,
            train_accuracy=train_accuracy,
            validation_loss=validation[0],
            validation_accuracy=validation[1],
            seconds=self.record.seconds,
            network=self.network,
        ))
        # A callback may have assigned parameters, or marked them.
        self.refuse_read_only()
        self.trainer.reload()
        return stop is True or (isinstance(stop, np.bool_) and bool(stop))

    def raise_divergence(self) -> None:
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
        rate = self.options.learning_rate if self.schedule is None else self.schedule[iteration]
        raise DivergenceError(
            f"the loss or a parameter was no longer finite at iteration {iteration}; the likely cause is a learning "
            f"rate that is too high (learning_rate = {rate:g}). The network keeps the last parameters that "
            "were all finite; use a lower rate",
            iteration, history,
        )


def _check_validation(network: MultiLayerNet, data: Any, n_threads: int) -> tuple[Any, Any] | None:
    """(x, t), looked at before training begins rather than after the first epoch, and converted once."""
    if data is None:
        return None
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise TypeError(f"validation_data must be a pair (x, t), got {type(data).__name__}")
    x, t = data
    try:
        x, t = as_inputs(x, network.dtype), as_targets(t)
        network._core.loss_and_accuracy(x, t, n_threads=n_threads)
    except (TypeError, ValueError) as error:
        raise_in_context(error, "validation_data")
    return x, t


def _progress_bar(progress: Any) -> Any:
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
    validation_data: tuple[npt.ArrayLike, npt.ArrayLike] | None, rng: Any, callback: Callback | None,
    progress: bool,
) -> History:
    """Train `network`; see ``MultiLayerNet.fit``."""
    bar = _progress_bar(progress)

    def train() -> None:
        if rng is None:
            key, first_epoch = network.seed, network._progress.epochs
        else:
            key, first_epoch = as_key(rng), 0
        _Fit(network, x, t, options, key, first_epoch, validation_data, callback, bar).run()

    try:
        alone(network._core, train)
    finally:
        if bar is not None:
            bar.close()
    assert network.history is not None
    return network.history

