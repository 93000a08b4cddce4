"""The chapter's notebooks: they are whole, run from top to bottom, and print what they say."""

from __future__ import annotations

import ast
import base64
import contextlib
import doctest
import io
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
NAMES = sorted(path.stem for path in (DOCS / "chapter").glob("*.rst") if path.stem != "index")

# What docs/conf.py sets that decides what is in a notebook, without what only draws.
CONFIGURATION = f"""
import sys
sys.path.insert(0, {os.fspath(DOCS / "_ext")!r})
import animation
import live_page
import picture
animation.draw = picture.draw = live_page.write = lambda *arguments: None
extensions = ["picture", "animation", "live_page", "drawings", "worked", "notebooks", "sphinx_design"]
locale_dirs = [{os.fspath(DOCS / "locale")!r}]
gettext_compact = False
"""


def built(folder: Path, language: str) -> Path:
    """The folder of the notebooks in a language."""
    for name in ("sphinx", "sphinx_design", "matplotlib", "PIL"):
        pytest.importorskip(name, reason=f"{name} is not installed: it makes the notebooks")
    source, result = folder / "source", folder / "result"
    shutil.copytree(DOCS / "chapter", source / "chapter")
    shutil.copy(DOCS / "index.rst", source)
    (source / "conf.py").write_text(CONFIGURATION, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", "-D", f"language={language}", source, result]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return result / "chapter"


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("english"), "en")


def cells(folder: Path, name: str) -> Iterator[tuple[dict[str, Any], str]]:
    for cell in json.loads((folder / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]:
        yield cell, "".join(cell["source"])


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_has_the_form_of_one(name: str, english: Path) -> None:
    whole = json.loads((english / f"{name}.ipynb").read_text(encoding="utf-8"))
    assert (whole["nbformat"], whole["nbformat_minor"]) == (4, 5)
    assert whole["metadata"]["kernelspec"]["name"] == "python3"
    ids = [cell["id"] for cell in whole["cells"]]
    assert len(set(ids)) == len(ids) > 10
    for cell in whole["cells"]:
        assert cell.keys() - {"attachments"} == {"cell_type", "id", "metadata", "source"} | (
            {"execution_count", "outputs"} if cell["cell_type"] == "code" else set())
        text = "".join(cell["source"])
        assert text and ("svg" not in text or cell.get("attachments"))
    assert f'href="{name}.ipynb" download' in (english / f"{name}.html").read_text(encoding="utf-8")


def test_drawings_are_attached_and_whole(english: Path) -> None:
    widths = []
    for cell, text in cells(english, "two_layer_network"):
        for name, data in cell.get("attachments", {}).items():
            assert f"(attachment:{name})" in text
            svg = base64.b64decode(data["image/svg+xml"]).decode()
            assert "var(" not in svg
            widths.append(float(ET.fromstring(svg).get("width", "0")))
    assert widths == [420, 842], "the network, and of the graph the form for wide windows"


def test_answers_are_folded(english: Path) -> None:
    every = list(cells(english, "gradient"))
    assert sum(text.startswith("<details><summary>Answer</summary>\n\n") for _, text in every) >= 3
    assert any(cell["metadata"] == {"jupyter": {"source_hidden": True}} for cell, _ in every)


def test_chinese_pages_have_chinese_notebooks(tmp_path: Path) -> None:
    folder = built(tmp_path, "zh_CN")
    every = list(cells(folder, "gradient"))
    assert every[0][1].startswith("# 梯度\n") and "notebook" in every[0][1]
    assert any("# 应当看到：" in text for _, text in every)
    english = [text for cell, text in cells(folder, "gradient") if "You should see" in text]
    assert english == []


def run(source: str, names: dict[str, Any]) -> str:
    """What a cell prints, and what its last expression is."""
    tree, last = ast.parse(source), None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)  # type: ignore[attr-defined]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(tree, "cell", "exec"), names)
        if last is not None:
            value = eval(compile(last, "cell", "eval"), names)
            if type(value).__name__ == "FuncAnimation":
                value._draw_was_started = True  # it is not shown, which it would complain about
            elif value is not None:
                print(repr(value))
    return printed.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_and_prints_what_it_says(
    name: str, english: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.chdir(tmp_path)
    pyplot.switch_backend("Agg")
    names: dict[str, Any] = {}
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    for cell, text in cells(english, name):
        if cell["cell_type"] != "code":
            continue
        got = run(text, names)
        _, _, seen = text.partition("# You should see:\n")
        wanted = "".join(f"{line.removeprefix('#').removeprefix(' ')}\n" for line in seen.splitlines())
        if wanted:
            assert doctest.OutputChecker().check_output(wanted, got, flags), f"{text}\n{got}"
        pyplot.close("all")
