"""A link from each page to the same page in the other language, where both are built beside each other.

::

    python -m sphinx -b html -D other_language=../html-zh_CN docs docs/_build/html

``other_language`` is the way from this build's folder to the other one's. Without it there is no link.
"""

from __future__ import annotations

from html import escape
from typing import Any

from sphinx.util.typing import ExtensionMetadata

# What the link to the other language says, and which language it leads to.
OTHER = {"en": ("中文", "zh-CN"), "zh_CN": ("English", "en")}


def address(page: str, target: str, other: str) -> str:
    """The way from a page to the file of the other build's page of this name."""
    return f"{'../' * page.count('/')}{other.rstrip('/')}/{target}"


def add_link(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Give the template what the link needs."""
    other = app.config.other_language
    if other and app.config.language in OTHER:
        words, tongue = OTHER[app.config.language]
        target = address(pagename, app.builder.get_target_uri(pagename), other)
        attributes = f'href="{escape(target)}" hreflang="{tongue}" lang="{tongue}"'
        context["other_language"] = f'<a class="nav-link cnet-language" {attributes}>{words}</a>'


def setup(app: Any) -> ExtensionMetadata:
    """Register the setting."""
    app.add_config_value("other_language", "", "html", types=[str])
    app.connect("html-page-context", add_link)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
