"""A network as an ONNX model, which ONNX Runtime and many other programs run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..atomic_file import replacing
from ..checks import check_count, check_flag, check_target, excerpt
from .description import Description, describe

if TYPE_CHECKING:
    from ..networks import MultiLayerNet

__all__ = ["import_onnx", "onnx"]

# The oldest has Erf; ONNX Runtime 1.32 runs what is written here with each of them.
OPSETS = (9, 28)
GELU_OPSET = 20
# A message of protocol buffers is shorter than 2 GiB; beside the parameters there is room for names.
MOST_BYTES = 2**31 - 2**20


def onnx(
    net: MultiLayerNet, path: str | os.PathLike[str], *, opset: int = 17, dtype: npt.DTypeLike = np.float32,
    pixels: bool | None = None, class_names: Sequence[str] | None = None, description: str | None = None,
) -> None:
    """Write a network as an ONNX model.

    The input is ``x`` of shape (N, inputs). With cross-entropy the outputs are ``probabilities`` (N, classes) and
    ``label`` (N,), the most probable class as int64; with binary cross-entropy ``probabilities`` (N, labels) and
    ``labels``, of the same shape, 0 or 1 as int64; with other losses ``predictions`` (N, outputs).

    Parameters
    ----------
    net : MultiLayerNet or TwoLayerNet
        Trained or not.
    path : str or os.PathLike
        The file to write, as in ``"model.onnx"``. A leading ``~`` is the user's home folder.
    opset : int, default 17
        The version of the set of operators, from 9 to 28. Old runtimes know old ones only.
    dtype : float32 or float64, default float32
        The type of weights and computation, and of the input where it is not pixels.
    pixels : bool, optional
        Whether ``x`` is uint8 and divided by 255 in the model, as `fit` does. By default it is if the network was
        trained on uint8; otherwise ``x`` holds numbers of the type `dtype`.
    class_names : sequence of str, optional
        What the classes, or the labels, are called: kept as the metadata ``classes``, a list in JSON.
    description : str, optional
        The model's ``doc_string``; by default sizes, activations and loss.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, parameters are not finite in `dtype`, or the model would
        pass 2 GiB. Also with float64 and gelu, for which ONNX Runtime has no kernel.
    OSError
        If the file cannot be written; what was there before is still there.
    ModuleNotFoundError
        If the package onnx is not installed.

    See Also
    --------
    cnet.exchange.from_onnx : Reads such a file.

    Notes
    -----
    The parameters are the initializers ``W1``, ``b1``, ``W2``, ... of shape (inputs, units) and (units,). The metadata
    ``loss``, ``loss_parameter`` and ``trained_on`` say what else cnet knows. gelu is the operator Gelu from opset 20
    on, and is computed by Erf before. silu is computed by Sigmoid: ONNX Runtime 1.32 has a kernel for the operator
    Swish in opset 24, but not in later ones.

    References
    ----------
    .. [1] https://onnx.ai/onnx/operators/

    Examples
    --------
    >>> import os, tempfile
    >>> import cnet
    >>> net = cnet.MultiLayerNet(4, [3], 2, "gelu", rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.onnx")
    ...     cnet.export.onnx(net, path, class_names=["cat", "dog"])
    ...     back = cnet.exchange.from_onnx(path)
    >>> back.params == net.params
    True
    """
    target = check_target("path", path, "ONNX")
    version = check_count("opset", opset, OPSETS[1], OPSETS[0])
    network = describe(net, np.float32 if dtype is None else dtype)
    takes_pixels = network.pixels if pixels is None else check_flag("pixels", pixels)
    texts = _texts(network, class_names, description)
    if network.n_parameters * network.dtype.itemsize > MOST_BYTES:
        raise ValueError(f"an ONNX file holds less than 2 GiB, this network has {network.n_parameters:,} parameters")
    if network.dtype == np.float64 and "gelu" in network.activations:
        raise ValueError("ONNX Runtime has no kernel for gelu in float64: export with dtype=\"float32\"")
    library = import_onnx("cnet.export.onnx")
    newest = library.defs.onnx_opset_version()
    if version > newest:
        raise ValueError(f"opset must be from {OPSETS[0]} to {newest} with onnx {library.__version__}, got {version}")
    model = _model(library, network, version, takes_pixels, texts)
    library.checker.check_model(model, full_check=True)
    with replacing(target) as file:
        file.write(model.SerializeToString(deterministic=True))


def import_onnx(name: str) -> Any:
    """The package onnx, or an error that says what to install for the function `name`."""
    try:
        library = import_module("onnx")
        # It loads its parts when they are asked for, not all of them by itself.
        for part in ("checker", "defs", "helper", "numpy_helper"):
            import_module(f"onnx.{part}")
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "onnx":
            raise
        raise ModuleNotFoundError(f'{name} needs onnx: pip install "cnet-nn[onnx]"', name="onnx") from None
    return library


def _texts(network: Description, class_names: Sequence[str] | None, description: str | None) -> dict[str, str]:
    """The description, as ``doc_string``, and the metadata."""
    texts = {"doc_string": network.title if description is None else description, "loss": network.loss}
    if network.loss_parameter:
        texts["loss_parameter"] = repr(network.loss_parameter)
    texts["trained_on"] = network.trained_on
    if class_names is not None:
        count = 2 if network.has_labels and network.n_outputs == 1 else network.n_outputs
        names = class_names
        if isinstance(names, str) or not all(isinstance(name, str) for name in names):
            raise TypeError(f"class_names must be a list of strings, got {excerpt(names)}")
        if not (network.has_classes or network.has_labels):
            raise ValueError(f"class_names must be None: the network has no classes, its loss is {network.loss}")
        if len(names) != count:
            raise ValueError(f"class_names must hold {count} names, got {len(names)}")
        texts["classes"] = json.dumps(list(names))
    if not isinstance(texts["doc_string"], str):
        raise TypeError(f"description must be a string, got {type(description).__name__}")
    try:
        texts["doc_string"].encode()
    except UnicodeEncodeError:
        raise ValueError(f"description must be valid Unicode, got {excerpt(description)}") from None
    return texts


class _Graph:
    """A graph as it grows: nodes, and constants by name."""

    def __init__(self, library: Any, opset: int, dtype: np.dtype[Any]) -> None:
        self.helper, self.numpy_helper = library.helper, library.numpy_helper
        self.opset, self.dtype = opset, dtype
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node of one output, and return the output's name."""
        self.nodes.append(self.helper.make_node(operator, inputs, [output], name=f"{operator}_{output}", **attributes))
        return output

    def constant(self, name: str, value: Any) -> str:
        """A constant of the graph's type, and return its name."""
        self.constants[name] = np.asarray(value, self.dtype)
        return name

    def initializers(self) -> list[Any]:
        return [self.numpy_helper.from_array(value, name) for name, value in self.constants.items()]


def _model(library: Any, network: Description, opset: int, pixels: bool, texts: dict[str, str]) -> Any:
    helper, types = library.helper, library.TensorProto
    number = types.DOUBLE if network.dtype == np.float64 else types.FLOAT
    graph = _Graph(library, opset, network.dtype)
    z = "x"
    if pixels:
        graph.node("Cast", ["x"], "x_numbers", to=number)
        z = graph.node("Div", ["x_numbers", graph.constant("largest_pixel", 255)], "z0")
    last = len(network.layers)
    scores = "predictions" if network.output == "identity" else "scores"
    for i, layer in enumerate(network.layers, 1):
        parameters = [graph.constant(f"W{i}", layer.weights), graph.constant(f"b{i}", layer.biases)]
        a = graph.node("Gemm", [z, *parameters], scores if i == last else f"a{i}")
        z = _FUNCTIONS[layer.activation](graph, a, f"z{i}")
    outputs = _outputs(library, graph, network, number)
    inputs = [helper.make_tensor_value_info("x", types.UINT8 if pixels else number, ["N", network.n_inputs])]
    proto = helper.make_graph(graph.nodes, "cnet", inputs, outputs, graph.initializers())
    own = [helper.make_opsetid("", opset)]
    model = helper.make_model(
        proto, opset_imports=own, ir_version=helper.find_min_ir_version_for(own), producer_name="cnet",
        producer_version=network.version, doc_string=texts["doc_string"],
    )
    helper.set_model_props(model, {name: text for name, text in texts.items() if name != "doc_string"})
    return model


def _outputs(library: Any, graph: _Graph, network: Description, number: int) -> list[Any]:
    """Predictions, and labels where there are any, of the scores."""
    info, count = library.helper.make_tensor_value_info, network.n_outputs
    if network.output == "identity":
        return [info("predictions", number, ["N", count])]
    if network.output == "exp":
        return [info(graph.node("Exp", ["scores"], "predictions"), number, ["N", count])]
    integer = library.TensorProto.INT64
    if network.has_classes:
        # Of the scores, which are still different where probabilities are all rounded to 0 and 1.
        graph.node("Softmax", ["scores"], "probabilities", axis=1)
        graph.node("ArgMax", ["scores"], "label", axis=1, keepdims=0)
        labels = info("label", integer, ["N"])
    else:
        graph.node("Sigmoid", ["scores"], "probabilities")
        graph.node("Greater", ["scores", graph.constant("zero", 0)], "is_label")
        graph.node("Cast", ["is_label"], "labels", to=integer)
        labels = info("labels", integer, ["N", count])
    return [info("probabilities", number, ["N", count]), labels]


# ---- activations: (graph, input, output) -> output --------------------------------


def _single(operator: str, **attributes: Any) -> Callable[[_Graph, str, str], str]:
    return lambda graph, a, z: graph.node(operator, [a], z, **attributes)


def _leaky_relu(graph: _Graph, a: str, z: str) -> str:
    if graph.dtype != np.float64:
        return graph.node("LeakyRelu", [a], z, alpha=0.01)
    # ONNX Runtime has no kernels for LeakyRelu and Elu in float64.
    graph.node("Mul", [a, graph.constant("slope", 0.01)], f"{z}_slope")
    return graph.node("Max", [a, f"{z}_slope"], z)


def _elu(graph: _Graph, a: str, z: str) -> str:
    if graph.dtype != np.float64:
        return graph.node("Elu", [a], z, alpha=1.0)
    graph.node("Min", [a, graph.constant("zero", 0)], f"{z}_negative")
    graph.node("Exp", [f"{z}_negative"], f"{z}_exp")
    graph.node("Sub", [f"{z}_exp", graph.constant("one", 1)], f"{z}_below")
    graph.node("Relu", [a], f"{z}_above")
    return graph.node("Add", [f"{z}_above", f"{z}_below"], z)


def _gelu(graph: _Graph, a: str, z: str) -> str:
    if graph.opset >= GELU_OPSET:
        return graph.node("Gelu", [a], z)
    graph.node("Div", [a, graph.constant("sqrt_2", np.sqrt(2))], f"{z}_scaled")
    graph.node("Erf", [f"{z}_scaled"], f"{z}_erf")
    graph.node("Add", [f"{z}_erf", graph.constant("one", 1)], f"{z}_twice")
    graph.node("Mul", [a, f"{z}_twice"], f"{z}_product")
    return graph.node("Mul", [f"{z}_product", graph.constant("half", 0.5)], z)


def _silu(graph: _Graph, a: str, z: str) -> str:
    return graph.node("Mul", [a, graph.node("Sigmoid", [a], f"{z}_gate")], z)


_FUNCTIONS: dict[str, Callable[[_Graph, str, str], str]] = {
    "identity": lambda graph, a, z: a, "sigmoid": _single("Sigmoid"), "tanh": _single("Tanh"), "relu": _single("Relu"),
    "leaky_relu": _leaky_relu, "elu": _elu, "gelu": _gelu, "silu": _silu,
}
