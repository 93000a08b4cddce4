"""The package's own exceptions and warning, and how an error says where it arose."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from .history import History

__all__ = ["CnetWarning", "DivergenceError"]


class DivergenceError(ArithmeticError):
    """Training stopped because the loss or a parameter was no longer finite.

    The network keeps the last parameters that were all finite; a fit checks this every 40 ms.

    Parameters
    ----------
    message : str
        What happened, and the likely cause.
    iteration : int
        The iteration of this fit, counted from 0, at which it was noticed.
    history : History
        What the fit had recorded until then.

    Attributes
    ----------
    iteration : int
        The iteration at which it was noticed.
    history : History
        What the fit had recorded until then.

    Examples
    --------
    >>> import cnet
    >>> x, t = cnet.datasets.make_digits(100, rng=0)
    >>> net = cnet.TwoLayerNet(784, 10, 10, activation="relu", rng=0)
    >>> try:
    ...     net.fit(x, t, iterations=100, learning_rate=1e30)
    ... except cnet.DivergenceError as error:
    ...     print(error.iteration < 10, len(error.history.loss) == error.iteration + 1)
    True True
    """

    def __init__(self, message: str, iteration: int, history: History) -> None:
        super().__init__(message)
        self.iteration = iteration
        self.history = history

    def __reduce__(self) -> tuple[type[DivergenceError], tuple[str, int, History]]:
        # Without it a pool of processes could not hand the error over, and would wait for ever.
        return type(self), (str(self), self.iteration, self.history)


class CnetWarning(UserWarning):
    """A call is allowed but probably not what you meant; the message says what to do instead.

    A call issues at most one such warning.

    Examples
    --------
    >>> import warnings, cnet
    >>> warnings.simplefilter("ignore", cnet.CnetWarning)  # after reading what they say
    """


def raise_in_context(error: Exception, context: str) -> NoReturn:
    """Raise `error` again, telling where it arose.

    A plain TypeError or ValueError becomes another with a longer message. An error of any other class, which
    may have a constructor of its own and be caught by its type, is raised as it is, with a note.
    """
    if type(error) in (TypeError, ValueError):
        raise type(error)(f"{context}: {error}") from error
    error.add_note(context)
    raise error
