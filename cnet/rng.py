"""One 64-bit key from whatever a caller passes as ``rng``."""

from __future__ import annotations

import operator

import numpy as np

__all__ = ["as_key"]


def as_key(rng: int | np.random.Generator | None) -> int:
    """Turn ``rng`` into the key of a counter-based stream of random numbers.

    Parameters
    ----------
    rng : None, int or numpy.random.Generator
        Fresh entropy, a seed (not negative, of any size), or a generator from
        which one number is drawn.

    Returns
    -------
    int
        0 <= key < 2**64.

    Raises
    ------
    TypeError
        If `rng` is none of these.
    ValueError
        If the seed is negative.

    Examples
    --------
    >>> as_key(0) == as_key(0), as_key(0) == as_key(1)
    (True, False)
    """
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(0, 2**64, dtype=np.uint64))
    if rng is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    if isinstance(rng, bool | np.bool_):
        raise TypeError(f"rng must be None, an integer seed or a numpy.random.Generator, got {rng!r}")
    try:
        seed = operator.index(rng)
    except TypeError:
        raise TypeError(
            f"rng must be None, an integer seed or a numpy.random.Generator, got {type(rng).__name__}"
        ) from None
    if seed < 0:
        raise ValueError(f"rng must not be negative as a seed, got {seed}")
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
