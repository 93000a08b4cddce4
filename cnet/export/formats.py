"""The formats that ``cnet export`` knows, and how each is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .c_source import c
from .numpy_module import numpy
from .onnx_model import onnx

__all__ = ["FORMATS", "Format"]


class Format(NamedTuple):
    """One format.

    Attributes
    ----------
    suffix : str
        How its files' names end; with it ``cnet export`` finds the format.
    what : str
        What is written, in a few words, for the help.
    write : callable
        ``write(net, path, **options)``.
    options : tuple of str
        The options of ``cnet export`` that it takes, by the names that `write` has for them ("x" is ``--data``).
    beside : tuple of str
        The endings of further files that it writes beside the one named.
    """

    suffix: str
    what: str
    write: Callable[..., Any]
    options: tuple[str, ...]
    beside: tuple[str, ...] = ()


# By name: the only list of them.
FORMATS: dict[str, Format] = {
    "numpy": Format(".py", "a Python module that needs NumPy alone", numpy, ("dtype",)),
    "c": Format(".c", "C99 with a header beside it, for devices", c, ("name", "weights", "x"), (".h",)),
    "onnx": Format(".onnx", "an ONNX model, for ONNX Runtime and others", onnx, ("dtype", "opset", "pixels")),
}
