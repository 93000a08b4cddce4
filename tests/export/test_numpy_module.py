"""Modules that need NumPy alone: they compute what the networks do where there is no cnet."""

import ast
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cnet
from cnet.activations import ACTIVATIONS
from cnet.export.description import OUTPUTS
from cnet.export.numpy_module import FUNCTIONS

# Without the environment, the user's folders and site-packages' own start-up, which could know of cnet.
CLEAN = """
import sys
sys.path[:0] = [{numpy!r}, {folder!r}]
sys.modules["cnet"] = None
import importlib
import numpy as np
for number in range({count}):
    module = importlib.import_module(f"model{{number}}")
    x = np.load(f"{folder}/x{{number}}.npy")
    for name in ("scores", "predict", "classify"):
        if hasattr(module, name):
            np.save(f"{folder}/{{name}}{{number}}.npy", getattr(module, name)(x))
"""


def test_twenty_networks_in_an_interpreter_that_has_numpy_alone(cases, tmp_path):
    for number, (net, x, _) in enumerate(cases):
        cnet.export.numpy(net, tmp_path / f"model{number}.py")
        np.save(tmp_path / f"x{number}.npy", x)
    program = CLEAN.format(numpy=str(Path(np.__file__).parents[1]), folder=str(tmp_path), count=len(cases))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", program], capture_output=True, text=True, timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for number, (net, x, expected) in enumerate(cases):
        y = np.load(tmp_path / f"predict{number}.npy")
        assert y.dtype == net.dtype and y.shape == expected.shape
        exact = 1e-12 if net.dtype == np.float64 else 1e-6
        np.testing.assert_allclose(y, expected, rtol=10 * exact, atol=exact)
        np.testing.assert_allclose(y, net.predict(x), rtol=10 * exact, atol=exact)
        classes = tmp_path / f"classify{number}.npy"
        loss = net.loss_function.name
        assert classes.exists() == (loss in ("cross_entropy", "binary_cross_entropy"))
        if loss == "cross_entropy":
            np.testing.assert_array_equal(np.load(classes), expected.argmax(axis=1))
        elif loss == "binary_cross_entropy":
            np.testing.assert_array_equal(np.load(classes), expected > 0.5)


@pytest.fixture
def exported(tmp_path):
    """The names of a network's module."""

    def of(net, **options):
        cnet.export.numpy(net, tmp_path / "model.py", **options)
        return runpy.run_path(str(tmp_path / "model.py"))

    return of


def test_samples_pixels_and_types(exported):
    net = cnet.MultiLayerNet(4, [3], 2, "gelu", dtype="float64", rng=0)
    x = np.array([[0, 51, 255, 7]], np.uint8)
    for dtype in ("float32", "float64"):
        module = exported(net, dtype=dtype)
        np.testing.assert_allclose(module["predict"](x), net.predict(x), atol=1e-6)
        np.testing.assert_allclose(module["predict"](x[0] / 255), net.predict(x)[0], atol=1e-6)
        np.testing.assert_allclose(module["predict"]([1, 2, 3, 4]), net.predict([1, 2, 3, 4]), atol=1e-6)
        assert module["predict"](x).dtype == dtype == module["W1"].dtype
        assert module["classify"](x[0]) == net.predict(x)[0].argmax()
        for shape in ((3,), (2, 3), ()):
            with pytest.raises(ValueError, match=r"x must have shape \(B, 4\) or \(4,\), got"):
                module["predict"](np.zeros(shape))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_far_values_give_neither_warnings_nor_nan(activation, exported):
    net = cnet.MultiLayerNet(1, [1], 2, activation, loss="binary_cross_entropy", rng=0)
    net.params.update({"W1": [[1.0]], "W2": [[1.0, -1.0]]})
    x = np.array([[-1e30], [-200.0], [-12.0], [0.0], [12.0], [200.0], [1e30]])
    y = exported(net)["predict"](x)
    assert np.isfinite(y).all()
    np.testing.assert_allclose(y, net.predict(x), atol=1e-6)


def test_scores_far_apart(exported):
    for loss in ("cross_entropy", "poisson"):
        net = cnet.MultiLayerNet(1, [], 2, loss=loss, rng=0)
        net.params.update({"W1": [[1.0, -1.0]]})
        x = np.array([[3000.0], [1.0]])
        np.testing.assert_allclose(exported(net)["predict"](x), net.predict(x), rtol=1e-6)


def test_there_is_a_function_for_every_activation_and_output():
    assert set(FUNCTIONS) == {*ACTIVATIONS, *OUTPUTS} - {"identity"}


def test_the_module_is_short_and_says_what_it_is(cases, tmp_path):
    path = tmp_path / "model.py"
    for net, *_ in cases:
        cnet.export.numpy(net, path)
        text = path.read_text(encoding="ascii")
        tree = ast.parse(text)
        lines = text.partition("\nW1 = ")[0].splitlines()
        assert len(lines) < 110 and max(map(len, text.splitlines())) <= 120
        assert f"cnet {cnet.__version__}: {'-'.join(map(str, net.sizes))}" in (ast.get_docstring(tree) or "")
        imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
        assert imported <= {"base64", "math", "numpy"} and ("math" in imported) == ("gelu" in net._core.activations)
        # Functions that nothing calls are not there.
        made = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert made - used <= {"predict", "classify", "scores"}


def test_it_replaces_a_file_whole_or_not_at_all(network, tmp_path):
    path = tmp_path / "model.py"
    path.write_text("before")
    network.params["W1"] = np.full((4, 3), np.inf)
    with pytest.raises(ValueError, match="not finite"):
        cnet.export.numpy(network, path)
    assert path.read_text() == "before"
    network.params["W1"] = np.zeros((4, 3))
    cnet.export.numpy(network, path)
    assert "def predict" in path.read_text()
    assert os.listdir(tmp_path) == ["model.py"]


@pytest.mark.parametrize(("name", "error", "message"), [
    ("", IsADirectoryError, "path must name the Python file to write"),
    ("folder.py", IsADirectoryError, "folder.py is a folder"),
    ("nowhere/model.py", FileNotFoundError, "path must name a file in a folder that is there"),
    ("model.txt", ValueError, "path must end in .py, got 'model.txt'"),
    ("model", ValueError, "path must end in .py"),
    (".py", ValueError, "path must end in .py, got '.py'"),
    ("model.safetensors", ValueError, "path must end in .py"),
    ("numpy.py", ValueError, r"path must not be numpy\.py: Python, or NumPy, would import it"),
    ("base64.py", ValueError, r"path must not be base64\.py"),
    ("a\0b.py", ValueError, "null"),
])
def test_hostile_paths(network, tmp_path, name, error, message):
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(error, match=message):
        cnet.export.numpy(network, f"{tmp_path}/{name}")
    assert os.listdir(tmp_path) == ["folder.py"]


@pytest.mark.parametrize("path", [b"model.py", 3, None, ["model.py"]])
def test_what_is_no_path(network, path):
    with pytest.raises(TypeError, match="path must be a str or an os.PathLike"):
        cnet.export.numpy(network, path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_replaced(network, tmp_path):
    os.mkfifo(tmp_path / "model.py")
    with pytest.raises(OSError, match="a pipe, a socket or a device"):
        cnet.export.numpy(network, tmp_path / "model.py")


def test_names_of_files_are_not_in_the_module(network, tmp_path):
    """Whatever a file is called, nothing of it becomes code."""
    cnet.export.numpy(network, tmp_path / "plain.py")
    cnet.export.numpy(network, tmp_path / '"""; import os #\n.py')
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1
