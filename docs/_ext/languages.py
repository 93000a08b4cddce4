"""What a translation needs beside its words: a link to the other language, punctuation that stays with its formula.

A link leads from each page to the same page in the other language, where both are built beside each other.

::

    python -m sphinx -b html -D other_language=../html-zh_CN docs docs/_build/html

``other_language`` is the way from this build's folder to the other one's. Without it there is no link.
"""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes
from sphinx.util.typing import ExtensionMetadata

# What the link to the other language says, and which language it leads to.
OTHER = {"en": ("中文", "zh-CN"), "zh_CN": ("English", "en")}

# What the theme calls the menu of what has no room in the head; all else that it says is in its catalogue, or in ours.
MORE = {"zh_CN": "更多"}

PUNCTUATION = tuple("，。、；：！？）”")


def address(page: str, target: str, other: str) -> str:
    """The way from a page to the file of the other build's page of this name."""
    return f"{'../' * page.count('/')}{other.rstrip('/')}/{target}"


def keep_punctuation(app: Any, doctree: nodes.document, docname: str) -> None:
    """Keep Chinese punctuation on the line of the formula before it: browsers break there."""
    for formula in list(doctree.findall(nodes.math)):
        parent = formula.parent
        index = parent.index(formula)
        after = parent[index + 1] if index + 1 < len(parent) else None
        if isinstance(after, nodes.Text) and after[:1] in PUNCTUATION:
            parent[index] = nodes.inline("", "", formula, nodes.Text(after[0]), classes=["cnet-together"])
            parent[index + 1] = nodes.Text(after[1:])


def add_link(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Give the template what the link needs."""
    other = app.config.other_language
    if other and app.config.language in OTHER:
        words, tongue = OTHER[app.config.language]
        target = address(pagename, app.builder.get_target_uri(pagename), other)
        attributes = f'href="{escape(target)}" hreflang="{tongue}" lang="{tongue}"'
        context["other_language"] = f'<a class="nav-link cnet-language" {attributes}>{words}</a>'


def name_menu(app: Any, config: Any) -> None:
    """Name the menu of what has no room in the head."""
    if config.language in MORE:
        config.html_theme_options = {**config.html_theme_options, "header_dropdown_text": MORE[config.language]}


def setup(app: Any) -> ExtensionMetadata:
    """Register the setting."""
    app.connect("config-inited", name_menu)
    app.add_config_value("other_language", "", "html", types=[str])
    app.connect("html-page-context", add_link)
    app.connect("doctree-resolved", keep_punctuation)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
