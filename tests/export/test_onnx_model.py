"""Networks as ONNX, run by ONNX Runtime and by the reference evaluator of the package onnx."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import cnet
from cnet.activations import ACTIVATIONS

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from onnx.reference import ReferenceEvaluator  # noqa: E402

from cnet.export import onnx_model  # noqa: E402

TYPES = ("float32", "float64")


def exported(net, path, **options):
    cnet.export.onnx(net, path, **options)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    return model


def by_runtime(model, x):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return dict(zip([each.name for each in session.get_outputs()], session.run(None, {"x": x}), strict=True))


def by_reference(model, x):
    evaluator = ReferenceEvaluator(model)
    with np.errstate(over="ignore", invalid="ignore"):
        return dict(zip(evaluator.output_names, evaluator.run(None, {"x": x}), strict=True))


def predicted(outputs):
    return outputs["probabilities"] if "probabilities" in outputs else outputs["predictions"]


def agree(one, other):
    """To 1e-6; where some are larger than 1, relative to the largest."""
    assert one.shape == other.shape
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6 * max(1.0, np.abs(other).max()))


def runs_in(net, dtype):
    return dtype == "float32" or "gelu" not in net._core.activations


@pytest.mark.parametrize("dtype", TYPES)
def test_predictions_are_kept(cases, dtype, tmp_path):
    ran = 0
    for net, x, expected in cases:
        if not runs_in(net, dtype):
            continue
        pixels = x.dtype == np.uint8
        model = exported(net, tmp_path / "model.onnx", dtype=dtype, pixels=pixels)
        given = x if pixels else x.astype(dtype)
        for outputs in (by_runtime(model, given), by_reference(model, given)):
            assert predicted(outputs).dtype == dtype
            agree(predicted(outputs), expected)
            agree(predicted(outputs), net.predict(x))
        # A single row, and none.
        agree(predicted(by_runtime(model, given[:1])), expected[:1])
        assert predicted(by_runtime(model, given[:0])).shape == (0, net.sizes[-1])
        ran += 1
    assert ran >= (20 if dtype == "float32" else 5)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("opset", range(onnx_model.OPSETS[0], onnx_model.OPSETS[1] + 1))
def test_every_opset_and_activation(opset, dtype, tmp_path):
    if opset > onnx.defs.onnx_opset_version():
        pytest.skip("this onnx is older")
    names = [name for name in ACTIVATIONS if dtype == "float32" or name != "gelu"]
    net = cnet.MultiLayerNet(5, [7] * len(names), 3, names, "xavier", dtype="float64", rng=0)
    x = np.random.default_rng(0).normal(size=(20, 5)).astype(dtype)
    model = exported(net, tmp_path / "model.onnx", opset=opset, dtype=dtype)
    assert [each.version for each in model.opset_import] == [opset]
    agree(predicted(by_runtime(model, x)), net.predict(x))
    operators = {node.op_type for node in model.graph.node}
    assert ("Gelu" in operators) == (opset >= 20 and dtype == "float32")
    assert cnet.exchange.from_onnx(tmp_path / "model.onnx")._core.activations == net._core.activations


def test_far_from_zero(tmp_path):
    """Where a formula would overflow, or lose all digits."""
    for dtype in TYPES:
        x = np.concatenate([-np.logspace(-8, 3, 60), np.logspace(-8, 3, 60)]).astype(dtype).reshape(-1, 1)
        for name in ACTIVATIONS:
            net = cnet.MultiLayerNet(1, [1], 1, name, loss="squared_error", dtype=dtype)
            net.params = {"W1": [[1]], "b1": [0], "W2": [[1]], "b2": [0]}
            if runs_in(net, dtype):
                got = predicted(by_runtime(exported(net, tmp_path / "model.onnx", dtype=dtype), x))
                np.testing.assert_allclose(got, net.predict(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_labels(loss, tmp_path):
    rng = np.random.default_rng(0)
    net = cnet.MultiLayerNet(4, [6], 3, loss=loss, rng=0)
    # So large that probabilities are rounded to 0 and 1.
    net.params["W2"] *= 1000
    x = rng.normal(size=(40, 4)).astype(np.float32)
    model = exported(net, tmp_path / "model.onnx")
    for outputs in (by_runtime(model, x), by_reference(model, x)):
        labels = outputs["label" if loss == "cross_entropy" else "labels"]
        assert labels.dtype == np.int64
        scores = np.maximum(x @ net.params["W1"] + net.params["b1"], 0) @ net.params["W2"] + net.params["b2"]
        expected = scores.argmax(axis=1) if loss == "cross_entropy" else scores > 0
        np.testing.assert_array_equal(labels, expected)
        assert net.accuracy(x, labels) == 1.0


def test_of_equal_scores_the_first_is_the_label(tmp_path):
    net = cnet.MultiLayerNet(2, [], 3)
    net.params = {"W1": np.zeros((2, 3)), "b1": [0, 1, 1]}
    x = np.zeros((1, 2), np.float32)
    assert by_runtime(exported(net, tmp_path / "model.onnx"), x)["label"].tolist() == [1]


def test_pixels(tmp_path):
    x, t = cnet.datasets.make_digits(500, rng=0)
    net = cnet.TwoLayerNet(784, 20, 10, "he", activation="relu", rng=0)
    net.fit(x, t, epochs=5)
    model = exported(net, tmp_path / "model.onnx")
    outputs = by_runtime(model, x)
    agree(outputs["probabilities"], net.predict(x))
    np.testing.assert_array_equal(outputs["label"], net.predict(x).argmax(axis=1))
    as_numbers = by_runtime(exported(net, tmp_path / "model.onnx", pixels=False), x / np.float32(255))
    agree(as_numbers["probabilities"], net.predict(x))
    # Of numbers nothing is divided.
    net = cnet.MultiLayerNet(3, [], 2, rng=0)
    net.fit(np.eye(3), [0, 1, 0], epochs=1)
    assert [node.op_type for node in exported(net, tmp_path / "model.onnx").graph.node] == ["Gemm", "Softmax", "ArgMax"]


def test_what_the_file_says_of_itself(tmp_path):
    net = cnet.MultiLayerNet(3, [4], 2, "gelu", loss="cross_entropy", rng=0)
    model = exported(net, tmp_path / "model.onnx", class_names=["Katze", "Hündin"], description="Zwei Tiere")
    metadata = {each.key: each.value for each in model.metadata_props}
    assert (model.producer_name, model.producer_version) == ("cnet", cnet.__version__)
    assert model.doc_string == "Zwei Tiere" and json.loads(metadata.pop("classes")) == ["Katze", "Hündin"]
    assert metadata == {"loss": "cross_entropy", "trained_on": "unknown"}
    assert {each.name for each in model.graph.initializer} >= {"W1", "b1", "W2", "b2"}
    huber = cnet.MultiLayerNet(3, [4], 2, "gelu", loss=cnet.losses.Huber(0.25), rng=0)
    model = exported(huber, tmp_path / "model.onnx")
    assert model.doc_string == "3-4-2, gelu, huber(0.25)"
    assert {each.key: each.value for each in model.metadata_props}["loss_parameter"] == "0.25"
    # Old runtimes know old versions of the format.
    assert model.ir_version == 8
    before = (tmp_path / "model.onnx").read_bytes()
    cnet.export.onnx(huber, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == before


def test_what_is_refused(tmp_path):
    net = cnet.MultiLayerNet(3, [4], 2, "gelu", rng=0)
    values = cnet.MultiLayerNet(3, [4], 1, loss="huber", rng=0)
    for given, options, kind, message in (
        (net, {"opset": 8}, ValueError, "opset must be from 9 to 28, got 8"),
        (net, {"opset": "17"}, TypeError, "opset must be an integer"),
        (net, {"dtype": "float64"}, ValueError, "no kernel for gelu in float64"),
        (net, {"dtype": "float16"}, ValueError, "dtype must be float32 or float64"),
        (net, {"pixels": "yes"}, TypeError, "pixels must be True or False"),
        (net, {"class_names": ["a"]}, ValueError, "class_names must hold 2 names, got 1"),
        (net, {"class_names": "ab"}, TypeError, "class_names must be a list of strings"),
        (values, {"class_names": ["a"]}, ValueError, "the network has no classes, its loss is huber"),
        (net, {"description": 5}, TypeError, "description must be a string, got int"),
        (net, {"description": "\ud800"}, ValueError, "valid Unicode"),
        ("net", {}, TypeError, "net must be a MultiLayerNet"),
    ):
        with pytest.raises(kind, match=message):
            cnet.export.onnx(given, tmp_path / "model.onnx", **options)
    with pytest.raises(FileNotFoundError, match="in a folder that is there"):
        cnet.export.onnx(net, tmp_path / "nowhere" / "model.onnx")
    net.params["W1"][0, 0] = np.nan
    with pytest.raises(ValueError, match="W1 are not finite"):
        cnet.export.onnx(net, tmp_path / "model.onnx")
    large = cnet.MultiLayerNet(2, [], 1, dtype="float64", loss="huber")
    large.params["W1"] = [[1e300], [1]]
    with pytest.raises(ValueError, match="W1 are too large for float32"):
        cnet.export.onnx(large, tmp_path / "model.onnx")
    assert os.listdir(tmp_path) == []


def test_without_the_package_it_says_what_to_install(tmp_path):
    code = """
import sys
sys.modules["onnx"] = None
import cnet
for call in (lambda: cnet.export.onnx(cnet.MultiLayerNet(2, [], 1), "model.onnx"),
             lambda: cnet.exchange.from_onnx("model.onnx")):
    try:
        call()
    except ModuleNotFoundError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))})
    message = '{} needs onnx: pip install "cnet-nn[onnx]"'
    assert done.stdout.splitlines() == [message.format("cnet.export.onnx"), message.format("cnet.exchange.from_onnx")]
