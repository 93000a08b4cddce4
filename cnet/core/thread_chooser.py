"""How many threads a fit goes on with, where another program takes processors from it.

The threads of a fit meet twice in each iteration. One that has lost its processor to another program makes all others
wait, often for longer than a hundred iterations take: two threads on one free processor are much slower than one.
Which number of threads computes an iteration cannot change a bit of it, so a fit may change the number at its ticks.

(a) What counts is measured: iterations a second. That threads wait for each other only gives the occasion to try
    fewer, because waiting costs nothing to notice, and is normal where the work cannot be divided evenly.
(b) A trial lasts 10 ms. What it shows to be faster is kept.
(c) With fewer threads than it may have, a fit tries more of them after 80 ms, and twice as long after each trial that
    failed, up to 10 s. So a busy machine costs little, and one that is free again is used.
(d) The next fit begins with what the last one found, until that would have tried again: many fits are shorter than
    a trial.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["ThreadChooser"]

# Seconds.
TICK = 0.04
TRIAL = 0.01
FIRST_INTERVAL = 0.08
LAST_INTERVAL = 10.0
# Seconds that each thread has waited, on average, at which a tick ends at once.
PATIENCE = 0.002
# The share of its time that a thread may wait, on average, before fewer are tried.
BEARABLE = 0.1
# How much more than where fewer were slower.
WORSE = 0.1
# More threads must be faster by so much to be kept.
GAIN = 1.05


class ThreadChooser:
    """The number of threads of one fit.

    Parameters
    ----------
    most : int
        How many it may have.
    clock : callable
        Seconds on a clock that never goes back.

    Attributes
    ----------
    threads : int
        How many to use for the next tick.
    """

    # What the last fit found: the most threads that it could have, how many it had, until when that holds, and for
    # how long it was to hold.
    _found: tuple[int, int, float, float] | None = None

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self.threads, self.clock = most, most, clock
        self._interval, self._next_raise, self._step = FIRST_INTERVAL, 0.0, most
        self._next_drop, self._drop_interval, self._bearable = 0.0, FIRST_INTERVAL, BEARABLE
        # The threads and the rate before the trial under way.
        self._before: tuple[int, float] | None = None
        self._last_raise = -LAST_INTERVAL
        self._begin_window()
        found, now = ThreadChooser._found, clock()
        if found is not None and found[0] == most:
            _, threads, until, interval = found
            if now < until:
                self.threads, self._next_raise, self._interval = threads, until, interval
            elif now < until + interval:
                # Its time is over: all threads again, and for longer not if that fails.
                self._interval = min(2 * interval, LAST_INTERVAL)

    @property
    def tick(self) -> float:
        """How many seconds the next tick should last."""
        return TICK if self._before is None else TRIAL

    @property
    def patience(self) -> float:
        """How many seconds each thread may wait, on average, before the next tick ends early."""
        return PATIENCE if self._bearable == BEARABLE else TICK

    def measured(self, iterations: int, seconds: float, waited: float) -> None:
        """Take note of a tick, and decide on the next one's threads.

        Parameters
        ----------
        iterations : int
            That were done.
        seconds : float
            That it lasted.
        waited : float
            Seconds that each thread waited for others, on average.
        """
        # A clock of the day may be set back meanwhile.
        if not 0 < seconds < 1e6:
            return
        self._iterations += iterations
        self._seconds += seconds
        self._waited += waited
        # An epoch of few rows is shorter than anything can be measured in.
        if self._seconds < TRIAL and self._waited < PATIENCE:
            return
        rate, share, now = self._iterations / self._seconds, self._waited / self._seconds, self.clock()
        self._begin_window()
        if self._before is not None:
            self._end_trial(rate, share, now)
            return
        if now >= self._next_drop:
            self._bearable = BEARABLE
        if self.threads > 1 and share > self._bearable:
            self._begin_drop(rate, share, now)
        elif self.threads < self.most and now >= self._next_raise:
            self._before = self.threads, rate
            self.threads = min(self.most, self.threads + self._step)

    def _begin_window(self) -> None:
        self._iterations, self._seconds, self._waited = 0, 0.0, 0.0

    def _begin_drop(self, rate: float, share: float, now: float) -> None:
        if now - self._last_raise < self._interval:
            # More threads did not last as long as fewer had.
            self._interval = min(2 * self._interval, LAST_INTERVAL)
        elif self.threads == self.most and now - self._last_raise > 2 * LAST_INTERVAL:
            self._interval = FIRST_INTERVAL
        self._before, self._share = (self.threads, rate), share
        self.threads = self._step = max(1, self.threads // 2)
        self._hold(now)

    def _end_trial(self, rate: float, share: float, now: float) -> None:
        assert self._before is not None
        (threads, former), self._before = self._before, None
        if self.threads < threads:
            if rate > former:
                self._hold(now)
                return
            # They wait for each other, and are still faster: perhaps the work cannot be divided evenly.
            self.threads = threads
            self._bearable, self._next_drop = self._share + WORSE, now + self._drop_interval
            self._drop_interval = min(2 * self._drop_interval, LAST_INTERVAL)
            if threads == self.most:
                ThreadChooser._found = None
            else:
                self._hold(now)
        elif rate > GAIN * former:
            self._step, self._last_raise = self.threads, now
            if self.threads == self.most:
                ThreadChooser._found = None
            else:
                self._hold(now)
        else:
            self.threads, self._step = threads, max(1, self._step // 2)
            self._interval = min(2 * self._interval, LAST_INTERVAL)
            self._hold(now)

    def _hold(self, now: float) -> None:
        """Stay with these threads for an interval, and let the fits that begin meanwhile do so."""
        self._next_raise = now + self._interval
        ThreadChooser._found = self.most, self.threads, self._next_raise, self._interval
