"""Help that fits the terminal, and whose examples can be pasted."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from itertools import groupby
from typing import Any

__all__ = ["HelpFormatter"]

# A comment begins at least this far behind its command.
COMMENT = "  # "


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal, but no wider than is good to read; no word is broken."""

    def __init__(self, prog: str, **options: Any) -> None:
        width = min(100, max(30, shutil.get_terminal_size().columns - 1))
        super().__init__(prog, width=width, max_help_position=min(30, width // 3), **options)

    def _format_usage(self, *arguments: Any) -> str:
        """The usage, which argparse leaves as long as it is where it was given."""
        usage = super()._format_usage(*arguments)
        if max(map(len, usage.splitlines())) <= self._width:
            return usage
        first, *rest = _wrapped(usage, self._width - 4)
        return "\n".join([first, *(f"    {line}" for line in rest), "\n"])

    def _split_lines(self, text: str, width: int) -> list[str]:
        """An option's help. argparse would break names of options and files at their hyphens."""
        return _wrapped(text, width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Paragraphs are filled; indented lines, the examples, keep their form if it fits."""
        filled: list[str] = []
        for indented, group in groupby(text.splitlines(), lambda line: line.startswith(" ")):
            lines = list(group)
            if not indented:
                for is_text, part in groupby(lines, bool):
                    paragraph = list(part)
                    filled += _wrapped(" ".join(paragraph), width) if is_text else paragraph
            elif max(map(len, lines)) <= width:
                filled += lines
            else:
                filled += [short for line in lines for short in _narrow(line, width)]
        return "\n".join(filled)


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False,
        break_long_words=False,
    )


def _narrow(line: str, width: int) -> list[str]:
    """An example for a narrow terminal: the command, continued by backslashes, and its comment above it."""
    command, _, comment = line.strip().partition(COMMENT)
    parts = _wrapped(command.strip(), width - 2, "  ")
    parts = [part if i == 0 else f"  {part}" for i, part in enumerate(parts)]
    return [*_wrapped(comment, width, "  # "), *(f"{part} \\" for part in parts[:-1]), parts[-1]]
