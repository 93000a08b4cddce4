"""``cnet export``: networks written for other places."""

import json
import os
import runpy
import shutil

import numpy as np
import pytest

import cnet
from cnet.cli import export, main
from cnet.export.formats import FORMATS


@pytest.fixture
def values(tmp_path):
    """A model file that is no classifier."""
    path = tmp_path / "values.safetensors"
    cnet.MultiLayerNet(3, [5, 4], 2, ["gelu", "tanh"], loss="huber", dtype="float64", rng=0).save(path)
    return str(path)


def test_a_run_as_a_module(trained, tmp_path, capsys):
    path = tmp_path / "a model.py"
    assert main(["export", trained, str(path)]) == 0
    assert capsys.readouterr().out == f"wrote {path}, {os.path.getsize(path) / 1000:,.0f} kB\n"
    module = runpy.run_path(str(path))
    x, t = cnet.datasets.make_digits(50, rng=3)
    net = cnet.load(os.path.join(trained, "model.safetensors"))
    np.testing.assert_allclose(module["predict"](x), net.predict(x), atol=1e-6)
    assert (module["classify"](x) == t).mean() == net.accuracy(x, t)
    before = path.read_bytes()
    assert main(["export", trained, "-o", str(path), "--format", "numpy", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"files": [str(path)], "format": "numpy"}
    assert path.read_bytes() == before


def test_options(values, tmp_path, capsys):
    path = tmp_path / "model.PY"
    assert main(["export", values, str(path.with_suffix(".py")), "--dtype", "float32"]) == 0
    assert runpy.run_path(str(path.with_suffix(".py")))["W1"].dtype == np.float32
    # The format is clear, but what would be written is no module.
    assert main(["export", values, str(path)]) == 1
    assert "path must end in .py, got 'model.PY'" in capsys.readouterr().err


def test_a_run_as_c(trained, tmp_path, capsys):
    files = [str(tmp_path / name) for name in ("digits.c", "digits.h")]
    assert main(["export", trained, files[0]]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"wrote {file}, {os.path.getsize(file) / 1000:,.0f} kB" for file in files] + [
        "159,040 bytes of constants; rounding the weights changes no prediction of 1,000 samples"]
    # What int8 changes is measured on the run's own 200 test images.
    assert main(["export", trained, files[0], "--weights", "int8", "--name", "net", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["files"] == files and told["format"] == "c"
    assert told["rounding"]["samples"] == 200 and told["rounding"]["bytes"] == 784 * 50 + 50 * 10 + 8 * 60
    assert 0 < told["rounding"]["largest"] < 0.1 and told["rounding"]["changed"] < 0.02
    assert "void net_predict(const float *x, float *y);" in (tmp_path / "digits.h").read_text()


def test_what_int8_is_measured_on(trained, values, data, tmp_path, capsys, model_bytes):
    """Elsewhere than in its run a model has no images; others can be named."""
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes(model_bytes(trained))
    for model, options, samples in ((alone, [], 1000), (alone, ["--data", data], 200), (values, [], 1000)):
        assert main(["export", str(model), str(tmp_path / "a.c"), "--weights", "int8", "--json", *options]) == 0
        assert json.loads(capsys.readouterr().out)["rounding"]["samples"] == samples
    assert main(["export", values, str(tmp_path / "b.c"), "--data", data]) == 1
    assert "the loss huber" in capsys.readouterr().err


def test_a_run_as_onnx(trained, tmp_path, capsys):
    onnx = pytest.importorskip("onnx")
    path = str(tmp_path / "digits.onnx")
    assert main(["export", trained, path, "--opset", "20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"files": [path], "format": "onnx"}
    model = onnx.load(path)
    assert model.opset_import[0].version == 20
    x, _ = cnet.datasets.make_digits(50, rng=3)
    net = cnet.load(os.path.join(trained, "model.safetensors"))
    back = cnet.exchange.from_onnx(path)
    np.testing.assert_array_equal(back.predict(x), net.predict(x))
    kind = onnx.TensorProto
    for option, expected in (([], kind.UINT8), (["--no-pixels"], kind.FLOAT), (["--pixels"], kind.UINT8)):
        assert main(["export", trained, path, *option]) == 0
        assert onnx.load(path).graph.input[0].type.tensor_type.elem_type == expected
    capsys.readouterr()
    assert main(["export", trained, path, "--opset", "8"]) == 1
    assert "opset must be from 9 to 28, got 8" in capsys.readouterr().err


def test_where_it_is_written_without_a_name(trained, values, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    for model, expected in ((str(run), run / "model.py"), (values, tmp_path / "values.py")):
        assert main(["export", model, "--format", "numpy", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["files"] == [str(expected)]
        assert expected.is_file()


def test_mistakes_in_the_arguments(values, tmp_path, capsys):
    for arguments, message in (
        ([], "name the file to write, as in model.py, or its --format"),
        (["a.py", "-o", "b.py"], "name the file to write once"),
        ([str(tmp_path / "model.txt")], "the name must end in one of '.py', '.c'"),
        ([str(tmp_path / "model")], "the name must end in one of '.py', '.c'"),
        (["--format", "pickle"], "invalid choice: 'pickle'"),
        ([str(tmp_path / "model.py"), "--dtype", "float16"], "invalid choice: 'float16'"),
        ([str(tmp_path / "model.c"), "--dtype", "float32"], "--dtype is not an option of the format c"),
        ([str(tmp_path / "model.py"), "--weights", "int8"], "--weights is not an option of the format numpy"),
        ([str(tmp_path / "model.c"), "--opset", "17"], "--opset is not an option of the format c"),
        ([str(tmp_path / "model.py"), "--no-pixels"], "--pixels is not an option of the format numpy"),
        ([str(tmp_path / "model.py"), "--name", "net"], "--name is not an option of the format numpy"),
        ([str(tmp_path / "model.py"), "--data", "drawn"], "--data is not an option of the format numpy"),
        ([""], "expected the name of a file or folder"),
    ):
        assert main(["export", values, *arguments]) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
    assert os.listdir(tmp_path) == ["values.safetensors"]


def test_failures(values, tmp_path, capsys):
    nan = tmp_path / "nan.safetensors"
    net = cnet.MultiLayerNet(2, [], 1, loss="huber")
    net.params["W1"] = [[np.nan], [1]]
    net.save(nan)
    (tmp_path / "mine.h").write_text("int mine;")
    for arguments, message in (
        ([values, str(tmp_path / "nowhere" / "model.py")], "path must name a file in a folder that is there"),
        ([values, str(tmp_path / "numpy.py")], "path must not be numpy.py"),
        ([values, str(tmp_path / "model.c"), "--name", "a b"], "name must be 1 to 31 letters"),
        ([values, str(tmp_path / "mine.c")], "mine.h is there and is not a header that cnet wrote"),
        ([str(nan), str(tmp_path / "model.py")], "not all finite"),
        ([str(tmp_path / "missing"), str(tmp_path / "model.py")], "missing"),
        ([str(tmp_path), str(tmp_path / "model.py")], "is not the folder of a run"),
    ):
        assert main(["export", *arguments]) == 1
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == ["mine.h", "nan.safetensors", "values.safetensors"]


def test_the_help_names_every_format():
    assert export.NAMES == tuple(FORMATS)
    for each in FORMATS.values():
        assert each.suffix in export.DESCRIPTION
