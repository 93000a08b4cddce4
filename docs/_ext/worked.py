r"""Numbers of the chapter's worked example on its pages: computed when the page is built, from ``worked_example.py``.

A formula, and beside it the same with numbers. What stands between backquotes is an expression in Python with the
example's names; a vector or a matrix is typeset as one::

    .. worked:: a = `x` `W1` + `b1` = `a`

       a = x W_1 + b_1

A number in a sentence, or a vector: ``:num:`y[0, 1]```. Numbers have up to three digits after the point.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import worked_example
from docutils import nodes
from docutils.parsers.rst import Directive
from drawing import number, vector
from sphinx.util.typing import ExtensionMetadata


def value_of(expression: str) -> Any:
    """An expression with the example's names and NumPy's functions."""
    try:
        return eval(expression, {"np": np}, dict(worked_example.numbers()))
    except Exception as error:
        raise ValueError(f"not a number of the worked example: {expression}: {error}") from None


def in_tex(value: Any) -> str:
    """A number, a row or a matrix as a formula."""
    array = np.asarray(value, dtype=float)
    if array.ndim == 0:
        return number(float(array)).replace("−", "-")
    rows = (" & ".join(in_tex(each) for each in row) for row in np.atleast_2d(array))
    return r"\begin{pmatrix} " + r" \\ ".join(rows) + r" \end{pmatrix}"


def with_numbers(template: str) -> str:
    """A formula in which the expressions between backquotes are replaced by their values."""
    return re.sub(r"`([^`]+)`", lambda match: in_tex(value_of(match[1])), template)


def in_words(value: Any) -> str:
    """A number or a vector as text."""
    array = np.asarray(value, dtype=float)
    return number(float(array)) if array.ndim == 0 else vector(array.ravel().tolist())


class Worked(Directive):
    """``.. worked::``, see above."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the formula, which is translated, and the one with numbers, which need not be."""
        source, line = self.state_machine.get_source_and_line(self.lineno)
        both = nodes.container(classes=["cnet-worked"])
        numbers = with_numbers(" ".join(self.arguments[0].split()))
        for text, translatable in (("\n".join(self.content), True), (numbers, False)):
            if text:
                formula = nodes.math_block(text, text, nowrap=False, number=None, label=None)
                formula.source, formula.line = source, line
                if not translatable:
                    formula["translatable"] = False
                both += formula
        return [both]


def num(name: str, rawtext: str, text: str, *context: Any, **options: Any) -> tuple[list[nodes.Node], list[Any]]:
    """``:num:``, see above."""
    shown = in_words(value_of(text))
    return [nodes.inline(rawtext, shown, classes=["cnet-number"])], []


def setup(app: Any) -> ExtensionMetadata:
    """Register the directive and the role."""
    app.add_directive("worked", Worked)
    app.add_role("num", num)
    return {"version": "1", "parallel_read_safe": True}
