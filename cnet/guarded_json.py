"""Reading JSON and numbers that come from a file: bounded in size, depth and digits, or refused.

Python's own parser trusts its text: deep nesting exhausts the C stack of a program that raised its
recursion limit, a number of a million digits takes quadratic time, parsed JSON takes up to thirty
times its text in memory, and of two equal names the first is dropped in silence.
"""

from __future__ import annotations

import math
import re
from typing import Any, NoReturn

from .checks import excerpt

__all__ = ["parse_json", "parse_whole"]

# The settings and headers that cnet writes take less than a kilobyte.
MAX_BYTES = 1 << 20
MAX_DEPTH = 4
# More than any size (20 digits) or float (25 characters) that cnet writes.
MAX_DIGITS = 100


def parse_json(
    text: str | bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, any_number: bool = False
) -> Any:
    """Parse JSON from an untrusted source.

    Only JSON as its standard has it: finite numbers of at most 100 characters, no name twice in one
    object.

    Parameters
    ----------
    text : str or bytes
        bytes are UTF-8.
    max_bytes : int, default 1 MiB
        The longest text that is looked at, in bytes (of a str, in characters).
    max_depth : int, default 4
        How deep lists and objects may be nested; a single number or string has depth 0.

    any_number : bool, default False
        Read NaN, infinities and numbers that are too long or too large as floats that are not finite,
        for a caller who checks each field and can name the one that is wrong.

    Returns
    -------
    dict, list, str, int, float, bool or None

    Raises
    ------
    ValueError
        If it is too long or nested too deeply, or is not JSON; no other error is raised.

    References
    ----------
    T. Bray, "The JavaScript Object Notation (JSON) Data Interchange Format", RFC 8259.

    Examples
    --------
    >>> from cnet.guarded_json import parse_json
    >>> parse_json('{"sizes": [784, 50, 10]}')
    {'sizes': [784, 50, 10]}
    >>> parse_json("[" * 1000)
    Traceback (most recent call last):
    ValueError: it is nested more than 4 deep, or a bracket is missing
    """
    import json  # not needed before a file is read

    if len(text) > max_bytes:
        raise ValueError(f"it takes {len(text):,} bytes, at most {max_bytes:,} are read")
    try:
        plain = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    # Nesting is bounded here and not left to the parser's RecursionError, because a program that
    # has raised its recursion limit would run out of C stack instead.
    skeleton = re.sub(r'"[^"\\]*(?:\\.[^"\\]*)*"?', "", plain, flags=re.DOTALL)
    for _ in range(max_depth):
        skeleton = re.sub(r"[\[{][^][{}]*[]}]", "", skeleton)
    if re.search(r"[][{}]", skeleton):
        raise ValueError(f"it is nested more than {max_depth} deep, or a bracket is missing")
    numbers: dict[str, Any] = {"parse_int": _int, "parse_float": _float, "parse_constant": _constant}
    if any_number:
        numbers = {"parse_int": _any_int, "parse_float": float, "parse_constant": float}
    try:
        return json.loads(plain, object_pairs_hook=_unique_names, **numbers)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error})") from None


def parse_whole(text: str, largest: int) -> int:
    """Read a whole number from 0 to `largest`, written in decimal digits and nothing else.

    Parameters
    ----------
    text : str
    largest : int

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is anything else.

    Examples
    --------
    >>> from cnet.guarded_json import parse_whole
    >>> parse_whole("60000", 2**32 - 1)
    60000
    >>> parse_whole("6e4", 2**32 - 1)
    Traceback (most recent call last):
    ValueError: expected a whole number from 0 to 4294967295, got '6e4'
    """
    # int() takes underscores, blanks and every script's digits, and quadratic time.
    if len(text) <= len(str(largest)) and re.fullmatch("[0-9]+", text) and int(text) <= largest:
        return int(text)
    raise ValueError(f"expected a whole number from 0 to {largest}, got {excerpt(text)}")


def _int(digits: str) -> int:
    _check_length(digits)
    return int(digits)


def _any_int(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else math.copysign(math.inf, -1 if digits[0] == "-" else 1)


def _float(digits: str) -> float:
    _check_length(digits)
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits} is too large for a float")
    return number


def _constant(name: str) -> NoReturn:
    raise ValueError(f"it is not JSON: {name} is not a number")


def _check_length(digits: str) -> None:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has {len(digits):,} digits, at most {MAX_DIGITS} are read")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise ValueError(f"it has the name {excerpt(name)} twice")
        result[name] = value
    return result
