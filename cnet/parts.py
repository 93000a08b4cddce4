"""The parts that a network is made of when they come from outside: a model file, a checkpoint, a pickle.

They are checked here, once, before any memory is taken for them.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .activations import ACTIVATIONS
from .checks import check_number, excerpt, printable
from .core._network import FIRST_LAYERS
from .history import History
from .losses import LOSSES, CrossEntropy, Loss, loss_of
from .optimizers import OPTIMIZERS
from .trained_on import KINDS

__all__ = ["NAMES", "TWO_LAYERS", "OptimizerParts", "Parts", "check_parts", "parameter_names", "whole"]

Array = npt.NDArray[Any]
# The most layers that have weights.
MOST_LAYERS = 17
# What files and states call a network of the chapter's signature.
TWO_LAYERS = "TwoLayerNet"
# Numbers beside the arrays, and how many bits each has in the stream of random numbers.
COUNTERS = {"seed": 64, "epochs": 32, "iterations": 64}
# An optimizer's number of steps has as many bits as a float64 holds.
STEPS = 2**53


def parameter_names(n_layers: int) -> tuple[str, ...]:
    """Return W1, b1, ..., Wn, bn.

    Examples
    --------
    >>> parameter_names(2)
    ('W1', 'b1', 'W2', 'b2')
    """
    return tuple(f"{letter}{layer}" for layer in range(1, n_layers + 1) for letter in "Wb")


NAMES = parameter_names(2)


class OptimizerParts(NamedTuple):
    """The checked state of an optimizer: for each array of state, one for each parameter, by name.

    `raw` are the parameters that are not averaged, where the network's are averages.
    """

    name: str
    steps: int
    arrays: tuple[dict[str, Array], ...]
    raw: dict[str, Array] | None


class Parts(NamedTuple):
    """Checked parts: of the right types, and fitting each other."""

    tensors: dict[str, Array]
    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    dtype: np.dtype[Any]
    seed: int
    epochs: int
    iterations: int
    history: History | None
    trained_on: str
    loss: Loss
    weight_decay_lambda: float
    first_layer: str
    optimizer: OptimizerParts | None


def check_parts(
    tensors: Any, *, kind: str, sizes: Any, activation: Any, seed: Any, epochs: Any, iterations: Any,
    dtype: Any = None, history: Any = None, trained_on: Any = KINDS[0], loss: Any = CrossEntropy.name,
    loss_parameter: Any = 0.0, weight_decay_lambda: Any = 0.0, first_layer: Any = FIRST_LAYERS[0],
    optimizer_state: Any = None,
) -> Parts:
    """Check the parts of a network, about which nothing is known yet.

    Parameters
    ----------
    tensors : mapping of str to numpy.ndarray
        ``W1 (I, H1)``, ``b1 (H1,)``, ..., ``bn (O,)``, all float32 or all float64.
    kind : str
        "TwoLayerNet", of which there is less to choose, or "MultiLayerNet".
    sizes : list or tuple of int
        Inputs, units of each hidden layer, outputs; each at least 1.
    activation : str, or list or tuple of str
    seed, epochs, iterations : int
    dtype : str or numpy.dtype, optional
        The type of the tensors, where it is told apart from them.
    history : History, optional
    trained_on : str, optional
        The kind of inputs, one of ``trained_on.KINDS``.
    loss : str
        A name in ``losses.LOSSES``.
    loss_parameter, weight_decay_lambda : float
    first_layer : str
    optimizer_state : dict, optional
        ``name``, ``steps``; ``arrays``: for each array of state i and each parameter p, ``"i.p"``; perhaps ``raw``,
        None or a mapping as `tensors`.

    Raises
    ------
    TypeError, ValueError
        If one of them is missing, of the wrong type or size, or does not fit the others; the message
        names it.
    """
    checked_sizes = _check_sizes(sizes, kind)
    names = parameter_names(len(checked_sizes) - 1)
    arrays = _check_tensors(tensors, names, checked_sizes)
    own = arrays["W1"].dtype.newbyteorder("=")
    if dtype is not None and not (isinstance(dtype, str | np.dtype) and str(dtype) == own.name):
        raise ValueError(f"dtype is {_shown(dtype)}, but the tensors are {own}")
    activations = _check_activation(activation, len(checked_sizes) - 2, kind)
    if history is not None and not isinstance(history, History):
        raise TypeError(f"history must be a cnet.History or None, got {_shown(history)}")
    counters = {"seed": seed, "epochs": epochs, "iterations": iterations}
    counted = {name: whole(name, value, 0, 2 ** COUNTERS[name] - 1) for name, value in counters.items()}
    loss_function = _check_loss(loss, loss_parameter)
    decay = _number("weight_decay_lambda", weight_decay_lambda)
    if kind == TWO_LAYERS and (loss_function != CrossEntropy() or decay):
        raise ValueError(f"a {kind} has cross-entropy and no weight decay, got {_shown(loss)} and {decay:g}")
    return Parts(
        arrays, checked_sizes, activations, own, **counted, history=history,
        trained_on=_choice("trained_on", trained_on, KINDS), loss=loss_function, weight_decay_lambda=decay,
        first_layer=_choice("first_layer", first_layer, FIRST_LAYERS),
        optimizer=_check_optimizer(optimizer_state, names, checked_sizes, own),
    )


def _check_sizes(sizes: Any, kind: str) -> tuple[int, ...]:
    if not isinstance(sizes, list | tuple):
        raise TypeError(f"sizes must be a list of integers, got {_shown(sizes)}")
    if kind == TWO_LAYERS and len(sizes) != 3:
        raise ValueError(f"expected three sizes (inputs, hidden units, outputs), got {len(sizes)}")
    if not 2 <= len(sizes) <= MOST_LAYERS + 1:
        raise ValueError(f"expected 2 to {MOST_LAYERS + 1} sizes (inputs, hidden units, outputs), got {len(sizes)}")
    return tuple(whole("size", size, 1, 2**31 - 1) for size in sizes)


def _check_activation(activation: Any, n_hidden: int, kind: str) -> tuple[str, ...]:
    """One name for each hidden layer."""
    if isinstance(activation, str):
        return (_choice("activation", activation, tuple(ACTIVATIONS)),) * n_hidden
    if kind == TWO_LAYERS or not isinstance(activation, list | tuple):
        also = "" if kind == TWO_LAYERS else " or a list of strings"
        raise TypeError(f"activation must be a string{also}, got {_shown(activation)}")
    if len(activation) != n_hidden:
        raise ValueError(f"expected an activation for each of {n_hidden} hidden layers, got {len(activation)}")
    return tuple(_choice("activation", each, tuple(ACTIVATIONS)) for each in activation)


def _check_loss(loss: Any, parameter: Any) -> Loss:
    name = _choice("loss", loss, tuple(LOSSES))
    number = _number("loss_parameter", parameter)
    try:
        return loss_of(name, number)
    except ValueError as error:
        raise ValueError(f"loss_parameter of {name}: {error}") from None


def _shapes(names: tuple[str, ...], sizes: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return {
        name: sizes[i // 2:i // 2 + 2] if i % 2 == 0 else (sizes[i // 2 + 1],) for i, name in enumerate(names)
    }


def _check_tensors(
    tensors: Any, names: tuple[str, ...], sizes: tuple[int, ...], prefix: str = ""
) -> dict[str, Array]:
    """Arrays of the right names, shapes and one type; errors name them with `prefix`."""
    if not isinstance(tensors, Mapping):
        raise TypeError(f"expected a mapping of {', '.join(names)} to arrays, got {_shown(tensors)}")
    if set(tensors) != set(names):
        given = printable(", ".join(sorted(map(str, tensors)))[:200])
        raise ValueError(f"expected the tensors {prefix}{', '.join(names)}, got {given}")
    for name, shape in _shapes(names, sizes).items():
        array = tensors[name]
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{prefix}{name} must be a numpy.ndarray, got {_shown(array)}")
        if array.dtype.newbyteorder("=") not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise TypeError(f"{prefix}{name} must be float32 or float64, got {array.dtype}")
        if array.shape != shape:
            raise ValueError(f"{prefix}{name} is {array.dtype}{array.shape}, expected the shape {shape}")
        if array.dtype != tensors["W1"].dtype:
            raise ValueError(f"{prefix}{name} is {array.dtype} but W1 is {tensors['W1'].dtype}; expected one type")
    return {name: tensors[name] for name in names}


def _check_optimizer(
    state: Any, names: tuple[str, ...], sizes: tuple[int, ...], dtype: np.dtype[Any]
) -> OptimizerParts | None:
    """The state of an optimizer, whose arrays the core copies without another look at their sizes."""
    if state is None:
        return None
    if not isinstance(state, dict) or set(state) | {"raw"} != {"name", "steps", "arrays", "raw"}:
        raise TypeError(f"optimizer_state must be a dict of name, steps, arrays and raw, or None, got {_shown(state)}")
    name = _choice("optimizer", state["name"], tuple(OPTIMIZERS))
    steps = whole("optimizer_steps", state["steps"], 0, STEPS)
    n_states, given = OPTIMIZERS[name].n_states, state["arrays"]
    if not isinstance(given, Mapping):
        raise TypeError(f"the optimizer's arrays must be a mapping, got {_shown(given)}")
    expected = {f"{i}.{each}" for i in range(n_states) for each in names}
    if set(given) != expected:
        wrong = sorted(map(str, expected.symmetric_difference(given)))
        raise ValueError(
            f"the state of {name} is {n_states} arrays for each parameter; missing or unknown: {excerpt(wrong, 120)}")
    arrays = [
        _check_state({each: given[f"{i}.{each}"] for each in names}, names, sizes, dtype, f"optimizer.{i}.")
        for i in range(n_states)
    ]
    raw = state.get("raw")
    if raw is not None:
        raw = _check_state(raw, names, sizes, dtype, "raw.")
    return OptimizerParts(name, steps, tuple(arrays), raw)


def _check_state(
    tensors: Any, names: tuple[str, ...], sizes: tuple[int, ...], dtype: np.dtype[Any], prefix: str
) -> dict[str, Array]:
    """An array for each parameter, of its shape and type."""
    arrays = _check_tensors(tensors, names, sizes, prefix)
    if arrays["W1"].dtype.newbyteorder("=") != dtype:
        raise ValueError(f"the optimizer's state is {arrays['W1'].dtype}, but the parameters are {dtype}")
    return arrays


def _choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {_shown(value)}")
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {_shown(value)}")
    return value


def _number(name: str, value: Any) -> float:
    if not isinstance(value, int | float) or (isinstance(value, int) and value.bit_length() > 200):
        raise TypeError(f"{name} must be a number, got {_shown(value)}")
    return check_number(name, value, positive=False)


def whole(name: str, value: Any, least: int, most: int) -> int:
    """`value` as an int from `least` to `most`, or an error that names it."""
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, got {value}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {_shown(value)}") from None
    if not least <= number <= most:
        raise ValueError(f"{name} must be from {least} to {most}, got {_shown(number)}")
    return number


def _shown(value: Any) -> str:
    """A value for an error's line: of what a file or a pickle may hold, text and numbers; else its type."""
    # Python refuses to write out a number of thousands of digits.
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number of more than 60 digits"
    return excerpt(value) if value is None or isinstance(value, str | int | float) else type(value).__name__
