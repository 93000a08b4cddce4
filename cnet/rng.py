"""One 64-bit key from whatever a caller passes as ``rng``."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

__all__ = ["as_key"]


def as_key(rng: int | np.random.Generator | None) -> int:
    """Turn `rng` into the key of a counter-based stream of random numbers.

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
    >>> from cnet.rng import as_key
    >>> as_key(0) == as_key(0), as_key(0) == as_key(1)
    (True, False)
    """
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(0, 2**64, dtype=np.uint64))
    if rng is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    try:
        seed = None if isinstance(rng, bool | np.bool_) else operator.index(rng)
    except TypeError:
        seed = None
    if seed is None:
        raise TypeError(
            f"rng must be None, an integer seed or a numpy.random.Generator, got {_given(rng)}{_hint(rng)}"
        )
    if seed < 0:
        raise ValueError(f"rng must not be negative as a seed, got {seed}")
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])


def _given(rng: Any) -> str:
    return repr(rng) if isinstance(rng, bool | np.bool_ | float) else type(rng).__name__


def _hint(rng: Any) -> str:
    """What to pass instead of other sources of random numbers."""
    if isinstance(rng, np.random.RandomState) or rng is np.random:
        return ": pass np.random.default_rng(rng.randint(2**31)), or a seed"
    if isinstance(rng, np.random.BitGenerator):
        return ": pass np.random.Generator(rng)"
    if isinstance(rng, np.random.SeedSequence):
        return ": pass np.random.default_rng(rng)"
    if hasattr(rng, "getrandbits"):
        return ": pass rng.getrandbits(64) as a seed"
    if isinstance(rng, float) and rng.is_integer():
        return f": pass {int(rng)}"
    if isinstance(rng, list | tuple | np.ndarray):
        return ": pass np.random.default_rng(rng)"
    return ""
