"""A network of an ONNX file: the layers and activations that its graph computes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..checks import excerpt, listed
from ..export.onnx_model import import_onnx
from ..losses import LOSSES, Loss, as_loss, loss_of
from ..open_files import Source, as_source, named, open_regular, read_pieces
from ..trained_on import KINDS
from .assembled import assembled
from .onnx_graph import Graph, Value, read_graph

if TYPE_CHECKING:
    from ..networks import MultiLayerNet

__all__ = ["from_onnx"]

Array = npt.NDArray[Any]

# What protocol buffers can hold.
MOST_BYTES = 2**31
# What computes predictions of scores: (the loss, unless others have it, too).
OUTPUTS = {
    "Softmax": "cross_entropy", "LogSoftmax": "cross_entropy", "Sigmoid": "binary_cross_entropy", "Exp": "poisson",
}
# What leaves rows as they are.
PASSED_OVER = ("Identity", "Flatten", "Dropout", "Reshape")


def from_onnx(
    path: Source, loss: str | Loss | None = None, *, rng: int | np.random.Generator | None = None
) -> MultiLayerNet:
    """Read a network from an ONNX file that `cnet.export.onnx` wrote, or another program from such a network.

    Parameters
    ----------
    path : str, os.PathLike or binary file open for reading
        A leading ``~`` is the user's home folder.
    loss : str or an object of cnet.losses, optional
        What the outputs mean, where the file does not say it: files of cnet do, and Softmax, LogSoftmax, Sigmoid and
        Exp at the end do. Without these the model returns scores, as for `from_torch`.
    rng : None, int or numpy.random.Generator
        The seed of mini-batches, should the network be trained further.

    Returns
    -------
    MultiLayerNet
        It predicts what the model's output is that is no label; the exponentials of it where that is LogSoftmax.

    Raises
    ------
    TypeError
        If `path` is neither a path nor an open binary file.
    OSError
        If the file cannot be read.
    ValueError
        If it is no ONNX file, is truncated or damaged, has its parameters in other files, or computes what a network
        of cnet does not; the message says what was found. Also if nothing says what the outputs mean.
    ModuleNotFoundError
        If the package onnx is not installed.

    See Also
    --------
    cnet.export.onnx : Writes such files.

    Notes
    -----
    The graph has one input, of numbers, or of uint8 which are divided by 255. Layers are Gemm, or MatMul and Add.
    Activations are single operators, or made of several, as they are written for old sets of operators. Identity,
    Dropout, and Flatten or Reshape to rows are passed over. Nothing but the file itself is opened.

    Examples
    --------
    >>> import cnet, io
    >>> cnet.exchange.from_onnx(io.BytesIO(b"no model"))
    Traceback (most recent call last):
    ValueError: cannot read the open BytesIO: it is not an ONNX file, or is truncated or damaged: ...
    """
    source = as_source("path", path, "read")
    given = None if loss is None else as_loss(loss)
    library = import_onnx("cnet.exchange.from_onnx")
    try:
        if isinstance(source, str):
            with open_regular(source) as file:
                data = b"".join(read_pieces(file, MOST_BYTES))
        else:
            data = b"".join(read_pieces(source, MOST_BYTES))
        if len(data) == MOST_BYTES:
            raise ValueError("it is longer than an ONNX file can be")
        return _network(read_graph(library, data), given, rng)
    except ValueError as error:
        if isinstance(error, OSError):
            raise
        raise ValueError(f"cannot read {named(source)}: {error}") from None


class _Affine(NamedTuple):
    """A layer without its activation, and what it takes."""

    weight: Array
    bias: Array
    before: Value


def _network(graph: Graph, given: Loss | None, rng: int | np.random.Generator | None) -> MultiLayerNet:
    predictions = _predictions(graph)
    scores = _through(_first(predictions)) if predictions.operator in OUTPUTS else predictions
    if predictions.operator.endswith("Softmax") and predictions.attributes.get("axis", -1) not in (1, -1):
        raise predictions.refuse("goes along another axis than that of the classes")
    layers, activations = [_affine(scores)], list[str]()
    while not _is_input(graph, layers[0].before):
        activation, value = _activation(layers[0].before)
        activations.insert(0, activation)
        layers.insert(0, _affine(value))
    _check_labels(graph, predictions, scores)
    _check_shapes(graph, layers, scores)
    metadata = graph.metadata if graph.producer == "cnet" else {}
    kind = metadata.get("trained_on", KINDS[0])
    trained_on = "uint8" if graph.input_type == "uint8" else kind if kind in KINDS else KINDS[0]
    return assembled([layer.weight for layer in layers], [layer.bias for layer in layers], activations,
                     _loss(predictions, metadata, given), rng, trained_on)


def _through(value: Value | None) -> Value:
    """A value before what leaves it as it is."""
    if value is None:
        raise ValueError("an operator has no first input")
    while value.operator in PASSED_OVER:
        if value.operator == "Reshape":
            # The graph was refused if rows were not those of samples; how long they are, `_check_shapes` looks.
            value = _first(value)
            continue
        if value.operator == "Flatten" and value.attributes.get("axis", 1) != 1:
            raise value.refuse("does not make a row of each sample")
        if len(value.inputs) > 2 or not value.inputs or value.inputs[0] is None:
            raise value.refuse("is meant for training")
        value = value.inputs[0]
    return value


# ---- outputs and inputs ----------------------------------------------------------


def _predictions(graph: Graph) -> Value:
    """The output that is no label."""
    found = [value for value in graph.outputs if value.operator not in ("ArgMax", "Cast")]
    if len(found) != 1:
        raise ValueError(f"it has {len(found)} outputs that are no labels, a network of cnet has one: "
                         f"{excerpt([value.name for value in found])}")
    return _through(found[0])


def _check_labels(graph: Graph, predictions: Value, scores: Value) -> None:
    """Labels must be those of the network's predictions."""
    for value in graph.outputs:
        if value.operator == "ArgMax":
            is_own = value.attributes.get("axis", 0) in (1, -1) and _first(value) in (predictions, scores)
        elif value.operator == "Cast":
            compared = _first(value)
            bounds = {id(scores): 0.0, id(predictions): 0.5} if predictions is not scores else {id(scores): 0.0}
            bound = bounds.get(id(_first(compared)))
            is_own = compared.operator == "Greater" and bound is not None and _is_number(_second(compared), bound)
        else:
            continue
        if not is_own:
            raise value.refuse("is an output that is not made of the predictions as a network of cnet does")


def _is_input(graph: Graph, value: Value) -> bool:
    """Whether it is the model's input, as the first layer takes it."""
    value = _through(value)
    if graph.input_type != "uint8":
        # Some programs begin with a cast to the same type.
        same = {"float32": 1, "float64": 11}[graph.input_type]
        if value.operator == "Cast" and value.attributes.get("to") == same:
            value = _through(_first(value))
        return value is graph.input
    if value is graph.input or (value.operator == "Cast" and _first(value) is graph.input):
        raise value.refuse("is not divided by 255; cnet divides bytes by it")
    if value.operator not in ("Div", "Mul"):
        return False
    factors = [(_first(value), _second(value))]
    if value.operator == "Mul":
        factors.append(factors[0][::-1])
    factor = 255.0 if value.operator == "Div" else 1 / 255
    return any(pixels.operator == "Cast" and _first(pixels) is graph.input and _is_number(by, factor)
               for pixels, by in factors)


def _first(value: Value) -> Value:
    return _argument(value, 0)


def _second(value: Value) -> Value:
    return _argument(value, 1)


def _argument(value: Value, i: int) -> Value:
    found = value.inputs[i] if len(value.inputs) > i else None
    if found is None:
        raise value.refuse(f"lacks its input number {i}")
    return found


def _is_number(value: Value, number: float) -> bool:
    """Whether it is a constant of this single number, as float32 has it."""
    array = value.constant
    return array is not None and array.size == 1 and math.isclose(float(array.flat[0]), number, rel_tol=1e-6)


# ---- layers ----------------------------------------------------------------------


def _affine(value: Value) -> _Affine:
    value = _through(value)
    if value.operator == "Gemm":
        return _gemm(value)
    product, bias = value, None
    if value.operator == "Add":
        first, second = _first(value), _second(value)
        product, bias = (first, second) if second.constant is not None else (second, first)
        if bias.constant is None:
            raise value.refuse("adds two values that are no constants; a layer adds its biases")
    if product.operator != "MatMul":
        raise product.refuse("is no layer of a network of cnet, which is Gemm, or MatMul and Add")
    weight = _matrix(product, _second(product))
    return _Affine(weight, _vector(value, bias, weight), _first(product))


def _gemm(value: Value) -> _Affine:
    attributes = value.attributes
    if attributes.get("transA", 0) or attributes.get("alpha", 1.0) != 1 or attributes.get("beta", 1.0) != 1:
        raise value.refuse("has transA, alpha or beta, which a layer of cnet has not")
    weight = _matrix(value, _second(value))
    if attributes.get("transB", 0):
        weight = weight.T
    bias = value.inputs[2] if len(value.inputs) > 2 else None
    return _Affine(weight, _vector(value, bias, weight), _first(value))


def _matrix(layer: Value, value: Value) -> Array:
    if value.constant is None or value.constant.ndim != 2 or 0 in value.constant.shape:
        raise layer.refuse("has weights that are no constant matrix of floats")
    return value.constant


def _vector(layer: Value, value: Value | None, weight: Array) -> Array:
    """Biases, in whatever shape they are added to rows."""
    n_outputs = weight.shape[1]
    if value is None:
        return np.zeros(n_outputs, weight.dtype)
    array = value.constant
    if array is None or array.size not in (1, n_outputs) or array.shape[-1:] not in ((), (array.size,)):
        raise layer.refuse("has biases that are no constant vector of floats, one for each unit")
    if array.dtype != weight.dtype:
        raise layer.refuse(f"has weights of {weight.dtype} and biases of {array.dtype}")
    return np.array(np.broadcast_to(array.reshape(-1), n_outputs))


def _check_shapes(graph: Graph, layers: list[_Affine], scores: Value) -> None:
    dtype, n_inputs = layers[0].weight.dtype, graph.width
    for number, layer in enumerate(layers, 1):
        n_rows, n_units = layer.weight.shape
        if n_inputs is not None and n_rows != n_inputs:
            raise ValueError(f"its layer {number} has weights for {n_rows:,} inputs, and gets {n_inputs:,}")
        if layer.weight.dtype != dtype:
            raise ValueError(f"its layer {number} is {layer.weight.dtype}, the first is {dtype}")
        n_inputs = n_units
    # What was passed over behind the last layer.
    for value in graph.outputs:
        while value is not scores and value.operator in (*PASSED_OVER, *OUTPUTS):
            shape = _second(value).integers if value.operator == "Reshape" else None
            if shape is not None and shape[1] not in (-1, n_inputs):
                raise value.refuse(f"makes rows of another length than {n_inputs:,}")
            value = _first(value)


# ---- activations -----------------------------------------------------------------


def _activation(value: Value) -> tuple[str, Value]:
    """cnet's name of an activation, and what it takes."""
    value = _through(value)
    for name, matches in _PATTERNS.items():
        before = matches(value)
        if before is not None:
            return name, before
    if value.operator in ("Gemm", "MatMul", "Add"):
        return "identity", value
    if value.operator == "input":
        raise value.refuse("takes another way to the first layer than cnet knows")
    raise value.refuse("is no activation of cnet, or with other parameters: there are Sigmoid, Tanh, Relu, LeakyRelu "
                       "(0.01), Elu (1), Gelu (exact) and Swish, which is silu")


def _operands(value: Value, operator: str) -> list[tuple[Value, Value]]:
    """The two inputs of an operator in both orders, where it commutes; none if it is another operator."""
    if value.operator != operator or len(value.inputs) != 2:
        return []
    first, second = _first(value), _second(value)
    return [(first, second)] if operator in ("Div", "Sub") else [(first, second), (second, first)]


def _single(operator: str, **attributes: Any) -> Callable[[Value], Value | None]:
    """A pattern of one operator with these attributes, which are its defaults or must be near them."""
    def matches(value: Value) -> Value | None:
        if value.operator != operator:
            return None
        for name, expected in attributes.items():
            found = value.attributes.get(name, expected)
            if isinstance(expected, str):
                same = found == expected
            else:
                same = isinstance(found, int | float) and math.isclose(found, expected, rel_tol=1e-6)
            if not same:
                return None
        return _first(value)

    return matches


def _leaky_relu(value: Value) -> Value | None:
    for a, scaled in _operands(value, "Max"):
        if any(inner is a and _is_number(slope, 0.01) for inner, slope in _operands(scaled, "Mul")):
            return a
    # Its slope has no default that is left out here: 0.01 is the operator's own.
    return _single("LeakyRelu", alpha=0.01)(value)


def _elu(value: Value) -> Value | None:
    for above, below in _operands(value, "Add"):
        for exponential, one in _operands(below, "Sub"):
            if above.operator != "Relu" or exponential.operator != "Exp" or not _is_number(one, 1.0):
                continue
            a = _first(above)
            if any(inner is a and _is_zero(zero) for inner, zero in _operands(_first(exponential), "Min")):
                return a
    return _single("Elu", alpha=1.0)(value)


def _is_zero(value: Value) -> bool:
    return value.constant is not None and value.constant.size == 1 and not value.constant.any()


def _gelu(value: Value) -> Value | None:
    """``a * (1 + erf(a / sqrt(2))) / 2``, multiplied in any order."""
    if value.operator == "Gelu":
        return _single("Gelu", approximate="none")(value)
    for one, product in _operands(value, "Mul"):
        for pair in _operands(product, "Mul"):
            # One of the three, whichever stands alone, and the two others in both orders.
            for a, twice, half in ((one, *pair), (pair[0], one, pair[1]), (pair[0], pair[1], one)):
                if _is_number(half, 0.5) and _is_twice(twice, a):
                    return a
    return None


def _is_twice(value: Value, a: Value) -> bool:
    """Whether it is ``1 + erf(a / sqrt(2))``."""
    for erf, one in _operands(value, "Add"):
        if erf.operator != "Erf" or not _is_number(one, 1.0):
            continue
        scaled = _first(erf)
        factor = math.sqrt(2) if scaled.operator == "Div" else math.sqrt(0.5)
        return any(inner is a and _is_number(by, factor) for inner, by in _operands(scaled, scaled.operator)
                   if scaled.operator in ("Div", "Mul"))
    return False


def _silu(value: Value) -> Value | None:
    for a, gate in _operands(value, "Mul"):
        if gate.operator == "Sigmoid" and _first(gate) is a:
            return a
    return _single("Swish", alpha=1.0)(value)


_PATTERNS: dict[str, Callable[[Value], Value | None]] = {
    "sigmoid": _single("Sigmoid"), "tanh": _single("Tanh"), "relu": _single("Relu"), "leaky_relu": _leaky_relu,
    "elu": _elu, "gelu": _gelu, "silu": _silu,
}


# ---- what the outputs mean -------------------------------------------------------


def _loss(predictions: Value, metadata: dict[str, str], given: Loss | None) -> Loss:
    """The loss that the file, the last operator or the caller names; all that are there must agree."""
    name = OUTPUTS.get(predictions.operator)
    told = _told(metadata)
    if told is not None and told.output != (LOSSES[name].output if name else "identity"):
        raise predictions.refuse(f"is the last operator, but the file says that its loss is {told.name}")
    loss = told if given is None else given
    if loss is None and name is None:
        raise ValueError("the model returns scores, and nothing says what they mean: pass loss=\"squared_error\", or "
                         f"loss=\"cross_entropy\" if they are those of classes; there are {listed(LOSSES)}")
    if name is not None:
        if loss is not None and loss.name != name:
            raise predictions.refuse(f"is the last operator and belongs to {name}, but loss is {loss.name}")
        return LOSSES[name]()
    assert loss is not None
    return loss


def _told(metadata: dict[str, str]) -> Loss | None:
    name = metadata.get("loss")
    if name is None:
        return None
    if name not in LOSSES:
        raise ValueError(f"it says that its loss is {excerpt(name)}, which this cnet does not know")
    text = metadata.get("loss_parameter", "0.0")
    try:
        return loss_of(name, float(text)) if float(text) else LOSSES[name]()
    except (ValueError, OverflowError):
        raise ValueError(f"it says that the parameter of its loss {name} is {excerpt(text)}") from None
