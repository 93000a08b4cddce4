"""How activations and gradients are spread in each layer while a network learns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from .. import reference
from ..networks import MultiLayerNet
from ..training import EpochInfo
from .networks import check_network
from .style import check_axes, count_axis, legend_on_top, new_axes, note, palette, tidy

__all__ = ["DistributionRecorder", "distributions"]

Array = npt.NDArray[Any]

# Shares of the values below each recorded quantile; the bands are between the first and last pairs.
SHARES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


class DistributionRecorder:
    """Record the spread of activations and gradients, as a callback of `MultiLayerNet.fit`.

    What is kept of an epoch are quantiles, so a long training takes little memory.

    Parameters
    ----------
    x : array_like, shape (B, I)
        Samples on which to measure; a few hundred are enough.
    t : array_like
        Their targets, as the network's `loss` takes them.

    Attributes
    ----------
    iterations : list of int
        The number of iterations that the network had been trained for, at each record.
    quantiles : dict of str to list of numpy.ndarray
        For "hidden activations" (of several hidden layers: "activations of layer 1" and so on), "output
        probabilities" (with losses of values: "predictions"), "gradient of W1", "gradient of W2" and so on, at each
        record: the values below which the `shares` lie. Empty before the first.
    shares : tuple of float
        0, 0.05, 0.25, 0.5, 0.75, 0.95 and 1.

    Raises
    ------
    TypeError, ValueError
        When it records, if `x` or `t` do not fit the network, or it has other layers than the one before.

    See Also
    --------
    distributions : The picture.

    Examples
    --------
    >>> import cnet
    >>> import cnet.plots
    >>> x, t = cnet.datasets.make_digits(500, rng=0)
    >>> net = cnet.TwoLayerNet(784, 20, 10, rng=0)
    >>> recorder = cnet.plots.DistributionRecorder(x[:100], t[:100])
    >>> recorder.record(net)
    >>> history = net.fit(x, t, epochs=3, callback=recorder)
    >>> recorder.iterations
    [0, 5, 10, 15]
    """

    def __init__(self, x: npt.ArrayLike, t: npt.ArrayLike) -> None:
        self.x = np.atleast_2d(np.asarray(x))
        self.t = np.asarray(t)
        self.shares = SHARES
        self.iterations: list[int] = []
        self.quantiles: dict[str, list[Array]] = {}

    def __call__(self, info: EpochInfo) -> None:
        """Record at an epoch's end.

        Parameters
        ----------
        info : EpochInfo
            What `fit` tells a callback.
        """
        self.record(info.network)

    def record(self, net: MultiLayerNet) -> None:
        """Record a network as it is now; also before the first epoch.

        Parameters
        ----------
        net : MultiLayerNet or TwoLayerNet
            Of the sizes that `x` and `t` fit.

        Raises
        ------
        TypeError
            If `net` is not a network.
        TypeError, ValueError
            If `x` or `t` do not fit the network.

        Examples
        --------
        >>> import cnet
        >>> import cnet.plots
        >>> x, t = cnet.datasets.make_digits(20, rng=0)
        >>> recorder = cnet.plots.DistributionRecorder(x, t)
        >>> recorder.record(cnet.TwoLayerNet(784, 10, 10, rng=0))
        >>> recorder.iterations
        [0]
        """
        check_network(net)
        gradient = net.gradient(self.x, np.atleast_1d(self.t))
        activations, _, _ = reference.forward(dict(net.params), self.x, net.activation)
        values = [*activations[1:], net.predict(self.x), *(gradient[name] for name in gradient if name[0] == "W")]
        names = _names(net)
        if self.quantiles and list(self.quantiles) != names:
            raise ValueError(f"net has other layers than the network recorded before, of which there are {len(names)} "
                             f"quantities rather than {len(self.quantiles)}; use another recorder")
        for name, array in zip(names, values, strict=True):
            self.quantiles.setdefault(name, []).append(np.quantile(array.astype(np.float64), SHARES))
        self.iterations.append(net.iterations)


def _names(net: MultiLayerNet) -> list[str]:
    """What is recorded, in the order of the pictures: each layer's outputs, then its weights' gradients."""
    n_layers = len(net.sizes) - 1
    names = ["hidden activations"] if n_layers == 2 else [f"activations of layer {i}" for i in range(1, n_layers)]
    names.append("output probabilities" if net.loss_function.smooths_labels else "predictions")
    return names + [f"gradient of W{i}" for i in range(1, n_layers + 1)]


def _axis_label(name: str) -> str:
    """What the values of a quantity are called."""
    if name.startswith("gradient of "):
        return f"dL / d{name.removeprefix('gradient of ')}"
    return {"output probabilities": "probability y", "predictions": "prediction y"}.get(name, "activation z")


def distributions(recorder: DistributionRecorder, *, ax: Sequence[Axes] | None = None) -> npt.NDArray[Any]:
    """Draw how activations and gradients of each layer were spread during training.

    Parameters
    ----------
    recorder : DistributionRecorder
        After a fit that had it as its callback.
    ax : sequence of matplotlib.axes.Axes, optional
        Where to draw, two for each layer of weights: the outputs of each layer, then the gradient of each. By
        default in a new figure, of two rows.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes
        `ax`, or the new ones.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If nothing was recorded.

    Notes
    -----
    The line is the median; half of all values are in the dark band, nine tenths in the light
    one. Bands that reach the ends of an activation's range show that units are saturated; bands
    that shrink to 0 show that gradients vanish.

    Examples
    --------
    >>> import cnet
    >>> import cnet.plots
    >>> x, t = cnet.datasets.make_digits(500, rng=0)
    >>> recorder = cnet.plots.DistributionRecorder(x[:100], t[:100])
    >>> net = cnet.TwoLayerNet(784, 20, 10, rng=0)
    >>> history = net.fit(x, t, epochs=3, callback=recorder)
    >>> [axes.get_title() for axes in cnet.plots.distributions(recorder)]
    ['Hidden activations', 'Output probabilities', 'Gradient of W1', 'Gradient of W2']
    """
    if not isinstance(recorder, DistributionRecorder):
        raise TypeError(f"recorder must be a DistributionRecorder, got {type(recorder).__name__}")
    if not recorder.iterations:
        raise ValueError("nothing was recorded; pass the recorder to fit as callback=recorder")
    names = list(recorder.quantiles)
    columns = len(names) // 2
    check_axes(ax, 2 * columns)
    drawn: npt.NDArray[Any] = new_axes(ax, rows=2, columns=columns, size=(min(3.5 * columns, 28.0), 5.4))
    for number, (axes, name) in enumerate(zip(drawn, names, strict=True)):
        color = palette(axes)[number // columns]
        _draw_bands(axes, np.array(recorder.iterations), np.array(recorder.quantiles[name]), color)
        tidy(axes, name[0].upper() + name[1:], "iteration", _axis_label(name))
        count_axis(axes.xaxis, np.array(recorder.iterations))
        if number >= columns:
            axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=True)
    legend_on_top(drawn[0], fontsize="small", columnspacing=1.0, handlelength=1.2)
    return drawn


def _draw_bands(ax: Axes, iterations: Array, quantiles: Array, color: str) -> None:
    """Median and the bands around it; bars, where there is one record only."""
    shown = np.where(np.isfinite(quantiles), quantiles, np.nan)
    _, low, lower, median, upper, high, _ = shown.T
    if np.isnan(shown).all():
        note(ax, "no value is finite")
    bands = ((low, high, 0.25, "nine tenths"), (lower, upper, 0.45, "half"))
    for bottom, top, alpha, label in bands:
        if len(iterations) == 1:
            ax.bar(iterations, top - bottom, bottom=bottom, width=0.5, color=color, alpha=alpha, label=label)
        else:
            ax.fill_between(iterations, bottom, top, color=color, alpha=alpha, linewidth=0, label=label)
    ax.plot(iterations, median, color=color, linewidth=2, label="median",
            marker="o" if len(iterations) == 1 else None)
