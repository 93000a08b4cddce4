"""The parts that a network is made of when they come from outside: a model file, a checkpoint, a pickle.

They are checked here, once, before any memory is taken for them.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .checks import excerpt, printable
from .core._network import ACTIVATIONS
from .guarded_json import parse_json, parse_whole
from .history import History
from .trained_on import KINDS

__all__ = ["NAMES", "Parts", "check_parts", "parts_of_file"]

Array = npt.NDArray[Any]
NAMES = ("W1", "b1", "W2", "b2")
FORMAT_VERSION = "1"
# Numbers beside the arrays, and how many bits each has in the stream of random numbers.
COUNTERS = {"seed": 64, "epochs": 32, "iterations": 64}


class Parts(NamedTuple):
    """Checked parts: of the right types, and fitting each other."""

    tensors: dict[str, Array]
    sizes: tuple[int, int, int]
    activation: str
    dtype: np.dtype[Any]
    seed: int
    epochs: int
    iterations: int
    history: History | None
    trained_on: str


def check_parts(
    tensors: Any, *, sizes: Any, activation: Any, seed: Any, epochs: Any, iterations: Any, dtype: Any = None,
    history: Any = None, trained_on: Any = "unknown",
) -> Parts:
    """Check the parts of a network, about which nothing is known yet.

    Parameters
    ----------
    tensors : mapping of str to numpy.ndarray
        ``W1 (I, H)``, ``b1 (H,)``, ``W2 (H, O)``, ``b2 (O,)``, all float32 or all float64.
    sizes : list or tuple of int
        Inputs, hidden units, outputs; each at least 1.
    activation : str
    seed, epochs, iterations : int
    dtype : str or numpy.dtype, optional
        The type of the tensors, where it is told apart from them.
    history : History, optional
    trained_on : str, optional
        The kind of inputs, one of ``trained_on.KINDS``.

    Raises
    ------
    TypeError, ValueError
        If one of them is missing, of the wrong type or size, or does not fit the others; the message
        names it.
    """
    checked_sizes = _check_sizes(sizes)
    arrays = _check_tensors(tensors, checked_sizes)
    own = arrays["W1"].dtype.newbyteorder("=")
    if dtype is not None and not (isinstance(dtype, str | np.dtype) and str(dtype) == own.name):
        raise ValueError(f"dtype is {_shown(dtype)}, but the tensors are {own}")
    if not isinstance(activation, str):
        raise TypeError(f"activation must be a string, got {_shown(activation)}")
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(map(repr, ACTIVATIONS))}, got {_shown(activation)}")
    if history is not None and not isinstance(history, History):
        raise TypeError(f"history must be a cnet.History or None, got {_shown(history)}")
    if not isinstance(trained_on, str) or trained_on not in KINDS:
        raise ValueError(f"trained_on must be one of {', '.join(map(repr, KINDS))}, got {_shown(trained_on)}")
    counters = {"seed": seed, "epochs": epochs, "iterations": iterations}
    whole = {name: _whole(name, value, 0, 2 ** COUNTERS[name] - 1) for name, value in counters.items()}
    return Parts(arrays, checked_sizes, activation, own, **whole, history=history, trained_on=trained_on)


def parts_of_file(tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> Parts:
    """The parts in what ``read_model`` returns; ValueError or TypeError if they are not those of a network."""
    version = metadata.get("cnet_format")
    if version != FORMAT_VERSION:
        raise ValueError(f"format version {_shown(version)}, this cnet reads {FORMAT_VERSION!r}")
    missing = [name for name in ("sizes", "activation", *COUNTERS) if name not in metadata]
    if missing:
        raise ValueError(f"{', '.join(missing)} missing in its metadata")
    text = metadata["sizes"]
    try:
        sizes = parse_json(text, max_depth=1)
    except ValueError:
        sizes = None
    if not isinstance(sizes, list) or len(sizes) != 3:
        raise ValueError(f"expected three sizes, got {_shown(text)}")
    counters = {name: _number_of_text(name, metadata[name]) for name in COUNTERS}
    # Files of earlier versions do not tell it.
    trained_on = metadata.get("trained_on", KINDS[0])
    return check_parts(
        tensors, sizes=sizes, activation=metadata["activation"], trained_on=trained_on, **counters
    )


def _check_sizes(sizes: Any) -> tuple[int, int, int]:
    if not isinstance(sizes, list | tuple):
        raise TypeError(f"sizes must be a list of three integers, got {_shown(sizes)}")
    if len(sizes) != 3:
        raise ValueError(f"expected three sizes (inputs, hidden units, outputs), got {len(sizes)}")
    n_in, n_hidden, n_out = (_whole("size", size, 1, 2**31 - 1) for size in sizes)
    return n_in, n_hidden, n_out


def _check_tensors(tensors: Any, sizes: tuple[int, int, int]) -> dict[str, Array]:
    n_in, n_hidden, n_out = sizes
    shapes = {"W1": (n_in, n_hidden), "b1": (n_hidden,), "W2": (n_hidden, n_out), "b2": (n_out,)}
    if not isinstance(tensors, Mapping):
        raise TypeError(f"expected a mapping of {', '.join(NAMES)} to arrays, got {_shown(tensors)}")
    if set(tensors) != set(NAMES):
        given = printable(", ".join(sorted(map(str, tensors)))[:200])
        raise ValueError(f"expected the tensors {', '.join(NAMES)}, got {given}")
    for name, shape in shapes.items():
        array = tensors[name]
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{name} must be a numpy.ndarray, got {_shown(array)}")
        if array.dtype.newbyteorder("=") not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise TypeError(f"{name} must be float32 or float64, got {array.dtype}")
        if array.shape != shape:
            raise ValueError(f"{name} is {array.dtype}{array.shape}, expected the shape {shape}")
        if array.dtype != tensors["W1"].dtype:
            raise ValueError(f"{name} is {array.dtype} but W1 is {tensors['W1'].dtype}; expected one type")
    return {name: tensors[name] for name in NAMES}


def _whole(name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, got {value}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {_shown(value)}") from None
    if not least <= number <= most:
        raise ValueError(f"{name} must be from {least} to {most}, got {_shown(number)}")
    return number


def _number_of_text(name: str, text: str) -> int:
    largest = 2 ** COUNTERS[name] - 1
    try:
        return parse_whole(text, largest)
    except ValueError:
        raise ValueError(f"{name} must be from 0 to {largest}, got {excerpt(text)}") from None


def _shown(value: Any) -> str:
    """A value for an error's line: of what a file or a pickle may hold, text and numbers; else its type."""
    # Python refuses to write out a number of thousands of digits.
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number of more than 60 digits"
    return excerpt(value) if value is None or isinstance(value, str | int | float) else type(value).__name__
