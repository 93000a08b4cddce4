"""Checks of single arguments, with errors that name them."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

__all__ = [
    "check_choice", "check_count", "check_flag", "check_number", "check_path", "check_share", "check_target", "excerpt",
    "listed", "named_or_made", "printable", "refuse_masked",
]


def listed(names: Iterable[str]) -> str:
    """Names as an error lists them."""
    return ", ".join(map(repr, names))


def named_or_made(name: str, value: Any, table: Mapping[str, type], alternative: str) -> Any:
    """A new object of the class that `value` names in `table`, or `value` itself if it is of one of its classes.

    Compiled code would take no notice of what a subclass does in its own way: it is refused with a TypeError, which
    says what would do instead (`alternative`); a ValueError tells of an unknown name.
    """
    if isinstance(value, str):
        if value not in table:
            raise ValueError(f"{name} must be one of {listed(table)}, got {excerpt(value)}")
        return table[value]()
    if type(value) in table.values():
        return value
    given = type(value).__name__
    if isinstance(value, type) and value in table.values():
        given = f"the class {value.__name__}; write {value.__name__}()"
    raise TypeError(f"{name} must be one of {listed(table)}, or {alternative}, got {given}")


def check_count(name: str, value: Any, largest: int = 2**31 - 1, least: int = 1) -> int:
    """`value` as an int from `least` to `largest`, or a TypeError or ValueError that names it."""
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r} ({type(value).__name__})") from None
    if not least <= count <= largest:
        # Python refuses to write out a number of thousands of digits.
        given = count if count.bit_length() <= 200 else "a number of more than 60 digits"
        raise ValueError(f"{name} must be from {least} to {largest}, got {given}")
    return count


def check_flag(name: str, value: Any) -> bool:
    """`value` as a bool, of True, False, 1 and 0, or a TypeError that names it."""
    if isinstance(value, bool | np.bool_ | int | np.integer) and value in (0, 1):
        return bool(value)
    raise TypeError(f"{name} must be True or False, got {excerpt(value)}")


def check_number(name: str, value: Any, *, positive: bool) -> float:
    """`value` as a finite float, above 0 (or not below), or an error that names it."""
    if isinstance(value, bool | np.bool_ | str | bytes):
        raise TypeError(f"{name} must be a number, got {value!r}")
    try:
        # float() would read text out of a buffer, and drop an imaginary part.
        if not is_real(value):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}") from None
    except OverflowError:
        raise ValueError(f"{name} must be a finite number, got one too large for a float") from None
    if not math.isfinite(number) or number < 0 or (positive and number == 0):
        bound = "above 0" if positive else "not negative"
        raise ValueError(f"{name} must be finite and {bound}, got {number}")
    return number


def check_share(name: str, value: Any, *, positive: bool) -> float:
    """`value` as a float below 1 and above 0 (or not below), or an error that names it."""
    share = check_number(name, value, positive=positive)
    if share >= 1:
        raise ValueError(f"{name} must be below 1, got {share}")
    return share


def is_real(value: Any) -> bool:
    """Whether `value` is of a kind that stands for one real number; arrays of no dimension are."""
    if isinstance(value, np.ndarray | np.generic):
        return value.ndim == 0 and value.dtype.kind in "iuf"
    return hasattr(value, "__float__") or hasattr(value, "__index__")


def refuse_masked(name: str, value: Any) -> None:
    """A ValueError that names it if `value` is a masked array some of whose values are masked."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"{name} is a masked array with masked values; fill them first")


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """`value`, if it is one of `choices`."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {type(value).__name__}")
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return value


def check_path(name: str, value: Any) -> str:
    """`value` as text that names a file or folder, a leading ``~`` expanded, or a TypeError that names it."""
    # os.fspath passes bytes, and open() would take an integer for a file that is open already.
    plain = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(plain, str):
        raise TypeError(f"{name} must be a str or an os.PathLike, got {type(value).__name__}")
    return os.path.expanduser(plain)


def check_target(name: str, value: Any, kind: str) -> str:
    """`value` as the path of a file to write, a `kind` one, in a folder that is there: before anything takes time."""
    target = check_path(name, value)
    if os.path.isdir(target):
        raise IsADirectoryError(f"{name} must name the {kind} file to write, {target} is a folder")
    folder = os.path.dirname(target) or os.curdir
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"{name} must name a file in a folder that is there, {folder} is none")
    return target


def printable(text: str) -> str:
    """Return `text` with whatever a terminal would act on, or cannot show, written as an escape.

    For names of files and texts out of files in messages: control characters can move the cursor,
    change colours and retitle the window; invisible ones can reverse the order of what is read.

    Examples
    --------
    >>> print(printable("model\x1b[2J.safetensors"))
    model\\x1b[2J.safetensors
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def excerpt(value: Any, length: int = 60) -> str:
    """Return the repr of `value`, its middle left out if it is longer than `length`.

    Examples
    --------
    >>> excerpt("a" * 1000, 20)
    "'aaaaaaa...aaaaaaa'"
    """
    # Of a very long text only the ends are looked at.
    if isinstance(value, str) and len(value) > 2 * length:
        value = value[:length] + value[-length:]
    text = printable(repr(value))
    if len(text) <= length:
        return text
    half = (length - 3) // 2
    return f"{text[:half]}...{text[-half:]}"
