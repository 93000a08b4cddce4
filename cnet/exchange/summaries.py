"""What a network is made of, as a table."""

from __future__ import annotations

from typing import NamedTuple

from ..losses import Loss
from ..networks import MultiLayerNet
from .assembled import check_net

__all__ = ["LayerSummary", "Summary", "summary"]

COLUMNS = ("layer", "shape", "activation", "parameters", "bytes")


class LayerSummary(NamedTuple):
    """A layer in a `Summary`.

    Parameters
    ----------
    layer : int
        Its number, from 1.
    inputs, outputs : int
        ``W`` has the shape (inputs, outputs), ``b`` (outputs,).
    activation : str
        Of the last layer, the function by which its scores become predictions: "softmax", "sigmoid", "exp" or
        "identity".
    parameters, bytes : int
        How many numbers it has, and the memory that they take.

    Examples
    --------
    >>> import cnet
    >>> cnet.exchange.summary(cnet.MultiLayerNet(4, [3], 2)).layers[0]
    LayerSummary(layer=1, inputs=4, outputs=3, activation='relu', parameters=15, bytes=60)
    """

    layer: int
    inputs: int
    outputs: int
    activation: str
    parameters: int
    bytes: int


class Summary(NamedTuple):
    """What a network is made of; printed, it is a table.

    Parameters
    ----------
    kind : str
        The network's class.
    layers : tuple of LayerSummary
    loss : Loss
        An object of `cnet.losses`.
    weight_decay_lambda : float
    dtype : str
        "float32" or "float64".
    parameters, bytes : int
        Of all layers.

    Examples
    --------
    >>> import cnet
    >>> found = cnet.exchange.summary(cnet.TwoLayerNet(784, 50, 10))
    >>> found.parameters, found.bytes
    (39760, 159040)
    """

    kind: str
    layers: tuple[LayerSummary, ...]
    loss: Loss
    weight_decay_lambda: float
    dtype: str
    parameters: int
    bytes: int

    def table(self) -> list[str]:
        """Return the lines of the table, without what is said above it.

        Returns
        -------
        list of str

        Examples
        --------
        >>> import cnet
        >>> len(cnet.exchange.summary(cnet.TwoLayerNet(784, 50, 10)).table())
        4
        """
        rows = [COLUMNS] + [
            (f"{each.layer}", f"{each.inputs:,} -> {each.outputs:,}", each.activation, f"{each.parameters:,}",
             f"{each.bytes:,}") for each in self.layers
        ] + [("total", "", "", f"{self.parameters:,}", f"{self.bytes:,}")]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        # Texts stand at the left of their columns, numbers at the right.
        sides = (">", "<", "<", ">", ">")
        return ["  ".join(f"{text:{side}{width}}" for text, side, width in zip(row, sides, widths, strict=True))
                for row in rows]

    def __str__(self) -> str:
        loss = str(self.loss) if self.loss.parameter else self.loss.name
        decay = f", L2 penalty {self.weight_decay_lambda:g}" if self.weight_decay_lambda else ""
        return "\n".join([f"{self.kind}, loss {loss}{decay}, {self.dtype}", *self.table()])


def summary(net: MultiLayerNet) -> Summary:
    """Tell what a network is made of: layers, shapes, activations, numbers of parameters, bytes.

    Parameters
    ----------
    net : cnet.MultiLayerNet

    Returns
    -------
    Summary
        ``print`` shows it as a table; its attributes are the numbers.

    Raises
    ------
    TypeError
        If `net` is no network.

    Examples
    --------
    >>> import cnet
    >>> print(cnet.exchange.summary(cnet.MultiLayerNet(784, [100, 50], 10, ["gelu", "tanh"])))
    MultiLayerNet, loss cross_entropy, float32
    layer  shape       activation  parameters    bytes
        1  784 -> 100  gelu            78,500  314,000
        2  100 -> 50   tanh             5,050   20,200
        3  50 -> 10    softmax            510    2,040
    total                              84,060  336,240
    """
    core, loss = check_net(net)._core, net.loss_function
    sizes, itemsize = net.sizes, net.dtype.itemsize
    layers = []
    for number, activation in enumerate((*core.activations, loss.output), 1):
        n_in, n_out = sizes[number - 1], sizes[number]
        count = n_in * n_out + n_out
        layers.append(LayerSummary(number, n_in, n_out, activation, count, count * itemsize))
    count = sum(each.parameters for each in layers)
    return Summary(net._KIND, tuple(layers), loss, net.weight_decay_lambda, net.dtype.name, count, count * itemsize)
