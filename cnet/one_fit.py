"""Only one fit at a time may train a network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident

from .core._network import Network

__all__ = ["only_fit"]

# The fits under way: which network is trained, by which thread. The object tells apart the fits of one
# thread, whose callback may ask for another.
_under_way: dict[Network, tuple[int, object]] = {}


@contextmanager
def only_fit(network: Network) -> Iterator[None]:
    """Hold a network for as long as one fit takes.

    Raises
    ------
    RuntimeError
        If another fit holds it.
    """
    mine = get_ident(), object()
    # One operation, which no other thread can come between.
    if _under_way.setdefault(network, mine) is not mine:
        raise RuntimeError("this network is being trained already; one fit at a time")
    try:
        yield
    finally:
        del _under_way[network]


def _forget_other_threads() -> None:
    """In a child after a fork: only the thread that forked is here, and goes on with what it did."""
    for network, (thread, _) in list(_under_way.items()):
        if thread != get_ident():
            del _under_way[network]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)
