"""Progress of training: one bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any

from .console import is_terminal, loss_text, note, percent, say
from .words import duration_text

__all__ = ["Progress"]

# Without a terminal, a line after so many seconds without one.
QUIET_SECONDS = 10.0

# Of very short epochs not every one gets a line: after the first ones only those that come so late after the last.
FIRST_LINES = 100
LINE_SECONDS = 0.1

# tqdm sets a comma before the postfix. On narrow terminals the numbers matter more than a bar.
WIDE = 80
WIDE_FORMAT = "{percentage:3.0f}% |{bar}| {rate_fmt}{postfix}, {remaining} left"
NARROW_FORMAT = "{percentage:3.0f}% {rate_fmt}{postfix}"


class Progress:
    """Show the progress of ``TwoLayerNet.fit``, which calls these few methods of a tqdm bar.

    Parameters
    ----------
    batch_size : int
        Samples in an iteration.
    total : int
        Iterations of the whole run.
    done : int
        Iterations of it that were done before.
    as_json : bool
        Standard output is not for people.
    """

    def __init__(self, batch_size: int, total: int, done: int, as_json: bool) -> None:
        self.batch_size, self.total, self.done, self.as_json = batch_size, total, done, as_json
        self.n = 0
        self._lines = 0
        self._loss = ""
        self._accuracy = ""
        self._bar = _bar((total - done) * batch_size) if is_terminal(sys.stderr) else None
        self._last_line, self._last_n = time.monotonic(), 0

    def reset(self, total: int) -> None:
        """Begin: the sparse lists have been made, and time counts from here."""
        self._last_line, self._last_n = time.monotonic(), 0
        if self._bar is not None:
            self._bar.reset(total=total * self.batch_size)

    def set_postfix(self, loss: str, refresh: bool = True) -> None:
        """The loss of the last mini-batch."""
        self._loss = f"loss {loss}"

    def set_accuracy(self, test: float) -> None:
        """The accuracy when the last epoch ended."""
        self._accuracy = f", test {percent(test)}"

    def update(self, n: int) -> None:
        """`n` more iterations are done."""
        self.n += n
        if self._bar is not None:
            self._bar.set_postfix_str(self._loss + self._accuracy, refresh=False)
            self._bar.update(n * self.batch_size)
        elif time.monotonic() - self._last_line > QUIET_SECONDS:
            seconds = time.monotonic() - self._last_line
            rate = (self.n - self._last_n) * self.batch_size / seconds
            self._remember_line()
            done = self.done + self.n
            left = f", {duration_text((self.total - done) * self.batch_size / rate)} left" if rate else ""
            note(f"  iteration {done:,} of {self.total:,}, {self._loss}, {rate:,.0f} samples/s{left}")

    def epoch_line(self, name: str, loss: float, train: float, test: float, *, last: bool = False) -> None:
        """Print an epoch's line, or as much of it as a narrow terminal has room for, without tearing the bar."""
        self._lines += 1
        if self._lines > FIRST_LINES and not last and time.monotonic() - self._last_line < LINE_SECONDS:
            return
        self._remember_line()
        number = loss_text(loss)
        text = _fitting(
            f"{name}: loss {number}, train accuracy {percent(train)}, test accuracy {percent(test)}",
            f"{name}: loss {number}, train {percent(train)}, test {percent(test)}",
            f"{name}: loss {number}, test {percent(test)}",
            f"{name}: test {percent(test)}",
        )
        if self._bar is None:
            say(text, as_json=self.as_json)
        else:
            self._bar.clear()
            say(text, as_json=self.as_json)
            self._bar.refresh()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

    def _remember_line(self) -> None:
        self._last_line, self._last_n = time.monotonic(), self.n


def _fitting(longest: str, *shorter: str) -> str:
    """The first of some forms of a line that the terminal has room for, or else the last."""
    columns = shutil.get_terminal_size().columns
    if columns >= WIDE:
        return longest
    return next((form for form in shorter if len(form) <= columns), shorter[-1])


def _bar(samples: int) -> Any:
    """A bar that counts samples; None without tqdm."""
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    wide = shutil.get_terminal_size().columns >= WIDE
    return tqdm(
        total=samples, unit=" samples" if wide else "", unit_scale=True, dynamic_ncols=True, leave=False,
        bar_format=WIDE_FORMAT if wide else NARROW_FORMAT,
    )
