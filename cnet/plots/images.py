"""Weights, digits and misread digits as images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize, to_rgba

from ..checks import check_count
from ..networks import MultiLayerNet
from .networks import check_names, check_network, predictions
from .style import check_axes, fade, ink, new_axes, note, sign_map, tidy, width_of
from .style import colorbar as add_colorbar

__all__ = ["digits", "misread", "weights", "weights_size"]

Array = npt.NDArray[Any]
Shape = tuple[int, int]

# How many inches an image takes in a new figure, and how many images a row has at least.
TILE_INCHES = 1.1
ROW_TILES = 6

# Weights beyond this share of all are drawn in the last colour, so that a few do not pale the others.
USUAL = 0.995


def weights(
    net: MultiLayerNet,
    *,
    shape: Shape | None = None,
    limit: int = 64,
    colorbar: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw the incoming weights of each unit of the first layer as an image: what the unit responds to.

    Parameters
    ----------
    net : MultiLayerNet or TwoLayerNet
        Trained or not, of any depth. Without a hidden layer, the units are the outputs.
    shape : (int, int), optional
        Height and width of an image, whose product is the number of inputs. By default a
        square; if no square has as many pixels, all units are drawn as one map with a row for
        each unit and a column for each input.
    limit : int, default 64
        The largest number of units to draw; the first ones are drawn, and the title says so.
    colorbar : bool, default True
        Whether to show what the colours mean.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`, or the new ones.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If `shape` does not fit the inputs.

    Notes
    -----
    All units share one scale of colours, around 0: one colour for negative weights, another one
    for positive weights, and 0 is transparent. The largest half per cent of the weights may lie
    beyond its ends. A weight that is not finite is left out.

    Examples
    --------
    >>> import cnet
    >>> import cnet.plots
    >>> ax = cnet.plots.weights(cnet.TwoLayerNet(784, 100, 10, rng=0))
    >>> ax.get_title()
    'Weights of the first 64 of 100 hidden units'
    """
    check_network(net)
    n_in, n_units = net.sizes[:2]
    unit = "output" if len(net.sizes) == 2 else "hidden unit"
    tile = tile_shape(n_in, shape)
    count = min(check_count("limit", limit), n_units)
    check_axes(ax)
    rows = finite(net.params["W1"].T[:count])
    ax = new_axes(ax, size=weights_size(net, shape, count))
    bound, clipped = weight_bound(rows)
    options: dict[str, Any] = {"cmap": sign_map(ax), "norm": Normalize(-bound, bound)}
    if tile is None:
        image = ax.imshow(rows, aspect="auto", interpolation="nearest", **options)
        tidy(ax, _weights_title(count, n_units, unit), "input", unit, grid=False)
        ax.set_yticks(np.unique(np.linspace(0, count - 1, min(count, 9)).round().astype(int)))
    else:
        gap = max(1, round(max(tile) / 14))
        canvas = mosaic(rows.reshape(count, *tile), _columns(count, tile), (gap, gap))
        image = ax.imshow(canvas, interpolation="nearest", **options)
        # A veil shows where images end, whose small weights are next to invisible.
        ax.imshow(0 * canvas, interpolation="nearest", zorder=-1, cmap=ListedColormap([to_rgba(ink(ax), 0.07)]))
        tidy(ax, _weights_title(count, n_units, unit), "", "", grid=False)
        ax.set_axis_off()
    if colorbar:
        add_colorbar(image, ax, "weight", extend="both" if clipped else "neither")
    return ax


def tile_shape(n_in: int, shape: Shape | None) -> Shape | None:
    """Height and width; None if none was given and no square fits."""
    if shape is None:
        side = math.isqrt(n_in)
        return (side, side) if side * side == n_in else None
    if np.shape(shape) != (2,):
        raise ValueError(f"shape must be (height, width), got {shape!r}")
    height, width = (check_count("shape", size) for size in shape)
    if height * width != n_in:
        raise ValueError(f"shape must have as many pixels as there are inputs, {n_in}, "
                         f"got {height} x {width} = {height * width}")
    return height, width


def weights_size(net: MultiLayerNet, shape: Shape | None = None, limit: int = 64) -> tuple[float, float]:
    """Inches of a figure that the images of `weights` fill."""
    n_in, n_units = net.sizes[:2]
    tile, count = tile_shape(n_in, shape), min(limit, n_units)
    if tile is None:
        return 6.6, min(6.0, 1.8 + 0.15 * count)
    columns = _columns(count, tile)
    return 6.6, min(9.0, max(2.0, 0.6 + 5.4 * -(-count // columns) / columns * tile[0] / tile[1]))


def _columns(count: int, tile: Shape) -> int:
    """How many images to a row: nearly a square, with as few empty places as possible."""
    side = min(count, math.ceil(math.sqrt(count * tile[0] / tile[1])))
    return min(range(side, side + side // 3 + 1), key=lambda columns: (-count % columns, columns))


def weight_bound(rows: Any) -> tuple[float, bool]:
    """Ends of a scale around 0, and whether some weights are beyond them."""
    sizes = np.abs(rows.compressed())
    if not sizes.any():
        return 1.0, False
    usual = float(np.quantile(sizes, USUAL))
    return (usual, bool(sizes.max() > usual)) if usual > 0 else (float(sizes.max()), False)


def _weights_title(count: int, n_units: int, unit: str) -> str:
    if count < n_units:
        return f"Weights of the first {count} of {n_units:,} {unit}s"
    return f"Weights of {count} {unit}{'' if count == 1 else 's'}"


def finite(values: Array) -> Any:
    """`values` as float64, those masked that are not finite."""
    lost = ~np.isfinite(values)
    return np.ma.array(np.where(lost, 0, values).astype(np.float64), mask=lost)


def mosaic(tiles: Any, columns: int, gap: tuple[int, int]) -> Any:
    """Tiles (n, h, w) in rows on one masked array, each with its gap above and to the left."""
    count, height, width = tiles.shape
    down, across = height + gap[0], width + gap[1]
    canvas = np.ma.array(np.zeros((-(-count // columns) * down, columns * across)), mask=True)
    for index in range(count):
        top, left = index // columns * down + gap[0], index % columns * across + gap[1]
        canvas[top : top + height, left : left + width] = tiles[index]
    return canvas


def digits(
    x: npt.ArrayLike,
    t: npt.ArrayLike | None = None,
    *,
    shape: Shape | None = None,
    limit: int = 24,
    ax: Axes | None = None,
) -> Axes:
    """Draw the first samples of a set of images, with their labels.

    Parameters
    ----------
    x : array_like, shape (B, I) or (I,)
        Images, one a row. uint8 means pixels from 0 to 255; others are scaled by the smallest
        and largest value that is drawn, 0 and 1 at least. What is not finite is left out.
    t : array_like, shape (B,), optional
        What to write above each: class indices, or names.
    shape : (int, int), optional
        Height and width of an image; by default a square.
    limit : int, default 24
        How many to draw.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`, or the new ones.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If there are no images, or `shape` or `t` does not fit them.

    Examples
    --------
    >>> import cnet
    >>> import cnet.plots
    >>> x, t = cnet.datasets.make_digits(100, rng=0)
    >>> ax = cnet.plots.digits(x, t)
    >>> len(ax.texts)
    24
    """
    images = checked_images(x)
    tile = _image_shape(images.shape[1], shape)
    count = min(check_count("limit", limit), len(images))
    labels = None if t is None else np.atleast_1d(t)
    if labels is not None and labels.shape != (len(images),):
        raise ValueError(f"t must be one label for each of {len(images)} images, got shape {labels.shape}")
    check_axes(ax)
    if not len(images):
        raise ValueError("x must hold at least one image, got none")
    of_all = f" of {len(images):,}" if count < len(images) else ""
    texts = None if labels is None else [str(label) for label in labels[:count]]
    return _draw_images(ax, images[:count], tile, texts, f"{count} image{'' if count == 1 else 's'}{of_all}")


def misread(
    net: MultiLayerNet,
    x: npt.ArrayLike,
    t: npt.ArrayLike,
    *,
    shape: Shape | None = None,
    limit: int = 24,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the digits that a network misclassified, the most confident mistakes first.

    Above each stand its label, the network's answer and the probability that the network gave it.

    Parameters
    ----------
    net : MultiLayerNet or TwoLayerNet
        Trained or not.
    x : array_like, shape (B, I) or (I,)
        Images, one a row, drawn as by `digits`.
    t : array_like
        Class indices or one-hot rows.
    shape : (int, int), optional
        Height and width of an image; by default a square.
    limit : int, default 24
        How many to draw: the most confident mistakes.
    names : sequence of str, optional
        Names of the classes; by default their numbers.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`, or the new ones.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If there are no samples, an argument is of the wrong shape, or the inputs are no square
        and `shape` is not given.

    Examples
    --------
    >>> import cnet
    >>> import cnet.plots
    >>> x, t = cnet.datasets.make_digits(500, rng=0)
    >>> net = cnet.TwoLayerNet(784, 20, 10, rng=0)
    >>> history = net.fit(x, t, epochs=5, learning_rate=0.5)
    >>> ax = cnet.plots.misread(net, x, t)
    >>> ax.get_title().endswith("of 500 misread: label → prediction (probability)")
    True
    """
    y, labels = predictions(net, x, t)
    if not len(labels):
        raise ValueError("x must hold at least one image, got none")
    tile = _image_shape(net.sizes[0], shape)
    limit = check_count("limit", limit)
    named = check_names(names, y.shape[1])
    check_axes(ax)
    thought, sure = y.argmax(axis=1), y.max(axis=1)
    wrong = np.flatnonzero(thought != labels)
    shown = wrong[np.argsort(-sure[wrong], kind="stable")][:limit]
    # Long names take a line each.
    end = "\n" if max(map(len, named)) > 4 else " "
    texts = [f"{named[labels[row]]} →{end}{named[thought[row]]} ({100 * sure[row]:.0f} %)" for row in shown]
    # Narrow axes of somebody's figure have no room for it in one line.
    between = ": " if ax is None or width_of(ax) > 400 else "\n"
    title = f"{len(wrong):,} of {len(labels):,} misread{between}label → prediction (probability)"
    return _draw_images(ax, checked_images(x)[shown], tile, texts, title)


def checked_images(x: npt.ArrayLike) -> Array:
    images = np.atleast_2d(np.asarray(x))
    if images.dtype.kind not in "buif":
        raise TypeError(f"x must hold real numbers, got dtype {images.dtype}")
    if images.ndim != 2 or images.shape[1] == 0:
        raise ValueError(f"x must have shape (B, I) or (I,), got {np.shape(x)}")
    return images


def _image_shape(n_in: int, shape: Shape | None) -> Shape:
    tile = tile_shape(n_in, shape)
    if tile is None:
        raise ValueError(f"{n_in} inputs make no square image; give shape=(height, width)")
    return tile


def _draw_images(ax: Axes | None, images: Array, tile: Shape, texts: list[str] | None, title: str) -> Axes:
    """Images in rows, one text above each."""
    count = len(images)
    columns = max(1, math.ceil(math.sqrt(1.5 * count)))
    n_rows = -(-max(count, 1) // columns)
    # Room for lines of letters above each image, or for a thin gap.
    lines = max((1 + text.count("\n") for text in texts or ()), default=0)
    gap = (math.ceil((0.08, 0.3, 0.5)[min(lines, 2)] * max(tile)), math.ceil(0.12 * max(tile)))
    height, width = (size + space for size, space in zip(tile, gap, strict=True))
    shown_columns = max(columns, ROW_TILES)
    across = max(6.0, TILE_INCHES * shown_columns)
    # New axes will fill their figure, once that is laid out.
    points = 72 * across if ax is None else width_of(ax)
    ax = new_axes(ax, size=(across, max(2.0, across * n_rows * height / (shown_columns * width) + 0.4)))
    tidy(ax, title, "", "", grid=False)
    ax.set_axis_off()
    if not count:
        note(ax, "nothing misread")
        return ax
    shown = finite(images)
    values = shown.compressed()
    scale = (0, 255) if images.dtype == np.uint8 else (values.min(initial=0), values.max(initial=1))
    canvas = mosaic(shown.reshape(count, *tile), columns, gap)
    ax.imshow(canvas, cmap=fade(ax), norm=Normalize(*scale), interpolation="nearest")
    # Few images do not grow to fill a row.
    spare = (shown_columns - columns) * width / 2
    ax.set_xlim(-0.5 - spare, columns * width - 0.5 + spare + gap[1])
    _write_texts(ax, texts, columns, (height, width), gap, points / shown_columns)
    return ax


def _write_texts(
    ax: Axes, texts: list[str] | None, columns: int, tile: Shape, gap: tuple[int, int], points: float
) -> None:
    """The texts above their images; `points` is how wide an image is, and letters fit into it."""
    longest = max((len(line) for text in texts or () for line in text.split("\n")), default=0)
    size = min(10.0, max(4.0, 1.7 * points / max(6, longest)))
    for index, text in enumerate(texts or ()):
        top, left = index // columns * tile[0] + gap[0], index % columns * tile[1] + gap[1]
        ax.text(
            left + (tile[1] - gap[1]) / 2 - 0.5, top - 1, text, ha="center", va="bottom", color=ink(ax),
            fontsize=size,
        )
