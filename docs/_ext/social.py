"""What other sites show of a page when somebody links to it: its title, its first sentences and a card.

Such a card needs a full address, so it is named where ``html_baseurl`` is set. ``social_card.py`` draws it.
"""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import urljoin

from docutils import nodes
from sphinx.util.typing import ExtensionMetadata

CARD = "_static/social-card.png"
LONGEST = 200


def description(doctree: nodes.document) -> str:
    """The first paragraph of a page that is not in a box, as long as a card has room for."""
    for section in doctree.findall(nodes.section):
        for child in section.children:
            if isinstance(child, nodes.paragraph):
                text = " ".join(child.astext().split())
                return text if len(text) <= LONGEST else f"{text[:LONGEST].rpartition(' ')[0] or text[:LONGEST]} …"
    return ""


def tags(title: str, text: str, base: str, target: str) -> str:
    """The elements of a page's head."""
    found = {"og:title": title, "og:type": "website", "og:site_name": "cnet", "og:description": text}
    if base:
        found |= {"og:url": urljoin(base, target), "og:image": urljoin(base, CARD)}
        found |= {"og:image:width": "1200", "og:image:height": "630"}
    lines = [f'<meta property="{name}" content="{escape(value)}" />' for name, value in found.items() if value]
    if text:
        lines.append(f'<meta name="description" content="{escape(text)}" />')
    if base:
        lines.append('<meta name="twitter:card" content="summary_large_image" />')
    return "\n".join(["", *lines, ""])


def add_tags(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Add them to the page's head."""
    if doctree is not None:
        base, target = app.config.html_baseurl, app.builder.get_target_uri(pagename)
        plain = next(iter(doctree.findall(nodes.title)), nodes.Text("cnet")).astext()
        context["metatags"] = context.get("metatags", "") + tags(plain, description(doctree), base, target)


def setup(app: Any) -> ExtensionMetadata:
    """Come with every page."""
    app.connect("html-page-context", add_tags)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
