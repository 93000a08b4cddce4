"""How many threads a call may use: what the user allows, and the processors that the system gives this process.

The first that is set of ``cnet.set_num_threads``, ``CNET_NUM_THREADS`` and ``OMP_NUM_THREADS`` is a ceiling; the CPU
affinity and the CPU quota of the process's control groups (Linux) are others. The environment is read once, at import.
"""

from __future__ import annotations

import os
import re
import time

from . import cgroups

__all__ = ["choose_threads", "processors", "thread_limit", "where_from"]

# How long a quota is believed, in seconds: to read it takes longer than many a call.
QUOTA_LASTS = 1.0


def processors(anew: bool = False) -> tuple[int, str]:
    """The number of processors that this process may use, at least 1, and what says so.

    Parameters
    ----------
    anew : bool
        Whether to read the quota again, however lately it was read.
    """
    try:
        n, source = len(os.sched_getaffinity(0)), "CPU affinity"
    except (AttributeError, OSError):
        # No such function here, or a sandbox that forbids it.
        n, source = os.cpu_count() or 1, "number of processors"
    whole = _quota.whole_processors(anew)
    return (n, source) if whole is None or whole >= n else (whole, "CPU quota of the control group")


def thread_limit(anew: bool = False) -> int:
    """How many threads a call may use."""
    n, _ = processors(anew)
    return n if _chosen is None or _chosen[0] > n else _chosen[0]


def where_from() -> str:
    """What `thread_limit` joins from."""
    n, source = processors(anew=True)
    if _chosen is None:
        return source
    return _chosen[1] if _chosen[0] <= n else f"{source} (less than {_chosen[1]})"


def choose_threads(n: int | None) -> None:
    """Allow `n` threads from now on; None for what the environment says, or does not."""
    global _chosen
    _chosen = _environment if n is None else (n, f"cnet.set_num_threads({n})")


class _Quota:
    """The CPU quota, read anew where the last reading is old."""

    def __init__(self) -> None:
        self.whole: int | None = None
        self.read_at: float | None = None

    def whole_processors(self, anew: bool) -> int | None:
        now = time.monotonic()
        if anew or self.read_at is None or now - self.read_at > QUOTA_LASTS:
            quota = cgroups.cpu_quota()
            # Threads that meet at barriers are as fast as the slowest of them: of a part of a processor none is made.
            self.whole = None if quota is None else max(1, int(quota))
            self.read_at = now
        return self.whole


def _from_environment() -> tuple[int, str] | None:
    """What the environment allows, and by which variable."""
    wanted = os.environ.get("CNET_NUM_THREADS", "").strip()
    if wanted:
        if not _is_count(wanted):
            # By this name `python -m` knows that the package is to blame, and prints a line, not a traceback.
            raise ImportError(
                f"CNET_NUM_THREADS={wanted}: expected a whole number from 1 on (how many threads cnet may use); "
                "correct it, or unset it for as many as there are processors",
                name=__package__.partition(".")[0],
            )
        return int(wanted), f"CNET_NUM_THREADS={wanted}"
    listed = os.environ.get("OMP_NUM_THREADS", "")
    # One number for each level of nested parallelism: there is one level here.
    first = listed.partition(",")[0].strip()
    return (int(first), f"OMP_NUM_THREADS={listed.strip()}") if _is_count(first) else None


def _is_count(text: str) -> bool:
    return re.fullmatch("0*[1-9][0-9]{0,8}", text) is not None


_quota = _Quota()
_environment = _from_environment()
_chosen = _environment
