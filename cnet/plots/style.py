"""How all pictures look: colours, axes, grids, legends and colour bars.

The colours stand here alone: the documentation's pages, its pictures and the logo take theirs
from `INK`, `PAPER`, `ON_LIGHT` and `ON_DARK`.

Letters and lines have the colour of the axes' own labels, which the axes took from the style
under which they were made; matplotlib's settings may have changed since.
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
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from matplotlib.transforms import Bbox

__all__ = [
    "CURVE_SIZE", "INK", "MARKER_LIMIT", "ON_DARK", "ON_LIGHT", "PAPER", "as_floats", "background",
    "check_axes", "colorbar", "count_axis", "fade", "ink", "is_dark", "legend", "legend_on_top",
    "letters_on", "magnitude_map", "markers", "new_axes", "note", "palette", "sign_map", "tidy", "width_of",
]

# Width and height of a figure in inches: a column of documentation is 7 wide.
CURVE_SIZE = (7.0, 4.0)

# Up to this many points of a line are marked; more would run into a band.
MARKER_LIMIT = 40

# Letters, and what is behind them.
INK = {"light": "#222832", "dark": "#ced6dd"}
PAPER = {"light": "#ffffff", "dark": "#14181e"}

# Okabe and Ito's colours; their sky blue and orange are too pale for white paper, where Paul Tol's
# indigo and wine take their place. Each has a contrast of 3 or more with its paper, and any two can
# be told apart with any kind of colour vision.
ON_LIGHT = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#332288", "#882255")
ON_DARK = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00")

# Where a legend is tried, in this order.
CORNERS: tuple[Any, ...] = (
    "upper right", "lower right", "upper left", "lower left", "center right", "center left",
    "upper center", "lower center",
)

# Inches between axes and their colour bar, and the bar's width.
BAR_GAP, BAR_WIDTH = 0.1, 0.16


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
    return color[:3] if color[3] == 1 else to_rgb(PAPER["dark" if is_dark(ax) else "light"])


def palette(ax: Axes) -> tuple[str, ...]:
    """Colours of lines that stand out from the background, in the order of their use."""
    return ON_DARK if is_dark(ax) else ON_LIGHT


def fade(ax: Axes, strongest: float = 1.0, color: Any = None) -> Colormap:
    """From transparent to a colour (by default ink), so that it is right on any background."""
    red, green, blue = to_rgb(ink(ax) if color is None else color)
    return LinearSegmentedColormap.from_list("fade", [(red, green, blue, 0), (red, green, blue, strongest)])


def sign_map(ax: Axes) -> Colormap:
    """From the first colour through transparent to the second: negative, 0 and positive on any background."""
    low, high = (np.array(to_rgb(color)) for color in palette(ax)[:2])
    # Small values would hardly be seen if their colour's strength were in proportion.
    strength = np.linspace(0, 1, 128) ** 0.75
    return ListedColormap(np.concatenate([
        np.column_stack([np.tile(low, (128, 1)), strength[::-1]]),
        np.column_stack([np.tile(high, (128, 1)), strength]),
    ]), name="signs")


def letters_on(color: Any, ax: Axes) -> str:
    """Black or white, whichever is easier to read on a colour that may be transparent."""
    red, green, blue, alpha = to_rgba(color)
    mixed = alpha * np.array([red, green, blue]) + (1 - alpha) * np.array(to_rgb(background(ax)))
    # Black has the larger contrast above this luminance: (L + 0.05) / 0.05 > 1.05 / (L + 0.05).
    return "black" if luminance(mixed) > 0.179 else "white"


def luminance(color: Any) -> float:
    """The relative luminance of a colour, from 0 to 1, as the W3C defines it for contrasts."""
    shares = np.array(to_rgb(color))
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


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


def legend(ax: Axes, *, framealpha: float = 0.0, loc: str | None = None, **options: Any) -> None:
    """A legend in the ink of the axes, in a corner without lines; over a shaded plane it needs a ground.

    Without such a corner the axes are made higher, and the legend lies above the lines.
    """
    place: Any = loc or "upper right"
    made = ax.legend(labelcolor=ink(ax), facecolor=background(ax), edgecolor="none", framealpha=framealpha,
                     loc=place, **options)
    if loc is None:
        corner = _free_corner(ax, made)
        if corner is None:
            legend_on_top(ax, framealpha=framealpha, **options)
        else:
            legend(ax, framealpha=framealpha, loc=corner, **options)


def _free_corner(ax: Axes, made: Any) -> Any:
    """The first corner, or middle of an edge, where no line of the axes is; None if there is none."""
    ax.apply_aspect()
    ax.get_xlim()  # brings the limits, on which the lines' transform depends, up to date
    frame, box = ax.get_window_extent(), made.get_window_extent()
    if box.width > frame.width:
        return None
    # The layout is still to come, and may leave the axes a little smaller.
    size = np.array([1.08 * box.width, 1.15 * box.height]) / [frame.width, frame.height]
    taken = np.concatenate([_points(line, ax) for line in ax.lines])
    for corner in CORNERS:
        vertical, horizontal = corner.split()
        bottom = {"lower": 0.0, "center": 0.5, "upper": 1.0}[vertical] * (1 - size[1])
        left = {"left": 0.0, "center": 0.5, "right": 1.0}[horizontal] * (1 - size[0])
        inside = (taken >= [left, bottom]) & (taken <= [left + size[0], bottom + size[1]])
        if not inside.all(axis=1).any():
            return corner
    return None


def _points(line: Any, ax: Axes) -> npt.NDArray[np.float64]:
    """Points close together along a line, in shares of the axes; lost ones are left out."""
    to_axes = line.get_transform() + ax.transAxes.inverted()
    with np.errstate(all="ignore"):
        corners = to_axes.transform(line.get_path().vertices)
    corners = corners[:: 1 + len(corners) // 5000]
    corners = corners[np.isfinite(corners).all(axis=1)]
    between = np.linspace(0, 1, 1 + 200 // max(1, len(corners)), endpoint=False)
    steps = np.diff(corners, axis=0, append=corners[-1:])
    dense = corners[:, np.newaxis] + between[:, np.newaxis] * steps[:, np.newaxis]
    return np.asarray(dense.reshape(-1, 2))


def count_axis(axis: Any, values: npt.NDArray[Any]) -> None:
    """Whole numbers along an axis that counts; one alone is named and not magnified."""
    if len(values) == 1:
        axis.set_ticks(values)
        axis.axes.set_xlim(values[0] - 1, values[0] + 1)
    else:
        axis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def markers(marker: str, count: int) -> str | None:
    """The marker for a line of so many points, or none where they would run into each other."""
    return marker if count <= MARKER_LIMIT else None


def legend_on_top(ax: Axes, **options: Any) -> None:
    """A legend above the lines, which make room for it, in as few rows as its width needs."""
    count = len(ax.get_legend_handles_labels()[0])
    frame = ax.get_window_extent()
    for columns in range(count, 0, -1):
        legend(ax, loc="upper center", ncols=columns, **options)
        box = ax.get_legend().get_window_extent()  # type: ignore[union-attr]
        if box.width <= frame.width:
            break
    share = min(0.5, 1.25 * box.height / frame.height)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    # The room is a share of the axes, so on a logarithmic scale it is a factor.
    scale = ax.yaxis.get_transform()
    low, high = scale.transform([bottom, top])
    ax.set_ylim(bottom, float(scale.inverted().transform([low + (high - low) / (1 - share)])[0]))
    # Lines that went on beyond the former limit would run through the legend.
    for line in ax.lines:
        line.set_clip_path(Rectangle((left, bottom), right - left, top - bottom, transform=ax.transData))


def colorbar(mappable: Any, ax: Axes, label: str, **options: Any) -> Any:
    """A colour bar as high as the axes, whatever their aspect, in the ink of the axes."""
    bar = ax.figure.colorbar(mappable, ax=ax, fraction=0.046, pad=0.03, **options)
    bar.set_label(label, color=ink(ax))
    bar.ax.tick_params(which="both", color=ink(ax), labelcolor=ink(ax))
    bar.outline.set_visible(False)
    # What an aspect leaves over is beyond the bar, so that the layout knows where the labels at the left are.
    ax.set_anchor("W")
    bar.ax.set_axes_locator(_Beside(bar.ax, ax))
    return bar


class _Beside:
    """Place a colour bar when it is drawn: only then is it known where an aspect has put the axes."""

    def __init__(self, bar: Axes, ax: Axes) -> None:
        self.ax = ax
        # The bar's own locator leaves room for pointed ends.
        self.inner: Any = bar.get_axes_locator()

    def __call__(self, bar: Any, renderer: Any) -> Bbox:
        whole, ax = bar.get_position(original=True), self.ax
        part = self.inner(bar, renderer)
        # Layout engines and the inner locator set it anew each time.
        bar.set_box_aspect(None)
        locator: Any = ax.get_axes_locator()
        ax.apply_aspect(locator(ax, renderer) if locator else None)
        beside = ax.get_position()
        inch: float = ax.figure.dpi / ax.figure.bbox.width
        scale = beside.height / whole.height
        return Bbox.from_bounds(
            beside.x1 + BAR_GAP * inch, beside.y0 + scale * (part.y0 - whole.y0),
            BAR_WIDTH * inch, scale * part.height,
        )


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
