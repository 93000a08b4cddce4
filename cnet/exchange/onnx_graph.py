"""An ONNX file as expressions: what each value of its graph is computed of, checked as far as it is read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..checks import excerpt
from ..model_file import FOREIGN

__all__ = ["Graph", "Value", "read_graph"]

Array = npt.NDArray[Any]

# Whatever is no parameter: nodes, names, texts. Parsed, it takes a hundred times the memory.
MOST_OVERHEAD = 1 << 22
# Until then an operator's second argument was not broadcast as NumPy's are.
OLDEST_OPSET = 7
# Numbers of fields in onnx.proto: a model's graph, its initializers, and of a tensor float_data, raw_data, double_data.
GRAPH, INITIALIZER, PAYLOADS = 7, 5, (4, 9, 10)


class Value:
    """A value in a graph.

    Attributes
    ----------
    operator : str
        By which it is computed; "input" or "constant" for what is not.
    name : str
    inputs : tuple of Value or None
        None stands for one that is left out.
    attributes : dict
    constant : numpy.ndarray or None
        Of float32 or float64; None also for constants of other types.
    integers : numpy.ndarray or None
        A constant of int64.
    """

    def __init__(
        self, operator: str, name: str, inputs: tuple[Value | None, ...] = (),
        attributes: dict[str, Any] | None = None, constant: Array | None = None,
    ) -> None:
        self.operator, self.name, self.inputs = operator, name, inputs
        self.attributes = attributes or {}
        is_float = constant is not None and constant.dtype.kind == "f"
        self.constant: Array | None = constant if is_float else None
        self.integers: Array | None = None if is_float else constant

    def __str__(self) -> str:
        if self.operator in ("input", "constant"):
            return f"the {self.operator} {excerpt(self.name)}"
        return f"{excerpt(self.operator)}, which computes {excerpt(self.name)},"

    def refuse(self, reason: str) -> ValueError:
        """An error that names it."""
        return ValueError(f"{self} {reason}")


class Graph(NamedTuple):
    """A graph of one input.

    Attributes
    ----------
    input : Value
    input_type : str
        "uint8", "float32" or "float64".
    rows : int or None
        How many samples the input holds, where the file says it.
    width : int or None
        How many numbers a sample has, where the file says it.
    outputs : list of Value
    producer : str
    metadata : dict of str to str
    """

    input: Value
    input_type: str
    rows: int | None
    width: int | None
    outputs: list[Value]
    producer: str
    metadata: dict[str, str]


def read_graph(library: Any, data: bytes) -> Graph:
    """Read the graph of a model.

    Parameters
    ----------
    library : module
        The package onnx.
    data : bytes
        The whole file.

    Raises
    ------
    ValueError
        If it is no ONNX file, is damaged, or a graph of another kind; the message says what was found.
    """
    for magic, kind in FOREIGN.items():
        if data.startswith(magic):
            raise ValueError(f"it is not an ONNX file but {kind}")
    if data[4:9] == b"\0\0\0\0{":
        raise ValueError("it is not an ONNX file but safetensors: cnet.load reads those that cnet wrote")
    try:
        _check_overhead(data)
        model = library.ModelProto.FromString(data)
    except ValueError as error:
        raise ValueError(f"it is not an ONNX file, or is truncated or damaged: {error}") from None
    except Exception as error:  # of the package protobuf, which need not be imported by that name
        if type(error).__name__ != "DecodeError":
            raise
        raise ValueError("it is not an ONNX file, or is truncated or damaged") from None
    if not model.HasField("graph") or not model.graph.output:
        raise ValueError("it is not an ONNX file, or is truncated: it has no graph with an output")
    versions = [each.version for each in model.opset_import if each.domain in ("", "ai.onnx")]
    if len(versions) != 1 or versions[0] < OLDEST_OPSET:
        raise ValueError(f"its version of the operators is {excerpt(versions)}, {OLDEST_OPSET} or later is needed")
    return _graph(library, model)


def _check_overhead(data: bytes) -> None:
    """A ValueError for a file that would take far more memory than its size."""
    overhead = len(data)
    for count, size in enumerate(_payloads(memoryview(data))):
        overhead -= size
        if count > MOST_OVERHEAD // 8:
            break
    if overhead > MOST_OVERHEAD:
        raise ValueError(f"{overhead:,} bytes of it are no parameters, a network has a few thousand")


def _payloads(data: memoryview) -> Iterator[int]:
    """How long each field in the initializers is that holds parameters; 0 for all other fields on the way there."""
    for field, part in _fields(data):
        yield 0
        if field != GRAPH:
            continue
        for inner, tensor in _fields(part):
            yield 0
            if inner != INITIALIZER:
                continue
            for own, payload in _fields(tensor):
                yield len(payload) if own in PAYLOADS else 0


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields of a message: their numbers, and what those of variable length hold."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        field, wire = tag >> 3, tag & 7
        size = 0
        if wire == 0:
            _, position = _varint(data, position)
        elif wire in (1, 5):
            position += 8 if wire == 1 else 4
        elif wire == 2:
            size, position = _varint(data, position)
            position += size
        else:
            raise ValueError(f"a field of the kind {wire} is none of its format")
        if position > len(data):
            raise ValueError("it ends within a field")
        yield field, data[position - size : position]


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise ValueError("it ends within a number" if shift < 70 else "a number in it has no end")


def _graph(library: Any, model: Any) -> Graph:
    graph, types = model.graph, library.TensorProto
    if graph.sparse_initializer:
        raise ValueError("it has sparse initializers, cnet's parameters are dense")
    known: dict[str, Value | None] = {}
    for tensor in graph.initializer:
        name = _text(tensor.name)
        _define(known, name, Value("constant", name, constant=_array(types, tensor)))
    inputs = [each for each in graph.input if _text(each.name) not in known]
    if len(inputs) != 1:
        raise ValueError(f"it has {len(inputs)} inputs, a network of cnet has one: "
                         f"{excerpt([each.name for each in inputs])}")
    given = Value("input", inputs[0].name)
    _define(known, given.name, given)
    for node in graph.node:
        _add_node(types, known, node)
    outputs = []
    for each in graph.output:
        value = known.get(_text(each.name))
        if value is None:
            raise ValueError(f"nothing computes its output {excerpt(each.name)}")
        outputs.append(value)
    tensor_type = inputs[0].type.tensor_type
    names = {types.FLOAT: "float32", types.DOUBLE: "float64", types.UINT8: "uint8"}
    if tensor_type.elem_type not in names:
        raise given.refuse(f"is {_type_name(types, tensor_type.elem_type)}; cnet reads float32, float64 and uint8")
    dims = tensor_type.shape.dim
    own = [each.dim_value for each in dims[1:]]
    width = math.prod(own) if own and min(own) > 0 else None
    metadata = {_text(each.key): _text(each.value) for each in model.metadata_props}
    rows = dims[0].dim_value if dims and dims[0].dim_value > 0 else None
    for value in known.values():
        if value is not None and value.operator == "Reshape":
            _check_rows(value, rows)
    return Graph(given, names[tensor_type.elem_type], rows, width, outputs, _text(model.producer_name), metadata)


def _check_rows(value: Value, rows: int | None) -> None:
    """A ValueError for what may move numbers from one sample to another."""
    by = value.inputs[1] if len(value.inputs) == 2 else None
    shape = [] if by is None or by.integers is None or by.integers.ndim != 1 else by.integers.tolist()
    if len(shape) != 2 or shape[0] not in (-1, 0, rows) or shape == [-1, -1]:
        raise value.refuse("does not make a row of each sample")


def _text(text: str | bytes) -> str:
    """A text of the file, which comes as bytes where it is none."""
    if isinstance(text, bytes):
        raise ValueError(f"it is damaged: {excerpt(text)} is no text")
    return text


def _define(known: dict[str, Value | None], name: str, value: Value | None) -> None:
    if name in known:
        raise ValueError(f"it computes {excerpt(name)} twice")
    known[name] = value


def _add_node(types: Any, known: dict[str, Value | None], node: Any) -> None:
    operator = _text(node.op_type)
    if _text(node.domain) not in ("", "ai.onnx"):
        raise ValueError(f"it has the operator {excerpt(operator)} of {excerpt(node.domain)}; cnet knows those of "
                         "ai.onnx alone")
    if not node.output:
        raise ValueError(f"its operator {excerpt(operator)} has no output")
    inputs: list[Value | None] = []
    for name in map(_text, node.input):
        if name and known.get(name) is None:
            raise ValueError(f"its operator {excerpt(operator)} takes {excerpt(name)}, which nothing "
                             "computes before")
        inputs.append(known[name] if name else None)
    attributes = {_text(each.name): _attribute(types, each) for each in node.attribute}
    name, *others = map(_text, node.output)
    if operator == "Constant":
        constant = attributes.get("value", attributes.get("value_float"))
        _define(known, name, Value("constant", name, constant=np.asarray(constant) if constant is not None else None))
    else:
        _define(known, name, Value(operator, name, tuple(inputs), attributes))
    for other in others:
        if other:
            _define(known, other, None)


def _attribute(types: Any, attribute: Any) -> Any:
    """A number, text or array; None for what no operator of a network has."""
    kinds = attribute.DESCRIPTOR.enum_types_by_name["AttributeType"].values_by_name
    if attribute.type == kinds["INT"].number:
        return attribute.i
    if attribute.type == kinds["FLOAT"].number:
        return attribute.f
    if attribute.type == kinds["STRING"].number:
        return attribute.s.decode("utf-8", "replace")
    return _array(types, attribute.t) if attribute.type == kinds["TENSOR"].number else None


def _type_name(types: Any, number: int) -> str:
    named = types.DataType.Name(number) if number in types.DataType.values() else f"of the type {number}"
    return str(named).lower()


def _array(types: Any, tensor: Any) -> Array | None:
    """A tensor's values; None where they are neither floats nor int64."""
    name = excerpt(tensor.name)
    if tensor.data_location == types.EXTERNAL or tensor.external_data:
        raise ValueError(f"its initializer {name} is in another file, which cnet does not open: write the model as one "
                         "file (onnx.save_model with save_as_external_data=False)")
    if tensor.data_type in (types.FLOAT16, types.BFLOAT16):
        kind = _type_name(types, tensor.data_type)
        raise ValueError(f"its initializer {name} is {kind}; cnet has float32 and float64")
    kinds = {types.FLOAT: ("<f4", tensor.float_data), types.DOUBLE: ("<f8", tensor.double_data),
             types.INT64: ("<i8", tensor.int64_data)}
    if tensor.data_type not in kinds:
        return None
    dtype, values = np.dtype(kinds[tensor.data_type][0]), kinds[tensor.data_type][1]
    shape = tuple(tensor.dims)
    if tensor.HasField("segment") or len(shape) > 8 or any(n < 0 for n in shape):
        raise ValueError(f"its initializer {name} has the shape {excerpt(list(shape))}, or is in segments")
    # In one of both; an empty one may be in neither.
    array = np.frombuffer(tensor.raw_data, dtype) if len(tensor.raw_data) % dtype.itemsize == 0 else None
    if tensor.raw_data and values:
        array = None
    elif not tensor.raw_data:
        array = np.array(values, dtype)
    if array is None or array.size != math.prod(shape):
        raise ValueError(f"its initializer {name} should have {excerpt(math.prod(shape))} values, and has others")
    return array.astype(dtype.newbyteorder("="), copy=False).reshape(shape)
