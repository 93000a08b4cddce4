"""A directive that shows a network's page, alive, within a page of the documentation.

::

    .. live-page:: A network that reads digits
       :name: digits

       net.to_html(path, test_data=cnet.datasets.make_digits(10_000, rng=2))

The code runs with ``np``, ``cnet``, the documentation's ``language``, and ``path``, where it writes the page. Without
code, the frame shows a page of this ``:name:`` that another one writes. The page follows the documentation's theme and
language, and has a link to itself. It is read from a file as well as from a server.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from docutils import nodes
from docutils.parsers.rst import Directive, directives
from sphinx.util.typing import ExtensionMetadata

import cnet

# Where pages are left, below the source folder; ignored by git. Sphinx copies what lies there beside the others' files.
FOLDER = "generated/live"

# By the documentation's language.
LINK = {"en": "Open this page by itself", "zh_CN": "单独打开这个页面"}

# Set the frame's address once, and again only what follows the #, which changes the page and does not load it anew.
SCRIPT = """
(() => {
  const frame = document.currentScript.previousElementSibling;
  const root = document.documentElement;
  const language = root.lang.startsWith("zh") ? "zh" : "en";
  const show = () => { frame.src = `${frame.dataset.page}#lang=${language}&theme=${root.dataset.theme || "light"}`; };
  new MutationObserver(show).observe(root, { attributeFilter: ["data-theme"] });
  document.addEventListener("DOMContentLoaded", show);
})();
"""


class LivePage(Directive):
    """``.. live-page::``, see above."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {"name": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Write the page if there is code for it, and return the frame."""
        env = self.state.document.settings.env
        name = self.options["name"]
        language = env.config.language
        path = Path(env.srcdir, FOLDER, f"{name}.html" if language == "en" else f"{name}-{language}.html")
        if self.content:
            write("\n".join(self.content), path, f"{env.docname}, line {self.lineno}", language)
        title = escape(" ".join(self.arguments[0].split()))
        address = "../" * env.docname.count("/") + f"_static/{path.name}"
        frame = (f'<iframe class="cnet-live-page" data-page="{address}" title="{title}" loading="lazy"></iframe>'
                 f"<script>{SCRIPT}</script>")
        words = LINK.get(language, LINK["en"])
        link = f'<p class="cnet-live-link"><a href="{address}">{words}</a></p>'
        return [nodes.raw("", frame + link, format="html")]


def write(code: str, path: Path, where: str, language: str) -> None:
    """Run the code, which writes the page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exec(compile(code, where, "exec"), {"np": np, "cnet": cnet, "path": path, "language": language})


def setup(app: Any) -> ExtensionMetadata:
    """Register the directive, and the folder of its pages as one of static files."""
    Path(app.srcdir, FOLDER).mkdir(parents=True, exist_ok=True)
    app.config.html_static_path.append(FOLDER)
    app.add_directive("live-page", LivePage)
    return {"version": "1", "parallel_read_safe": True}
