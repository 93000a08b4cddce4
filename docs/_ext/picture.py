"""A directive that draws a picture twice, for light pages and for dark ones.

::

    .. picture:: What the picture shows, for those who do not see it.

       history = net.fit(x, t)
       cnet.plots.loss_curve(history)

The code runs under a light style and under a dark one, with a transparent background; the theme
shows the one that fits. ``np``, ``plt`` and ``cnet`` are there. Every picture runs in a namespace of its own. What
stands above a line ``# shown from here`` repeats what the page has said already: it runs, but is not shown. With
``:hide-code:`` nothing is shown. With ``:continued:`` the code finds what the page's own examples above it (lines that
begin with ``>>>``) have made, so it need not repeat them.
"""

from __future__ import annotations

import contextlib
import doctest
import random
import tempfile
import warnings
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from docutils import nodes
from docutils.parsers.rst import Directive, directives
from matplotlib.figure import Figure
from picture_words import language_of, translate
from sphinx.util.typing import ExtensionMetadata

import cnet
import cnet.plots
from cnet.plots.style import INK, ON_DARK, ON_LIGHT

# Where pictures are left, below the source folder; ignored by git.
FOLDER = "generated/pictures"
SHOWN = "# shown from here\n"
DPI = 160
# What the code finds there.
GIVEN = {"np": np, "plt": plt, "cnet": cnet}


def style(theme: str) -> Any:
    """Settings of matplotlib: letters and lines in the page's own ink, in colours that stand out from the page."""
    ink, colors = INK[theme], ON_DARK if theme == "dark" else ON_LIGHT
    axes = ("axes.labelcolor", "axes.titlecolor", "axes.edgecolor", "xtick.color", "ytick.color")
    return {
        **dict.fromkeys(("text.color", *axes), ink),
        "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
        "axes.prop_cycle": cycler(color=colors),
        "font.size": 11,
    }


class Picture(Directive):
    """``.. picture::``, see above."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {"hide-code": directives.flag, "continued": directives.flag, "width": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Draw, and return the code with both images."""
        env = self.state.document.settings.env
        alt = " ".join(self.arguments[0].split())
        code = "\n".join(self.content)
        number = env.new_serialno("cnet-picture")
        language = language_of(env.docname, env.config.language)
        stem = f"{env.docname.replace('/', '-')}-{number}" + (f"-{language}" if language != "en" else "")
        result: list[nodes.Node] = []
        if "hide-code" not in self.options:
            result.append(shown_code(code))
        folder = Path(env.srcdir, FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        given: Mapping[str, Any] = GIVEN
        if "continued" in self.options:
            made = env.temp_data.setdefault("cnet-examples", Examples(Path(env.doc2path(env.docname))))
            given = {**GIVEN, **made.above(self.lineno)}
        for theme in INK:
            path = folder / f"{stem}-{theme}.png"
            draw(code, theme, path, f"{env.docname}, line {self.lineno}", given, language)
            classes = [f"only-{theme}", "cnet-picture"]
            image = nodes.image(uri=f"/{FOLDER}/{path.name}", alt=alt, classes=classes)
            if theme == "light":
                image["cnet-code"] = code  # for notebooks, which draw it themselves
            if "width" in self.options:
                image["width"] = self.options["width"]
            result.append(image)
        return result


def shown_code(code: str) -> nodes.literal_block:
    """The part of the code that a page shows; notebooks, which run it, leave it out."""
    shown = code.rpartition(SHOWN)[2].strip("\n")
    block = nodes.literal_block(shown, shown, language="python")
    block["cnet-shown"] = True
    return block


class Examples:
    """What the examples of one page make, from its top to any line; each runs once."""

    def __init__(self, page: Path) -> None:
        self.page = page
        self.left = doctest.DocTestParser().get_examples(page.read_text(encoding="utf-8"))
        self.names: dict[str, Any] = {}

    def above(self, line: int) -> dict[str, Any]:
        """Run those that stand above a line and have not run yet, and return all names."""
        # The files that one example leaves another one may read, so they have a folder in common.
        with tempfile.TemporaryDirectory() as elsewhere, contextlib.chdir(elsewhere), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            while self.left and self.left[0].lineno < line:
                example = self.left.pop(0)
                code = compile(example.source, f"{self.page.name}, line {example.lineno + 1}", "single")
                with contextlib.redirect_stdout(StringIO()), plt.rc_context({"backend": "Agg"}):
                    exec(code, self.names)
        return self.names


def draw(
    code: str, theme: str, path: Path, where: str, given: Mapping[str, Any] = MappingProxyType(GIVEN),
    language: str = "en",
) -> None:
    """Run the code and save its last figure, with its words in a language."""
    plt.close("all")
    random.seed(0)
    np.random.seed(0)
    # What the code itself saves, as a reader's program would, is not kept.
    settings: Any = {**matplotlib.rcParamsDefault, **style(theme), "backend": "Agg"}
    with (
        plt.rc_context(settings),
        tempfile.TemporaryDirectory() as elsewhere,
        contextlib.chdir(elsewhere),
    ):
        exec(compile(code, where, "exec"), dict(given))
        if not plt.get_fignums():
            raise RuntimeError(f"{where}: the code drew no figure")
        translate(plt.gcf(), language, where)
        save(plt.gcf(), path)
    plt.close("all")


def save(figure: Figure, path: Path) -> None:
    """Save a figure with nothing behind it, in a file that is the same in every build."""
    figure.savefig(path, dpi=DPI, transparent=True, bbox_inches="tight", metadata={"Software": None})


def setup(app: Any) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive("picture", Picture)
    return {"version": "1", "parallel_read_safe": True}
