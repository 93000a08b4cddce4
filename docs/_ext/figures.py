"""The figures of the page on performance: its pictures, and the tables that are written into it.

They stand in ``docs/figures.csv``, a row for each measurement (``benchmarks/collect.py`` puts them there)::

    python docs/_ext/figures.py        # write the tables into docs/performance.md again

The page's pictures are drawn while it is built. A contender's time in a case is that of its better number of threads.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

__all__ = [
    "CASES", "MACHINES", "Time", "best", "draw_contenders", "draw_job", "draw_machines", "fastest_other", "times",
    "with_tables",
]

DOCS = Path(__file__).resolve().parents[1]
MACHINES = {
    "zen5-avx512": "Zen 5, AVX-512", "zen5-avx2": "Zen 5, held to AVX2",
    "zen4-avx512": "Zen 4, AVX-512", "zen4-avx2": "Zen 4, held to AVX2",
}
# The machine of the first picture and of the tables with all contenders.
MAIN = "zen4-avx512"
# Of each case its name in a table and, shorter, in a picture.
CASES = {
    "seed": ("The chapter's job: 784-50-10, batch 100, SGD", "784-50-10,\nbatch 100"),
    "deep": ("784-512-512-10, batch 128, Adam", "784-512-512-10,\nbatch 128"),
    "digits-adam": ("64-100-10, batch 200, Adam", "64-100-10,\nbatch 200"),
    "cover-dense": ("54-128-64-7, batch 256, no zeros, Adam", "54-128-64-7,\nno zeros"),
    "full-batch": ("4-32-16-4, all 200 rows, Adam", "4-32-16-4,\nall 200 rows"),
    "gradient-images": ("Gradient of 100 images", "gradient,\n100 images"),
    "gradient-dense": ("Gradient of 100 rows without a zero", "gradient,\nno zeros"),
    "predict-1": ("Prediction of 1 image", "predict,\n1 image"),
    "predict-100": ("Prediction of 100 images", "predict,\n100 images"),
    "predict-10000": ("Prediction of 10,000 images", "predict,\n10,000 images"),
}
CONTENDERS = {
    "cnet": "cnet", "jax": "JAX", "numpy": "NumPy", "torch-loop": "PyTorch, by hand", "torch": "PyTorch, modules",
    "onnxruntime": "ONNX Runtime", "sklearn": "scikit-learn", "thinc": "thinc", "tinygrad": "tinygrad",
}
# As far as the pictures reach, in times of the fastest other contender.
SMALLEST, LARGEST = 0.04, 40.0


@dataclass(frozen=True)
class Time:
    """One measurement in microseconds: the median, and the lowest and highest of the rounds where they are known."""

    contender: str
    threads: int
    median: float
    low: float | None
    high: float | None


@cache
def times(machine: str, case: str) -> tuple[Time, ...]:
    """Return all measurements of a case on a machine."""
    found = []
    with (DOCS / "figures.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if (row["machine"], row["case"]) == (machine, case):
                low, high = (float(row[name]) if row[name] else None for name in ("low", "high"))
                found.append(Time(row["contender"], int(row["threads"]), float(row["median"]), low, high))
    return tuple(found)


def best(machine: str, case: str, contender: str) -> Time | None:
    """Return a contender's faster number of threads, or None where it was not measured."""
    own = [time for time in times(machine, case) if time.contender == contender]
    return min(own, key=lambda time: time.median, default=None)


def fastest_other(machine: str, case: str) -> Time | None:
    """Return the fastest contender besides cnet, or None where there was none."""
    others = [time for time in times(machine, case) if time.contender != "cnet"]
    return min(others, key=lambda time: time.median, default=None)


def draw_contenders() -> None:
    """Draw every contender's time in each case, in times of the fastest other one; cnet's lead is a line."""
    figure, ax = plt.subplots(figsize=(4.6, 6.6), layout="constrained")
    for row, case in enumerate(CASES):
        ours, other = best(MAIN, case, "cnet"), fastest_other(MAIN, case)
        if ours is None or other is None:
            continue
        ratio = ours.median / other.median
        ax.plot([ratio, 1], [row, row], color="C0", lw=5, alpha=0.5, solid_capstyle="butt")
        ax.plot(ratio, row, "o", color="C0", ms=9)
        ax.annotate(times_as_fast(ratio), (ratio, row), (-8, 0), textcoords="offset points", ha="right", va="center",
                    color="C0")
        ax.plot(1, row, "D", color="C1", ms=7)
        name = CONTENDERS[other.contender].partition(",")[0]
        ax.annotate(name, (1, row), (0, 7), textcoords="offset points", color="C1")
        for contender in CONTENDERS:
            slower = best(MAIN, case, contender)
            if slower and contender not in ("cnet", other.contender) and slower.median / other.median < LARGEST:
                ax.plot(slower.median / other.median, row, "o", color="gray", ms=5)
    finish(ax, "time, in times of the fastest other (orange)")


def draw_machines() -> None:
    """Draw cnet's time in each case on every machine, in times of the fastest other contender there."""
    figure, ax = plt.subplots(figsize=(4.6, 6.6), layout="constrained")
    ax.axvline(1, color="C1")
    for number, (machine, name) in enumerate(MACHINES.items()):
        places, ratios = [], []
        for row, case in enumerate(CASES):
            ours, other = best(machine, case, "cnet"), fastest_other(machine, case)
            if ours and other:
                places.append(row + 0.2 * (number - 1.5))
                ratios.append(ours.median / other.median)
        ax.plot(ratios, places, "oDs^"[number], color=("C4", "C3", "C0", "C2")[number], ms=7, label=name)
    finish(ax, "cnet's time, in times of the fastest other")
    ax.set_xlim(0.1, 1.5)
    figure.legend(loc="outside upper center", frameon=False, ncols=1)


def draw_job() -> None:
    """Draw the chapter's job as bars on one thread and on two, without whoever takes five times as long as NumPy."""
    limit = 5 * own_time("numpy")
    names = [name for name in by_time("seed") if own_time(name) < limit]
    figure, ax = plt.subplots(figsize=(5.4, 0.55 * len(names) + 0.8), layout="constrained")
    for threads in (1, 2):
        measured = {time.contender: time.median for time in times(MAIN, "seed") if time.threads == threads}
        places = [row + 0.4 * (threads - 1) for row, name in enumerate(names) if name in measured]
        label = f"{threads} thread{'s' * (threads > 1)}"
        bars = ax.barh(places, [measured[name] for name in names if name in measured], height=0.38, label=label)
        ax.bar_label(bars, fmt="{:.0f}", padding=3)
    ax.set_yticks([row + 0.2 for row in range(len(names))], [CONTENDERS[name].replace(", ", ",\n") for name in names])
    ax.set_xlabel("microseconds for one iteration")
    ax.invert_yaxis()
    ax.margins(x=0.12)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.legend(frameon=False, loc="upper right")


def own_time(contender: str) -> float:
    """A contender's better time for the chapter's job; infinite where it was not measured."""
    return getattr(best(MAIN, "seed", contender), "median", float("inf"))


def by_time(case: str) -> list[str]:
    """The contenders that were measured in a case, the fastest first."""
    measured = {name: best(MAIN, case, name) for name in CONTENDERS}
    found = {name: time.median for name, time in measured.items() if time}
    return sorted(found, key=lambda name: found[name])


def finish(ax: Any, label: str) -> None:
    """Give the axes their scale and names."""
    ax.set(xscale="log", xlim=(SMALLEST, LARGEST), xlabel=label, ylim=(len(CASES) - 0.4, -0.7))
    ax.set_yticks(range(len(CASES)), [short for _, short in CASES.values()], fontsize=10)
    ax.xaxis.set_major_locator(FixedLocator([0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", alpha=0.25)


def times_as_fast(ratio: float) -> str:
    """Write how many times as fast cnet is: 4.2 ×, which stays on one line."""
    return f"{1 / ratio:.1f}\N{NO-BREAK SPACE}×"


def number(value: float) -> str:
    """Write a number with three digits: 2.55, 45.8, 1,392."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(time: Time | None, bold: bool = False) -> str:
    """Write a measurement with its range."""
    if time is None:
        return ""
    spread = "" if time.low is None or time.high is None else f" [{number(time.low)}-{number(time.high)}]"
    return f"**{number(time.median)}**{spread}" if bold else f"{number(time.median)}{spread}"


def on_machines() -> str:
    """The table of cnet's times, a column for each machine."""
    lines = [f"| µs | {' | '.join(MACHINES.values())} |", "|---" * (1 + len(MACHINES)) + "|"]
    for case, (name, _) in CASES.items():
        cells = []
        for machine in MACHINES:
            ours, other = best(machine, case, "cnet"), fastest_other(machine, case)
            if ours is None or other is None:
                cells.append("")
                continue
            whose = CONTENDERS[other.contender].partition(",")[0]
            ratio = times_as_fast(ours.median / other.median)
            cells.append(f"**{number(ours.median)}**, {whose} {number(other.median)}: {ratio}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def of_contenders() -> str:
    """The table of every contender's times on the main machine."""
    lines = [f"| µs | {' | '.join(CONTENDERS.values())} |", "|---" * (1 + len(CONTENDERS)) + "|"]
    for case, (name, _) in CASES.items():
        found = [best(MAIN, case, contender) for contender in CONTENDERS]
        cells = [number(time.median) if time else "" for time in found]
        cells[0] = f"**{cells[0]}**" if cells[0] else ""
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def of_the_job() -> str:
    """The table of the chapter's job, a column for each number of threads."""
    lines = ["| µs | 1 thread | 2 threads |", "|---|---|---|"]
    for contender in by_time("seed"):
        own = {time.threads: time for time in times(MAIN, "seed") if time.contender == contender}
        cells = [cell(own.get(threads), contender == "cnet") for threads in (1, 2)]
        lines.append(f"| {CONTENDERS[contender]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def tables() -> dict[str, str]:
    """Return the page's tables by the name of the comment above each."""
    return {"machines": on_machines(), "contenders": of_contenders(), "job": of_the_job()}


def with_tables(text: str) -> str:
    """Return the page's text with its tables written again."""
    for name, table in tables().items():
        before, *after = text.split(f"<!-- figures: {name} -->\n\n")
        if len(after) != 1:
            raise ValueError(f"the page must have one comment 'figures: {name}', found {len(after)}")
        rest = re.sub(r"\A(\|.*\n)*", "", after[0])
        text = f"{before}<!-- figures: {name} -->\n\n{table}\n{rest}"
    return text


if __name__ == "__main__":
    page = DOCS / "performance.md"
    page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
