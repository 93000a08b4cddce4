"""Tables of a class's attributes and methods, each a link, between its own text and theirs."""

from __future__ import annotations

import inspect
from typing import Any

from sphinx.util.typing import ExtensionMetadata


def add_tables(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Append the tables to a class's text, when numpydoc is done with it."""
    if what not in ("class", "exception") or not options.get("members"):
        return
    own = [base for base in obj.__mro__ if base.__module__.partition(".")[0] == "cnet"]
    members = [key for base in own for key, value in vars(base).items() if not key.startswith("_") and is_shown(value)]
    members = list(dict.fromkeys(members))
    callables = [key for key in members if callable(inspect.unwrap(getattr(obj, key)))]
    for heading, keys in (("Attributes", [key for key in members if key not in callables]), ("Methods", callables)):
        if keys:
            lines += ["", f".. rubric:: {heading}", "", ".. autosummary::", "   :nosignatures:", ""]
            lines += [f"   {key}" for key in keys]
    lines.append("")


def is_shown(value: Any) -> bool:
    """Whether autodoc shows a member: it has a text of its own, and is no field of a named tuple."""
    return bool(getattr(value, "__doc__", None)) and type(value).__name__ != "_tuplegetter" and (
        inspect.isroutine(value) or isinstance(value, property | classmethod | staticmethod)
    )


def setup(app: Any) -> ExtensionMetadata:
    """Come after numpydoc, which replaces the lines."""
    app.connect("autodoc-process-docstring", add_tables, priority=900)
    return {"version": "1", "parallel_read_safe": True}
