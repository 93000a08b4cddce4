"""The sections of the chapter as notebooks to download, made from their pages in the page's language.

Text becomes cells of text, what stands under ``>>>`` becomes code with what it should print as a comment below it, a
picture becomes the code that draws it. Answers stay folded. A notebook runs from top to bottom with cnet and
matplotlib.
"""

from __future__ import annotations

import ast
import base64
import doctest
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import drawing
from docutils import nodes
from sphinx.util.typing import ExtensionMetadata

FOLDER = "chapter/"
WORDS = {
    "en": {
        "link": "Download this page as a notebook", "see": "You should see:", "picture": "You should see: {}",
        "begin": "A page of cnet's documentation as a notebook. Install cnet and matplotlib, run the cells from top to"
                 " bottom, and compare what they print with the comments below the code.",
    },
    "zh_CN": {
        "link": "下载本页的 notebook", "see": "应当看到：", "picture": "应当看到：{}",
        "begin": "这是 cnet 文档的一页，做成了 notebook。安装 cnet 和 matplotlib，从上到下运行各个单元格，"
                 "再把输出与代码下面的注释相对照。",
    },
}
CATCH = 'except Exception as error:\n    print(f"{type(error).__name__}: {error}")'
IMPORTS = """
import matplotlib.pyplot as plt
import numpy as np

import cnet
import cnet.plots

plt.rcParams["animation.html"] = "jshtml"
"""


class Notebook:
    """The cells of a page, from its nodes."""

    def __init__(self, language: str) -> None:
        self.words = WORDS.get(language, WORDS["en"])
        self.cells: list[dict[str, Any]] = []
        self.text: list[str] = []
        self.attachments: dict[str, dict[str, str]] = {}
        self.summary = ""

    # ---- cells ---------------------------------------------------------------------------

    def flush(self) -> None:
        """End a cell of text."""
        if self.text:
            text = "\n\n".join(self.text)
            if self.summary:
                text = f"<details><summary>{self.summary}</summary>\n\n{text}\n\n</details>"
            self.cell("markdown", text)
            if self.attachments:
                self.cells[-1]["attachments"] = self.attachments
        self.text, self.attachments = [], {}

    def cell(self, kind: str, source: str) -> None:
        """Add a cell."""
        cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{len(self.cells)}", "metadata": {}}
        cell["source"] = source.strip("\n").splitlines(keepends=True)
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
            if self.summary:
                cell["metadata"] = {"jupyter": {"source_hidden": True}}
        self.cells.append(cell)

    def code(self, source: str) -> None:
        """Add a cell of code, after the text before it."""
        self.flush()
        self.cell("code", source)

    def as_json(self) -> str:
        """The notebook as a file holds it."""
        self.flush()
        python = {"display_name": "Python 3", "language": "python", "name": "python3"}
        metadata = {"kernelspec": python, "language_info": {"name": "python"}}
        whole = {"cells": self.cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"

    # ---- blocks --------------------------------------------------------------------------

    def blocks(self, parent: nodes.Element, level: int) -> None:
        """All that stands in a section, or in another node that holds blocks."""
        for node in parent.children:
            if isinstance(node, nodes.Element):
                self.block(node, level)

    def block(self, node: nodes.Element, level: int) -> None:
        """One block of a page."""
        name = type(node).__name__
        if isinstance(node, nodes.section):
            self.flush()
            self.blocks(node, level + 1)
        elif isinstance(node, nodes.title):
            self.text.append(f"{'#' * level} {inline(node)}")
        elif isinstance(node, nodes.doctest_block):
            self.examples(node.astext())
        elif isinstance(node, nodes.image):
            if "cnet-code" in node:
                self.picture(node["cnet-code"], node.get("alt", ""))
        elif isinstance(node, nodes.literal_block):
            if "cnet-shown" not in node:
                self.text.append(f"```\n{node.astext()}\n```")
        elif isinstance(node, nodes.figure):
            self.figure(node)
        elif name == "dropdown_main":
            self.answer(node, level)
        elif isinstance(node, nodes.admonition):
            self.text.append(f"**{inline(node.children[0])}**")  # type: ignore[arg-type]
            self.blocks(nodes.container("", *[child.deepcopy() for child in node.children[1:]]), level)
        elif isinstance(node, nodes.container):
            self.blocks(node, level)
        else:
            text = block_text(node)
            if text:
                self.text.append(text)

    def answer(self, node: nodes.Element, level: int) -> None:
        """What unfolds: its text in a box that opens, its code in cells that are closed."""
        title, *body = node.children
        self.flush()
        self.summary = inline(title)  # type: ignore[arg-type]
        self.blocks(nodes.container("", *[child.deepcopy() for child in body]), level)
        self.flush()
        self.summary = ""

    def examples(self, text: str) -> None:
        """Code with what it prints; a cell ends where something is printed."""
        lines: list[str] = []
        for example in doctest.DocTestParser().get_examples(text):
            source = example.source.rstrip("\n")
            if example.exc_msg is not None:
                body = "\n".join(f"    {line}" for line in source.splitlines())
                source = f"try:\n{body}\n{CATCH}"
                seen = example.exc_msg.rpartition("errors.")[2].strip()
            else:
                seen = example.want.rstrip("\n")
            lines.append(source)
            if seen:
                shown = "\n".join(f"# {line}".rstrip() for line in seen.splitlines())
                self.code("\n".join([*lines, f"# {self.words['see']}", shown]))
                lines = []
        if lines:
            self.code("\n".join(lines))

    def picture(self, code: str, alt: str) -> None:
        """The code of a picture, which has its own names, and what it shows."""
        body = re.sub(r"(?m)^import cnet\.plots\n|^# shown from here\n", "", code + "\n")
        inner = "\n".join(f"    {line}".rstrip() for line in body.strip("\n").splitlines())
        if re.search(r"(?m)^animation = ", body):
            inner += "\n    plt.close()\n    return animation"
        self.code(f"def picture():\n{inner}\n\n\npicture()")
        self.text.append(f"*{escaped(self.words['picture'].format(alt))}*")

    def figure(self, node: nodes.figure) -> None:
        """A drawing, as an attachment of its cell, and its caption."""
        for raw in node.findall(nodes.raw):
            found = re.search(r"<svg.*?</svg>", raw.astext(), re.S)
            if found:
                name = f"drawing-{len(self.cells)}-{len(self.attachments)}.svg"
                data = base64.b64encode(drawing.standalone(found[0]).encode()).decode()
                self.attachments[name] = {"image/svg+xml": data}
                title = re.search(r"<title[^>]*>(.*?)</title>", found[0])
                self.text.append(f"![{title[1] if title else ''}](attachment:{name})")
        for caption in node.findall(nodes.caption):
            self.text.append(inline(caption))


def block_text(node: nodes.Element, indent: str = "") -> str:
    """A block as Markdown; empty for what a notebook can't show."""
    if isinstance(node, nodes.math_block):
        formula = node.astext().strip()
        if r"\\" in formula and r"\begin{aligned}" not in formula and r"\begin{pmatrix}" not in formula:
            formula = rf"\begin{{aligned}}{formula}\end{{aligned}}"
        return f"$$\n{formula}\n$$"
    if isinstance(node, nodes.bullet_list | nodes.enumerated_list):
        items = []
        for number, item in enumerate(node.children, 1):
            mark = "- " if isinstance(node, nodes.bullet_list) else f"{number}. "
            blocks = [block_text(child) for child in item.children if isinstance(child, nodes.Element)]
            inner = "\n\n".join(filter(None, blocks)).replace("\n", "\n" + " " * len(mark))
            items.append(f"{mark}{inner}")
        return "\n".join(items)
    if isinstance(node, nodes.paragraph):
        return inline(node)
    return ""


def escaped(text: str) -> str:
    """Text whose marks are no Markdown."""
    return re.sub(r"([\\*_`$<>\[\]])", r"\\\1", text)


def inline(node: nodes.Element) -> str:
    """A line of text with its emphasis, code, formulas and links as Markdown."""
    return "".join(parts(node)).strip()


def parts(node: nodes.Element) -> Iterator[str]:
    """The pieces of a line."""
    for child in node.children:
        if isinstance(child, nodes.raw):
            continue
        if isinstance(child, nodes.Text):
            yield escaped(child.astext().replace("\n", " "))
        elif isinstance(child, nodes.math):
            yield f"${child.astext()}$"
        elif isinstance(child, nodes.literal):
            yield f"`{child.astext()}`"
        elif isinstance(child, nodes.strong):
            yield f"**{''.join(parts(child))}**"
        elif isinstance(child, nodes.emphasis):
            yield f"*{''.join(parts(child))}*"
        elif isinstance(child, nodes.reference) and "://" in child.get("refuri", ""):
            yield f"[{''.join(parts(child))}]({child['refuri']})"
        elif isinstance(child, nodes.Element):
            yield from parts(child)


def notebook(doctree: nodes.document, language: str) -> str:
    """A page as a notebook."""
    result = Notebook(language)
    section = next(iter(doctree.findall(nodes.section)))
    title, *rest = section.children
    result.text += [f"# {inline(title)}", result.words["begin"]]  # type: ignore[arg-type]
    result.code(IMPORTS)
    result.blocks(nodes.container("", *[child.deepcopy() for child in rest]), 1)
    for cell in result.cells:
        if cell["cell_type"] == "code":
            ast.parse("".join(cell["source"]))
    return result.as_json()


def add_notebook(app: Any, doctree: nodes.document, docname: str) -> None:
    """Write the notebook of a section beside its page, and lead to it from there."""
    name = docname.removeprefix(FOLDER)
    if app.builder.format != "html" or name in (docname, "index"):
        return
    path = Path(app.outdir, f"{docname}.ipynb")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebook(doctree, app.config.language), encoding="utf-8")
    words = WORDS.get(app.config.language, WORDS["en"])
    link = f'<p class="cnet-notebook"><a href="{path.name}" download>{words["link"]}</a></p>'
    section = next(iter(doctree.findall(nodes.section)))
    section.insert(1, nodes.raw("", link, format="html"))


def setup(app: Any) -> ExtensionMetadata:
    """Come when a page's links are known, and after sphinx-design has made what unfolds."""
    app.connect("doctree-resolved", add_notebook, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
