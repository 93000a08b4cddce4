"""Callbacks, which ``fit`` calls at the end of each epoch: what they are told, and those that find the best epoch.

A callback is anything that can be called with an `EpochInfo`; returning True ends the fit. If it has the methods
``begin(network, total)`` and ``end(network)``, they are called before the first of at most `total` iterations, so that
one object serves several fits, and after the last one. ``end`` is not called where an exception ends the fit. That of
`EarlyStopping` is called before those of the others, so that a `Checkpoint` saves the restored parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .checks import check_choice, check_count, check_flag, check_number, excerpt
from .core._state import TrainingState

if TYPE_CHECKING:
    from .networks import MultiLayerNet

__all__ = ["BestParams", "Callback", "EarlyStopping", "EpochInfo", "as_callbacks"]

FloatArray = npt.NDArray[np.float64]
Callback = Callable[["EpochInfo"], object]

# What a callback can watch, and whether more of it is better.
METRICS = {"loss": False, "train_accuracy": True, "validation_loss": False, "validation_accuracy": True}


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
    train_accuracy : float or None
        The accuracy on the epoch's own mini-batches, each before its update; None where the network's loss has no
        accuracy.
    validation_loss, validation_accuracy : float or None
        None without validation data.
    seconds : float
        Time spent on training so far.
    network : MultiLayerNet
        The network itself, with its current parameters. What a callback assigns to them is
        kept. Training continues in the same memory: keep ``network.params.copy()``, not
        ``dict(network.params)``, whose arrays change with the next epoch.
    learning_rate : float
        The learning rate of the epoch's last iteration.

    Examples
    --------
    >>> import cnet
    >>> x, t = cnet.datasets.make_digits(200, rng=0)
    >>> net = cnet.TwoLayerNet(784, 10, 10, rng=0)
    >>> def stop_after_two(info):
    ...     print(info.epoch, info.iteration, info.learning_rate)
    ...     return info.epoch == 2
    >>> history = net.fit(x, t, epochs=5, callback=stop_after_two)
    1 2 0.1
    2 4 0.1
    """

    epoch: int
    iteration: int
    loss: float
    losses: FloatArray = field(repr=False)
    train_accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    network: MultiLayerNet
    learning_rate: float


class BestParams:
    """A callback that keeps the parameters of the best epoch of a fit.

    Parameters
    ----------
    metric : {"validation_loss", "validation_accuracy", "loss", "train_accuracy"}
        What is compared: of a loss the lowest value is best, of an accuracy the highest. The first of equal ones
        counts, and NaN never does.

    Attributes
    ----------
    params : dict of str to numpy.ndarray, or None
        Copies of the best epoch's parameters, as ``net.params = best.params`` takes them; None before an epoch has
        ended.
    value : float or None
        The best value of the metric.
    epoch : int or None
        The best epoch, counted from 1.

    Raises
    ------
    TypeError, ValueError
        If `metric` is not one of these names. By ``fit``: if the metric needs validation data and there are none, or
        the network's loss has no accuracy.

    Examples
    --------
    >>> import cnet
    >>> x, t = cnet.datasets.make_digits(300, rng=0)
    >>> net = cnet.TwoLayerNet(784, 10, 10, rng=0)
    >>> best = cnet.BestParams()
    >>> history = net.fit(x, t, epochs=3, validation_split=0.2, callback=best)
    >>> bool(best.value == history.validation_loss.min())
    True
    >>> best.restore(net)
    >>> bool((net.params["W1"] == best.params["W1"]).all())
    True
    """

    def __init__(self, metric: str = "validation_loss") -> None:
        self.metric = check_choice("metric", metric, tuple(METRICS))
        self._forget()

    def _forget(self) -> None:
        self.value: float | None = None
        self.epoch: int | None = None
        self.params: dict[str, npt.NDArray[Any]] | None = None
        self._state: TrainingState | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(metric={self.metric!r})"

    def begin(self, network: MultiLayerNet, total: int) -> None:
        """Forget what another fit left; ``fit`` calls it before the first iteration.

        Parameters
        ----------
        network : MultiLayerNet
            The network that is going to be trained.
        total : int
            The most iterations that the fit may take.

        Examples
        --------
        A training loop of your own calls it as ``fit`` does:

        >>> import cnet
        >>> net = cnet.TwoLayerNet(784, 10, 10, rng=0)
        >>> best = cnet.BestParams("loss")
        >>> best.begin(net, 1000)
        >>> best.value is None
        True
        """
        self._forget()

    def __call__(self, info: EpochInfo) -> bool:
        """Keep the parameters of the epoch that has ended, if it is the best one so far.

        Parameters
        ----------
        info : EpochInfo

        Returns
        -------
        bool
            False: the fit goes on.
        """
        self._improves(info, 0.0)
        return False

    def restore(self, network: MultiLayerNet) -> None:
        """Give a network the best parameters, with the optimizer's state that belongs to them.

        Parameters
        ----------
        network : MultiLayerNet
            The one that was trained, or another one of the same sizes and type.

        Raises
        ------
        ValueError
            If no epoch has ended yet, or the parameters are of other shapes, or a parameter is read-only.

        Examples
        --------
        >>> import cnet
        >>> x, t = cnet.datasets.make_digits(200, rng=0)
        >>> net = cnet.TwoLayerNet(784, 10, 10, rng=0)
        >>> best = cnet.BestParams("train_accuracy")
        >>> history = net.fit(x, t, epochs=3, callback=best)
        >>> other = cnet.TwoLayerNet(784, 10, 10, rng=1)
        >>> best.restore(other)
        >>> bool((other.params["W1"] == best.params["W1"]).all())
        True
        """
        if self.params is None or self._state is None:
            raise ValueError("there are no best parameters yet: no epoch of a fit has ended with a finite "
                             f"{self.metric}")
        self._state.restore(network._core)

    def _improves(self, info: EpochInfo, min_delta: float) -> bool:
        """Whether the metric is better by more than `min_delta` than the best; the best one is kept."""
        value: float | None = getattr(info, self.metric)
        if value is None:
            raise ValueError(f"{type(self).__name__} watches {self.metric}, which this fit does not measure")
        more_is_better = METRICS[self.metric]
        if self.value is None:
            better = value == value
        else:
            better = value > self.value + min_delta if more_is_better else value < self.value - min_delta
        if better:
            self.value, self.epoch = value, info.epoch
            self.params, self._state = info.network.params.copy(), TrainingState(info.network._core)
        return better


class EarlyStopping(BestParams):
    """A callback that ends a fit when a metric has not improved for some epochs.

    Pass it to fit as ``early_stopping`` or as ``callback``.

    Parameters
    ----------
    patience : int
        The fit ends after this many epochs in a row without an improvement; at least 1.
    min_delta : float, default 0
        How much better than the best value counts as an improvement: more than this. Not negative.
    metric : {"validation_loss", "validation_accuracy", "loss", "train_accuracy"}
        What is watched.
    restore_best : bool, default True
        At the end of the fit, however it comes unless by an exception, go back to the parameters of the best epoch and
        to the optimizer's state that belongs to them. ``history`` keeps all epochs, and the stream of random numbers
        goes on from the last one.

    Attributes
    ----------
    params, value, epoch
        Of the best epoch: see `BestParams`.
    stopped : bool
        Whether it has ended the last fit.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range. By ``fit``: if the metric needs validation data and there
        are none, or the network's loss has no accuracy.

    References
    ----------
    .. [1] Lutz Prechelt, "Early stopping - but when?", in "Neural networks: tricks of the trade", Springer, 1998.

    Examples
    --------
    >>> import cnet
    >>> x, t = cnet.datasets.make_digits(300, rng=0)
    >>> net = cnet.TwoLayerNet(784, 10, 10, rng=0)
    >>> stopping = cnet.EarlyStopping(patience=2, metric="validation_accuracy")
    >>> history = net.fit(x, t, epochs=100, validation_split=0.2, early_stopping=stopping)
    >>> history.stopped, history.epochs == stopping.epoch + 2
    ('early_stopping', True)
    """

    def __init__(
        self, *, patience: int, min_delta: float = 0.0, metric: str = "validation_loss", restore_best: bool = True,
    ) -> None:
        self.patience = check_count("patience", patience)
        self.min_delta = check_number("min_delta", min_delta, positive=False)
        self.restore_best = check_flag("restore_best", restore_best)
        super().__init__(metric)

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(patience={self.patience}, min_delta={self.min_delta}, "
                f"metric={self.metric!r}, restore_best={self.restore_best})")

    def _forget(self) -> None:
        super()._forget()
        self.stopped = False
        self._waited = 0

    def __call__(self, info: EpochInfo) -> bool:
        """Look at the epoch that has ended, and say whether the fit should end.

        Parameters
        ----------
        info : EpochInfo

        Returns
        -------
        bool
        """
        self._waited = 0 if self._improves(info, self.min_delta) else self._waited + 1
        self.stopped = self._waited >= self.patience
        return self.stopped

    def end(self, network: MultiLayerNet) -> None:
        """Restore the best epoch's parameters, if `restore_best` is set; ``fit`` calls it after the last iteration.

        Parameters
        ----------
        network : MultiLayerNet
            The network that was trained.

        Raises
        ------
        ValueError
            If the parameters are of other shapes than the network's, or one of the network's is read-only.

        Examples
        --------
        >>> import cnet
        >>> x, t = cnet.datasets.make_digits(200, rng=0)
        >>> net = cnet.TwoLayerNet(784, 10, 10, rng=0)
        >>> stopping = cnet.EarlyStopping(patience=5, metric="loss")
        >>> history = net.fit(x, t, epochs=3, early_stopping=stopping)
        >>> net.params["b2"] = [0] * 10
        >>> stopping.end(net)
        >>> bool((net.params["b2"] == stopping.params["b2"]).all())
        True
        """
        if self.restore_best and self.params is not None:
            self.restore(network)


def as_callbacks(callback: Any) -> list[Callback]:
    """Return what was passed to fit as `callback`, one or several or None, as a list.

    Raises
    ------
    TypeError
        If one of them cannot be called.
    """
    if callback is None:
        return []
    several = isinstance(callback, list | tuple)
    callbacks = list(callback) if several else [callback]
    for i, each in enumerate(callbacks):
        name = f"callback[{i}]" if several else "callback"
        if not callable(each):
            raise TypeError(f"{name} must be callable, or callback a list of callables; got {type(each).__name__}")
        if isinstance(each, type):
            raise TypeError(f"{name} must be an object, got {excerpt(each)}; make one: {each.__name__}(...)")
    return callbacks
