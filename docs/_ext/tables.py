"""Tables of Markdown pages, so that a picture is drawn from the numbers that stand there."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["first_number", "table"]

DOCS = Path(__file__).resolve().parents[1]


def table(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, row by row, without its head."""
    text = (DOCS / page).read_text(encoding="utf-8")
    _, found, section = text.partition(f"\n## {heading}\n")
    rows = re.findall(r"^\|(.*)\|$", section.partition("\n## ")[0], re.M)
    if not found or len(rows) < 3:
        raise ValueError(f"{page} has no table below the heading {heading!r}")
    return [[cell.strip() for cell in row.split("|")] for row in rows[2:]]


def first_number(cell: str) -> float:
    """Return the number with which a cell begins, bold or not: 1000.0 for ``**1,000** [990-1,100]``."""
    found = re.match(r"\**([\d,.]+)", cell)
    if found is None:
        raise ValueError(f"a cell must begin with a number, got {cell!r}")
    return float(found[1].replace(",", ""))
