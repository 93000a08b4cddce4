"""Drawings of networks: what is on them, what they say to those who do not see them, in both languages."""

from __future__ import annotations

import importlib
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnet
from cnet import reference

pytest.importorskip("matplotlib", reason="matplotlib is not installed: the drawings have its pictures' colours")

DOCS = Path(__file__).resolve().parents[1] / "docs"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that draws."""
    monkeypatch.syspath_prepend(DOCS / "_ext")
    yield importlib.import_module("drawing")
    sys.modules.pop("drawing", None)


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that holds the worked example."""
    monkeypatch.syspath_prepend(DOCS / "_ext")
    yield importlib.import_module("worked_example")
    sys.modules.pop("worked_example", None)


def parts(svg: str, tag: str, name: str = "") -> list[ET.Element]:
    """The elements of a tag that have a class."""
    root = ET.fromstring(svg)
    return [each for each in root.iter(SVG + tag) if not name or name in each.get("class", "").split()]


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in parts(svg, "text")]


def test_a_network_has_its_units_weights_and_shapes(drawing: Any) -> None:
    svg = drawing.network([2, 3, 2], key="k")
    assert len(parts(svg, "circle", "unit")) == 7
    assert len(parts(svg, "line", "edge")) == 2 * 3 + 3 * 2
    assert {"W₁  (2, 3)", "b₁  (3,)", "W₂  (3, 2)", "b₂  (2,)"} <= set(texts(svg))
    assert {"inputs", "hidden units", "outputs"} <= set(texts(svg))
    assert parts(svg, "circle", "lit") == parts(svg, "line", "lit") == []


def test_a_network_without_biases_shows_none(drawing: Any) -> None:
    svg = drawing.network([2, 3], key="k", lit=["W1"], biases=False)
    assert "W₁  (2, 3)" in texts(svg) and not any("b₁" in text for text in texts(svg))
    with pytest.raises(ValueError, match="not in the drawing: b1"):
        drawing.network([2, 3], key="k", lit=["b1"], biases=False)


@pytest.mark.parametrize("sizes", [[1, 1], [2, 3, 2], [784, 50, 10], [3, 4, 4, 4, 2]])
def test_all_that_is_drawn_is_within_the_drawing(drawing: Any, sizes: list[int]) -> None:
    svg = drawing.network(sizes, key="k")
    width, height = map(float, ET.fromstring(svg).get("viewBox", "").split()[2:])
    for circle in parts(svg, "circle"):
        x, y, r = (float(circle.get(name, "nan")) for name in ("cx", "cy", "r"))
        assert r <= x <= width - r and r <= y <= height - r
    for text in parts(svg, "text"):
        assert 0 < float(text.get("x", "nan")) < width and 0 < float(text.get("y", "nan")) < height


def test_units_and_numbers_of_a_layer_do_not_overlap(drawing: Any) -> None:
    rng = np.random.default_rng(0)
    weights = {"W1": rng.normal(size=(2, 3)), "W2": rng.normal(size=(3, 2))}
    svg = drawing.network([2, 3, 2], key="k", weights=weights)
    places = [(float(text.get("x", "nan")), float(text.get("y", "nan"))) for text in parts(svg, "text", "weight")]
    assert len(places) == 12
    assert min(np.hypot(*np.subtract(a, b)) for i, a in enumerate(places) for b in places[:i]) > 17


def test_of_a_large_layer_some_units_are_drawn(drawing: Any) -> None:
    svg = drawing.network([784, 50, 10], key="k")
    assert len(parts(svg, "circle")) == 12 and texts(svg).count("⋮") == 3
    assert "x: 784 inputs." in parts(svg, "desc")[0].text


def test_what_the_page_is_about_is_emphasised(drawing: Any) -> None:
    svg = drawing.network([2, 3, 2], key="k", lit=["W2"])
    assert len(parts(svg, "line", "lit")) == 6 + 1  # the weights, and the arrow above them
    svg = drawing.network([2, 3, 2], key="k", lit=["W1[0,2]", "z[2]", "y"])
    assert len(parts(svg, "line", "lit")) == 1 and len(parts(svg, "circle", "lit")) == 1 + 2
    assert "Emphasised: W₁[₀,₂]" in parts(svg, "desc")[0].text
    with pytest.raises(ValueError, match=r"not in the drawing: W3"):
        drawing.network([2, 3, 2], key="k", lit=["W3"])
    with pytest.raises(ValueError, match="not in the drawing"):
        drawing.graph([2, 3, 2], key="k", lit=["z[1]"])


def test_a_network_needs_two_layers(drawing: Any) -> None:
    for sizes in ([2], [2, 0, 1]):
        with pytest.raises(ValueError, match="two layers"):
            drawing.network(sizes, key="k")
    with pytest.raises(ValueError, match="three layers"):
        drawing.graph([2, 3], key="k")


def graphs(drawing: Any, **options: Any) -> list[str]:
    """Both forms of a graph."""
    svg = drawing.graph([2, 3, 2], key="k", **options)
    return [f"<svg{each}" for each in svg.split("<svg")[1:]]


def test_the_graph_shows_the_steps_twice(drawing: Any) -> None:
    wide, narrow = graphs(drawing, lit=["affine2", "W2"])
    for svg, form in ((wide, "cnet-wide"), (narrow, "cnet-narrow")):
        assert form in ET.fromstring(svg).get("class", "")
        steps = [text for text in texts(svg) if text in ("affine", "activation", "softmax", "loss")]
        assert steps == ["affine", "activation", "affine", "softmax", "loss"]
        assert len(parts(svg, "rect")) == 5 and len(parts(svg, "rect", "lit")) == 1
    ids = re.findall(r' id="([^"]+)"', wide + narrow)
    assert len(ids) == len(set(ids)) == 4


def test_the_graph_shows_numbers_forward_and_back(drawing: Any) -> None:
    numbers = drawing.Numbers({"x": [1, 0], "y": [0.25, 0.75]}, {"s": [-0.25, 0.25]})
    wide, narrow = graphs(drawing, numbers=numbers)
    assert [text.text for text in parts(wide, "text", "forward")] == ["1", "0", "0.25", "0.75"]
    assert [text.text for text in parts(wide, "text", "backward")] == ["−0.25", "0.25"]
    assert "y = (0.25, 0.75)" in texts(narrow) and "∂L/∂s = (−0.25, 0.25)" in texts(narrow)
    for svg in (wide, narrow):
        description = parts(svg, "desc")[0].text
        assert "Forward: x = (1, 0), y = (0.25, 0.75)." in description
        assert "Backward: ∂L/∂s = (−0.25, 0.25)." in description


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_a_drawing_tells_what_it_shows(drawing: Any, language: str) -> None:
    assert drawing.WORDS["en"].keys() == drawing.WORDS["zh_CN"].keys()
    network = drawing.network([2, 3, 2], key="k", lit=["z"], language=language)
    for svg in [network, *graphs(drawing, language=language)]:
        root = ET.fromstring(svg)
        title, description = parts(svg, "title")[0], parts(svg, "desc")[0]
        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        assert bool(re.search("[\u4e00-\u9fff]", title.text + description.text)) == (language == "zh_CN")


def test_colours_come_from_the_style_sheet(drawing: Any) -> None:
    svg = drawing.network([2, 3, 2], key="k") + drawing.graph([2, 3, 2], key="k")
    assert not re.search(r"#[0-9a-fA-F]{3}|fill=|stroke=|style=", svg)


@pytest.mark.parametrize(("value", "shown"), [
    (0.0, "0"), (-0.0, "0"), (-0.0001, "0"), (1.0, "1"), (-1.5, "−1.5"), (2 / 3, "0.667"), (-0.3775, "−0.378"),
    (10, "10"),
])
def test_numbers_are_short(drawing: Any, value: float, shown: str) -> None:
    assert drawing.number(value) == shown


def test_the_example_is_what_the_reference_and_differences_compute(worked: Any) -> None:
    numbers, start, T = worked.numbers(), worked.START, np.eye(2)[worked.LABELS]
    hidden, scores = reference.forward(start, worked.X, "relu")[0][-1], None
    assert np.array_equal(hidden, numbers["Z"])
    scores = hidden @ start["W2"] + start["b2"]
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert np.allclose(numbers["S"], scores, rtol=1e-15) and np.allclose(numbers["Y"], shares, rtol=1e-14)
    assert numbers["L"] == pytest.approx(-np.log((shares * T).sum(axis=1)).mean(), rel=1e-14)

    def loss(name: str, place: tuple[int, ...], step: float) -> float:
        moved = {key: array.copy() for key, array in start.items()}
        moved[name][place] += step
        a = worked.X @ moved["W1"] + moved["b1"]
        s = np.maximum(a, 0) @ moved["W2"] + moved["b2"]
        return float(np.mean(np.log(np.exp(s).sum(axis=1)) - (s * T).sum(axis=1)))

    for name, array in start.items():
        for place in np.ndindex(array.shape):
            slope = (loss(name, place, 1e-5) - loss(name, place, -1e-5)) / 2e-5
            assert numbers[f"d{name}"][place] == pytest.approx(slope, abs=1e-9)


def test_what_flows_back_through_the_example_makes_its_gradient(worked: Any) -> None:
    numbers = worked.numbers()
    assert np.allclose(numbers["X"].T @ numbers["D1"], numbers["dW1"], atol=1e-15)
    assert np.allclose(numbers["Z"].T @ numbers["D2"], numbers["dW2"], atol=1e-15)
    assert np.allclose(numbers["D1"].sum(axis=0), numbers["db1"], atol=1e-15)
    # Through the softmax: its derivative is y_k (delta_ki - y_i).
    y, dy = numbers["y"][0], numbers["dy"][0]
    assert np.allclose((np.diag(y) - np.outer(y, y)) @ dy, numbers["d2"][0], atol=1e-15)


def test_the_example_suits_a_pencil_and_can_be_learned(worked: Any) -> None:
    numbers = worked.numbers()
    for name in "AZS":
        assert np.array_equal(numbers[name] * 2, np.round(numbers[name] * 2))
    assert (numbers["A"] != 0).all(), "relu has no derivative there"
    assert numbers["accuracy"] == 0.5
    net = worked.network()
    history = net.fit(
        worked.X, worked.LABELS, epochs=worked.STEPS, batch_size=4, learning_rate=worked.LEARNING_RATE,
        sampling="shuffle",
    )
    assert net.accuracy(worked.X, worked.LABELS) == 1.0 and history.loss[-1] < 0.02
    assert (np.diff(history.loss) < 0).all()
    assert isinstance(net, cnet.TwoLayerNet)
