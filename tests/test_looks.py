"""One palette for pictures, pages, examples and the logo; lines of code that fit into a page."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from cnet.plots import style  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PALETTE = {color.lower() for color in (*style.ON_LIGHT, *style.ON_DARK, *style.INK.values(), *style.PAPER.values())}


def sources():
    """Whatever may name a colour or show code: pages, style sheets, drawings and examples."""
    written = [*DOCS.glob("*.rst"), *DOCS.glob("*.md"), *(DOCS / "chapter").glob("*.rst")]
    return [*written, *(DOCS / "_static").glob("*.css"), *(DOCS / "_static").glob("*.svg"),
            *(ROOT / "examples").glob("*.py")]


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.name)
def test_no_colour_but_those_of_the_palette(path):
    named = re.findall(r"""(?<=[\s"'])#[0-9A-Fa-f]{6}\b""", path.read_text(encoding="utf-8"))
    assert {color.lower() for color in named} <= PALETTE


@pytest.mark.parametrize(("theme", "colors"), [("light", style.ON_LIGHT), ("dark", style.ON_DARK)])
def test_the_logo_has_the_first_two_colours_of_its_theme(theme, colors):
    text = (DOCS / "_static" / f"logo-{theme}.svg").read_text(encoding="utf-8")
    assert set(re.findall("#[0-9A-F]{6}", text)) == set(colors[:2])
    assert ET.fromstring(text).get("viewBox")


def test_the_pages_take_their_colours_from_the_pictures(monkeypatch):
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(DOCS / "_ext")
    import palette

    light, dark, printed = palette.style_sheet().split("html[")[1:]
    for part, colors, other in ((light, style.ON_LIGHT, style.ON_DARK), (dark, style.ON_DARK, style.ON_LIGHT)):
        assert f"--pst-color-primary: {colors[0]};" in part and f"--pst-color-primary: {other[0]};" not in part
    assert f"--pst-color-primary: {style.ON_LIGHT[0]};" in printed
    assert {color.lower() for color in re.findall("#[0-9A-Fa-f]{6}", light + dark)} <= PALETTE


@pytest.mark.parametrize("path", [path for path in sources() if path.suffix in (".rst", ".md")], ids=lambda p: p.name)
def test_code_on_a_page_fits_into_its_column(path):
    # At 1,280 pixels there is room for 102 letters between the columns at the sides, and for 120 on the pages written
    # in Markdown, which have a column on one side only.
    fenced = drawn = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if path.suffix == ".md" and line.startswith("```"):
            fenced = not fenced
        if line and not line.startswith(" "):
            drawn = line.startswith((".. picture::", ".. animation::"))
        drawn = drawn and line != "   :hide-code:"
        shown = drawn and line.startswith("   ")
        code = fenced or shown or re.match(r"( {3})*(>>> |\.\.\. |\$ )", line)
        text = line[3:] if shown else line.strip()
        assert not code or len(text.rstrip()) <= (120 if fenced else 102), f"{path.name}:{number}"


def test_the_c_level_api_fits_into_its_column():
    # docs/api.rst includes it whole, on a page with a little more room.
    lines = (ROOT / "cnet" / "capi.pxd").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 105] == []
