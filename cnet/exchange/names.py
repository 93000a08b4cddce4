"""What other libraries call the parameters of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..checks import check_choice
from ..networks import MultiLayerNet
from ..parts import parameter_names
from .assembled import check_net

__all__ = ["Name", "names"]


class Name(NamedTuple):
    """What another library calls a parameter.

    Parameters
    ----------
    name : str
    transposed : bool
        Whether its array is the transpose of cnet's, which is (inputs, outputs).

    Examples
    --------
    >>> import cnet
    >>> cnet.exchange.names(cnet.TwoLayerNet(4, 3, 2), "pytorch")["W2"]
    Name(name='2.weight', transposed=True)
    """

    name: str
    transposed: bool


def _pytorch(layer: int) -> tuple[str, str]:
    # Of an nn.Sequential in which an activation follows each hidden layer.
    return f"{2 * layer}.weight", f"{2 * layer}.bias"


def _flax(layer: int) -> tuple[str, str]:
    return f"params/Dense_{layer}/kernel", f"params/Dense_{layer}/bias"


def _keras(layer: int) -> tuple[str, str]:
    name = f"dense_{layer}" if layer else "dense"
    return f"{name}/kernel", f"{name}/bias"


def _sklearn(layer: int) -> tuple[str, str]:
    return f"coefs_[{layer}]", f"intercepts_[{layer}]"


# The names of the layer with an index, and whether weights are transposed.
FRAMEWORKS: dict[str, tuple[Callable[[int], tuple[str, str]], bool]] = {
    "pytorch": (_pytorch, True), "flax": (_flax, False), "keras": (_keras, False), "sklearn": (_sklearn, False),
}


def names(net: MultiLayerNet, framework: str) -> dict[str, Name]:
    """Return what another library calls the parameters of a network, and how it lays them out.

    cnet's model files are safetensors, so that these libraries can read them without cnet. The arrays are called
    ``W1``, ``b1``, ``W2``, ... there, as in `net.params`.

    Parameters
    ----------
    net : cnet.MultiLayerNet
    framework : {"pytorch", "flax", "keras", "sklearn"}
        - "pytorch": the names in the ``state_dict`` of an ``nn.Sequential`` of Linear and activation modules in turn,
          as `to_torch` makes it.
        - "flax": of JAX's Flax, a module of ``nn.Dense`` layers; the parts of the nested dict, joined by ``/``.
        - "keras": a new model of ``Dense`` layers. ``set_weights`` takes the arrays in this order.
        - "sklearn": the attributes of a fitted MLPClassifier or MLPRegressor.

    Returns
    -------
    dict of str to Name
        For each of cnet's names, in their order.

    Raises
    ------
    TypeError, ValueError
        If `net` is no network, or the framework is unknown.

    Examples
    --------
    >>> import cnet
    >>> net = cnet.MultiLayerNet(4, [3], 2)
    >>> for name, (other, transposed) in cnet.exchange.names(net, "pytorch").items():
    ...     print(name, other, transposed)
    W1 0.weight True
    b1 0.bias False
    W2 2.weight True
    b2 2.bias False
    """
    n_layers = len(check_net(net).sizes) - 1
    of_layer, transposed = FRAMEWORKS[check_choice("framework", framework, tuple(FRAMEWORKS))]
    found = [Name(name, transposed and letter == "W")
             for layer in range(n_layers) for letter, name in zip("Wb", of_layer(layer), strict=True)]
    return dict(zip(parameter_names(n_layers), found, strict=True))
