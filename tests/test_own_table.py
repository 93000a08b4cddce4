"""The page on your own table: its failures look as it says, and its pictures find what its examples made."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "your-own-table.rst"
TEXT = PAGE.read_text(encoding="utf-8")
FAILURES = re.findall(r"^(\d+)\. .+\n~+$", TEXT, re.M)


@pytest.fixture(scope="module")
def drawn() -> Iterator[list[dict[str, Any]]]:
    """What the code of each failure's picture made, in the order of the page."""
    for name in ("matplotlib", "docutils", "sphinx"):
        pytest.importorskip(name, reason=f"{name} is not installed: it is needed to make the page")
    import matplotlib

    before = matplotlib.get_backend()
    matplotlib.use("Agg")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS / "_ext")
        picture = importlib.import_module("picture")
        examples = picture.Examples(PAGE)
        found = []
        for match in re.finditer(r"^\.\. picture:: .+\n   :continued:\n\n((?:   .*\n|\n)+)", TEXT, re.M):
            names = {**picture.GIVEN, **examples.above(TEXT[: match.start()].count("\n") + 1)}
            code = re.sub("^   ", "", match[1], flags=re.M)
            exec(code, names)
            found.append(names)
        picture.plt.close("all")
        yield found[1:]
        sys.modules.pop("picture", None)
    matplotlib.use(before)


def test_each_failure_has_a_picture_how_it_looks_and_what_to_do(drawn: list[dict[str, Any]]) -> None:
    assert list(map(int, FAILURES)) == list(range(1, len(drawn) + 1)) and len(drawn) >= 10
    for part in re.split(r"^\d+\. .+\n~+$", TEXT, flags=re.M)[1:]:
        assert len(re.findall(r"\*\*(How it looks|What to do):\*\*", part)) == 2


def test_failures_look_as_the_page_says(drawn: list[dict[str, Any]]) -> None:
    (fast, slow, raw, dead, mixed, copies, told, tiny, much, rare, same, saw) = drawn
    good = fast["good"].history
    entropy = -np.sum(fast["shares"] * np.log(fast["shares"]))

    def end(history: Any) -> float:
        return float(history.loss[-36:].mean())

    def steps(history: Any) -> float:
        return float(np.abs(np.diff(history.loss[-360:])).mean())

    def validation(names: dict[str, Any], name: str) -> Any:
        return names[name].history.validation_loss

    assert end(good) < 0.35
    assert end(fast["fast"].history) > 1.3 * end(good) and steps(fast["fast"].history) > 1.3 * steps(good)
    crept = slow["slow"].history
    assert end(crept) > 2 * end(good) and crept.loss[:36].mean() > crept.loss[700:736].mean() > end(crept) + 0.05
    assert crept.validation_loss[-1] == pytest.approx(end(crept), abs=0.1)
    assert raw["raw"].history.loss[0] > 10 * raw["scaled"].history.loss[0]
    assert end(raw["raw"].history) > 1.5 * end(raw["scaled"].history)
    assert end(dead["dead"].history) == pytest.approx(entropy, abs=0.1)
    assert validation(mixed, "mixed").min() > entropy - 0.02 and end(mixed["mixed"].history) < entropy - 0.02
    assert validation(mixed, "mixed")[-1] > validation(mixed, "mixed").min() + 0.02
    assert copies["leaky"].history.validation_accuracy[-1] > copies["new"][-1] + 0.1
    assert validation(told, "told")[-1] < 0.6 * good.validation_loss[-1]
    assert end(tiny["tiny"].history) > 1.6 * end(good)
    assert validation(tiny, "tiny")[-1] == pytest.approx(end(tiny["tiny"].history), abs=0.1)
    assert end(much["much"].history) < 0.1 and validation(much, "much")[-1] > validation(much, "much").min() + 0.2
    accuracies = rare["two"].history.validation_accuracy
    assert accuracies[0] > 0.94 and accuracies[-1] < accuracies[0] + 0.04 and rare["recall"][0] < 0.05
    weights = same["same"].params["W1"]
    assert (weights == weights[:, :1]).all() and end(same["same"].history) == pytest.approx(
        end(same["alone"].history), abs=0.1)
    losses = np.array(saw["losses"]).reshape(5, 36)
    assert losses.max(axis=1).min() > 1.5 and losses.min(axis=1).max() < 0.3
