"""The reference's pages in the sidebar under the headings of the reference, by what they are used for."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.util.typing import ExtensionMetadata

PAGE = "api"


def add_captions(app: Any, doctree: nodes.document) -> None:
    """Give the first list of pages in each section the section's title."""
    if app.env.docname != PAGE:
        return
    for section in doctree.findall(nodes.section):
        title = section.next_node(nodes.title)
        lists = [each for child in section.children if isinstance(child, nodes.Element) and child.tagname != "section"
                 for each in child.findall(addnodes.toctree, include_self=True)]
        if title is not None and lists:
            lists[0]["caption"] = lists[0]["rawcaption"] = title.astext()


def setup(app: Any) -> ExtensionMetadata:
    """Come before Sphinx collects the lists of pages."""
    app.connect("doctree-read", add_captions, priority=100)
    return {"version": "1", "parallel_read_safe": True}
