r"""Formulas that fit into narrow windows: long ones are broken where a reader would, and the rest is made smaller.

A displayed formula becomes pieces that stand side by side and wrap: before an equals sign after which there would be no
room on a phone, before an arrow, and at a ``\quad``. What is still too wide, a script makes as small as it must be.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.util.typing import ExtensionMetadata

# A piece with more letters than this to the left of an equals sign ends there.
SHORT = 14
TOKEN = re.compile(r"\\(?:begin|end)\{\w+\}|\\[A-Za-z]+|\\.|[{}&=]", re.S)

SCRIPT = """
(() => {
  const fit = () => {
    for (const formula of document.querySelectorAll('div.math mjx-container[display="true"]')) {
      formula.dataset.size ??= parseFloat(formula.style.fontSize) || 100;
      formula.style.fontSize = `${formula.dataset.size}%`;
      const room = formula.parentElement.clientWidth, width = formula.firstElementChild.getBoundingClientRect().width;
      if (room && width > room)
        formula.style.fontSize = `${Math.max(0.55, 0.98 * room / width) * formula.dataset.size}%`;
    }
  };
  addEventListener("load", () => window.MathJax?.startup?.promise?.then(fit));
  addEventListener("resize", fit);
  document.addEventListener("toggle", fit, true);
})();
"""


def letters(tex: str) -> int:
    """About how wide a formula is."""
    return len(re.sub(r"\\[A-Za-z]+|[\s{}\\^_&]", "", tex))


def pieces(tex: str) -> list[str]:
    """A formula in the pieces into which it may be broken; one of several lines stays whole."""
    depth, cuts, begin = 0, [0], 0
    for token in TOKEN.finditer(tex):
        word = token[0]
        if word == "{" or word == r"\left" or word.startswith(r"\begin{"):
            depth += 1
        elif word == "}" or word == r"\right" or word.startswith(r"\end{"):
            depth -= 1
        elif depth:
            continue
        elif word in ("&", r"\\"):
            return [tex]
        elif word == "=" and letters(tex[begin:token.start()]) > SHORT or word == r"\Rightarrow":
            cuts.append(token.start())
            begin = token.start()
        elif word in (r"\quad", r"\qquad"):
            cuts.append(token.end())
            begin = token.end()
    found = (tex[first:last].strip() for first, last in zip(cuts, [*cuts[1:], len(tex)], strict=True))
    return [f"{{}} {piece}" if piece.startswith("=") else piece for piece in found if piece]


def break_formulas(app: Any, doctree: nodes.document, docname: str) -> None:
    """Put a long formula's pieces into its place."""
    if app.builder.format != "html":
        return
    for formula in list(doctree.findall(nodes.math_block)):
        parts = pieces(formula.astext().strip())
        if len(parts) > 1 and not formula.get("number") and not formula.get("nowrap"):
            blocks = [nodes.math_block(part, part, nowrap=False, number=None, label=None) for part in parts]
            formula.parent.replace(formula, nodes.container("", *blocks, classes=["cnet-formula"]))


def setup(app: Any) -> ExtensionMetadata:
    """Come after the notebooks, which take formulas whole."""
    app.connect("doctree-resolved", break_formulas, priority=950)
    app.add_js_file(None, body=SCRIPT)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
