"""What a fit recorded, and how far a network has been trained."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .checks import check_count, excerpt, is_real
from .core._arrays import real_array

if TYPE_CHECKING:
    from .core._record import Record

__all__ = ["History"]

FloatArray = npt.NDArray[np.float64]

SERIES = ("loss", "train_accuracy", "validation_loss", "validation_accuracy", "learning_rates")
OPTIONAL_SERIES = SERIES[1:]
TIMES = ("seconds", "samples_per_second")
COUNTS = ("epochs", "iterations", "iterations_per_epoch")


@dataclass(frozen=True, eq=False, repr=False)
class History:
    """The losses, accuracies and times that a fit recorded.

    It cannot be changed: its arrays are read-only. Two histories are equal if they hold the same
    measurements; the times are left out, and NaN equals NaN.

    Attributes
    ----------
    loss : numpy.ndarray, shape (iterations,)
        The loss of each mini-batch, before its update: what the gradient descends on, without the penalty. A
        mini-batch whose weights sum to 0 has loss 0.
    train_accuracy : numpy.ndarray of shape (epochs,), or None
        The share (by weight) of the samples in each epoch's mini-batches that were classified correctly, each
        before its update. It costs almost nothing, and lags behind the accuracy at the end of the epoch. None where
        the network's loss has no accuracy.
    validation_loss, validation_accuracy : numpy.ndarray of shape (epochs,), or None
        Measured at the end of each epoch, so an epoch that was cut off has none; None without
        validation data, and no accuracy where the loss has none.
    seconds : float
        Time spent on training, without validation and callbacks.
    samples_per_second : float
        The average number of training samples per second.
    epochs : int
        The number of epochs begun; the last may not have ended.
    iterations : int
        The number of iterations.
    iterations_per_epoch : int
        The iterations of a whole epoch: the number of samples over the batch size, rounded up.
    learning_rates : numpy.ndarray of shape (epochs,), or None
        The learning rate of each epoch's last iteration so far, as the schedule made it.
    stopped : str or None
        What ended the fit before all its iterations were done: "early_stopping", "callback", "request"
        (``request_stop()``) or "divergence". None where nothing did, while the fit is running, and after an exception.

    Raises
    ------
    TypeError, ValueError
        If a field is of the wrong type or shape; the message names it.

    Examples
    --------
    >>> import cnet
    >>> x, t = cnet.datasets.make_digits(200, rng=0)
    >>> history = cnet.TwoLayerNet(784, 10, 10, rng=0).fit(x, t, iterations=5)
    >>> history.iterations, history.iterations_per_epoch, history.epochs
    (5, 2, 3)
    >>> history.loss.shape, history.train_accuracy.shape
    ((5,), (3,))
    >>> history == cnet.TwoLayerNet(784, 10, 10, rng=0).fit(x, t, iterations=5)
    True
    """

    loss: FloatArray
    train_accuracy: FloatArray | None
    validation_loss: FloatArray | None
    validation_accuracy: FloatArray | None
    seconds: float = field(compare=False)
    samples_per_second: float = field(compare=False)
    epochs: int
    iterations: int
    iterations_per_epoch: int
    learning_rates: FloatArray | None = None
    stopped: str | None = None

    def __post_init__(self) -> None:
        for name in SERIES:
            values = getattr(self, name)
            if values is None and name in OPTIONAL_SERIES:
                continue
            object.__setattr__(self, name, _frozen(name, values))
        for name in COUNTS:
            object.__setattr__(self, name, check_count(name, getattr(self, name), 2**63 - 1, least=0))
        for name in TIMES:
            value = getattr(self, name)
            # Of any sign: a clock of the day may be set back meanwhile.
            if isinstance(value, bool | np.bool_) or not is_real(value):
                raise TypeError(f"{name} must be a number, got {type(value).__name__}")
            object.__setattr__(self, name, float(value))
        if self.stopped is not None and not isinstance(self.stopped, str):
            raise TypeError(f"stopped must be a string or None, got {type(self.stopped).__name__}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(_equal(one, another) for one, another in zip(self._content(), other._content(), strict=True))

    def __hash__(self) -> int:
        return hash(tuple(_hashable(value) for value in self._content()))

    def __repr__(self) -> str:
        text = f"History(iterations={self.iterations}, epochs={self.epochs}"
        for name in SERIES:
            values = getattr(self, name)
            # A constant rate needs no mention.
            if values is not None and values.size and (name != "learning_rates" or values.min() != values.max()):
                text += f", {name}={_span(values)}"
        if self.stopped is not None:
            text += f", stopped={excerpt(self.stopped, 20)}"
        return f"{text}, seconds={self.seconds:.3g})"

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain numbers, lists and None, for instance for ``json.dump``.

        Returns
        -------
        dict
            ``History(**history.to_dict())`` is equal to the history itself.

        Examples
        --------
        >>> import cnet
        >>> x, t = cnet.datasets.make_digits(200, rng=0)
        >>> history = cnet.TwoLayerNet(784, 10, 10, rng=0).fit(x, t, iterations=5)
        >>> history.to_dict()["learning_rates"]
        [0.1, 0.1, 0.1]
        """
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}

    def __copy__(self) -> History:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> History:
        return self

    def __setstate__(self, state: dict[str, Any]) -> None:
        missing = {each.name for each in fields(self) if each.default is MISSING}.difference(state)
        if missing:
            raise ValueError(f"this is not the state of a History: {', '.join(sorted(missing))} missing")
        for name, value in state.items():
            object.__setattr__(self, name, value)
        # NumPy's arrays come out of a pickle writable.
        self.__post_init__()

    def _content(self) -> tuple[Any, ...]:
        """The values of the fields that are compared."""
        return tuple(getattr(self, each.name) for each in fields(self) if each.compare)


class Progress:
    """How far a network has been trained: before the last fit, and by it.

    A fit begins when the network is given another one of these, which is one assignment; from then on its
    record tells, at every moment, what was done.

    Parameters
    ----------
    epochs, iterations : int
        Before the last fit; epochs are those of the stream of random numbers.
    history : History, optional
        What the last fit recorded, where its record is not there.
    record : Record, optional
        The record of the last fit, which may still be running.
    iterations_per_epoch : int
        Of that fit.
    """

    __slots__ = ("_epochs", "_history", "_iterations", "_per_epoch", "_seen", "record")

    def __init__(
        self, epochs: int = 0, iterations: int = 0, history: History | None = None, *,
        record: Record | None = None, iterations_per_epoch: int = 1,
    ) -> None:
        self._epochs, self._iterations, self._history = epochs, iterations, history
        self.record, self._per_epoch = record, iterations_per_epoch
        self._seen = -1

    @property
    def epochs(self) -> int:
        """Epochs begun in all."""
        return self._epochs + (0 if self.record is None else self.record.epochs)

    @property
    def iterations(self) -> int:
        """Iterations done in all."""
        return self._iterations + (0 if self.record is None else self.record.iterations)

    @property
    def history(self) -> History | None:
        """What the last fit has recorded so far."""
        if self.record is not None and self._seen != self.record.changes:
            seen = self.record.changes
            self._history = History(**self.record.snapshot(), iterations_per_epoch=self._per_epoch)
            self._seen = seen
        return self._history


def _frozen(name: str, values: npt.ArrayLike) -> FloatArray:
    """A read-only row of numbers; `values` itself if it is one already."""
    if type(values) is np.ndarray and values.dtype == np.float64 and values.ndim == 1 and not values.flags.writeable:
        return values
    array = real_array(values, name)
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got shape {array.shape}")
    array = np.array(array, np.float64)
    array.flags.writeable = False
    return array


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other, equal_nan=True)
    return not isinstance(one, np.ndarray) and not isinstance(other, np.ndarray) and bool(one == other)


def _hashable(value: Any) -> Any:
    """Equal for equal values: every NaN has the same bytes, and -0.0 those of 0.0."""
    if not isinstance(value, np.ndarray):
        return value
    return value.shape, np.where(np.isnan(value), np.nan, value + 0.0).tobytes()


def _span(values: FloatArray) -> str:
    """First and last value."""
    if values.size == 1:
        return f"{values[0]:.4g}"
    return f"{values[0]:.4g}..{values[-1]:.4g}"
