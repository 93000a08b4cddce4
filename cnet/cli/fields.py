"""Values of a file that anybody may have written: each is checked before it is used."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..checks import excerpt, printable

__all__ = ["Fields", "WrongFieldsError"]

FloatArray = npt.NDArray[np.float64]

# One line names so many wrong fields; more of them say no more.
MOST_NAMED = 6


class WrongFieldsError(ValueError):
    """Says in one line which fields are wrong; all of them are in `wrong`."""

    def __init__(self, wrong: list[str]) -> None:
        more = len(wrong) - MOST_NAMED
        super().__init__("; ".join(wrong[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else ""))
        self.wrong = wrong


class Fields:
    """The fields of an object, as JSON gives it. What is wrong is collected, and raised by `check`.

    Parameters
    ----------
    tree : object
        A dict, if the file is right.
    name : str
        Where it stands in the file; empty for all of it.

    Examples
    --------
    >>> fields = Fields({"hidden": "50", "rate": 0.1})
    >>> fields.whole("hidden", 1, 100), fields.number("rate", 0, 1)
    (0, 0.1)
    >>> fields.check()
    Traceback (most recent call last):
    cnet.cli.fields.WrongFieldsError: hidden must be a whole number from 1 to 100, got '50'
    """

    def __init__(self, tree: object, name: str = "") -> None:
        self.wrong: list[str] = []
        self.name = name
        self.tree: dict[str, Any] = tree if isinstance(tree, dict) else {}
        if not isinstance(tree, dict):
            self._refuse(name or "the file", "an object with named fields", tree)

    def check(self, *others: Fields) -> None:
        """Raise WrongFieldsError if something was wrong, here or in `others`."""
        wrong = [message for fields in (self, *others) for message in fields.wrong]
        if wrong:
            raise WrongFieldsError(wrong)

    def part(self, name: str) -> Fields:
        """The fields of an object within this one."""
        return Fields(self._value(name), self._path(name))

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self._value(name)
        if type(value) is int and low <= value <= high:
            return value
        self._refuse(self._path(name), f"a whole number from {low} to {high}", value)
        return 0

    def number(self, name: str, low: float, high: float = math.inf) -> float:
        """A finite number from `low` to `high`."""
        value = self._value(name)
        if type(value) in (int, float) and low <= value <= high and _is_finite(value):
            return float(value)
        limits = f"from {low:g} to {high:g}" if high < math.inf else f"not below {low:g}"
        self._refuse(self._path(name), f"a finite number, {limits}", value)
        return 0.0

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of some words."""
        value = self._value(name)
        if isinstance(value, str) and value in choices:
            return value
        self._refuse(self._path(name), f"one of {', '.join(map(repr, choices))}", value)
        return ""

    def text(self, name: str) -> str:
        """Text that can be a path."""
        value = self._value(name)
        if isinstance(value, str) and value and "\0" not in value:
            return value
        self._refuse(self._path(name), "a path or a name", value)
        return ""

    def has(self, name: str) -> bool:
        """Whether there is such a field."""
        return name in self.tree

    def checked(self, name: str, expected: str, check: Callable[[Any], Any], *default: Any) -> Any:
        """What `check` makes of a value, which it refuses by TypeError or ValueError; a `default` may be missing."""
        value = self._value(name)
        if value is _MISSING and default:
            return default[0]
        if value is not _MISSING:
            try:
                return check(value)
            except (TypeError, ValueError, OverflowError):
                pass
        self._refuse(self._path(name), expected, value)
        return default[0] if default else None

    def numbers(self, name: str, *, missing: bool) -> FloatArray:
        """A list of finite numbers as an array (N,); with `missing`, null may stand among them, for NaN."""
        value = self._value(name)
        if not isinstance(value, list):
            self._refuse(self._path(name), "a list of numbers", value)
            return np.empty(0)
        allowed = {int, float, type(None)} if missing else {int, float}
        if set(map(type, value)) <= allowed:
            try:
                array = np.array([math.nan if item is None else item for item in value], np.float64)
            except OverflowError:
                pass
            else:
                # What JSON writes as NaN or Infinity is no number of JSON's.
                if np.isfinite(array).all() or (missing and not any(map(_is_bad, value))):
                    return array
        for i, item in enumerate(value):
            if type(item) not in allowed or _is_bad(item):
                self._refuse(f"{self._path(name)}[{i}]", "a finite number" + " or null" * missing, item)
                break
        return np.empty(0)

    def require(self, holds: bool, message: str) -> None:
        """Note that something is wrong unless it holds."""
        if not holds:
            self.wrong.append(message)

    def _value(self, name: str) -> Any:
        return self.tree.get(name, _MISSING)

    def _path(self, name: str) -> str:
        return f"{self.name}.{name}" if self.name else name

    def _refuse(self, path: str, expected: str, value: object) -> None:
        if value is not _MISSING:
            self.wrong.append(f"{path} must be {expected}, got {_shown(value)}")
        # Where all of them are missing, it is said of the object.
        elif self.tree or not self.wrong:
            self.wrong.append(f"{path} is missing")


_MISSING = object()


def _shown(value: object) -> str:
    """A value in a few words, whatever its size and depth."""
    return excerpt(value) if isinstance(value, str) else printable(reprlib.repr(value))


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _is_bad(value: object) -> bool:
    return type(value) in (int, float) and not _is_finite(value)  # type: ignore[arg-type]
