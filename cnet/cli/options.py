"""The options that commands share, and their types."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from .console import USAGE, Failure, note, write
from .help import HelpFormatter

__all__ = [
    "Parser", "add_data", "add_json", "at_most", "count", "make_folder", "number", "path", "positive_number", "seed",
    "source", "whole_or_number",
]

# Digits, perhaps grouped: by one kind of sign, in threes, as only thousands are.
WHOLE = re.compile(r"\+?(?:[0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+|[1-9][0-9]{0,2}(?:_[0-9]{3})+)")
# More digits than any limit has; an error need not repeat them all.
MOST_DIGITS = 60


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", HelpFormatter)
        # An abbreviation that works today would mean something else once an option is added.
        super().__init__(allow_abbrev=False, **options)
        self._positionals.title = "arguments"

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help; argparse would pass over a failure."""
        if file is sys.stdout and message:
            write(message.rstrip("\n"))
        else:
            super()._print_message(message, file)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and leave with status 2."""
        note(f"{self.prog}: error: {' '.join(message.split())} (see {self.prog} --help)")
        self.exit(USAGE)


def count(text: str) -> int:
    """A whole number of at least 1; commas or underscores may group its digits in threes."""
    return _whole(text, 1, 2**31 - 1)


def seed(text: str) -> int:
    """A whole number that is not negative."""
    return _whole(text, 0, 2**64 - 1)


def at_most(largest: int) -> Callable[[str], int]:
    """A type of whole numbers from 1 to `largest`."""

    def limited(text: str) -> int:
        return _whole(text, 1, largest)

    return limited


def positive_number(text: str) -> float:
    """A finite number above 0, with a decimal point."""
    value = _real(text)
    if not 0 < value < math.inf:
        raise _no_number(text, "a finite number above 0")
    return value


def number(text: str) -> float:
    """A finite number that is not negative, with a decimal point."""
    value = _real(text)
    if not 0 <= value < math.inf:
        raise _no_number(text, "a finite number that is not negative")
    # That of -0 too.
    return abs(value)


def whole_or_number(text: str) -> float:
    """A whole number as an int; every other one as a float."""
    return _whole(text, 0, 2**31 - 1) if WHOLE.fullmatch(text.strip()) else number(text)


def _real(text: str) -> float:
    """A number, or NaN for what is none."""
    try:
        # float() would let an underscore stand between any two digits.
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def _no_number(text: str, expected: str) -> argparse.ArgumentTypeError:
    hint = " (with a decimal point, and no other sign between its digits)" if set(text) & set(",_") else ""
    return argparse.ArgumentTypeError(f"expected {expected}{hint}, got {_shown(text)}")


def path(text: str) -> str:
    """A path, ``~`` expanded; in ``--out=~/x`` no shell does it."""
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"expected the name of a file or folder, got {_shown(text)}")
    return os.path.expanduser(text)


def source(text: str) -> str:
    """Which images: "drawn", "mnist", or a folder as an absolute path, which holds from any other folder."""
    return text if text in ("drawn", "mnist") else os.path.abspath(path(text))


def _whole(text: str, smallest: int, largest: int) -> int:
    digits = text.strip()
    if not WHOLE.fullmatch(digits):
        # A sign says what the mistake was: a number out of range, not a wrong word.
        if re.fullmatch(r"-[0-9]+", digits):
            raise _out_of_range(text, smallest, largest)
        hint = " (commas group digits in threes, as in 10,000)" if "," in digits else ""
        raise argparse.ArgumentTypeError(f"expected a whole number{hint}, got {_shown(text)}")
    if len(digits) > MOST_DIGITS:
        raise _out_of_range(text, smallest, largest)
    number = int(digits.replace(",", ""))
    if not smallest <= number <= largest:
        raise _out_of_range(text, smallest, largest)
    return number


def _out_of_range(text: str, smallest: int, largest: int) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(
        f"expected a whole number from {smallest} to {largest}, got {_shown(text)}"
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= MOST_DIGITS else f"{text[:MOST_DIGITS]}...")


def make_folder(folder: str) -> None:
    """Make the folder that results go into, unless it is there."""
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise Failure(f"{folder}: there is a file of this name; expected a folder, or the name of a new one")
    os.makedirs(folder, exist_ok=True)


def add_data(parser: argparse._ActionsContainer, default: str) -> None:
    """``--data``: which images a command works with; `default` says in words what holds without it."""
    parser.add_argument(
        "--data", type=source, metavar="SOURCE",
        help='"drawn": digits drawn here, 60,000 to train with and 10,000 to test with; "mnist": '
        "the real MNIST, downloaded if it is not there; or a folder with the four IDX files of MNIST, "
        f"Fashion-MNIST, KMNIST or your own, or an .npz file of the same (default: {default})",
    )


def add_json(parser: argparse._ActionsContainer) -> None:
    """``--json``: results for a program."""
    parser.add_argument(
        "--json", action="store_true",
        help="print one JSON document on standard output; messages go to standard error",
    )
