"""The chapter: its order, what each page has for its reader, and the worked example on it."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnet

DOCS = Path(__file__).resolve().parents[1] / "docs"
CHAPTER = DOCS / "chapter"
INDEX = (CHAPTER / "index.rst").read_text(encoding="utf-8")
ORDER = re.findall(r"^   (\w+)$", INDEX, re.M)


def page(name: str) -> str:
    return (CHAPTER / f"{name}.rst").read_text(encoding="utf-8")


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that puts numbers on the pages."""
    for name in ("sphinx", "docutils", "matplotlib"):
        pytest.importorskip(name, reason=f"{name} is not installed: it is needed to make the pages")
    monkeypatch.syspath_prepend(DOCS / "_ext")
    yield importlib.import_module("worked")
    for name in ("worked", "worked_example", "drawing"):
        sys.modules.pop(name, None)


def test_the_order_is_that_of_the_subject() -> None:
    assert ORDER == [
        "learning_from_data", "two_layer_network", "loss_functions", "numerical_differentiation", "gradient",
        "gradient_method", "network_gradient", "backpropagation", "mini_batches", "training_loop", "evaluation",
        "deeper_networks",
    ]
    assert {*ORDER, "index"} == {path.stem for path in CHAPTER.glob("*.rst")}
    for name, following in zip(ORDER, ORDER[1:], strict=False):
        last = page(name).rstrip().splitlines()[-1]
        # Before the references, in the last page alone, nothing leads on.
        assert last.startswith("Next: ") and f":doc:`{following}`" in last, name


CODE = r"(?m)^ *(?:>>>|\.\.\.) .*$"


def reading_minutes(text: str) -> float:
    """180 words or 12 lines of code in a minute, and a formula in 15 seconds; without the exercises."""
    text = text.partition("\nExercises\n---")[0]
    drawn = re.compile(r"(?m)^\.\. (?:picture|animation)::.*\n((?:\n|   .*\n)+)")
    # Of the code that draws, the page shows what is not hidden.
    shown = [each.rpartition("# shown from here\n")[2] for each in drawn.findall(text) if ":hide-code:" not in each]
    lines = sum(len(re.findall(r"(?m)^ +(?!:)\S", each)) for each in shown) + len(re.findall(CODE, drawn.sub("", text)))
    words = re.findall(r"[A-Za-z]{2,}", re.sub(CODE, "", drawn.sub("", text)))
    return len(words) / 180 + lines / 12 + len(re.findall(r"\.\. (?:math|worked)::", text)) / 4


def test_the_first_page_lists_all_others_with_the_minutes_that_they_take() -> None:
    listed = dict(re.findall(r"^   \* - :doc:`(\w+)`\n     - .+\n     - (\d+)$", INDEX, re.M))
    assert list(listed) == ORDER
    for name, minutes in listed.items():
        assert abs(int(minutes) - reading_minutes(page(name))) <= 0.75, name


def test_code_counts_where_it_is_shown() -> None:
    code = ".. {}:: A picture of words.\n{}\n   a = 1\n   b = 2\n   # shown from here\n   c = 3\n\nText\n"
    assert reading_minutes(code.format("picture", "")) == pytest.approx(1 / 12 + 1 / 180)
    assert reading_minutes(code.format("animation", "").replace("   # shown from here\n", "")) == pytest.approx(
        3 / 12 + 1 / 180)
    assert reading_minutes(code.format("picture", "   :hide-code:\n")) == pytest.approx(1 / 180)
    assert reading_minutes(">>> a\n... b\nText\n" + 2 * ".. math::\n\n   a\n") == pytest.approx(
        2 / 12 + 3 / 180 + 0.5)


@pytest.mark.parametrize("name", ORDER)
def test_a_page_asks_and_answers(name: str) -> None:
    text = page(name)
    opening, _, rest = text.partition("\n.. admonition:: Before you read on\n")
    assert set(opening.rstrip().splitlines()[-1]) == {"="}, "the question stands right below the title"
    question = rest.partition("\n\n   .. dropdown:: Answer\n\n      ")
    assert "?" in question[0] and question[2]
    exercises, _, recap = text.partition("\nExercises\n---------\n")[2].partition("\nRecap\n-----\n")
    parts = re.split(r"^\*\*(Pencil|Code|Thought)\.\*\* ", exercises, flags=re.M)
    assert parts[1::2] == ["Pencil", "Code", "Thought"]
    for text in parts[2::2]:
        assert text.count("\n.. dropdown:: Answer\n\n   ") == 1
    assert ">>> " in parts[4], "the answer to the second is code, which the tests run"
    assert len(re.findall(r"^- ", recap.partition("\nNext: ")[0].partition("\nReferences\n")[0], re.M)) == 5


def expressions(text: str) -> list[str]:
    """What a page asks the worked example for."""
    templates = re.findall(r"^ *\.\. worked:: (.+)$", text, re.M)
    return [each for template in templates for each in re.findall(r"`([^`]+)`", template)] + re.findall(
        r":num:`([^`]+)`", text)


def test_every_number_of_the_example_can_be_computed(worked: Any) -> None:
    found = {name: expressions(page(name)) for name in ORDER}
    assert sum(map(len, found.values())) > 80 and sum(map(bool, found.values())) >= 9
    for each in {each for one in found.values() for each in one}:
        value = np.asarray(worked.value_of(each), dtype=float)
        assert np.isfinite(value).all() and value.ndim <= 2, each
    with pytest.raises(ValueError, match="not a number of the worked example: nothing"):
        worked.value_of("nothing")


@pytest.mark.parametrize(("value", "tex"), [
    (0.5, "0.5"), (-1 / 3, "-0.333"), ([1, -2], r"\begin{pmatrix} 1 & -2 \end{pmatrix}"),
    ([[1, 2], [3, 4.25]], r"\begin{pmatrix} 1 & 2 \\ 3 & 4.25 \end{pmatrix}"),
])
def test_numbers_are_typeset(worked: Any, value: Any, tex: str) -> None:
    assert worked.in_tex(np.array(value)) == tex


def test_formulas_take_numbers_where_they_are_asked_for(worked: Any) -> None:
    assert worked.with_numbers("z = `z`") == r"z = \begin{pmatrix} 0.5 & 1.5 & 0 \end{pmatrix}"
    assert worked.in_words(np.array([[0.5, -1.0]])) == "(0.5, −1)"
    assert worked.in_words(0.25) == "0.25"


def test_the_pages_show_the_network_of_the_example(worked: Any) -> None:
    example = importlib.import_module("worked_example")
    code = r"^>>> (X = np.+\n>>> labels = .+\n>>> lamp = .+\n>>> lamp\.params = (?:.+\n)(?:\.\.\. .+\n)+)"
    shown = [each for name in ORDER for each in re.findall(code, page(name), re.M)]
    assert len(shown) >= 6
    for each in set(shown):
        names: dict[str, Any] = {"np": np, "cnet": cnet}
        exec(re.sub(r"^(>>>|\.\.\.) ", "", each, flags=re.M), names)
        assert np.array_equal(names["X"], example.X) and np.array_equal(names["labels"], example.LABELS)
        assert names["lamp"].activation == "relu"
        for name, array in example.START.items():
            assert np.array_equal(names["lamp"].params[name], array)


def test_the_trained_network_works_as_the_page_says(worked: Any) -> None:
    example = importlib.import_module("worked_example")
    net, trained = example.network(), example.trained()
    for _ in range(5):
        example.step(net)
    assert net.accuracy(example.X, example.LABELS) == 1.0
    large = trained["Z"] > 0.5
    assert large.tolist() == [[False, False, False], [False, False, True], [False, True, False], [True, False, False]]
    lowers = trained["W2"][:, 0] < trained["W2"][:, 1]
    assert lowers.tolist() == [False, True, True] and trained["b2"][0] > trained["b2"][1]
    assert trained["L"] < 0.02 and trained["accuracy"] == 1.0
