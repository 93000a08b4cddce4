"""Draw the card that other sites show beside a link to these pages.

::

    python docs/_ext/social_card.py

The file is committed; run it again when the logo or the colours change.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from cnet.plots.style import INK, ON_DARK, PAPER

CARD = Path(__file__).resolve().parents[1] / "_static" / "social-card.png"


def draw_network(ax: Axes, sizes: tuple[int, ...], left: float, right: float) -> None:
    """Units and weights between two positions, in the logo's colours."""
    columns = [left + (right - left) * i / (len(sizes) - 1) for i in range(len(sizes))]
    rows = [[315 + 96 * (k - (size - 1) / 2) for k in range(size)] for size in sizes]
    for i in range(len(sizes) - 1):
        for y1 in rows[i]:
            for y2 in rows[i + 1]:
                ax.plot(columns[i:i + 2], [y1, y2], color=ON_DARK[1], linewidth=2, alpha=0.75, zorder=1)
    for i, (x, ys) in enumerate(zip(columns, rows, strict=True)):
        color = ON_DARK[1] if 0 < i < len(sizes) - 1 else ON_DARK[0]
        ax.scatter([x] * len(ys), ys, s=1500, color=color, zorder=2)


def main() -> None:
    """Draw 1,200 by 630 pixels."""
    figure = plt.figure(figsize=(12, 6.3), dpi=100, facecolor=PAPER["dark"])
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 1200), ylim=(0, 630))
    ax.axis("off")
    draw_network(ax, (3, 5, 4, 2), 700, 1120)
    ax.text(80, 360, "cnet", color=ON_DARK[0], fontsize=92, fontweight="bold", va="center")
    for line, text in enumerate(("small dense neural networks,", "compiled, and explained")):
        ax.text(84, 250 - 50 * line, text, color=INK["dark"], fontsize=25, va="center")
    figure.savefig(CARD, metadata={"Software": None})


if __name__ == "__main__":
    main()
