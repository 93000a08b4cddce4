"""The colours of the pages, written as a style sheet from those of the pictures.

They stand once, in ``cnet/plots/style.py``. The theme's own colours for what has no counterpart there,
such as borders, stay as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.util.typing import ExtensionMetadata

from cnet.plots.style import INK, ON_DARK, ON_LIGHT, PAPER

# Where the style sheet is left, below the source folder; ignored by git.
FOLDER = "generated/static"

# What the theme calls a colour, and which it is on light and on dark pages. All of them are text somewhere,
# so that each has a contrast of 4.5 or more with the paper and with what is behind code.
COLORS = {
    "text-base": (INK["light"], INK["dark"]),
    "background": (PAPER["light"], PAPER["dark"]),
    "primary": (ON_LIGHT[0], ON_DARK[0]),
    "link": (ON_LIGHT[0], ON_DARK[0]),
    "link-higher-contrast": (ON_LIGHT[0], ON_DARK[0]),
    "secondary": (ON_LIGHT[5], ON_DARK[1]),
    "link-hover": (ON_LIGHT[5], ON_DARK[1]),
    "accent": (ON_LIGHT[5], ON_DARK[1]),
    "inline-code": (ON_LIGHT[5], ON_DARK[1]),
}
# On paper, whatever the screen shows: what is behind code, and letters and lines beside the text.
PRINTED = {"surface": "#f3f4f5", "on-surface": INK["light"], "on-background": PAPER["light"],
           "text-muted": "#48566b", "border": "#d1d5da", "heading": INK["light"]}


def style_sheet() -> str:
    """The rules for light pages, for dark ones, and for paper."""
    light = {name: pair[0] for name, pair in COLORS.items()}
    dark = {name: pair[1] for name, pair in COLORS.items()}
    return "\n".join([
        rule('html[data-theme="light"]', light), rule('html[data-theme="dark"]', dark),
        f"@media print {{\n{rule('html[data-theme]', light | PRINTED)}}}\n",
    ])


def rule(selector: str, colors: dict[str, str]) -> str:
    """A rule that sets the theme's variables, and those of its cards and buttons."""
    lines = [f"  --pst-color-{name}: {color};" for name, color in colors.items()]
    lines += [f"  --sd-color-{name}: {color};" for name, color in colors.items() if name in ("primary", "secondary")]
    return "\n".join([f"{selector} {{", *lines, "}", ""])


def setup(app: Any) -> ExtensionMetadata:
    """Write the style sheet before Sphinx looks for it."""
    folder = Path(app.srcdir, FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "palette.css").write_text(style_sheet(), encoding="utf-8")
    app.config.html_static_path.append(FOLDER)
    app.add_css_file("palette.css")
    return {"version": "1", "parallel_read_safe": True}
