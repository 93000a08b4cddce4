"""Networks from ONNX files: those that cnet wrote, those of other programs, and what is none."""

import io
import pickle

import numpy as np
import pytest

import cnet
from cnet.exchange import from_onnx
from cnet.losses import as_loss

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from .conftest import agree, drawn  # noqa: E402

RNG = np.random.default_rng(0)
W1, B1 = RNG.normal(size=(4, 5)).astype(np.float32), RNG.normal(size=5).astype(np.float32)
W2, B2 = RNG.normal(size=(5, 3)).astype(np.float32), RNG.normal(size=3).astype(np.float32)
X = RNG.normal(size=(6, 4)).astype(np.float32)
ARRAYS = {"W1": W1, "b1": B1, "W2": W2, "b2": B2, "half": np.float32(0.5), "one": np.float32(1),
          "sqrt2": np.float32(np.sqrt(2)), "sqrt_half": np.float32(np.sqrt(0.5)), "slope": np.float32(0.01),
          "T1": np.ascontiguousarray(W1.T), "R1": B1.reshape(1, 5), "scalar": np.float32(0.3), "pixel": np.float32(255),
          "by": np.float32(1 / 255), "ints": np.arange(3), "rows": np.array([-1, 4]), "half_rows": np.array([-1, 2]),
          "planes": np.array([-1, 2, 2]), "zero": np.float32(0)}
LAST = [("Gemm", "z W2 b2", "s"), ("Softmax", "s", "y")]


def made(nodes, outputs=("y",), input_type=TensorProto.FLOAT, shape=("N", 4), arrays=ARRAYS, opset=17, inputs=("x",)):
    """A model: nodes are (operator, inputs, output, attributes)."""
    protos = [helper.make_node(node[0], ["" if name == "-" else name for name in node[1].split()], node[2].split(),
                               **dict(*node[3:])) for node in nodes]
    used = {name for node in protos for name in node.input}
    kinds = {"label": TensorProto.INT64, "labels": TensorProto.INT64}
    graph = helper.make_graph(
        protos, "g", [helper.make_tensor_value_info(name, input_type, shape) for name in inputs],
        [helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), None) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items() if name in used],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def read(model, **options):
    return from_onnx(io.BytesIO(model.SerializeToString()), **options)


@pytest.mark.parametrize("opset", [9, 17, 24])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_there_and_back(some_network, dtype, opset, tmp_path):
    net, x = some_network
    path = tmp_path / "model.onnx"
    if dtype == "float64" and "gelu" in net._core.activations:
        with pytest.raises(ValueError, match="no kernel for gelu in float64"):
            cnet.export.onnx(net, path, dtype=dtype, opset=opset)
        return
    cnet.export.onnx(net, path, dtype=dtype, opset=opset)
    back = from_onnx(path, rng=0)
    assert back.dtype == dtype and back.loss_function == net.loss_function
    assert back._core.activations == net._core.activations and back.seed == cnet.MultiLayerNet(1, [], 1, rng=0).seed
    for name, array in net.params.items():
        np.testing.assert_array_equal(back.params[name], array.astype(dtype))
    agree(back.predict(x), net.predict(x))


def test_pixels_come_back(tmp_path):
    x, t = cnet.datasets.make_digits(200, rng=0)
    net = cnet.TwoLayerNet(784, 5, 10, rng=0)
    net.fit(x, t, epochs=1)
    for pixels in (True, False):
        cnet.export.onnx(net, tmp_path / "model.onnx", pixels=pixels)
        back = from_onnx(tmp_path / "model.onnx")
        assert back._trained_on == "uint8"
        np.testing.assert_array_equal(back.predict(x), net.predict(x))


GELU = [("Div", "a sqrt2", "d"), ("Erf", "d", "e"), ("Add", "e one", "t")]
ACTIVATIONS = {
    "relu": [("Relu", "a", "z")],
    "leaky_relu": [("LeakyRelu", "a", "z", {"alpha": 0.01})],
    "leaky_relu, default": [("LeakyRelu", "a", "z")],
    "elu": [("Elu", "a", "z")],
    "gelu": [*GELU, ("Mul", "a t", "p"), ("Mul", "p half", "z")],
    "gelu, half first": [*GELU, ("Mul", "half a", "p"), ("Mul", "p t", "z")],
    "gelu, half of the sum": [*GELU, ("Mul", "half t", "p"), ("Mul", "a p", "z")],
    "gelu, other order": [("Mul", "sqrt_half a", "d"), ("Erf", "d", "e"), ("Add", "one e", "t"), ("Mul", "t a", "p"),
                          ("Mul", "half p", "z")],
    "silu": [("Sigmoid", "a", "g"), ("Mul", "g a", "z")],
    "tanh": [("Identity", "a", "i"), ("Tanh", "i", "j"), ("Dropout", "j", "z mask")],
    "sigmoid": [("Sigmoid", "a", "z")],
    "identity": [("Identity", "a", "z")],
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_as_other_programs_write_them(name):
    model = made([("Gemm", "x W1 b1", "a"), *ACTIVATIONS[name], *LAST])
    net = read(model)
    assert net.activation == name.partition(",")[0] and net.loss_function.name == "cross_entropy"
    agree(net.predict(X), ReferenceEvaluator(model).run(None, {"x": X})[0])


@pytest.mark.parametrize("operator", ["Gelu", "Swish"])
def test_operators_of_later_sets(operator):
    model = made([("Gemm", "x W1 b1", "a"), (operator, "a", "z"), *LAST], opset=24)
    agree(read(model).predict(X), ReferenceEvaluator(model).run(None, {"x": X})[0])


LAYERS = {
    "transposed": [("Gemm", "x T1 b1", "a", {"transB": 1})],
    "without a bias": [("Gemm", "x W1", "a")],
    "product": [("MatMul", "x W1", "a")],
    "product and sum": [("MatMul", "x W1", "m"), ("Add", "m b1", "a")],
    "sum the other way": [("MatMul", "x W1", "m"), ("Add", "b1 m", "a")],
    "a row": [("MatMul", "x W1", "m"), ("Add", "m R1", "a")],
    "one number": [("Gemm", "x W1 scalar", "a")],
    "flattened": [("Flatten", "x", "f"), ("Gemm", "f W1 b1", "a")],
    "cast to its own type": [("Cast", "x", "c", {"to": 1}), ("Gemm", "c W1 b1", "a")],
    "reshaped": [("Reshape", "x rows", "f"), ("Gemm", "f W1 b1", "a")],
    "a constant": [("Constant", "", "c", {"value": numpy_helper.from_array(B1)}), ("Gemm", "x W1 c", "a")],
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_as_other_programs_write_them(name):
    model = made([*LAYERS[name], ("Relu", "a", "z"), *LAST])
    agree(read(model).predict(X), ReferenceEvaluator(model).run(None, {"x": X})[0])


@pytest.mark.parametrize("nodes", [
    [("Cast", "x", "f", {"to": TensorProto.FLOAT}), ("Div", "f pixel", "n")],
    [("Cast", "x", "f", {"to": TensorProto.FLOAT}), ("Mul", "by f", "n")],
])
def test_bytes_that_are_divided(nodes):
    model = made([*nodes, ("Gemm", "n W1 b1", "a"), ("Relu", "a", "z"), *LAST], input_type=TensorProto.UINT8)
    x = np.random.default_rng(0).integers(0, 256, (5, 4), np.uint8)
    net = read(model)
    assert net._trained_on == "uint8"
    agree(net.predict(x), ReferenceEvaluator(model).run(None, {"x": x})[0])


def test_data_outside_of_raw_bytes_and_inputs_with_defaults():
    """As files of old programs have them."""
    model = made([("Gemm", "x W1 b1", "a"), ("Relu", "a", "z"), *LAST])
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor).ravel()
        tensor.ClearField("raw_data")
        tensor.float_data.extend(values.tolist())
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, list(tensor.dims)))
    agree(read(model).predict(X), ReferenceEvaluator(model).run(None, {"x": X})[0])


def test_rows_at_the_end_are_those_of_samples():
    """A column for a single output, as other programs write it; with three outputs it would be others' numbers."""
    shapes = {"column": np.array([-1, 1]), "row": np.array([1, -1]), "same": np.array([0, -1]),
              "three": np.array([-1, 3])}
    arrays = {**ARRAYS, "U2": W2[:, :1], "c2": B2[:1], **shapes}
    begin = [("Gemm", "x W1 b1", "a"), ("Relu", "a", "z")]
    for parameters, name, right in (("U2 c2", "column", True), ("W2 b2", "column", False), ("W2 b2", "row", False),
                                    ("W2 b2", "same", True), ("W2 b2", "three", True)):
        model = made([*begin, ("Gemm", f"z {parameters}", "s"), ("Reshape", f"s {name}", "y")], arrays=arrays)
        if right:
            agree(read(model, loss="huber").predict(X), ReferenceEvaluator(model).run(None, {"x": X})[0])
        else:
            with pytest.raises(ValueError, match="another length than 3|a row of each sample"):
                read(model, loss="huber")
    model = made([*begin, ("Gemm", "z W2 b2", "s"), ("Reshape", "s column", "r"), ("Sigmoid", "r", "p"),
                  ("Identity", "p", "y")], arrays=arrays)
    with pytest.raises(ValueError, match="'Reshape', which computes 'r', makes rows of another length than 3"):
        read(model)


def test_outputs_and_losses():
    scores = [("Gemm", "x W1 b1", "a"), ("Relu", "a", "z"), ("Gemm", "z W2 b2", "y")]
    with pytest.raises(ValueError, match="returns scores, and nothing says what they mean"):
        read(made(scores))
    for loss in ("cross_entropy", "huber", cnet.losses.Quantile(0.9)):
        assert read(made(scores), loss=loss).loss_function == (as_loss(loss))
    for operator, loss in (("Sigmoid", "binary_cross_entropy"), ("Exp", "poisson"), ("LogSoftmax", "cross_entropy")):
        model = made([*scores[:2], ("Gemm", "z W2 b2", "s"), (operator, "s", "y")])
        assert read(model).loss_function.name == loss
        y = ReferenceEvaluator(model).run(None, {"x": X})[0]
        agree(read(model).predict(X), np.exp(y) if operator == "LogSoftmax" else y)
        with pytest.raises(ValueError, match=f"is the last operator and belongs to {loss}, but loss is huber"):
            read(model, loss="huber")


LABELS = [("Gemm", "x W1 b1", "a"), ("Relu", "a", "z"), ("Gemm", "z W2 b2", "s")]
LABELLED = {
    "of scores": ([("Softmax", "s", "y"), ("ArgMax", "s", "label", {"axis": 1})], True),
    "of probabilities": ([("Softmax", "s", "y"), ("ArgMax", "y", "label", {"axis": -1})], True),
    "of columns": ([("Softmax", "s", "y"), ("ArgMax", "y", "label", {"axis": 0})], False),
    "of something else": ([("Softmax", "s", "y"), ("ArgMax", "z", "label", {"axis": 1})], False),
    "above a half": ([("Sigmoid", "s", "y"), ("Greater", "y half", "g"), ("Cast", "g", "labels", {"to": 7})], True),
    "above zero": ([("Sigmoid", "s", "y"), ("Greater", "s zero", "g"), ("Cast", "g", "labels", {"to": 7})], True),
    "above another number": ([("Sigmoid", "s", "y"), ("Greater", "s one", "g"), ("Cast", "g", "labels", {"to": 7})],
                             False),
}


@pytest.mark.parametrize("name", LABELLED)
def test_labels_must_be_the_networks(name):
    nodes, right = LABELLED[name]
    model = made([*LABELS, *nodes], outputs=("y", nodes[-1][2]))
    if right:
        agree(read(model).predict(X), ReferenceEvaluator(model).run(None, {"x": X})[0])
    else:
        with pytest.raises(ValueError, match="is an output that is not made of the predictions"):
            read(model)


def layered(*nodes, **options):
    return made([*nodes, *LAST], **options)


def external():
    model = layered(("Gemm", "x W1 b1", "a"), ("Relu", "a", "z"))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return model


def changed(**fields):
    """A tensor whose fields do not belong together."""
    model = layered(("Gemm", "x W1 b1", "a"), ("Relu", "a", "z"))
    tensor = next(each for each in model.graph.initializer if each.name == "W1")
    for name, value in fields.items():
        if name == "dims":
            del tensor.dims[:]
            tensor.dims.extend(value)
        else:
            setattr(tensor, name, value)
    return model


def foreign(domain):
    model = layered(("Gemm", "x W1 b1", "a"), ("Relu", "a", "z"))
    model.graph.node[1].domain = domain
    return model


RELU, GEMM = ("Relu", "a", "z"), ("Gemm", "x W1 b1", "a")
REFUSED = {
    "convolution": (lambda: layered(("Conv", "x W1", "a"), RELU), "'Conv', which computes 'a', is no layer"),
    "softplus": (lambda: layered(GEMM, ("Softplus", "a", "z")), "'Softplus', which computes 'z', is no activation"),
    "slope": (lambda: layered(GEMM, ("LeakyRelu", "a", "z", {"alpha": 0.2})), "'LeakyRelu', .* with other parameters"),
    "alpha": (lambda: layered(GEMM, ("Elu", "a", "z", {"alpha": 0.5})), "'Elu', .* with other parameters"),
    "approximate": (lambda: layered(GEMM, ("Gelu", "a", "z", {"approximate": "tanh"}), opset=20), "'Gelu', .* with"),
    "a product": (lambda: layered(GEMM, ("Mul", "a a", "z")), "'Mul', which computes 'z', is no activation"),
    "gemm": (lambda: layered(("Gemm", "x W1 b1", "a", {"alpha": 2.0}), RELU), "'Gemm', .* has transA, alpha or beta"),
    "weights": (lambda: layered(("Gemm", "x x b1", "a"), RELU), "weights that are no constant matrix"),
    "vector": (lambda: layered(("Gemm", "x b1 b1", "a"), RELU), "weights that are no constant matrix"),
    "integers": (lambda: layered(("Gemm", "x W1 ints", "a"), RELU), "biases that are no constant vector of floats"),
    "biases": (lambda: layered(("Gemm", "x W1 b2", "a"), RELU), "biases that are no constant vector of floats"),
    "mixed": (lambda: layered(GEMM, RELU, arrays={**ARRAYS, "b1": B1.astype(float)}), "float32 and biases of float64"),
    "types": (lambda: layered(GEMM, RELU, arrays={**ARRAYS, "W1": W1.astype(float), "b1": B1.astype(float)}),
              "its layer 2 is float32, the first is float64"),
    "chain": (lambda: layered(GEMM, RELU, arrays={**ARRAYS, "W2": W2[:4]}), "layer 2 has weights for 4 inputs, .* 5"),
    "width": (lambda: layered(GEMM, RELU, shape=("N", 9)), "layer 1 has weights for 4 inputs, and gets 9"),
    "bytes": (lambda: layered(("Cast", "x", "n", {"to": 1}), ("Gemm", "n W1 b1", "a"), RELU, input_type=2),
              "is not divided by 255"),
    "int64": (lambda: layered(GEMM, RELU, input_type=7), "the input 'x' is int64; cnet reads float32"),
    "two inputs": (lambda: layered(GEMM, ("Add", "a w", "z"), inputs=("x", "w")), r"has 2 inputs.*\['x', 'w'\]"),
    "two outputs": (lambda: layered(GEMM, RELU, outputs=("y", "z")), r"has 2 outputs that are no labels.*\['y', 'z'\]"),
    "softmax": (lambda: made([GEMM, RELU, LAST[0], ("Softmax", "s", "y", {"axis": 0})]), "another axis"),
    "relu last": (lambda: made([GEMM, RELU, LAST[0], ("Relu", "s", "y")]), "'Relu', which computes 'y', is no layer"),
    "softmax inside": (lambda: layered(GEMM, ("Softmax", "a", "z")), "'Softmax', .* is no activation of cnet"),
    "scaled": (lambda: layered(("Mul", "x half", "n"), ("Gemm", "n W1 b1", "a"), RELU), "'Mul', .* is no activation"),
    "dropout": (lambda: layered(GEMM, ("Dropout", "a half one", "z")), "'Dropout', .* is meant for training"),
    "reshape": (lambda: layered(("Reshape", "x planes", "n"), ("Gemm", "n W1 b1", "a"), RELU), "row of each"),
    "other rows": (lambda: layered(("Reshape", "x half_rows", "n"), ("Gemm", "n U1 b1", "a"), RELU,
                                   arrays={**ARRAYS, "U1": W1[:2]}), "layer 1 has weights for 2 inputs, and gets 4"),
    "planes": (lambda: layered(("MatMul", "x W1", "a"), RELU, shape=("N", 3, 4)), "for 4 inputs, and gets 12"),
    "flatten": (lambda: layered(("Flatten", "x", "n", {"axis": 0}), ("Gemm", "n W1 b1", "a"), RELU), "row of each"),
    "nothing": (lambda: layered(GEMM, ("Relu", "q", "z")), "'Relu' takes 'q', which nothing computes before"),
    "later": (lambda: layered(("Relu", "a", "z"), GEMM), "'Relu' takes 'a', which nothing computes before"),
    "twice": (lambda: layered(GEMM, ("Relu", "a", "a"), ("Relu", "a", "z")), "computes 'a' twice"),
    "no output": (lambda: made([GEMM], outputs=("y",)), "nothing computes its output 'y'"),
    "left out": (lambda: layered(("Gemm", "- W1 b1", "a"), RELU), "'Gemm', .* lacks its input number 0"),
    "deep": (lambda: made([("Gemm", "x W0 b1", "a0"), *(("Gemm", f"a{i} W b1", f"a{i + 1}") for i in range(17)),
                           ("Sigmoid", "a17", "y")], arrays={**ARRAYS, "W0": W1, "W": np.eye(5, dtype=np.float32)}),
             "at most 17 layers with weights, this one has 18"),
    "domain": (lambda: foreign("com.microsoft"), "the operator 'Relu' of 'com.microsoft'"),
    "old": (lambda: layered(GEMM, RELU, opset=6), r"version of the operators is \[6\], 7 or later"),
    "external": (external, "initializer 'W1' is in another file, which cnet does not open"),
    "half": (lambda: layered(GEMM, RELU, arrays={**ARRAYS, "W1": W1.astype(np.float16)}), "'W1' is float16"),
    "not finite": (lambda: layered(GEMM, RELU, arrays={**ARRAYS, "b1": B1 * np.nan}), "b1 has values that are not"),
    "shape": (lambda: changed(dims=[4, 6]), "'W1' should have 24 values, and has others"),
    "negative": (lambda: changed(dims=[-4, -5]), "'W1' has the shape"),
    "huge": (lambda: changed(dims=[2**62, 2**62]), "'W1' should have .* values, and has others"),
    "short": (lambda: changed(raw_data=b"123"), "'W1' should have 20 values, and has others"),
    "type": (lambda: changed(data_type=8), "weights that are no constant matrix of floats"),
    "unknown type": (lambda: changed(data_type=999), "weights that are no constant matrix of floats"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_error_says_what_was_found(name):
    make, message = REFUSED[name]
    with pytest.raises(ValueError, match=f"cannot read the open BytesIO: .*{message}"):
        read(make())


@pytest.mark.parametrize(("change", "message"), [
    ({"loss": "hinge"}, "its loss is 'hinge', which this cnet does not know"),
    ({"loss": "huber"}, "is the last operator, but the file says that its loss is huber"),
    ({"loss": "cross_entropy", "loss_parameter": "many"}, "the parameter of its loss cross_entropy is 'many'"),
    ({"loss": "cross_entropy", "loss_parameter": "2"}, None),
])
def test_what_a_file_says_of_itself_is_checked(change, message):
    model = layered(GEMM, RELU)
    model.producer_name = "cnet"
    helper.set_model_props(model, change)
    if message:
        with pytest.raises(ValueError, match=message):
            read(model)
    else:
        assert read(model).loss_function.name == "cross_entropy"


@pytest.mark.parametrize(("data", "message"), [
    (b"", "has no graph with an output"), (b"PK\3\4rest", "but a ZIP archive"),
    (b"text of some kind", "not an ONNX file"),
    (b"\x89HDF\r\n", "but an HDF5 file"), (pickle.dumps({"a": 1}, 4), "but a pickle"), (b"\x08\x08", "no graph"),
    (b"\x08" + b"\xff" * 20, "has no end"), (b"\x0a\xff\xff\xff\xff\x0f", "ends within a field"),
    (b"\x00" * 100, "not an ONNX file"), (b"\xff" * 100, "not an ONNX file"),
])
def test_other_files(data, message):
    with pytest.raises(ValueError, match=f"cannot read the open BytesIO: .*{message}"):
        from_onnx(io.BytesIO(data))


def test_a_model_file_of_cnet(tmp_path):
    net = cnet.MultiLayerNet(3, [4], 2, rng=0)
    net.save(tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match=r"net\.safetensors'?: it is not an ONNX file but safetensors: cnet\.load"):
        from_onnx(tmp_path / "net.safetensors")
    cnet.export.onnx(net, tmp_path / "net.onnx")
    with pytest.raises(ValueError, match="not a cnet model"):
        cnet.load(tmp_path / "net.onnx")
    with pytest.raises(FileNotFoundError):
        from_onnx(tmp_path / "nowhere.onnx")
    with pytest.raises(IsADirectoryError):
        from_onnx(tmp_path)


def test_every_truncation(tmp_path):
    net, _ = drawn(3)
    cnet.export.onnx(net, tmp_path / "net.onnx")
    data = (tmp_path / "net.onnx").read_bytes()
    for length in range(0, len(data), max(1, len(data) // 300)):
        # The parameters stand last but for what the file says of itself.
        try:
            back = from_onnx(io.BytesIO(data[:length]))
        except ValueError as error:
            assert str(error).startswith("cannot read the open BytesIO: ")
        else:
            assert back.params == {name: array.astype(np.float32) for name, array in net.params.items()}


def test_many_empty_fields_take_no_memory():
    graph = b"\x0a\x00" * 3_000_000
    data = b"\x3a" + bytes([128 | len(graph) & 127, 128 | len(graph) >> 7 & 127, 128 | len(graph) >> 14 & 127,
                            len(graph) >> 21]) + graph
    with pytest.raises(ValueError, match="bytes of it are no parameters"):
        from_onnx(io.BytesIO(data))


@pytest.mark.parametrize("text", [b"Gemm", b"W1", b"producer", b"loss"])
def test_texts_that_are_none(text):
    model = layered(GEMM, RELU)
    model.producer_name = "producer"
    helper.set_model_props(model, {"loss": "cross_entropy"})
    data = model.SerializeToString()
    at = data.index(text)
    with pytest.raises(ValueError, match="cannot read the open BytesIO: .*(is no text|truncated or damaged)"):
        from_onnx(io.BytesIO(data[:at] + b"\xff" + data[at + 1 :]))
