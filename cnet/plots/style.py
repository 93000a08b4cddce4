"""How all pictures look: axes, colours, grids, legends and colour bars.

The colour of letters and lines is that of the axes' own labels, which they took from the
style under which they were made; matplotlib's settings may be others by now.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, ListedColormap, to_rgb, to_rgba
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

__all__ = [
    "CURVE_SIZE", "MARKER_LIMIT", "as_floats", "background", "check_axes", "colorbar", "count_axis", "fade",
    "ink", "is_dark", "legend", "legend_on_top", "magnitude_map", "new_axes", "note", "palette", "tidy",
    "width_of",
]

# Width and height of a figure in inches: a column of documentation is 7 wide.
CURVE_SIZE = (7.0, 4.0)

# So many points still look like points.
MARKER_LIMIT = 40

# Okabe and Ito's colours, which remain apart with any kind of colour vision; the order puts
# those first that stand out most from the background.
ON_LIGHT = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
ON_DARK = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00")


def check_axes(ax: Any, count: int = 1, projection: str | None = None) -> None:
    """Refuse an `ax` that is not None, nor `count` axes of that projection."""
    if ax is None:
        return
    given = [ax] if count == 1 else _flattened(ax, count)
    for one in given:
        if not isinstance(one, Axes):
            raise TypeError(f"ax must be a matplotlib Axes, got {type(one).__name__}")
        if (projection == "3d") != (one.name == "3d"):
            expected = "made with projection='3d'" if projection == "3d" else "flat, with two coordinates"
            raise ValueError(f"ax must be {expected}, got axes with the projection {one.name!r}")


def _flattened(ax: Any, count: int) -> list[Any]:
    if isinstance(ax, Axes | str) or not isinstance(ax, Iterable):
        raise TypeError(f"ax must be a sequence of {count} matplotlib Axes, got {type(ax).__name__}")
    given: list[Any] = np.asarray(list(ax), dtype=object).reshape(-1).tolist()
    if len(given) != count:
        raise ValueError(f"ax must hold {count} Axes, got {len(given)}")
    return given


def new_axes(
    ax: Any, *, size: tuple[float, float] = CURVE_SIZE, rows: int = 1, columns: int = 1,
    projection: str | None = None,
) -> Any:
    """`ax` itself, already checked; or those of a new figure, which notebooks show by themselves.

    One Axes, or an array of rows * columns of them.
    """
    count = rows * columns
    if ax is not None:
        return ax if count == 1 else np.array(_flattened(ax, count), dtype=object)
    layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08)
    _, made = plt.subplots(
        rows, columns, figsize=size, layout=layout, subplot_kw={"projection": projection}
    )
    return made if count == 1 else made.reshape(-1)


def ink(ax: Axes) -> Any:
    """Colour of letters on these axes."""
    return ax.xaxis.label.get_color()


def is_dark(ax: Axes) -> bool:
    """Whether the axes are drawn light on dark; a background may be transparent, letters never are."""
    red, green, blue = to_rgb(ink(ax))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5


def background(ax: Axes) -> Any:
    """An opaque colour behind the axes."""
    color = to_rgba(ax.get_facecolor())
    return color[:3] if color[3] == 1 else ("black" if is_dark(ax) else "white")


def palette(ax: Axes) -> tuple[str, ...]:
    """Colours of lines, those which stand out most first."""
    return ON_DARK if is_dark(ax) else ON_LIGHT


def fade(ax: Axes, strongest: float = 1.0) -> Colormap:
    """From nothing to ink, or to a veil of it: right on any background, a transparent one too."""
    red, green, blue = to_rgb(ink(ax))
    return LinearSegmentedColormap.from_list("fade", [(red, green, blue, 0), (red, green, blue, strongest)])


def magnitude_map(ax: Axes) -> Colormap:
    """The part of viridis that stands out from the background."""
    shares = np.linspace(0.35, 1.0, 256) if is_dark(ax) else np.linspace(0.0, 0.8, 256)
    return ListedColormap(plt.get_cmap("viridis")(shares))


def tidy(ax: Axes, title: str, xlabel: str, ylabel: str, *, grid: bool = True) -> None:
    """Title and labels, a faint grid and no box."""
    ax.set_title(title)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.spines[["top", "right"]].set_visible(False)
    if grid:
        ax.grid(True, color=ink(ax), alpha=0.15, linewidth=0.8)
        ax.set_axisbelow(True)


def legend(ax: Axes, *, framealpha: float = 0.0, **options: Any) -> None:
    """A legend in the ink of the axes; over a shaded plane it needs a ground of its own."""
    ax.legend(
        labelcolor=ink(ax), facecolor=background(ax), edgecolor="none", framealpha=framealpha, **options
    )


def count_axis(axis: Any, values: npt.NDArray[Any]) -> None:
    """Whole numbers along an axis that counts; one alone is named and not magnified."""
    if len(values) == 1:
        axis.set_ticks(values)
        axis.axes.set_xlim(values[0] - 1, values[0] + 1)
    else:
        axis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))


def legend_on_top(ax: Axes, **options: Any) -> None:
    """A legend in one line above the curves, which make room for it."""
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, top + 0.22 * (top - bottom))
    legend(ax, loc="upper center", ncols=len(ax.get_legend_handles_labels()[0]), **options)


def colorbar(mappable: Any, ax: Axes, label: str, **options: Any) -> Any:
    """A colour bar whose letters are those of the axes."""
    bar = ax.figure.colorbar(mappable, ax=ax, fraction=0.046, pad=0.03, **options)
    bar.set_label(label, color=ink(ax))
    bar.ax.tick_params(which="both", color=ink(ax), labelcolor=ink(ax))
    bar.outline.set_visible(False)
    return bar


def width_of(ax: Axes) -> float:
    """How wide the axes are, in points of 1/72 inch."""
    return 72 * ax.get_window_extent().width / ax.figure.dpi


def note(ax: Axes, text: str) -> None:
    """Say in the middle of empty axes why they are empty."""
    ax.text(0.5, 0.5, text, color=ink(ax), ha="center", va="center", transform=ax.transAxes, wrap=True)


def as_floats(values: npt.ArrayLike, name: str) -> npt.NDArray[np.float64]:
    """One row of real numbers, not empty; NaN may be among them."""
    array = np.asarray(values)
    if array.dtype.kind not in "buif":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be one row of numbers, not empty, got shape {array.shape}")
    return array.astype(np.float64)
