"""What a network is, in plain values: the only thing that exporters read.

`describe` takes a snapshot of a network, which neither a fit nor an assignment changes afterwards. An exporter that
works for every description works for every network: what there is to handle are the names of
`cnet.activations.ACTIVATIONS` in `Layer.activation` and the four outputs in `Description.output`.

A network computes, for a sample ``x`` of `Description.n_inputs` numbers::

    z = x
    for layer in layers:
        z = activation(z @ layer.weights + layer.biases)
    y = output(z)

The last layer's activation is "identity": its values are the scores. Pixels, which cnet takes as uint8, are divided
by 255 before; whether the network was trained on them, `Description.pixels` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..networks import MultiLayerNet, _check_dtype

__all__ = ["OUTPUTS", "Description", "Layer", "describe"]

Array = npt.NDArray[Any]

# What `Description.output` may be, and what `predict` then returns.
OUTPUTS = {
    "identity": "the predicted values",
    "softmax": "the probability of each class",
    "sigmoid": "the probability of each label",
    "exp": "the expected counts",
}


@dataclass(frozen=True, eq=False)
class Layer:
    """An affine map and what follows it: ``activation(x @ weights + biases)``.

    Attributes
    ----------
    weights : numpy.ndarray, shape (n_inputs, n_outputs)
        Finite, contiguous in C's order, of the machine's byte order, read-only.
    biases : numpy.ndarray, shape (n_outputs,)
        Likewise.
    activation : str
        A name in `cnet.activations.ACTIVATIONS`, which has their formulas; "identity" in the last layer.
    """

    weights: Array
    biases: Array
    activation: str

    @property
    def n_inputs(self) -> int:
        """The number of rows of the weights."""
        return int(self.weights.shape[0])

    @property
    def n_outputs(self) -> int:
        """The number of units."""
        return int(self.weights.shape[1])


@dataclass(frozen=True, eq=False)
class Description:
    """A network in plain values.

    Attributes
    ----------
    layers : tuple of Layer
        From 1 to 17, in the order in which an input goes through them; each takes what the one before it gives.
    loss : str
        A name in `cnet.losses.LOSSES`: what the network was trained to make small.
    loss_parameter : float
        The delta of huber, the q of quantile; 0.0 where a loss has none.
    output : str
        The function from scores to predictions, a name in `OUTPUTS`: "identity", "softmax", "sigmoid" or "exp".
    dtype : numpy.dtype
        float32 or float64: the type of all weights and biases here.
    trained_on : str
        The kind of inputs of the last fit: "uint8" (pixels, which were divided by 255), "floats up to 1", "larger
        floats" or "unknown".
    version : str
        The version of cnet.
    """

    layers: tuple[Layer, ...]
    loss: str
    loss_parameter: float
    output: str
    dtype: np.dtype[Any]
    trained_on: str
    version: str

    @property
    def n_inputs(self) -> int:
        """The numbers that make a sample."""
        return self.layers[0].n_inputs

    @property
    def n_outputs(self) -> int:
        """The numbers that make a prediction."""
        return self.layers[-1].n_outputs

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of inputs, of units of each hidden layer, and of outputs."""
        return (self.n_inputs, *(layer.n_outputs for layer in self.layers))

    @property
    def n_parameters(self) -> int:
        """All weights and biases."""
        return sum(layer.weights.size + layer.biases.size for layer in self.layers)

    @property
    def activations(self) -> tuple[str, ...]:
        """The activation of each hidden layer."""
        return tuple(layer.activation for layer in self.layers[:-1])

    @property
    def pixels(self) -> bool:
        """Whether the network was trained on uint8, so that its inputs are pixels divided by 255."""
        return self.trained_on == "uint8"

    @property
    def has_classes(self) -> bool:
        """Whether outputs are classes that exclude each other: the largest score tells which."""
        return self.output == "softmax"

    @property
    def has_labels(self) -> bool:
        """Whether each output is a label of its own, which a sample has if its score is above 0."""
        return self.output == "sigmoid"

    @property
    def title(self) -> str:
        """The network in a few words.

        Examples
        --------
        >>> import cnet
        >>> from cnet.export.description import describe
        >>> describe(cnet.MultiLayerNet(4, [3, 3], 2, ["gelu", "tanh"])).title
        '4-3-3-2, gelu-tanh, cross_entropy'
        """
        names = self.activations
        activations = names[:1] if len(set(names)) == 1 else names
        loss = f"{self.loss}({self.loss_parameter:g})" if self.loss_parameter else self.loss
        return ", ".join(filter(None, ("-".join(map(str, self.sizes)), "-".join(activations), loss)))


def describe(net: MultiLayerNet, dtype: npt.DTypeLike | None = None) -> Description:
    """Describe a network as it is now.

    Parameters
    ----------
    net : MultiLayerNet or TwoLayerNet
        Trained or not.
    dtype : float32 or float64, optional
        The type of the weights; by default the network's own.

    Returns
    -------
    Description
        Of copies: what happens to the network later does not change it.

    Raises
    ------
    TypeError
        If it is not a network of cnet, or `dtype` is no type.
    ValueError
        If `dtype` is another type, or parameters are not finite in it.

    Examples
    --------
    >>> import cnet
    >>> from cnet.export.description import describe
    >>> description = describe(cnet.MultiLayerNet(4, [3], 2, "gelu", loss="poisson"))
    >>> [(layer.weights.shape, layer.activation) for layer in description.layers], description.output
    ([((4, 3), 'gelu'), ((3, 2), 'identity')], 'exp')
    """
    from .. import __version__

    if not isinstance(net, MultiLayerNet):
        hints = {"to_net": "net.to_net()", "networks": "one of net.networks"}
        hint = next((f"; pass {what}" for name, what in hints.items() if hasattr(net, name)), "")
        raise TypeError(f"net must be a MultiLayerNet or a TwoLayerNet, got {type(net).__name__}{hint}")
    wanted = net.dtype if dtype is None else _check_dtype(dtype)
    params = net.params.copy()
    arrays = [_as_type(name, array, wanted) for name, array in params.items()]
    activations = (*net._core.activations, "identity")
    loss = net.loss_function
    return Description(
        layers=tuple(map(Layer, arrays[::2], arrays[1::2], activations)),
        loss=loss.name, loss_parameter=loss.parameter, output=loss.output, dtype=wanted, trained_on=net._trained_on,
        version=__version__,
    )


def _as_type(name: str, array: Array, dtype: np.dtype[Any]) -> Array:
    """A read-only array of a type, or a ValueError where a value is not finite in it."""
    with np.errstate(over="ignore", under="ignore"):
        converted = np.ascontiguousarray(array, dtype)
    if not np.isfinite(converted).all():
        problem = f"too large for {dtype}" if np.isfinite(array).all() else "not finite numbers"
        raise ValueError(f"the network cannot be exported: some of its parameters {name} are {problem}")
    converted.flags.writeable = False
    return converted
