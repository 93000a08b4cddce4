"""Pictures that move: a descent, weights that form, a boundary that bends, the gradients of mini-batches.

Each function draws into the axes that it is given as `ax`, or into a new figure, and returns matplotlib's animation,
which a program keeps as long as it is shown. Frames are drawn when the animation is saved or shown; what they show has
been computed before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.animation import FuncAnimation
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from ..checks import check_count
from ..networks import MultiLayerNet
from ..rng import as_key
from .evaluation import check_points, check_range, of_two, over
from .images import finite, tile_shape, weight_bound
from .networks import check_network, predictions
from .paths import MARKERS, Paths, Range, draw_contours, named_paths, view_of
from .style import check_axes, ink, new_axes, palette, sign_map, tidy

__all__ = ["animate_batches", "animate_boundary", "animate_descent", "animate_weights"]

Array = npt.NDArray[Any]

# Milliseconds that a frame is shown in a window or a notebook.
INTERVAL = 80


def _animation(figure: Any, show: Callable[[int], list[Any]], frames: int, ax: Any) -> FuncAnimation:
    """An animation; in a figure of its own, axes stay where the first frame puts them: no layout for each frame."""
    show(0)
    if ax is None:
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    return FuncAnimation(figure, show, frames=frames, interval=INTERVAL)


def animate_descent(
    f: Callable[..., Any],
    paths: Paths,
    *,
    x_range: Range | None = None,
    y_range: Range | None = None,
    points: int = 81,
    ax: Axes | Sequence[Axes] | None = None,
) -> FuncAnimation:
    """Let paths of gradient descent grow, step by step, each over contours of its own.

    Parameters
    ----------
    f : callable
        ``f(x0, x1)``, or ``f(x)`` with `x` an array of two numbers as for `gradient_descent`.
    paths : array_like of shape (steps + 1, 2), or mapping of them
        What ``gradient_descent(..., return_path=True)`` returned. The keys of a mapping name
        the paths; a number is a learning rate.
    x_range, y_range : (float, float), optional
        What is shown; by default as for `plots.descent`.
    points : int, default 81
        At how many places to a row and to a column `f` is computed.
    ax : matplotlib.axes.Axes or sequence of them, optional
        Where to draw, one for each path; by default side by side in a new figure.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        One frame for each point of the longest path.

    Raises
    ------
    TypeError, ValueError
        As `plots.descent`.

    Examples
    --------
    >>> import numpy as np
    >>> import cnet
    >>> import cnet.plots
    >>> valley = lambda x: x[0]**2 / 20 + x[1]**2
    >>> paths = {}
    >>> for rate in (0.3, 0.9):
    ...     _, paths[rate] = cnet.gradient_descent(valley, [-7.0, 2.0], rate, step_num=5, return_path=True)
    >>> animation = cnet.plots.animate_descent(valley, paths)
    >>> html = animation.to_jshtml()  # for a notebook: IPython.display.HTML(html)
    >>> animation.save("valley.gif")  # doctest: +SKIP
    """
    g = of_two(f)
    named = named_paths(paths)
    low, high = view_of(g, named)
    count = check_points("points", points)
    x0 = np.linspace(*check_range("x_range", (low[0], high[0]) if x_range is None else x_range), count)
    x1 = np.linspace(*check_range("y_range", (low[1], high[1]) if y_range is None else y_range), count)
    values = over(g, x0, x1)
    check_axes(ax, len(named))
    axes = np.ravel(new_axes(ax, columns=len(named), size=(max(5.0, min(2.8 * len(named), 14.0)), 3.2)))
    lines = []
    for number, (one, name) in enumerate(zip(axes, named, strict=True)):
        draw_contours(one, x0, x1, values)
        color = palette(one)[number % len(palette(one))]
        lines += one.plot([], [], marker=MARKERS[number % len(MARKERS)], markersize=4, linewidth=1.5, color=color)
        one.set(xlim=(x0[0], x0[-1]), ylim=(x1[0], x1[-1]))
        title = f"learning rate {name:g}" if isinstance(name, int | float | np.number) else str(name)
        # In a new figure they stand side by side, and the first one's numbers serve all.
        first = ax is not None or not number
        tidy(one, title, "$x_0$", "$x_1$" if first else "", grid=False)
        one.tick_params(labelleft=first)

    def show(step: int) -> list[Any]:
        for line, path in zip(lines, named.values(), strict=True):
            line.set_data(*path[: step + 1].T)
        return lines

    frames = max(len(path) for path in named.values())
    return _animation(axes[0].figure, show, frames, ax)


def animate_weights(
    snapshots: npt.ArrayLike | Sequence[npt.ArrayLike],
    *,
    shape: tuple[int, int] | None = None,
    limit: int = 12,
    ax: Axes | Sequence[Axes] | None = None,
) -> FuncAnimation:
    """Let the weights of hidden units form, each unit an image.

    Parameters
    ----------
    snapshots : array_like, shape (frames, I, H)
        Copies of ``net.params["W1"]``, made while the network was trained, one for each frame.
    shape : (int, int), optional
        Height and width of an image, whose product is the number of inputs I. By default a square.
    limit : int, default 12
        The largest number of units to draw.
    ax : matplotlib.axes.Axes or sequence of them, optional
        Where to draw, one for each unit; by default in a new figure, up to six in a row.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        One frame for each snapshot.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If there are no snapshots, or their shapes differ, or no image has as many pixels as there are inputs.

    Notes
    -----
    All frames share the colours of the last one: one colour for negative weights, another one for positive
    weights, and 0 is the paper.

    Examples
    --------
    >>> import cnet
    >>> import cnet.plots
    >>> x, t = cnet.datasets.make_digits(1000, rng=0)
    >>> net = cnet.TwoLayerNet(784, 6, 10, rng=0)
    >>> snapshots = [net.params["W1"].copy()]
    >>> for _ in range(4):
    ...     history = net.fit(x, t, iterations=20, learning_rate=0.5)
    ...     snapshots.append(net.params["W1"].copy())
    >>> animation = cnet.plots.animate_weights(snapshots)
    >>> html = animation.to_jshtml()  # for a notebook: IPython.display.HTML(html)
    >>> animation.save("weights.gif")  # doctest: +SKIP
    """
    kept = [np.asarray(one) for one in snapshots]  # type: ignore[union-attr]
    if not kept:
        raise ValueError("snapshots must hold at least one array of weights, got none")
    for one in kept:
        if one.dtype.kind not in "iuf":
            raise TypeError(f"snapshots must hold arrays of real numbers, got dtype {one.dtype}")
        if one.ndim != 2 or one.shape != kept[0].shape or not one.size:
            raise ValueError(f"snapshots must all have one shape (inputs, units), got {kept[0].shape} and {one.shape}")
    tile = tile_shape(len(kept[0]), shape)
    if tile is None:
        raise ValueError(f"no square has {len(kept[0])} pixels: pass shape=(height, width)")
    count = min(check_count("limit", limit), kept[0].shape[1])
    columns = min(count, 6)
    rows = -(-count // columns)
    inch = 7.0 / columns
    check_axes(ax, count)
    if ax is None:
        axes = np.ravel(new_axes(None, rows=rows, columns=columns, size=(7.0, rows * inch * tile[0] / tile[1])))
    else:
        axes = np.ravel(new_axes(ax, columns=count))
    bound, _ = weight_bound(finite(kept[-1][:, :count]))
    frames = [finite(one[:, :count]).T.reshape(count, *tile) for one in kept]
    images = [one.imshow(image, cmap=sign_map(one), norm=Normalize(-bound, bound), interpolation="nearest")
              for one, image in zip(axes[:count], frames[0], strict=True)]
    for one in axes:
        one.set_axis_off()

    def show(frame: int) -> list[Any]:
        for image, weights in zip(images, frames[frame], strict=True):
            image.set_data(weights)
        return images

    return _animation(axes[0].figure, show, len(frames), ax)


def animate_boundary(
    networks: Sequence[MultiLayerNet],
    x: npt.ArrayLike,
    t: npt.ArrayLike,
    *,
    points: int = 90,
    ax: Sequence[Axes] | None = None,
) -> FuncAnimation:
    """Let the boundaries between classes bend over a plane of two inputs, and the loss fall beside it.

    Parameters
    ----------
    networks : sequence of MultiLayerNet
        Copies (``copy.deepcopy(net)``) of a classifier with two inputs, made while it was trained, one for each frame.
    x : array_like, shape (B, 2)
        The samples, drawn as points.
    t : array_like
        Their labels, as the networks' `loss` takes them.
    points : int, default 90
        At how many places to a row and to a column the networks predict.
    ax : sequence of matplotlib.axes.Axes, optional
        Where to draw: two, for the plane and for the loss; by default side by side in a new figure.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        One frame for each network.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If there are no networks, or they do not have two inputs, or are no classifiers by ``loss="cross_entropy"``.

    Examples
    --------
    >>> import copy
    >>> import numpy as np
    >>> import cnet
    >>> import cnet.plots
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> t = (x[:, 0] * x[:, 1] > 0).astype(int)
    >>> net = cnet.MultiLayerNet(2, [16], 2, "tanh", rng=0)
    >>> networks = [copy.deepcopy(net)]
    >>> for _ in range(4):
    ...     history = net.fit(x, t, epochs=20, learning_rate=0.5)
    ...     networks.append(copy.deepcopy(net))
    >>> animation = cnet.plots.animate_boundary(networks, x, t)
    >>> html = animation.to_jshtml()  # for a notebook: IPython.display.HTML(html)
    >>> animation.save("boundary.gif")  # doctest: +SKIP
    """
    count = check_points("points", points)
    if not len(networks):
        raise ValueError("networks must hold at least one network, got none")
    for net in networks:
        check_network(net)
        if net.sizes[0] != 2 or net.sizes != networks[0].sizes:
            raise ValueError(f"networks must all have two inputs and the same sizes, got {net.sizes}")
    samples = np.asarray(x)
    labels = predictions(networks[0], samples, t)[1]
    low, high = samples.min(axis=0), samples.max(axis=0)
    margin = 0.08 * (high - low)
    x0, x1 = (np.linspace(*ends, count) for ends in zip(low - margin, high + margin, strict=True))
    plane = np.stack(np.meshgrid(x0, x1), axis=-1).reshape(-1, 2)
    answers = [net.predict(plane).argmax(axis=1).reshape(count, count) for net in networks]
    losses = np.array([net.loss(samples, t) for net in networks])
    steps = np.array([net.iterations for net in networks])
    check_axes(ax, 2)
    left, right = new_axes(ax, columns=2, size=(8.0, 3.6))
    colors = [palette(left)[k % len(palette(left))] for k in range(networks[0].sizes[-1])]
    levels = np.arange(len(colors) + 1) - 0.5
    extent = (x0[0], x0[-1], x1[0], x1[-1])
    tidy(right, "Loss", "iteration", "loss (nats)")
    top = np.max(losses[np.isfinite(losses)], initial=0.0)
    right.set(xlim=(steps[0], max(steps[-1], steps[0] + 1)), ylim=(0, 1.05 * top or 1))
    curve, = right.plot([], [], color=palette(right)[2], linewidth=2)
    left.scatter(*samples.T, c=[colors[label] for label in labels], s=8)
    left.set(xlim=extent[:2], ylim=extent[2:], xlabel="$x_0$", ylabel="$x_1$")
    regions: list[Any] = []

    def show(frame: int) -> list[Any]:
        while regions:
            regions.pop().remove()
        drawn: Any = left.contourf(answers[frame], levels=levels, colors=colors, alpha=0.3, extent=extent, zorder=0)
        # Before matplotlib 3.8 the regions were artists, and what held them was not.
        regions.extend([drawn] if isinstance(drawn, Artist) else drawn.collections)
        left.set_title(f"After {steps[frame]:,} iterations")
        curve.set_data(steps[: frame + 1], losses[: frame + 1])
        return []

    return _animation(left.figure, show, len(networks), ax)


def animate_batches(
    net: MultiLayerNet,
    x: npt.ArrayLike,
    t: npt.ArrayLike,
    *,
    batch_size: int = 100,
    frames: int = 60,
    rng: int | np.random.Generator | None = None,
    ax: Axes | None = None,
) -> FuncAnimation:
    """Draw the gradients of mini-batches, one after the other, around the gradient of all samples.

    Parameters
    ----------
    net : MultiLayerNet or TwoLayerNet
        The network, which stays as it is.
    x : array_like, shape (B, I)
        All samples.
    t : array_like
        Their targets, as the network's `loss` takes them.
    batch_size : int, default 100
        The number of samples in each mini-batch, drawn with replacement.
    frames : int, default 60
        How many mini-batches to draw.
    rng : None, int or numpy.random.Generator
        Where the samples of each batch come from; None draws other ones every time.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        One frame for each mini-batch.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, or the gradient of all samples is 0.

    Notes
    -----
    The gradients are those of the first layer's weights. The picture is their plane through the full gradient and
    the direction in which they scatter most, where the full gradient has the length 1.

    Examples
    --------
    >>> import cnet
    >>> import cnet.plots
    >>> x, t = cnet.datasets.make_digits(1000, rng=0)
    >>> net = cnet.TwoLayerNet(784, 20, 10, rng=0)
    >>> history = net.fit(x, t, epochs=5, learning_rate=0.5)
    >>> animation = cnet.plots.animate_batches(net, x, t, frames=5, rng=1)
    >>> html = animation.to_jshtml()  # for a notebook: IPython.display.HTML(html)
    >>> animation.save("batches.gif")  # doctest: +SKIP
    """
    check_network(net)
    check_axes(ax)
    size, count = check_count("batch_size", batch_size), check_count("frames", frames)
    generator = np.random.default_rng(as_key(rng))
    samples, targets = np.asarray(x), np.asarray(t)
    full = net.gradient(samples, targets)["W1"].ravel().astype(np.float64)
    length = float(np.linalg.norm(full))
    if not (np.isfinite(length) and length > 0):
        raise ValueError(f"the gradient of all samples must be finite and not 0, but its length is {length:g}")
    batches = [generator.integers(len(samples), size=size) for _ in range(count)]
    drawn = np.array([net.gradient(samples[rows], targets[rows])["W1"].ravel() for rows in batches], np.float64)
    along = drawn @ full / length**2
    rest = drawn / length - np.outer(along, full / length)
    across = rest @ np.linalg.svd(rest, full_matrices=False)[2][0]
    axes: Any = new_axes(ax, size=(7.0, 4.0))
    # A square around the tip of the full gradient and nearly all others; the one in thirty that reaches far is cut.
    side = 1.1 * max(1.0, float(np.quantile(np.maximum(np.abs(along - 1), np.abs(across)), 0.97)))
    axes.set(xlim=(1 - side, 1 + side), ylim=(-side, side), aspect="equal")
    tidy(axes, f"Gradients of mini-batches of {size}", "along the full gradient", "across it")
    old, = axes.plot([], [], color=ink(axes), linewidth=0.7, alpha=0.4)
    new, = axes.plot([], [], "o-", color=palette(axes)[0], linewidth=1.6, markersize=4, label="a mini-batch's")
    axes.plot([0, 1], [0, 0], "s-", color=ink(axes), linewidth=2.5, label="the full gradient")
    mean, = axes.plot([], [], "D", color=palette(axes)[1], markersize=7, label="mean so far")
    axes.legend(frameon=False, labelcolor=ink(axes), loc="center left", bbox_to_anchor=(1, 0.5))

    def show(frame: int) -> list[Any]:
        lines = np.full((frame, 3, 2), np.nan)
        lines[:, 0], lines[:, 1] = 0, np.column_stack([along[:frame], across[:frame]])
        old.set_data(*lines.reshape(-1, 2).T)
        new.set_data([0, along[frame]], [0, across[frame]])
        mean.set_data([along[: frame + 1].mean()], [across[: frame + 1].mean()])
        return [old, new, mean]

    return _animation(axes.figure, show, count, ax)
