"""Directives that draw: a network, and the graph of its computation.

::

    .. network:: 2-3-2
       :lit: W2, z[1]
       :values:
       :weights:
       :trained:
       :no-biases:

       What the drawing shows, as a caption.

    .. computation:: 2-3-2
       :lit: affine2, W2
       :forward:
       :backward:
       :wide-only:

``:lit:`` names what the page is about: layers (``x``, ``z``, ``y``), units (``z[1]``), parameters (``W2``), single
weights (``W2[0,1]``), steps of the graph (``affine1``, ``activation``, ``affine2``, ``softmax``, ``loss``). The
numbers are those of the chapter's worked example. A graph is drawn twice, lying and standing; with
``:wide-only:`` narrow windows show none.
"""

from __future__ import annotations

import re
from typing import Any

import drawing
import worked_example
from docutils import nodes
from docutils.parsers.rst import Directive, directives
from sphinx.util.typing import ExtensionMetadata


def sizes_of(text: str) -> list[int]:
    """``2-3-2`` as numbers."""
    return [int(part) for part in text.split("-")]


def names_of(text: str) -> list[str]:
    """Names between commas; a comma in square brackets belongs to its name."""
    return [name.replace(" ", "") for name in re.split(r",\s*(?![^\[]*\])", text.strip()) if name]


class Drawing(Directive):
    """What both directives have in common: a figure of a drawing and a caption."""

    required_arguments = 1
    has_content = True

    def draw(self, key: str, language: str) -> str:
        """The drawing as SVG."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Return the figure."""
        env = self.state.document.settings.env
        key = f"drawing-{env.new_serialno('cnet-drawing')}"
        figure = nodes.figure("", nodes.raw("", self.draw(key, env.config.language), format="html"))
        figure["classes"].append("cnet-figure")
        if self.content:
            text = "\n".join(self.content)
            parts, messages = self.state.inline_text(" ".join(text.split()), self.lineno)
            caption = nodes.caption(text, "", *parts)
            caption.source, caption.line = self.state_machine.get_source_and_line(self.lineno)
            figure += [caption, *messages]
        return [figure]


class NetworkDrawing(Drawing):
    """``.. network::``, see above."""

    option_spec = {name: directives.flag for name in ("values", "weights", "trained", "no-biases")} | {"lit": names_of}

    def draw(self, key: str, language: str) -> str:
        """The network, with the example's numbers where they are wanted."""
        example = worked_example.trained() if "trained" in self.options else worked_example.numbers()
        digits = 1 if "trained" in self.options else 3
        values = {name.lower(): example[name][worked_example.SAMPLE].round(3).tolist() for name in "XZY"}
        weights = {name: example[name].round(digits).tolist() for name in ("W1", "W2")}
        return drawing.network(
            sizes_of(self.arguments[0]), key=key, lit=self.options.get("lit", ()), language=language,
            values=values if "values" in self.options else None, weights=weights if "weights" in self.options else None,
            biases="no-biases" not in self.options,
        )


class ComputationDrawing(Drawing):
    """``.. computation::``, see above."""

    option_spec = {name: directives.flag for name in ("forward", "backward", "wide-only")} | {"lit": names_of}

    def draw(self, key: str, language: str) -> str:
        """The graph, with the numbers of the sample that the chapter follows where they are wanted."""
        example = worked_example.numbers()
        forward = {name: example[name][0].tolist() for name in "xazsy"} | {"L": [example["E"]]}
        back = (("a", "d1"), ("z", "dz"), ("s", "d2"), ("y", "dy"))
        backward = {name: example[key][0].tolist() for name, key in back} | {"L": [1.0]}
        numbers = drawing.Numbers(
            forward if "forward" in self.options else {}, backward if "backward" in self.options else {})
        return drawing.graph(
            sizes_of(self.arguments[0]), key=key, lit=self.options.get("lit", ()), numbers=numbers, language=language,
            narrow="wide-only" not in self.options,
        )


def setup(app: Any) -> ExtensionMetadata:
    """Register the directives."""
    app.add_directive("network", NetworkDrawing)
    app.add_directive("computation", ComputationDrawing)
    return {"version": "1", "parallel_read_safe": True}
