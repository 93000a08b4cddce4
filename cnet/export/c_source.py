"""A network as C: a source file with the weights as constants, and its header; no allocation, and math.h alone.

Sums are made as cnet makes them: one chain for each unit, in the order of the inputs. An input's weights for all
units stand side by side, so that a compiler makes vector instructions of the loop over units without being
allowed to reorder sums, and an input that is 0 (a black pixel, a unit that relu has switched off) costs one comparison.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..atomic_file import replacing
from ..checks import check_choice, check_target, excerpt
from ..open_files import open_regular
from . import c_text
from .description import OUTPUTS, Description, describe
from .rounding import Rounding, measured, quantized

if TYPE_CHECKING:
    from ..networks import MultiLayerNet

__all__ = ["c"]

Array = npt.NDArray[Any]

WEIGHTS = ("float32", "int8")

# C99 promises to tell names apart by their first 31 letters.
MOST_LETTERS = 31
IDENTIFIER = re.compile(rf"[A-Za-z][A-Za-z0-9_]{{0,{MOST_LETTERS - 1}}}")
# A compiler needs some hundred bytes of memory for each number.
MOST_PARAMETERS = 10_000_000
# What every header of ours has in its first kilobyte.
MARK = b"Written by cnet.export.c"

INPUTS = {
    "uint8": "pixels divided by 255, or bytes for {name}_predict_pixels",
    "floats up to 1": "numbers up to 1",
    "larger floats": "numbers beyond 1",
    "unknown": "numbers",
}


class _Stored(NamedTuple):
    """A layer as it is written; the scales are None where weights are floats."""

    weights: Array
    biases: npt.NDArray[np.float32]
    scales: npt.NDArray[np.float32] | None
    activation: str

    @property
    def value(self) -> Array:
        """The weights that these stand for."""
        return self.weights if self.scales is None else self.weights * self.scales.astype(np.float64)

    @property
    def n_bytes(self) -> int:
        return sum(array.nbytes for array in (self.weights, self.biases, self.scales) if array is not None)


def c(
    net: MultiLayerNet, path: str | os.PathLike[str], *, name: str | None = None, weights: str = "float32",
    x: npt.ArrayLike | None = None,
) -> Rounding:
    """Write a network as C99: a source file, and a header beside it.

    The code allocates nothing and needs math.h alone. It has ``void NAME_predict(const float *x, float *y)``, which
    computes what `predict` does; ``NAME_predict_pixels``, the same of bytes from 0 to 255, which are divided by 255;
    both once more with ``_with`` at the end and memory of the caller's to work in, which makes them re-entrant; and,
    where outputs are classes, ``int NAME_class(const float *y)``.

    Parameters
    ----------
    net : MultiLayerNet or TwoLayerNet
        Trained or not.
    path : str or os.PathLike
        The source file to write, as in ``"model.c"``; the header is ``"model.h"``. A leading ``~`` is the user's home
        folder.
    name : str, optional
        What all names in C begin with, so that a program may have several networks: 1 to 31 letters, digits and
        underscores, with a letter first. By default the file's name without ".c".
    weights : "float32" or "int8", default "float32"
        How weights are stored. int8 takes a quarter of the memory: integers from -127 to 127, and a scale for each
        unit. Biases and all arithmetic are float32.
    x : array_like, shape (B, I), optional
        Samples to measure on what rounding the weights changes. By default 1,000: drawn digits for a network of 784
        inputs and 10 classes, and random numbers for others, which tell less.

    Returns
    -------
    Rounding
        What the rounding of the weights changes; it also stands at the head of both files. It is 0 for float32
        weights of a float32 network.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type, if the file's name does not end in ".c" or cannot stand in an #include, if
        `name` cannot begin a name in C, if parameters are not finite as float32, or if there are more
        than ten million.
    OSError
        If a file cannot be written; FileExistsError if the header would replace a file that is not such a header.

    Notes
    -----
    A float64 network is rounded to float32. Compilers may contract ``a * b + c`` into one instruction, so the last
    digits depend on them: predictions agree to 1e-5.

    Examples
    --------
    >>> import os, tempfile
    >>> import cnet
    >>> net = cnet.MultiLayerNet(4, [3], 2, "gelu", rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rounding = cnet.export.c(net, os.path.join(folder, "model.c"), weights="int8")
    ...     sorted(os.listdir(folder))
    ['model.c', 'model.h']
    >>> rounding.bytes, rounding.largest < 0.02
    (58, True)
    """
    target = Path(check_target("path", path, "C"))
    if target.suffix != ".c":
        raise ValueError(f"path must end in .c, got {excerpt(target.name)}")
    if not all(letter.isalnum() or letter in "._+- " for letter in target.stem):
        raise ValueError(
            f"path must have a name of letters, digits, '.', '_', '+', '-' and spaces, got {excerpt(target.name)}: it "
            "stands in an #include"
        )
    header = target.with_suffix(".h")
    _refuse_foreign(header)
    if os.path.realpath(header) == os.path.realpath(target):
        raise ValueError(f"path must not be its header: {header} and {target} are one file")
    name = _checked_name(name, target.stem)
    check_choice("weights", weights, WEIGHTS)
    single = describe(net, np.float32)
    samples = None if x is None else _checked_samples(x, single.n_inputs)
    if single.n_parameters > MOST_PARAMETERS:
        raise ValueError(f"at most {MOST_PARAMETERS:,} parameters are written as C, this network has "
                         f"{single.n_parameters:,}")
    layers = [_stored(layer.weights, layer.biases, layer.activation, weights) for layer in single.layers]
    rounding = measured(
        describe(net), [layer.value for layer in layers], [layer.biases for layer in layers],
        sum(layer.n_bytes for layer in layers), samples,
    )
    fields = _fields(single, layers, name, weights, rounding) | {"header": header.name}
    with replacing(str(header)) as file, replacing(str(target)) as source:
        file.write(c_text.HEADER.format(**fields).encode())
        source.write(c_text.SOURCE.format(**fields).encode())
    return rounding


def _checked_samples(x: npt.ArrayLike, n_inputs: int) -> Array:
    """Samples as an array; what its values must be, `predict` says."""
    samples = np.asarray(x)
    if samples.ndim != 2 or not len(samples):
        raise ValueError(f"x must have shape (N, {n_inputs}) and at least one row, got {samples.shape}")
    return samples


def _refuse_foreign(header: Path) -> None:
    """The user named the source: a header that was not written here must not be lost."""
    if header.is_file():
        with open_regular(str(header)) as file:
            if MARK in file.read(1024):
                return
        raise FileExistsError(
            f"{header} is there and is not a header that cnet wrote; give the source file another name"
        )


def _checked_name(name: str | None, stem: str) -> str:
    rule = f"1 to {MOST_LETTERS} letters (a to z), digits and underscores, a letter first"
    if name is None:
        name = re.sub(r"[^A-Za-z0-9_]", "_", stem)
        if not IDENTIFIER.fullmatch(name):
            raise ValueError(f"name must be given, of {rule}: {excerpt(stem)} cannot begin a name in C")
    elif not isinstance(name, str):
        raise TypeError(f"name must be a string, got {type(name).__name__}")
    elif not IDENTIFIER.fullmatch(name):
        raise ValueError(f"name must be {rule}, got {excerpt(name)}")
    return name


def _stored(weights: Array, biases: Array, activation: str, form: str) -> _Stored:
    if form == "float32":
        return _Stored(weights, biases, None, activation)
    integers, scales = quantized(weights)
    return _Stored(integers, biases, scales, activation)


def _fields(net: Description, layers: list[_Stored], name: str, form: str, rounding: Rounding) -> dict[str, Any]:
    """What fills the gaps of the templates."""
    hidden = [layer.n_outputs for layer in net.layers[:-1]]
    # Hidden layers lie in two buffers in turn.
    first, second = max(hidden[0::2], default=0), max(hidden[1::2], default=0)
    n_work = max(1, first + second)
    fields: dict[str, Any] = {
        "name": name, "title": net.title, "version": net.version, "weights": form, "rounding": rounding,
        "bytes": f"{rounding.bytes:,}", "static_bytes": f"{4 * n_work:,}", "n_inputs": net.n_inputs,
        "n_outputs": net.n_outputs, "n_work": n_work, "inputs": INPUTS[net.trained_on].format(name=name),
        "meaning": OUTPUTS[net.output], "functions": "".join(_functions(net, name)),
        "arrays": "\n".join(_arrays(name, layers)), "layers": "\n".join(_calls(net, name, form, first)),
    }
    templates = {"head": c_text.HEAD, "affine": c_text.AFFINE[form], "class_header": "", "class_source": ""}
    if net.has_classes:
        templates |= {"class_header": c_text.CLASS_HEADER, "class_source": c_text.CLASS_SOURCE}
    return fields | {gap: text.format(**fields) for gap, text in templates.items()}


def _functions(net: Description, name: str) -> list[str]:
    """The functions of units that are called, each once and after what it calls."""
    called = [each for each in dict.fromkeys((*net.activations, net.output)) if each != "identity"]
    texts = [c_text.LOGISTIC.format(name=name)] if {"sigmoid", "silu"} & set(called) else []
    for each in called:
        text = c_text.SOFTMAX if each == "softmax" else c_text.EACH_UNIT
        unit = c_text.UNITS.get(each, "").format(name=name)
        texts.append(text.format(name=name, function=each, unit=unit))
    return texts


def _arrays(name: str, layers: list[_Stored]) -> list[str]:
    texts = []
    for number, layer in enumerate(layers, 1):
        n_in, n_out = layer.weights.shape
        texts.append(_array(f"{name}_W{number}", layer.weights, f"Weights of {n_out} units for each of {n_in} inputs"))
        if layer.scales is not None:
            texts.append(_array(f"{name}_s{number}", layer.scales, "The units' scales"))
        texts.append(_array(f"{name}_b{number}", layer.biases, "Biases"))
    return texts


def _array(name: str, array: Array, what: str) -> str:
    """A constant, some numbers in a line; floats in the shortest form that gives the same bits."""
    kind, suffix, per_line = ("signed char", "", 20) if array.dtype == np.int8 else ("float", "f", 8)
    flat = array.reshape(-1)
    lines = []
    # Some lines at a time: as NumPy's strings numbers take thirty times their bytes.
    for start in range(0, flat.size, 1_000 * per_line):
        numbers = [number + suffix for number in flat[start : start + 1_000 * per_line].astype(str).tolist()]
        lines += ["    " + ", ".join(numbers[i : i + per_line]) for i in range(0, len(numbers), per_line)]
    return c_text.ARRAY.format(what=what, type=kind, name=name, size=flat.size, numbers=",\n".join(lines))


def _calls(net: Description, name: str, form: str, first: int) -> list[str]:
    """The statements that take an input through the layers."""
    lines, source = [], "x, pixels"
    for number, layer in enumerate(net.layers, 1):
        last = number == len(net.layers)
        target = "y" if last else "work" if number % 2 else f"work + {first}"
        arrays = [f"{name}_{kind}{number}" for kind in ("Wsb" if form == "int8" else "Wb")]
        lines.append(f"{name}_affine({source}, {layer.n_inputs}, {', '.join(arrays)}, {layer.n_outputs}, {target});")
        function = net.output if last else layer.activation
        if function != "identity":
            lines.append(f"{name}_{function}({target}, {layer.n_outputs});")
        source = f"{target}, 0"
    if len(net.layers) == 1:
        # Nothing lies there.
        lines.append("(void)work;")
    return [f"    {line}" for line in lines]
