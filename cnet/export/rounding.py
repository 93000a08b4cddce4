"""Weights in fewer bytes, and what that changes: measured on samples, in double precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .description import Description

if TYPE_CHECKING:
    from ..networks import MultiLayerNet

__all__ = ["Quantized", "Rounding", "measured", "quantized"]

Array = npt.NDArray[Any]

# int8 without -128, so that weights are rounded alike on both sides of 0.
LARGEST = 127
# Without samples of the caller's.
N_SAMPLES, SEED = 1_000, 2


class Rounding(NamedTuple):
    """What the rounding of a network's weights changes: what `cnet.export.c` returns.

    Parameters
    ----------
    bytes : int
        What weights, biases and scales take.
    largest : float
        The largest difference between a prediction with the rounded weights and one with the network's own.
    changed : float or None
        The share of samples whose most probable class changes, or one of whose labels; None where there are
        neither.
    samples : int
        On how many samples it was measured.

    Examples
    --------
    >>> from cnet.export import Rounding
    >>> print(Rounding(bytes=40_248, largest=0.0452, changed=0.0008, samples=10_000))
    changes predictions by at most 0.045, and the class of 0.08 % of 10,000 samples
    """

    bytes: int
    largest: float
    changed: float | None
    samples: int

    def __str__(self) -> str:
        if not self.largest:
            return f"changes no prediction of {self.samples:,} samples"
        text = f"changes predictions by at most {self.largest:.2g}"
        if self.changed is None:
            return f"{text} on {self.samples:,} samples"
        return f"{text}, and the class of {100 * self.changed:.2f} % of {self.samples:,} samples"


class Quantized(NamedTuple):
    """Weights as small integers: ``weights * scales`` is close to the layer's."""

    weights: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float32]


def quantized(weights: Array) -> Quantized:
    """Round weights (n_inputs, n_outputs) to integers from -127 to 127 times a scale for each unit.

    A unit's largest weight becomes 127 or -127. Units have scales of their own because their weights differ in size; as
    their sums are made before a scale is multiplied with, it costs one product for each unit.

    Examples
    --------
    >>> import numpy as np
    >>> from cnet.export.rounding import quantized
    >>> weights, scales = quantized(np.array([[127.0, 0.0], [-2.4, 0.0]]))
    >>> weights.tolist(), scales.tolist()
    ([[127, 0], [-2, 0]], [1.0, 0.0])
    """
    scales = (np.abs(weights).max(axis=0) / LARGEST).astype(np.float32)
    # A unit whose weights are all 0, or so small that they have no scale in float32.
    divisors = np.where(scales > 0, scales.astype(np.float64), np.inf)
    integers = np.clip(np.rint(weights / divisors), -LARGEST, LARGEST)
    return Quantized(integers.astype(np.int8), scales)


def measured(
    exact: Description, weights: list[Array], biases: list[Array], n_bytes: int, x: Array | None
) -> Rounding:
    """Compare predictions with given weights and biases with those of a description.

    Parameters
    ----------
    exact : Description
        Of the network in its own type.
    weights, biases : list of numpy.ndarray
        Those of each layer after rounding.
    n_bytes : int
        What they take.
    x : numpy.ndarray, shape (B, I), or None
        Samples; without them digits for a network that reads digits, and random numbers for others.

    Returns
    -------
    Rounding
    """
    if x is None:
        x = _samples(exact)
    before = _network(exact, [layer.weights for layer in exact.layers], [layer.biases for layer in exact.layers])
    after = _network(exact, weights, biases)
    y, z = before.predict(x), after.predict(x)
    changed = None
    if exact.has_classes:
        changed = float((y.argmax(axis=1) != z.argmax(axis=1)).mean())
    elif exact.has_labels:
        changed = float(((y > 0.5) != (z > 0.5)).any(axis=1).mean())
    with np.errstate(invalid="ignore"):
        # Expected counts may be infinite in both.
        differences = np.where(y == z, 0, np.abs(y - z))
    return Rounding(n_bytes, float(differences.max()), changed, len(x))


def _samples(net: Description) -> Array:
    if net.n_inputs == 784 and net.n_outputs == 10 and net.has_classes:
        from ..datasets import make_digits

        x: Array = make_digits(N_SAMPLES, rng=SEED)[0]
        return x.astype(np.float64) if net.trained_on == "larger floats" else x
    rng = np.random.default_rng(SEED)
    if net.pixels:
        return rng.integers(0, 256, (N_SAMPLES, net.n_inputs), np.uint8)
    return rng.normal(size=(N_SAMPLES, net.n_inputs))


def _network(net: Description, weights: list[Array], biases: list[Array]) -> MultiLayerNet:
    """The network with other parameters, in float64."""
    from ..losses import loss_of
    from ..networks import MultiLayerNet

    n_in, *hidden, n_out = net.sizes
    made = MultiLayerNet(
        n_in, hidden, n_out, list(net.activations), 0.0, loss=loss_of(net.loss, net.loss_parameter), dtype=np.float64,
        rng=0,
    )
    arrays = [array for pair in zip(weights, biases, strict=True) for array in pair]
    made.params = dict(zip(made.params, arrays, strict=True))
    return made
