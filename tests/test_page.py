"""Pages that show a network: the file that is written, and the JavaScript modules, run by node."""

import json
import os
import re
import shutil
import subprocess
import zlib
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest

import cnet
from cnet.activations import ACTIVATIONS
from cnet.images import as_mnist
from cnet.losses import LOSSES
from cnet.page import assembly
from cnet.page.contents import contents_of, packed

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed: it runs the page's modules")
HERE = Path(__file__).parent / "page"

# What tags and attributes are made of; as names they must stay text.
HOSTILE = ["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"'><b>&amp;", "\u2028\u2029\ud800"]


def node(*arguments, text=None):
    done = subprocess.run(
        [NODE, *map(str, arguments)], input=text, capture_output=True, text=True, encoding="utf-8", timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answers(kind, asked):
    """What the page's modules compute."""
    return json.loads(node(HERE / "answers.mjs", text=json.dumps([kind, asked])))


def contents_in(path):
    text = Path(path).read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="cnet-contents">(.*?)</script>', text, re.S)[1])


@needs_node
def test_the_modules_by_themselves():
    node("--test", *sorted(HERE.glob("*.test.mjs")))


def small(activation="relu", loss="cross_entropy", dtype="float32"):
    rng = np.random.default_rng(len(activation) + len(loss))
    net = cnet.MultiLayerNet(5, [7, 6], 3, activation, loss=loss, dtype=dtype, weight_decay_lambda=0.01, rng=1)
    net.params = {name: array + 0.1 * rng.normal(size=array.shape) for name, array in net.params.items()}
    x = rng.normal(size=(9, 5)).astype(dtype)
    t = np.abs(rng.normal(size=(9, 3)))
    if loss == "cross_entropy":
        t = rng.integers(0, 3, 9)
    elif loss == "binary_cross_entropy":
        t = (t > 0.5).astype(float)
    return net, x, t


@needs_node
@pytest.mark.parametrize("loss", LOSSES)
def test_predictions_and_gradients_are_those_of_the_network(loss):
    """For every activation; the page's float32 weights, and its own double precision."""
    cases = [small(activation, loss, dtype) for activation in ACTIVATIONS for dtype in ("float32", "float64")]
    found = answers("networks", [contents_of(net, None, (x, t), None, None, "") for net, x, t in cases])
    for (net, x, t), answer in zip(cases, found, strict=True):
        np.testing.assert_allclose(answer["predictions"], net.predict(x), rtol=1e-5, atol=1e-6)
        # In the order W1, b1, W2, ..., each flat.
        for values, expected in zip(answer["gradient"], net.gradient(x, t).values(), strict=True):
            np.testing.assert_allclose(values, expected.reshape(-1), rtol=1e-4, atol=2e-6)


@needs_node
@pytest.mark.parametrize("sizes", [(4, [], 2), (3, [4] * 16, 2), (1, [2], 1)])
def test_any_depth(sizes):
    net = cnet.MultiLayerNet(*sizes, "tanh", loss="squared_error", rng=0)
    x = np.random.default_rng(0).normal(size=(5, sizes[0])).astype(np.float32)
    answer, = answers("networks", [contents_of(net, None, (x, np.zeros((5, sizes[2]))), None, None, "")])
    np.testing.assert_allclose(answer["predictions"], net.predict(x), rtol=1e-5, atol=1e-6)


@needs_node
@pytest.mark.parametrize("kind", ["uint8", "floats up to 1", "larger floats"])
def test_images_as_the_network_was_trained_on_them(kind):
    x, t = cnet.datasets.make_digits(200, rng=3)
    x = x if kind == "uint8" else (x / np.float32(255) if kind == "floats up to 1" else x.astype(np.float32))
    net = cnet.TwoLayerNet(784, 12, 10, 0.001, rng=0)
    net.fit(x, t, epochs=1, learning_rate=1e-4)
    assert net._trained_on == kind
    answer, = answers("networks", [contents_of(net, None, (x[:50], t[:50]), None, None, "")])
    np.testing.assert_allclose(answer["predictions"], net.predict(x[:50]), rtol=1e-5, atol=1e-6)


def drawings():
    """Strokes as a hand draws them, of some sizes and places."""
    a = np.linspace(0, 2 * np.pi, 60)
    # Not symmetric: where a centre of mass lies half between two pixels, rounding decides.
    ring = np.column_stack([0.5 + 0.17 * np.cos(a) + 0.03 * np.sin(a), 0.5 + (0.28 + 0.03 * np.cos(a)) * np.sin(a)])
    seven = [[0.25, 0.2], [0.7, 0.22], [0.42, 0.85]]
    four = [[[0.5, 0.15], [0.25, 0.55], [0.75, 0.5]], [[0.6, 0.3], [0.58, 0.9]]]
    return [[ring.tolist()], [(0.4 * ring + 0.5).tolist()], [seven], four, [[[0.5, 0.2], [0.48, 0.8]]]]


@needs_node
def test_a_drawing_becomes_the_image_that_read_digit_makes_of_it():
    pytest.importorskip("PIL", reason="Pillow is not installed: as_mnist scales with it")
    for answer in answers("drawings", drawings()):
        sheet = 255 - np.array(answer["sheet"], np.uint8).reshape(280, 280)
        # The page keeps more than 8 bits of the ink, and finds no noise on its sheet.
        difference = np.abs(np.array(answer["pixels"], int) - as_mnist(sheet))
        assert difference.max() <= 2


@needs_node
def test_the_script_is_one_module(tmp_path):
    """Top-level names of all modules stand side by side: two of one name would be a syntax error."""
    (tmp_path / "all.mjs").write_text(assembly.script(), encoding="utf-8")
    node("--check", tmp_path / "all.mjs")


def test_every_module_is_in_the_page_and_leaves_no_import():
    files = {path.name: path.read_text(encoding="utf-8") for path in assembly.FOLDER.glob("*.mjs")}
    assert set(files) == {name for name, _ in assembly.modules_in_order()}
    for name, source in files.items():
        imports = re.findall(r"^import\b.*", source, re.M)
        assert imports == re.findall(r'^import \{[\w, ]+\} from "\./\w+\.mjs";$', source, re.M), name
        assert len(source.splitlines()) <= 400, name
        assert max(map(len, source.splitlines())) <= (120 if name not in ("english.mjs", "chinese.mjs") else 400), name
    assert not re.search(r"^(import|export)\b", assembly.script(), re.M)


def test_nothing_is_fetched():
    """No address but that of a name space, and nothing that ends the script, or reads text as HTML."""
    script, style = assembly.script(), (assembly.FOLDER / "page.css").read_text(encoding="utf-8")
    assert re.findall(r"\w+://[^\"']*", script + style) == ["http://www.w3.org/2000/svg"]
    for word in ("</script", "innerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "XMLHttp"):
        assert word not in script + style


def test_colours_are_those_of_the_pictures():
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: the pictures' colours are its")
    from cnet.plots.style import INK, ON_DARK, ON_LIGHT, PAPER

    style = (assembly.FOLDER / "page.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root(?:\[data-theme=\"dark\"\])? \{(.*?)\}", style, re.S)
    for rule, theme, colors in ((light, "light", ON_LIGHT), (dark, "dark", ON_DARK)):
        names = dict(re.findall(r"--([\w-]+): (#\w+)", rule))
        assert (names["ink"], names["paper"]) == (INK[theme], PAPER[theme])
        assert [names[f"class-{n}"].upper() for n in range(1, 7)] == [color.upper() for color in colors]
        assert (names["negative"], names["positive"]) == (names["class-1"], names["class-2"])


def test_the_book_network_takes_less_than_400_kB(tmp_path, network):
    net = cnet.TwoLayerNet(784, 50, 10, "he", activation="relu", rng=0)
    x, t = cnet.datasets.make_digits(2000, rng=1)
    net.fit(x, t, epochs=2)
    net.to_html(tmp_path / "digits.html", train_data=(x, t), test_data=cnet.datasets.make_digits(2000, rng=2))
    assert os.path.getsize(tmp_path / "digits.html") < 400_000
    contents = contents_in(tmp_path / "digits.html")
    assert (contents["train"]["n"], contents["test"]["n"], contents["misread"]["n"]) == (250, 100, 40)


def test_misread_samples_most_confident_first(network):
    x, t = cnet.datasets.make_digits(3000, rng=9)
    found = contents_of(network, None, (x, t), None, None, "")
    y = network.predict(x)
    wrong = [n for n in range(len(t)) if y[n].argmax() != t[n]]
    first = sorted(wrong, key=lambda n: -y[n].max())[:40]
    assert found["accuracy"] == {"n": 3000, "wrong": len(wrong)}
    pixels = np.frombuffer(zlib.decompress(b64decode(found["misread"]["x"]["data"])), np.uint8)
    assert (pixels.reshape(-1, 784) == x[first]).all()


def test_packed_numbers_are_planes_of_bytes():
    numbers = np.array([1.5, -2.25e-3, 3e7], np.float32)
    planes = np.frombuffer(zlib.decompress(b64decode(packed(numbers)["data"])), np.uint8).reshape(4, 3)
    assert [planes[:, n].tobytes() for n in range(3)] == [n.astype("<f4").tobytes() for n in numbers]


def test_hostile_names_stay_data(tmp_path):
    net = cnet.MultiLayerNet(2, [3], 4, rng=0)
    net.to_html(tmp_path / "page.html", class_names=HOSTILE, input_names=HOSTILE[:2], title=HOSTILE[0])
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.count("<script") == text.count("</script>") == 2
    assert "<img" not in text and "<title>&lt;/script&gt;" in text
    contents = contents_in(tmp_path / "page.html")
    assert contents["classNames"][:3] == HOSTILE[:3] and contents["input"]["names"] == HOSTILE[:2]


def test_errors_leave_what_was_there(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("before")
    x, t = np.zeros((4, 2)), np.array([0, 1, 0, 1])
    net = cnet.MultiLayerNet(2, [3], 2, rng=0)
    broken = cnet.MultiLayerNet(2, [3], 2, dtype="float64", rng=0)
    broken.params["W1"][0, 0] = 1e300
    for error, message, made, options in (
        (ValueError, "class_names must hold 2 names, got 1", net, {"class_names": ["a"]}),
        (TypeError, "class_names must be a list of strings", net, {"class_names": "ab"}),
        (TypeError, "input_names must be a list of strings", net, {"input_names": [1, 2]}),
        (TypeError, "title must be a string, got int", net, {"title": 3}),
        (TypeError, r"test_data must be a pair \(x, t\), got ndarray", net, {"test_data": x}),
        (ValueError, r"train_data: x must have shape \(N, 2\)", net, {"train_data": (x[0], t)}),
        (ValueError, r"train_data: .* and at least one row", net, {"train_data": (x[:0], t[:0])}),
        (ValueError, "test_data: .*4", net, {"test_data": (np.zeros((4, 3)), t)}),
        (ValueError, "finite as float32", broken, {}),
        (ValueError, "input_names must be None", cnet.TwoLayerNet(784, 2, 10), {"input_names": ["p"] * 784}),
        (ValueError, "at most 10,000,000 parameters", cnet.MultiLayerNet(4000, [2600], 2), {}),
        (ValueError, "images must be uint8, or numbers from 0 to 1", cnet.TwoLayerNet(784, 2, 10),
         {"test_data": (np.full((2, 784), -1.0), t[:2])}),
    ):
        with pytest.raises(error, match=message):
            made.to_html(path, **options)
    assert path.read_text() == "before"
    with pytest.raises(IsADirectoryError, match="path must name the HTML file to write"):
        net.to_html(tmp_path)
    with pytest.raises(FileNotFoundError, match="path must name a file in a folder that is there"):
        net.to_html(tmp_path / "nowhere" / "page.html")
    with pytest.raises(TypeError, match="path must be a str or an os.PathLike, got int"):
        net.to_html(3)
    assert os.listdir(tmp_path) == ["page.html"]
