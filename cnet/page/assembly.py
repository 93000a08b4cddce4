"""One script out of JavaScript modules, and one HTML file around it."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

__all__ = ["assembled", "modules_in_order", "script"]

FOLDER = Path(__file__).resolve().parent
# Where reading begins; all other modules are imported by it, directly or not.
FIRST = "main.mjs"

# The two forms that modules here keep to: tests/test_page.py looks for others.
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+\.mjs)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=const |function |async function |class )", re.MULTILINE)

TEMPLATE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="cnet {version}">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<div id="page"></div>
<noscript>This page draws its network with JavaScript, which is switched off.</noscript>
<script type="application/json" id="cnet-contents">{contents}</script>
<script type="module">
{script}</script>
</body>
</html>
"""


def modules_in_order(first: str = FIRST) -> list[tuple[str, str]]:
    """Name and source of each module, those that a module imports before it.

    Examples
    --------
    >>> names = [name for name, _ in modules_in_order()]
    >>> names[-1], names.index("activations.mjs") < names.index("network.mjs")
    ('main.mjs', True)
    """
    found: dict[str, str] = {}

    def visit(name: str, importing: tuple[str, ...]) -> None:
        if name in found:
            return
        if name in importing:
            raise ValueError(f"modules import each other in a circle: {' -> '.join((*importing, name))}")
        source = (FOLDER / name).read_text(encoding="utf-8")
        for other in IMPORT.findall(source):
            visit(other, (*importing, name))
        found[name] = source

    visit(first, ())
    return list(found.items())


def script() -> str:
    """All modules as one, in which their top-level names stand side by side; two of one name are a syntax error."""
    parts = [f"// ---- {name}\n\n{EXPORT.sub('', IMPORT.sub('', source)).strip()}\n"
             for name, source in modules_in_order()]
    return "\n".join(parts)


def assembled(contents: dict[str, object], title: str, version: str) -> str:
    """The whole file.

    Parameters
    ----------
    contents : dict
        What JSON can hold. Whatever strings say, they stay data: no "<" is left in them.
    title, version : str

    Returns
    -------
    str
    """
    data = json.dumps(contents, ensure_ascii=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return TEMPLATE.format(
        title=html.escape(title), version=html.escape(version), contents=data, script=script(),
        style=(FOLDER / "page.css").read_text(encoding="utf-8"),
    )
