"""Code whose long lines wrap where the window is too narrow for them: each line is a box, so that its rest is indented.

The style sheet does the wrapping, ``cnet-line``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pygments.formatters import HtmlFormatter
from sphinx.highlighting import PygmentsBridge
from sphinx.util.typing import ExtensionMetadata


class LinesFormatter(HtmlFormatter):  # type: ignore[misc]
    """HTML with an element around each line."""

    def wrap(self, source: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """The lines, wrapped one by one, in the box that holds them all."""
        lines = ((is_line, f'<span class="cnet-line">{text}</span>' if is_line else text) for is_line, text in source)
        return super().wrap(lines)  # type: ignore[no-any-return]


def setup(app: Any) -> ExtensionMetadata:
    """Have Sphinx use it."""
    PygmentsBridge.html_formatter = LinesFormatter
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
