"""A network as a Python module that needs NumPy and nothing else: a few lines to read, then the weights as base64."""

from __future__ import annotations

import base64
import os
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from ..atomic_file import replacing
from ..checks import check_target, excerpt
from .description import OUTPUTS, Description, describe

if TYPE_CHECKING:
    from ..networks import MultiLayerNet

__all__ = ["numpy", "source_of"]

# Functions of an array in its own type, by the names of activations and outputs, as they stand in the module.
FUNCTIONS = {
    "sigmoid": '''
def sigmoid(a):
    e = np.exp(-np.abs(a))
    return np.where(a < 0, e, e.dtype.type(1)) / (1 + e)
''',
    "tanh": '''
def tanh(a):
    return np.tanh(a)
''',
    "relu": '''
def relu(a):
    return np.maximum(a, 0)
''',
    "leaky_relu": '''
def leaky_relu(a):
    return np.where(a > 0, a, a * a.dtype.type(0.01))
''',
    "elu": '''
def elu(a):
    return np.where(a > 0, a, np.expm1(np.minimum(a, 0)))
''',
    # NumPy has no error function. That of the standard library is exact to the last place, and takes some 60 ns.
    "gelu": '''
erfc = np.frompyfunc(math.erfc, 1, 1)


def gelu(a):
    return a * (erfc(a / -math.sqrt(2)).astype(a.dtype) / 2)
''',
    "silu": '''
def silu(a):
    return a * sigmoid(a)
''',
    "softmax": '''
def softmax(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
''',
    "exp": '''
def exp(s):
    return np.exp(s)
''',
}
# What functions call of the others.
NEEDS = {"silu": ("sigmoid",)}

HEAD = '''\
"""{about}
"""

{imports}
import numpy as np

{functions}'''
ABOUT = """\
A network of cnet {version}: {title}.

Written by cnet.export.numpy; it needs NumPy and nothing else. {inputs}"""
INPUTS = {
    "uint8": "Inputs are pixels, as uint8 or divided by 255.",
    "floats up to 1": "Inputs are numbers up to 1; as uint8, pixels, which are divided by 255.",
    "larger floats": "Inputs are numbers beyond 1, not uint8, which means pixels, to be divided by 255.",
    "unknown": "Inputs are numbers; as uint8, pixels, which are divided by 255.",
}

PASS = '''
@np.errstate(over="ignore", under="ignore")
def scores(x):
    """The last layer's outputs for x, of shape (B, {n_inputs}) or ({n_inputs},)."""
    x = np.asarray(x)
    if x.shape[-1:] != ({n_inputs},):
        raise ValueError(f"x must have shape (B, {n_inputs}) or ({n_inputs},), got {{x.shape}}")
    x = x.astype(np.{dtype}) / np.{dtype}(255) if x.dtype == np.uint8 else x.astype(np.{dtype})
{layers}


@np.errstate(over="ignore", under="ignore")
def predict(x):
    """{meaning}, shape (B, {n_outputs}) or ({n_outputs},)."""
    return {output}
'''
CLASSES = '''

def classify(x):
    """The most probable class of each sample, from 0 to {last}."""
    return scores(x).argmax(axis=-1)
'''
LABELS = '''

def classify(x):
    """Whether each label is more probable than not, 0 or 1: shape (B, {n_outputs}) or ({n_outputs},)."""
    return (scores(x) > 0).astype(int)
'''

ARRAY = '''

def array(text, *shape):
    return np.frombuffer(base64.b64decode(text), "{stored}").reshape(shape)


'''

# Characters of base64 in a line.
WIDTH = 100


def numpy(net: MultiLayerNet, path: str | os.PathLike[str], *, dtype: npt.DTypeLike | None = None) -> None:
    """Write a network as a Python module that needs NumPy and nothing else.

    The module is a few lines to read, and the weights as base64. It has ``predict(x)``, which computes what the
    network's `predict` does, ``scores(x)``, the last layer's outputs before that, and, where the outputs are classes or
    labels, ``classify(x)``. Inputs of type uint8 are divided by 255, as `fit` does.

    Parameters
    ----------
    net : MultiLayerNet or TwoLayerNet
        Trained or not.
    path : str or os.PathLike
        The file to write, as in ``"model.py"``. A leading ``~`` is the user's home folder.
    dtype : float32 or float64, optional
        The type of weights and computation; by default the network's own.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type, if the name does not end in ".py" or is that of a module of Python's or
        of NumPy itself, or if parameters are not finite.
    OSError
        If the file cannot be written; what was there before is still there.

    Notes
    -----
    gelu needs the error function, which NumPy lacks: the module calls ``math.erfc`` for each unit, exact to the last
    place, in some 60 ns.

    Examples
    --------
    >>> import os, runpy, tempfile
    >>> import cnet
    >>> import numpy as np
    >>> net = cnet.MultiLayerNet(4, [3], 2, "gelu", rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.py")
    ...     cnet.export.numpy(net, path)
    ...     model = runpy.run_path(path)
    >>> x = np.array([[0.5, -1.0, 2.0, 0.25]])
    >>> bool(np.abs(model["predict"](x) - net.predict(x)).max() < 1e-6)
    True
    """
    target = check_target("path", path, "Python")
    name = Path(target).name
    if Path(name).suffix != ".py":
        raise ValueError(f"path must end in .py, got {excerpt(name)}")
    if name[:-3] == "numpy" or name[:-3] in sys.stdlib_module_names:
        raise ValueError(f"path must not be {name}: Python, or NumPy, would import it in the place of its own module")
    text = source_of(describe(net, dtype))
    with replacing(target) as file:
        file.write(text.encode("ascii"))


def source_of(net: Description) -> str:
    """The module's text.

    Parameters
    ----------
    net : Description

    Returns
    -------
    str
        Of ASCII characters.
    """
    modules = ["base64", "math"] if "gelu" in net.activations else ["base64"]
    fields: dict[str, Any] = {
        "about": _about(net), "dtype": net.dtype.name,
        "imports": "".join(f"import {name}\n" for name in modules), "functions": "".join(_functions(net)),
        "n_inputs": net.n_inputs, "n_outputs": net.n_outputs, "last": net.n_outputs - 1, "layers": _layers(net),
        "meaning": OUTPUTS[net.output].capitalize(), "stored": net.dtype.newbyteorder("<").str,
        "output": "scores(x)" if net.output == "identity" else f"{net.output}(scores(x))",
    }
    classify = CLASSES if net.has_classes else LABELS if net.has_labels else ""
    return (HEAD + PASS + classify + ARRAY).format(**fields) + _weights(net)


def _about(net: Description) -> str:
    text = ABOUT.format(version=net.version, title=net.title, inputs=INPUTS[net.trained_on])
    # The names of many activations are joined by hyphens.
    return "\n".join(textwrap.fill(line, WIDTH) for line in text.splitlines())


def _functions(net: Description) -> list[str]:
    """The sources of all functions that are called, each once and after those that it calls."""
    names = [needed for name in (*net.activations, net.output) for needed in (*NEEDS.get(name, ()), name)]
    return [f"{FUNCTIONS[name]}\n" for name in dict.fromkeys(names) if name != "identity"]


def _layers(net: Description) -> str:
    lines = []
    for number, layer in enumerate(net.layers, 1):
        affine = f"x @ W{number} + b{number}"
        value = affine if layer.activation == "identity" else f"{layer.activation}({affine})"
        lines.append(f"    x = {value}" if number < len(net.layers) else f"    return {value}")
    return "\n".join(lines)


def _weights(net: Description) -> str:
    lines = []
    for number, layer in enumerate(net.layers, 1):
        for name, array in ((f"W{number}", layer.weights), (f"b{number}", layer.biases)):
            data = base64.b64encode(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()).decode("ascii")
            rows = "\n".join(data[start : start + WIDTH] for start in range(0, len(data), WIDTH))
            lines.append(f'{name} = array("""\n{rows}\n""", {", ".join(map(str, array.shape))})\n')
    return "".join(lines)
