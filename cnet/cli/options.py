"""The options that commands share, their types, and help that fits the terminal."""

from __future__ import annotations

import argparse
import math
import shutil
import sys
import textwrap
from collections.abc import Callable
from itertools import groupby
from typing import Any, NoReturn

from .console import USAGE, write

__all__ = [
    "Parser", "add_data", "add_json", "at_most", "count", "positive_number", "seed",
]


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal, but no wider than is good to read."""

    def __init__(self, prog: str, **options: Any) -> None:
        width = min(100, max(30, shutil.get_terminal_size().columns - 1))
        super().__init__(prog, width=width, max_help_position=min(30, width // 3), **options)


    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Paragraphs are filled; indented lines, the examples, keep their form if it fits."""
        filled: list[str] = []
        for indented, group in groupby(text.splitlines(), lambda line: line.startswith(" ")):
            lines = list(group)
            if not indented:
                for is_text, part in groupby(lines, bool):
                    paragraph = list(part)
                    filled += self._paragraph(paragraph, width) if is_text else paragraph
            elif max(map(len, lines)) <= width:
                filled += lines
            else:
                filled += [short for line in lines for short in self._narrow(line, width)]
        return "\n".join(filled)

    @staticmethod
    def _paragraph(lines: list[str], width: int) -> list[str]:
        return textwrap.wrap(" ".join(lines), width, break_on_hyphens=False, break_long_words=False)

    @staticmethod
    def _narrow(line: str, width: int) -> list[str]:
        """An example in two: the command as it is, and under it what it does."""
        command, _, comment = line.strip().partition("  ")
        indent = " " * 6
        wrapped = textwrap.wrap(
            comment.strip(), width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        )
        return [f"  {command}", *wrapped]


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
        self.exit(USAGE, f"{self.prog}: error: {' '.join(message.split())} (see {self.prog} --help)\n")


def count(text: str) -> int:
    """A whole number of at least 1; underscores and commas may group its digits."""
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
    """A finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return number


def _whole(text: str, smallest: int, largest: int) -> int:
    try:
        number = int(text.replace(",", ""))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}") from None
    if not smallest <= number <= largest:
        raise argparse.ArgumentTypeError(f"expected a whole number from {smallest} to {largest}, got {text}")
    return number


def add_data(parser: argparse._ActionsContainer, default: str | None = "drawn") -> None:
    """``--data``: which images a command works with."""
    parser.add_argument(
        "--data", metavar="SOURCE", default=default,
        help='"drawn": digits drawn here, 60,000 to train with and 10,000 to test with (default); "mnist": '
        "the real MNIST, downloaded if it is not there; or a folder with the four IDX files of MNIST, "
        "Fashion-MNIST, KMNIST or your own",
    )


def add_json(parser: argparse._ActionsContainer) -> None:
    """``--json``: results for a program."""
    parser.add_argument(
        "--json", action="store_true",
        help="print one JSON document on standard output; messages go to standard error",
    )
