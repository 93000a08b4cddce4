"""How many threads cnet may use: ``set_num_threads``, ``get_num_threads``."""

from __future__ import annotations

from .checks import check_count
from .core import processors

__all__ = ["get_num_threads", "set_num_threads"]


def get_num_threads() -> int:
    """Return how many threads a call may use at most.

    Returns
    -------
    int
        At least 1. ``show_config`` shows where the number comes from.

    Examples
    --------
    >>> import cnet
    >>> cnet.get_num_threads() >= 1
    True
    """
    return processors.thread_limit(anew=True)


def set_num_threads(n: int | None) -> None:
    """Set how many threads a call may use at most, from the next call on.

    One number bounds every call: predictions, losses, gradients, fits and drawn digits, also where a call asks for
    more (``fit(n_threads=...)``). It is the first of these that is set:

    1. ``set_num_threads(n)``,
    2. the environment variable ``CNET_NUM_THREADS``,
    3. the environment variable ``OMP_NUM_THREADS`` (of a list like ``4,2`` the first number),

    and never more than the processors that the system gives this process: those of its CPU affinity and, in a
    container, of its CPU quota (Linux control groups; half a processor does not count). The environment is read when
    cnet is imported. A fit under way keeps the number it began with. No result depends on it, to the bit.

    Parameters
    ----------
    n : int or None
        At least 1. More than there are processors is allowed and means all of them. None goes back to what the
        environment variables ``CNET_NUM_THREADS`` and ``OMP_NUM_THREADS`` said when cnet was imported.

    Raises
    ------
    TypeError
        If `n` is neither an integer nor None.
    ValueError
        If `n` is below 1.

    Examples
    --------
    >>> import cnet
    >>> cnet.set_num_threads(1)
    >>> cnet.get_num_threads()
    1
    >>> cnet.set_num_threads(None)
    """
    processors.choose_threads(None if n is None else check_count("n", n))
