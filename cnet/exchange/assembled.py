"""A network of layers that come from another library, and checks of what goes there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..losses import Loss
from ..networks import MOST_HIDDEN_LAYERS, MultiLayerNet
from ..parts import parameter_names
from ..rng import as_key
from ..trained_on import KINDS

__all__ = ["assembled", "check_net"]

Array = npt.NDArray[Any]


def check_net(net: Any) -> MultiLayerNet:
    """`net`, if it is a network of cnet."""
    if not isinstance(net, MultiLayerNet):
        hint = "; call its to_net() first" if hasattr(net, "to_net") else ""
        if hasattr(net, "networks"):
            hint = "; pass one of its networks"
        raise TypeError(f"net must be a network of cnet, such as cnet.MultiLayerNet, got {type(net).__name__}{hint}")
    return net


def assembled(
    weights: Sequence[Array], biases: Sequence[Array], activations: Sequence[str], loss: Loss,
    rng: int | np.random.Generator | None, trained_on: str = KINDS[0],
) -> MultiLayerNet:
    """Make a network with copies of the parameters.

    Parameters
    ----------
    weights, biases : sequence of ndarray
        Of each layer, (n_in, n_out) and (n_out,), all of the same type, which fit together.
    activations : sequence of str
        Of the hidden layers, as cnet calls them.
    loss : Loss
    rng : None, int or numpy.random.Generator
    trained_on : str
        The kind of inputs, one of `trained_on.KINDS`.

    Raises
    ------
    ValueError
        If there are too many layers, or parameters that are not finite.
    """
    if len(weights) > MOST_HIDDEN_LAYERS + 1:
        raise ValueError(f"a network of cnet has at most {MOST_HIDDEN_LAYERS + 1} layers with weights, this one has "
                         f"{len(weights)}")
    arrays = [array for pair in zip(weights, biases, strict=True) for array in pair]
    tensors = dict(zip(parameter_names(len(weights)), arrays, strict=True))
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has values that are not finite")
    return MultiLayerNet._from_parts(
        tensors, sizes=[weights[0].shape[0], *(len(bias) for bias in biases)], activation=list(activations),
        loss=loss.name, loss_parameter=loss.parameter, seed=as_key(rng),
        trained_on=trained_on,
    )
