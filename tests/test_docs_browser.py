"""The style sheet of the pages in a browser: on a phone no code is cut off, and pictures can stand still."""

import importlib
from pathlib import Path

import pytest

pygments = pytest.importorskip("pygments")

DOCS = Path(__file__).resolve().parents[1] / "docs"
CODE = 'history = net.fit(x_train, t_train, epochs=20, learning_rate=0.5, optimizer="adam", batch_size=100)\nnet\n'
PAGE = """<!doctype html><meta name="viewport" content="width=device-width"><style>
pre {{ margin: 0; white-space: pre; overflow: auto; font: 12px monospace }} {style}</style>
{code}<img class="cnet-moving" width="9" height="9"><img class="cnet-unmoved" width="9" height="9">"""


@pytest.fixture(scope="module")
def code():
    """Code as the documentation's pages hold it."""
    pytest.importorskip("sphinx", reason="sphinx is not installed: it makes the pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS / "_ext")
        lines = importlib.import_module("code_lines")
        lexers = importlib.import_module("pygments.lexers")
        return pygments.highlight(CODE, lexers.PythonLexer(), lines.LinesFormatter())


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("styled", [True, False])
def test_code_wraps_and_keeps_its_lines(browser, code, width, styled):
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.set_content(PAGE.format(style=(DOCS / "_static" / "cnet.css").read_text() if styled else "", code=code))
    cut = page.evaluate("(() => { const e = document.querySelector('pre'); return e.scrollWidth > e.clientWidth })()")
    assert cut == (width == 390 and not styled)
    assert page.evaluate("document.querySelector('pre').textContent") == CODE, "copied code is the code"
    if styled and width == 1280:
        tops = page.evaluate("[...document.querySelectorAll('.cnet-line')].map(e => e.getBoundingClientRect().height)")
        assert len(tops) == 2 and tops[0] == tops[1], "where there is room, a line is one line"
    page.close()


@pytest.mark.parametrize("styled", [True, False])
def test_code_in_a_sentence_wraps_on_a_phone(browser, styled):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    # So the theme has it: a word of code is not broken.
    style = "span.pre { white-space: nowrap }" + ((DOCS / "_static" / "cnet.css").read_text() if styled else "")
    word = "fit(early_stopping=cnet.EarlyStopping(patience=10),validation_data=(x_validation,t_validation))"
    code = f'<article class="bd-article"><code class="literal"><span class="pre">{word}</span></code></article>'
    page.set_content(PAGE.format(style=style, code=code))
    assert (page.evaluate("document.documentElement.scrollWidth") > 390) == (not styled)
    page.close()


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_pictures_stand_still_for_readers_who_prefer_no_motion(browser, motion):
    page = browser.new_page(reduced_motion=motion)
    page.set_content(PAGE.format(style=(DOCS / "_static" / "cnet.css").read_text(), code=""))
    assert page.is_visible("img.cnet-unmoved") == (motion == "reduce")
    assert page.is_visible("img.cnet-moving") == (motion != "reduce")
    page.close()
