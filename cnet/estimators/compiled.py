"""The compiled network of an estimator, and the arrays ``coefs_`` and ``intercepts_`` that show its memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core._network import Network
from ..core._state import OptimizerState
from ..networks import MultiLayerNet

__all__ = [
    "check_net", "draw_parameters", "hidden_network", "kind_of", "make_network", "network_of", "parameters_of",
    "scores_network", "shows", "state_of", "with_state",
]

Array = npt.NDArray[Any]

# The hidden layers' activations; the loss, and its parameter.
Kind = tuple[tuple[str, ...], str, float]


def draw_parameters(
    sizes: list[int], logistic: bool, dtype: np.dtype[Any], random_state: np.random.RandomState
) -> tuple[list[Array], list[Array]]:
    """Draw initial weights and biases, layer by layer, weights first: uniform, after X. Glorot and Y. Bengio, 2010.

    Parameters
    ----------
    sizes : list of int
        Units of each layer, inputs first.
    logistic : bool
        Whether the hidden layers' activation is the sigmoid, for which the bounds are lower.
    dtype : numpy.dtype
        What is drawn in float64 is rounded to it.
    random_state : numpy.random.RandomState

    Returns
    -------
    weights, biases : list of ndarray
    """
    weights, biases = [], []
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        bound = np.sqrt((2.0 if logistic else 6.0) / (n_in + n_out))
        weights.append(random_state.uniform(-bound, bound, (n_in, n_out)).astype(dtype, copy=False))
        biases.append(random_state.uniform(-bound, bound, n_out).astype(dtype, copy=False))
    return weights, biases


def make_network(
    weights: Sequence[Array], biases: Sequence[Array], activations: tuple[str, ...], loss: str,
    loss_parameter: float = 0.0, penalty: float = 0.0, dtype: npt.DTypeLike | None = None,
) -> Network:
    """Make a network that holds copies of the parameters.

    Parameters
    ----------
    weights, biases : sequence of ndarray
        Of each layer, (n_in, n_out) and (n_out,).
    activations : tuple of str
        Of the hidden layers, as cnet calls them.
    loss : str
        As cnet calls it.
    loss_parameter, penalty : float
        Of a loss that has one; the factor of the L2 penalty.
    dtype : float32 or float64, optional
        By default that of the first weights.

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        If the shapes do not belong to one network.
    """
    arrays = [np.asarray(array) for array in weights]
    vectors = [np.asarray(array) for array in biases]
    if not arrays or len(arrays) != len(vectors) or any(array.ndim != 2 for array in arrays):
        raise ValueError("coefs_ and intercepts_ must hold a matrix and a vector for each layer, got "
                         f"{len(arrays)} and {len(vectors)} arrays")
    if dtype is None:
        dtype = np.float32 if all(array.dtype == np.float32 for array in arrays) else np.float64
    sizes = (arrays[0].shape[0], *(array.shape[1] for array in arrays))
    shapes = list(zip(sizes, sizes[1:], strict=False))
    if [array.shape for array in arrays] != shapes or [array.shape for array in vectors] != [(n,) for n in sizes[1:]]:
        raise ValueError(f"coefs_ and intercepts_ do not fit together: expected shapes {shapes}, got "
                         f"{[array.shape for array in arrays]} and {[array.shape for array in vectors]}")
    network = Network(tuple(int(n) for n in sizes), activations, np.dtype(dtype), loss, loss_parameter, penalty)
    for target, source in zip((*network.weights, *network.biases), (*arrays, *vectors), strict=True):
        target[...] = source
    return network


def shows(estimator: Any, network: Network) -> bool:
    """Whether the estimator's ``coefs_`` and ``intercepts_`` are this network's arrays, none replaced."""
    coefs, intercepts = estimator.coefs_, estimator.intercepts_
    return (
        len(coefs) == len(network.weights) and len(intercepts) == len(network.biases)
        and all(one is other for one, other in zip(coefs, network.weights, strict=True))
        and all(one is other for one, other in zip(intercepts, network.biases, strict=True))
    )


def network_of(estimator: Any) -> Network:
    """Return the network that computes what ``coefs_`` and ``intercepts_`` say: the fitted one, or one made now.

    Parameters
    ----------
    estimator : object
        Whose arrays may have been replaced by the caller's.
    """
    network: Network | None = vars(estimator).get("_network")
    if network is not None and shows(estimator, network):
        return network
    if network is not None and len(network.weights) == len(estimator.coefs_):
        # The parameters may have been set since, to what belongs to the next fit.
        kind = kind_of(network)
    else:
        kind = (estimator._hidden_activations(), *estimator._loss_of_network())
    made = make_network(estimator.coefs_, estimator.intercepts_, *kind)
    if network is not None:
        made.first_layer = network.first_layer
        if made.sizes == network.sizes and made.dtype == network.dtype:
            made.optimizer_state = network.optimizer_state
    return made


def kind_of(network: Network) -> Kind:
    """What a network computes with its arrays."""
    return network.activations, network.loss, network.loss_parameter


def check_net(net: Any) -> MultiLayerNet:
    """`net`, if it is a network of cnet."""
    if not isinstance(net, MultiLayerNet):
        raise TypeError(f"net must be a network of cnet, such as cnet.MultiLayerNet, got {type(net).__name__}")
    return net


def parameters_of(net: MultiLayerNet) -> dict[str, Any]:
    """The parameters of an estimator that has a network's hidden layers."""
    names = ["logistic" if name == "sigmoid" else name for name in net._core.activations]
    same = len(set(names)) == 1
    activation = (names[0] if same else names) if names else "relu"
    return {"hidden_layer_sizes": tuple(net.sizes[1:-1]), "activation": activation}


def scores_network(estimator: Any) -> Network:
    """A copy of the estimator's network whose predictions are the last layer's pre-activations."""
    network = network_of(estimator)
    made = make_network(network.weights, network.biases, network.activations, "squared_error", dtype=network.dtype)
    made.first_layer = network.first_layer
    return made


def hidden_network(network: Network, layers: int) -> Network:
    """A network whose predictions are the activations of a hidden layer, which is number `layers`.

    Its last layer's weights are the identity matrix: each sum has one term that is not zero.
    """
    size, dtype = network.sizes[layers], network.dtype
    weights = [*network.weights[:layers], np.eye(size, dtype=dtype)]
    biases = [*network.biases[:layers], np.zeros(size, dtype)]
    made = make_network(weights, biases, network.activations[:layers], "squared_error", dtype=dtype)
    made.first_layer = network.first_layer
    return made


def state_of(network: Network) -> dict[str, Any]:
    """What a network holds besides its parameters, as plain data for a pickle."""
    state = network.optimizer_state
    return {
        "kind": kind_of(network),
        "first_layer": network.first_layer,
        "optimizer": None if state is None else (state.name, state.arrays, state.steps, state.raw_of(network)),
    }


def with_state(estimator: Any, state: dict[str, Any]) -> Network:
    """A network of the estimator's arrays, with what `state_of` took from another one."""
    network = make_network(estimator.coefs_, estimator.intercepts_, *state["kind"])
    network.first_layer = state["first_layer"]
    if state["optimizer"] is not None:
        name, arrays, steps, raw = state["optimizer"]
        copies = tuple(_copied(pair, network.dtype) for pair in arrays)
        if raw is None:
            network.optimizer_state = OptimizerState(name, copies, steps)
        else:
            average = _copied((network.weights, network.biases), network.dtype)
            network.optimizer_state = OptimizerState(name, copies, steps, _copied(raw, network.dtype), average)
    return network


def _copied(pair: Any, dtype: np.dtype[Any]) -> tuple[tuple[Array, ...], ...]:
    """Weights and biases, in arrays of their own."""
    return tuple(tuple(np.array(array, dtype, order="C") for array in group) for group in pair)
