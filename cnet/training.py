"""What one fit is: its options, its epochs, and what it records.

The iterations themselves run in ``core._trainer``; here are the checks before
them, and what happens at ticks and at each epoch's end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .core._arrays import real_array
from .core._inputs import as_inputs, as_targets
from .core._numerical_trainer import NumericalTrainer
from .core._trainer import Trainer
from .errors import DivergenceError, raise_in_context
from .history import History, frozen
from .one_fit import only_fit
from .optimizers import LinearRamp
from .options import FitOptions
from .rng import as_key

if TYPE_CHECKING:
    from .network import TwoLayerNet

__all__ = ["EpochInfo", "History", "fit"]

FloatArray = npt.NDArray[np.float64]
Callback = Callable[["EpochInfo"], object]

DEFAULT_EPOCHS = 10
# How far parameters are moved for a numerical gradient.
STEP = 1e-4


@dataclass(frozen=True, eq=False)
class EpochInfo:
    """What a callback is told at an epoch's end.

    Two of them are equal only if they are one and the same object.

    Attributes
    ----------
    epoch : int
        Epochs of this fit that have ended, this one included.
    iteration : int
        Iterations of this fit so far.
    loss : float
        Mean over the epoch's iterations.
    losses : numpy.ndarray
        The loss of each of the epoch's iterations, before its update: a read-only copy.
    train_accuracy : float
        Over the epoch's own mini-batches, each before its update.
    validation_loss, validation_accuracy : float or None
    seconds : float
        Time spent on training so far.
    network : TwoLayerNet
        The network itself, with the parameters as they are now. What a callback assigns to them is
        kept. Training goes on in the same memory: keep ``network.params.copy()``, not
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
    >>> history = net.fit(x, t, epochs=3, validation_data=(x, t), callback=keep_best)
    >>> net.params = best["params"]
    >>> bool(net.loss(x, t) == history.validation_loss.min())
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
    network: TwoLayerNet


class _Record:
    """The history, while it grows."""

    def __init__(self, per_epoch: int) -> None:
        self.per_epoch = per_epoch
        self.samples = 0
        self.seconds = 0.0
        self.loss: list[FloatArray] = []
        self.train_accuracy: list[float] = []
        self.validation: list[tuple[float, float]] = []

    @property
    def iterations(self) -> int:
        return sum(len(part) for part in self.loss)

    def history(self, with_validation: bool) -> History:
        def frozen(values: Any) -> FloatArray:
            array = np.array(values, np.float64)
            array.flags.writeable = False
            return array

        return History(
            loss=frozen(np.concatenate(self.loss) if self.loss else []),
            train_accuracy=frozen(self.train_accuracy),
            validation_loss=frozen([loss for loss, _ in self.validation]) if with_validation else None,
            validation_accuracy=frozen([share for _, share in self.validation]) if with_validation else None,
            seconds=self.seconds,
            samples_per_second=self.samples / self.seconds if self.seconds else 0.0,
            epochs=len(self.train_accuracy),
            iterations=self.iterations,
            iterations_per_epoch=self.per_epoch,
        )


class _Fit:
    """One fit under way."""

    def __init__(
        self, network: TwoLayerNet, x: Any, t: Any, options: FitOptions, key: int, first_epoch: int,
        validation_data: Any, callback: Callback | None, bar: Any,
    ) -> None:
        self.network, self.options, self.callback, self.bar = network, options, callback, bar
        self.refuse_read_only()
        self.validation_data = _check_validation(network, validation_data)
        # What is no array yet becomes one here, once: its length says how long an epoch is.
        x = real_array(x, "x")
        n_rows = max(1, x.shape[0]) if x.ndim else 1
        self.per_epoch = -(-n_rows // options.batch_size)
        self.record = _Record(self.per_epoch)
        self.total = options.iterations or (options.epochs or DEFAULT_EPOCHS) * self.per_epoch
        self.first_epoch = first_epoch
        rate = options.learning_rate
        self.schedule = rate.rates(self.total) if isinstance(rate, LinearRamp) else None
        started = time.perf_counter()
        self.trainer = self.take_trainer(x, t, key)
        self.record.seconds = time.perf_counter() - started
        if bar is not None:
            bar.reset(total=self.total)

    def take_trainer(self, x: Any, t: Any, key: int) -> Trainer | NumericalTrainer:
        core, options, shuffle = self.network._core, self.options, self.options.sampling == "shuffle"
        if options.gradient == "numerical":
            return NumericalTrainer(
                core, x, t, batch_size=options.batch_size, h=STEP, shuffle=shuffle, key=key,
                n_threads=options.n_threads,
            )
        return Trainer(
            core, x, t, batch_size=options.batch_size, momentum=options.momentum, shuffle=shuffle, key=key,
            first_epoch=self.first_epoch, iterations=self.total, n_threads=options.n_threads,
        )

    def refuse_read_only(self) -> None:
        names = self.network.params.read_only()
        if names:
            raise ValueError(
                f"{', '.join(names)} of this network cannot be trained: marked read-only "
                "(flags.writeable is False)"
            )

    def run(self) -> None:
        """Epochs, until all iterations are done or a callback says stop."""
        epoch = 0
        while self.record.iterations < self.total:
            self.trainer.start_epoch(self.first_epoch + epoch)
            self.network._epochs += 1
            self.run_epoch(min(self.per_epoch, self.total - self.record.iterations))
            epoch += 1
            if self.end_epoch(epoch):
                break

    def run_epoch(self, iterations: int) -> None:
        """One epoch, tick by tick. What ends it early leaves the record right."""
        loss = np.empty(iterations)
        rates = self.rates_of_epoch(iterations)
        done, correct, finite = 0, 0, True
        try:
            while done < iterations and finite:
                started = time.perf_counter()
                reached, finite = self.trainer.run(loss, rates)
                finite = finite and self.trainer.publish()
                # Ctrl-C during a call comes up as it returns: what is recorded is what was published.
                done, correct = reached, self.trainer.correct
                self.record.seconds += time.perf_counter() - started
                self.show(done, loss[done - 1])
        finally:
            if done:
                samples = min(done * self.options.batch_size, self.samples_of_epoch(iterations))
                self.record.loss.append(loss[:done])
                self.record.samples += samples
                self.record.train_accuracy.append(correct / samples)
                self.network._iterations += done
        if not finite:
            self.raise_divergence()

    def rates_of_epoch(self, iterations: int) -> FloatArray:
        if self.schedule is None:
            return np.full(iterations, self.options.learning_rate)
        return self.schedule[self.record.iterations : self.record.iterations + iterations]

    def samples_of_epoch(self, iterations: int) -> int:
        if self.options.sampling == "shuffle" and iterations == self.per_epoch:
            return int(self.trainer.n_rows)
        return iterations * self.options.batch_size

    def show(self, done: int, loss: float) -> None:
        if self.bar is not None:
            self.bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
            self.bar.update(self.record.iterations + done - self.bar.n)

    def end_epoch(self, epoch: int) -> bool:
        """Validate, call back; whether to stop."""
        validation: tuple[float, float] | tuple[None, None] = (None, None)
        if self.validation_data is not None:
            measured = self.network._core.loss_and_accuracy(*self.validation_data)
            self.record.validation.append(measured)
            validation = measured
        if self.callback is None:
            return False
        info = EpochInfo(
            epoch=epoch,
            iteration=self.record.iterations,
            loss=float(self.record.loss[-1].mean()),
            losses=frozen(self.record.loss[-1].copy()),
            train_accuracy=self.record.train_accuracy[-1],
            validation_loss=validation[0],
            validation_accuracy=validation[1],
            seconds=self.record.seconds,
            network=self.network,
        )
        stop = self.callback(info)
        # A callback may have assigned parameters, or marked them.
        self.refuse_read_only()
        self.trainer.reload()
        return stop is True or (isinstance(stop, np.bool_) and bool(stop))

    def raise_divergence(self) -> None:
        iteration = self.record.iterations - 1
        rate = self.options.learning_rate if self.schedule is None else self.schedule[iteration]
        cause = f"a learning rate that is too high (learning_rate = {rate:g})"
        if not all(np.isfinite(array).all() for array in self.network.params.values()):
            cause = "that parameters were not finite before this tick"
        raise DivergenceError(
            f"the loss or a parameter was no longer finite at iteration {iteration}; the likely cause is "
            f"{cause}. The parameters are those of the last tick at which all was finite",
            iteration,
            self.history(),
        )

    def history(self) -> History:
        return self.record.history(self.validation_data is not None)


def _check_validation(network: TwoLayerNet, data: Any) -> tuple[Any, Any] | None:
    """(x, t), looked at before training begins rather than after the first epoch, and converted once."""
    if data is None:
        return None
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise TypeError(f"validation_data must be a pair (x, t), got {type(data).__name__}")
    x, t = data
    try:
        x, t = as_inputs(x, network.dtype), as_targets(t)
        network._core.loss_and_accuracy(x, t)
    except (TypeError, ValueError) as error:
        raise_in_context(error, "validation_data")
    return x, t


def _progress_bar(progress: Any) -> Any:
    # A bar of the caller's own, with these of tqdm's methods: reset, set_postfix, update, close; and n.
    if hasattr(progress, "set_postfix"):
        return progress
    if not isinstance(progress, bool | np.bool_):
        raise TypeError(f"progress must be True or False, got {progress!r}")
    if not progress:
        return None
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise ModuleNotFoundError('progress=True needs tqdm: pip install "cnet-nn[cli]"') from None
    return tqdm(total=0, unit="it")


def fit(
    network: TwoLayerNet, x: npt.ArrayLike, t: npt.ArrayLike, options: FitOptions, *,
    validation_data: tuple[npt.ArrayLike, npt.ArrayLike] | None, rng: Any, callback: Callback | None,
    progress: bool,
) -> History:
    """Train `network`; see ``TwoLayerNet.fit``."""
    if rng is None:
        key, first_epoch = network.seed, network._epochs
    else:
        key, first_epoch = as_key(rng), 0
    bar = _progress_bar(progress)
    try:
        with only_fit(network._core):
            run = _Fit(network, x, t, options, key, first_epoch, validation_data, callback, bar)
            try:
                run.run()
            finally:
                network.history = run.history()
    finally:
        if bar is not None:
            bar.close()
    assert network.history is not None
    return network.history
