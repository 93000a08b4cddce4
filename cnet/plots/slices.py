"""The loss of a network on a plane through its parameters."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.ticker import MaxNLocator

from ..checks import check_number
from ..networks import MultiLayerNet
from ..rng import as_key
from .evaluation import check_points
from .networks import check_network
from .style import check_axes, new_axes, tidy
from .style import colorbar as add_colorbar

__all__ = ["loss_slice"]

Array = npt.NDArray[Any]

LEVELS = 20


def loss_slice(
    net: MultiLayerNet,
    x: npt.ArrayLike,
    t: npt.ArrayLike,
    *,
    span: float = 1.0,
    points: int = 25,
    rng: int | np.random.Generator | None = None,
    colorbar: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw the loss on a plane through a network's parameters, with the network in the middle.

    The plane is spanned by two random directions. In each the incoming weights of every unit
    are as long as those of the network, so that pictures of different networks can be
    compared [1]_; biases stay as they are. The network itself is not touched.

    Parameters
    ----------
    net : MultiLayerNet or TwoLayerNet
        Trained or not, of any depth and loss.
    x : array_like, shape (B, I)
        A few thousand samples are enough: the loss is computed ``points**2`` times.
    t : array_like
        The targets, as the network's `loss` takes them.
    span : float, default 1
        How far the picture reaches from the middle; at 1 a step is as long as the weights.
    points : int, default 25
        At how many places to a row and to a column the loss is computed; the middle is always
        among them, so an even number is raised by one.
    rng : None, int or numpy.random.Generator
        Seed of the directions; None draws new ones each time.
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
    TypeError, ValueError
        If an argument is of the wrong type, shape or range, or if the network's parameters are
        not finite.

    References
    ----------
    .. [1] Hao Li, Zheng Xu, G. Taylor, C. Studer and T. Goldstein, "Visualizing the loss landscape
       of neural nets", NeurIPS 2018.

    Examples
    --------
    >>> import cnet
    >>> import cnet.plots
    >>> x, t = cnet.datasets.make_digits(200, rng=0)
    >>> net = cnet.TwoLayerNet(784, 20, 10, rng=0)
    >>> history = net.fit(x, t, epochs=5, learning_rate=0.5)
    >>> ax = cnet.plots.loss_slice(net, x, t, points=11, rng=0)
    >>> ax.get_title()
    'Loss around the parameters'
    """
    check_network(net)
    reach = check_number("span", span, positive=True)
    count = check_points("points", points) // 2 * 2 + 1
    generator = np.random.Generator(np.random.Philox(key=as_key(rng)))
    check_axes(ax)
    centre = {name: net.params[name].copy() for name in net.params}
    for name, array in centre.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name} of the network holds values that are not finite")
    first, second = (_direction(centre, generator) for _ in range(2))
    steps = np.linspace(-reach, reach, count)
    losses = _losses(net, x, t, centre, first, second, steps)
    ax = new_axes(ax, size=(6.2, 5.0))
    filled = _draw(ax, steps, losses)
    if colorbar:
        unit = " (nats)" if net.loss_function.smooths_labels else ""
        _add_colorbar(filled, ax, f"loss{unit}")
    middle = losses[count // 2, count // 2]
    ax.plot([0], [0], marker="o", color="white", markeredgecolor="black", markersize=8)
    ax.annotate(f"the network: {middle:.3g}", (0, 0), xytext=(0, 10), textcoords="offset points", ha="center",
                color="black", bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "alpha": 0.85,
                                     "edgecolor": "none"})
    ax.set_aspect("equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(4))
    tidy(ax, "Loss around the parameters", "first random direction (lengths of the weights)",
         "second random direction", grid=False)
    return ax


def _direction(centre: dict[str, Array], generator: np.random.Generator) -> dict[str, Array]:
    """Random weights; each unit's incoming ones as long as its own in `centre`."""
    direction = {}
    for name, array in centre.items():
        if array.ndim == 1:
            direction[name] = np.zeros(array.shape)
            continue
        drawn = generator.standard_normal(array.shape)
        lengths = np.linalg.norm(array.astype(np.float64), axis=0)
        direction[name] = drawn * (lengths / np.linalg.norm(drawn, axis=0))
    return direction


def _losses(
    net: MultiLayerNet, x: Any, t: Any, centre: dict[str, Array], first: dict[str, Array],
    second: dict[str, Array], steps: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Loss at each point of the plane: row i is a step along the second direction."""
    moved = copy.deepcopy(net)
    losses = np.empty((len(steps), len(steps)))
    for row, b in enumerate(steps):
        for column, a in enumerate(steps):
            for name, array in centre.items():
                moved.params[name] = array + a * first[name] + b * second[name]
            losses[row, column] = moved.loss(x, t)
    return losses


def _add_colorbar(filled: Any, ax: Axes, label: str) -> None:
    """Round numbers along an even scale; the contours' own along one of equal ratios."""
    options = {"format": "{x:.3g}"} if isinstance(filled.norm, LogNorm) else {"ticks": MaxNLocator(8)}
    add_colorbar(filled, ax, label, **options)


def _draw(ax: Axes, steps: npt.NDArray[np.float64], losses: npt.NDArray[np.float64]) -> Any:
    """Contours, at equal ratios where the losses differ much."""
    low, high = float(losses.min()), float(losses.max())
    if not high > low:
        return ax.pcolormesh(steps, steps, losses, cmap="viridis", norm=Normalize(low, low + 1))
    many = low > 0 and high / low > 20
    norm = LogNorm(low, high) if many else Normalize(low, high)
    levels = np.geomspace(low, high, LEVELS) if many else np.linspace(low, high, LEVELS)
    # Rounding may put the ends just inside of the losses.
    levels[[0, -1]] = low, high
    filled = ax.contourf(steps, steps, losses, levels=levels, cmap="viridis", norm=norm)
    ax.contour(steps, steps, losses, levels=levels[1:-1], colors="white", linewidths=0.5, alpha=0.5)
    return filled
