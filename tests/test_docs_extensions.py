"""Small parts of the documentation's own code: links between languages, descriptions for other sites, groups."""

from __future__ import annotations

import importlib
import re
import struct
import sys
import xml.etree.ElementTree as ET
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that imports an extension."""
    pytest.importorskip("sphinx", reason="sphinx is not installed: it makes the pages")
    monkeypatch.syspath_prepend(DOCS / "_ext")
    loaded = []

    def load(name: str) -> Any:
        loaded.append(name)
        return importlib.import_module(name)

    yield load
    for name in loaded:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(("page", "expected"), [
    ("index", "../html-zh_CN/index.html"), ("chapter/gradient", "../../html-zh_CN/chapter/gradient.html"),
])
def test_the_other_language_is_found_beside_this_one(extension: Any, page: str, expected: str) -> None:
    languages = extension("languages")
    assert languages.address(page, f"{page}.html", "../html-zh_CN/") == expected
    app: Any = SimpleNamespace(
        config=SimpleNamespace(other_language="../html-zh_CN", language="en"),
        builder=SimpleNamespace(get_target_uri=lambda name: f"{name}.html"),
    )
    context: dict[str, Any] = {}
    languages.add_link(app, page, "page.html", context, None)
    link = ET.fromstring(context["other_language"])
    assert (link.get("href"), link.get("hreflang"), link.text) == (expected, "zh-CN", "中文")
    app.config.other_language = ""
    context = {}
    languages.add_link(app, page, "page.html", context, None)
    assert context == {}, "without a second build there is no link"


def test_chinese_punctuation_stays_with_its_formula(extension: Any) -> None:
    languages, nodes = extension("languages"), pytest.importorskip("docutils.nodes")
    text = nodes.paragraph("", "", nodes.Text("即 "), nodes.math("", "y"), nodes.Text("。然后 "), nodes.math("", "z"))
    languages.keep_punctuation(None, text, "chapter/gradient")
    assert [type(each).__name__ for each in text.children] == ["Text", "inline", "Text", "math"]
    assert text.astext() == "即 y。然后 z" and text[1].astext() == "y。"


def test_a_page_describes_itself(extension: Any) -> None:
    social = extension("social")
    core = pytest.importorskip("docutils.core")
    text = "Title\n=====\n\n.. note:: In a box.\n\nThe first \"paragraph\" & more.\n\nAnother.\n\nSub\n---\n\nText.\n"
    doctree = core.publish_doctree(text, settings_overrides={"doctitle_xform": False})
    assert social.description(doctree) == 'The first "paragraph" & more.'
    found = social.tags("Title", social.description(doctree), "", "index.html")
    assert "og:image" not in found and "og:url" not in found
    found = social.tags("Title", social.description(doctree), "https://example.org/docs/", "chapter/index.html")
    properties = {name: unescape(value) for name, value in re.findall(r'property="([^"]+)" content="([^"]*)"', found)}
    assert properties["og:description"] == 'The first "paragraph" & more.'
    assert properties["og:url"] == "https://example.org/docs/chapter/index.html"
    assert properties["og:image"] == "https://example.org/docs/_static/social-card.png"


def test_a_long_description_ends_at_a_word(extension: Any) -> None:
    social = extension("social")
    nodes = pytest.importorskip("docutils.nodes")
    section = nodes.section("", nodes.title("", "T"), nodes.paragraph("", "word " * 100))
    text = social.description(nodes.container("", section))
    assert text.endswith("word …") and len(text) <= social.LONGEST + 2


def test_the_card_has_the_size_that_is_named() -> None:
    head = (DOCS / "_static" / "social-card.png").read_bytes()[:24]
    assert head.startswith(b"\x89PNG") and struct.unpack(">2I", head[16:]) == (1200, 630)


def test_the_icon_follows_the_browser() -> None:
    text = (DOCS / "_static" / "favicon.svg").read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in text and ET.fromstring(text).get("viewBox")


def test_lists_of_the_reference_get_the_titles_of_their_sections(extension: Any) -> None:
    groups = extension("api_groups")
    nodes, addnodes = pytest.importorskip("docutils.nodes"), importlib.import_module("sphinx.addnodes")
    lists = [addnodes.toctree() for _ in range(3)]
    first = nodes.section("", nodes.title("", "Losses"), nodes.container("", lists[0]), lists[1])
    second = nodes.section("", nodes.title("", "Images"), lists[2])
    doctree = nodes.container("", nodes.section("", nodes.title("", "API"), first, second))
    groups.add_captions(SimpleNamespace(env=SimpleNamespace(docname="other")), doctree)
    assert not any("caption" in each for each in lists)
    groups.add_captions(SimpleNamespace(env=SimpleNamespace(docname="api")), doctree)
    assert [each.get("caption") for each in lists] == ["Losses", None, "Images"]


def test_the_menu_has_the_pages_own_titles() -> None:
    menu = (DOCS / "index.rst").read_text(encoding="utf-8").partition(".. toctree::")[2]
    entries = re.findall(r"^   (\S.*) <([\w/-]+)>$", menu, re.M)
    assert len(entries) > 15, "titles are given so that they are translated"
    included = {"changelog": "Changelog", "contributing": "Contributing", "gallery/index": "Examples"}
    for title, page in entries:
        if page in included:
            assert title == included[page]
            continue
        path = next(path for path in (DOCS / f"{page}.rst", DOCS / f"{page}.md") if path.exists())
        assert path.read_text(encoding="utf-8").lstrip("# ").splitlines()[0] == title


MOVING = """
from matplotlib.animation import FuncAnimation
fig, ax = plt.subplots(figsize=(2, 1))
line, = ax.plot([0, 1], [0, 1])
animation = FuncAnimation(fig, lambda frame: line.set_ydata([0, frame]), frames=5)
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_moving_picture_has_its_frames_and_a_still_one(extension: Any, tmp_path: Path, theme: str) -> None:
    for name in ("matplotlib", "PIL"):
        pytest.importorskip(name, reason=f"{name} is not installed: it draws")
    image = importlib.import_module("PIL.Image")
    animation = extension("animation")
    moving, still = tmp_path / "a.webp", tmp_path / "a.png"
    animation.draw(MOVING, theme, moving, still, "here")
    with image.open(moving) as frames, image.open(still) as one:
        assert (frames.n_frames, frames.format, frames.info["loop"]) == (5, "WEBP", 0)
        paper = frames.convert("RGB").getpixel((1, 1))
        assert (min(paper) > 245) == (theme == "light") and one.format == "PNG"


def test_a_moving_picture_has_to_move_and_to_be_small(
    extension: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("PIL")
    animation = extension("animation")
    paths = tmp_path / "a.webp", tmp_path / "a.png"
    with pytest.raises(RuntimeError, match="here: the code left no animation"):
        animation.draw("fig = plt.figure()", "light", *paths, "here")
    monkeypatch.setattr(animation, "LARGEST", 100)
    with pytest.raises(RuntimeError, match="here: a.webp has .* bytes, more than 100"):
        animation.draw(MOVING, "light", *paths, "here")


PAGE_WITH_EXAMPLES = """
>>> a = [1]
>>> print("once")
once

.. picture:: First.
   :continued:

   plt.plot(a)

>>> a.append(2)
>>> b = 1 / 0
"""


def test_a_picture_finds_what_the_examples_above_it_made(
    extension: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    picture = extension("picture")
    page = tmp_path / "page.rst"
    page.write_text(PAGE_WITH_EXAMPLES, encoding="utf-8")
    examples = picture.Examples(page)
    line = 1 + PAGE_WITH_EXAMPLES[: PAGE_WITH_EXAMPLES.index(".. picture")].count("\n")
    for _ in range(2):
        assert examples.above(line)["a"] == [1]
    assert capsys.readouterr().out == ""
    picture.draw("plt.plot(a)", "light", tmp_path / "a.png", "here", {**picture.GIVEN, "a": [1, 2]})
    assert (tmp_path / "a.png").stat().st_size > 0
    with pytest.raises(ZeroDivisionError):
        examples.above(100)
    assert examples.names["a"] == [1, 2]


@pytest.mark.parametrize(("formula", "pieces"), [
    (r"E = - \sum_k t_k \log y_k", 1), (r"a = b \quad c = d", 2), (r"a \;\Rightarrow\; b", 2),
    (r"\begin{pmatrix} 1 & 2 & 3 & 4 & 5 & 6 \\ 7 & 8 & 9 & 10 & 11 & 12 \end{pmatrix} = x", 2),
    (r"\left( aaaaaaaaaaaaaaaaaaaa = \quad b \right)", 1), (r"a &= b \quad c \\ b &= c", 1),
])
def test_long_formulas_break_where_nothing_is_open(extension: Any, formula: str, pieces: int) -> None:
    found = extension("formulas").pieces(formula)
    assert len(found) == pieces
    assert "".join("".join(found).replace("{} =", "=").split()) == "".join(formula.split()), "nothing is lost"


def test_formulas_become_their_pieces_in_html_alone(extension: Any) -> None:
    formulas = extension("formulas")
    nodes = pytest.importorskip("docutils.nodes")
    for kind, count in (("html", 2), ("text", 1)):
        doctree = nodes.container("", nodes.math_block("", r"a = b \quad c = d"))
        app = SimpleNamespace(builder=SimpleNamespace(format=kind))
        formulas.break_formulas(app, doctree, "page")
        assert len(list(doctree.findall(nodes.math_block))) == count


def test_the_index_has_chinese_words(extension: Any) -> None:
    search = extension("chinese_search").SearchRuns({})
    assert search.split("学习率is 0.1，损失") == ["学习率", "学习", "习率", "is", "0", "1", "损失", "损失"]
    # The script names a stemmer, which has to be the one that is there.
    assert search.language_name == "English" and search.js_stemmer_rawcode == "english-stemmer.js"


def test_each_line_of_code_is_a_box(extension: Any) -> None:
    lines = extension("code_lines")
    highlight = pytest.importorskip("pygments").highlight
    lexer = importlib.import_module("pygments.lexers").PythonLexer()
    html = highlight("if a:\n\n    b\n", lexer, lines.LinesFormatter())
    inner = re.findall(r'<span class="cnet-line">(.*?\n)</span>', html, re.S)
    assert [re.sub("<[^>]+>", "", line) for line in inner] == ["if a:\n", "\n", "    b\n"]


@pytest.mark.parametrize(("english", "chinese"), [
    ("loss (nats)", "损失（奈特）"), ("learning rate 0.1: f = 0.5 after 20 steps", "学习率 0.1：20 步后 f = 0.5"),
    ("Confusion matrix: 91.3 % of 2,000 right", "混淆矩阵：2,000 个中 91.3 % 正确"), ("SGD", "SGD"),
    ("$x_{first}$", "$x_{first}$"),
    ("0.5", "0.5"), ("B = 10", "B = 10"), ("损失", "损失"), ("something new", None),
])
def test_words_in_pictures_have_a_translation(extension: Any, english: str, chinese: str | None) -> None:
    pytest.importorskip("matplotlib")
    assert extension("picture_words").in_language(english, "zh_CN") == chinese


def test_every_translation_of_a_picture_keeps_its_numbers(extension: Any) -> None:
    pytest.importorskip("matplotlib")
    for english, chinese in extension("picture_words").CHINESE.items():
        assert english.count("{}") == len(re.findall(r"\{\d?\}", chinese)), english
        assert re.search("[\u4e00-\u9fff]", chinese), english


def test_a_figure_is_put_into_chinese(extension: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    words = extension("picture_words")
    if words.font("zh_CN") is None:
        pytest.skip("a font with Chinese letters is not installed")
    figure, ax = pyplot.subplots()
    ax.set(xlabel="iteration", title="new words")
    warned: list[Any] = []
    monkeypatch.setattr(words.logger, "warning", lambda *arguments: warned.append(arguments[1:]))
    words.translate(figure, "zh_CN", "here")
    words.translate(figure, "zh_CN", "here")
    assert ax.get_xlabel() == "迭代" and warned == [("here", "new words")] * 2
    assert words.font("zh_CN") in ax.xaxis.label.get_fontfamily()
    pyplot.close(figure)


def test_thumbnails_are_drawn_in_every_language(
    extension: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pictures = extension("gallery_pictures")
    seen: list[tuple[str, bool]] = []
    monkeypatch.setattr(pictures, "font", lambda language: "Some Sans")
    monkeypatch.setattr(
        pictures, "translate", lambda figure, language, where, complete: seen.append((language, complete)))
    figure, ax = pyplot.subplots()
    ax.plot([1, 2], label="a")
    ax.legend()
    pictures.save_thumbnail(figure, tmp_path / "one_thumb_light.png")
    assert seen == [("zh_CN", False)], "an example may have words that nobody has translated"
    assert {path.name for path in tmp_path.iterdir()} == {"one_thumb_light.png", "one_thumb_light.zh_CN.png"}
    pyplot.close(figure)


def test_pictures_are_in_the_language_of_their_page(extension: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    words = extension("picture_words")
    monkeypatch.setattr(words, "font", lambda language: "Some Sans" if language == "zh_CN" else None)
    assert words.language_of("chapter/gradient", "zh_CN") == words.language_of("index", "zh_CN") == "zh_CN"
    assert words.language_of("performance", "zh_CN") == words.language_of("index", "en") == "en"
    monkeypatch.setattr(words, "font", lambda language: None)
    assert words.language_of("index", "zh_CN") == "en"


def test_the_menu_of_what_has_no_room_is_named_in_chinese(extension: Any) -> None:
    languages = extension("languages")
    for language, expected in (("zh_CN", {"a": 1, "header_dropdown_text": "更多"}), ("en", {"a": 1})):
        config = SimpleNamespace(language=language, html_theme_options={"a": 1})
        languages.name_menu(None, config)
        assert config.html_theme_options == expected


def test_titles_under_thumbnails_are_translated(extension: Any, tmp_path: Path) -> None:
    polib, nodes = pytest.importorskip("polib"), pytest.importorskip("docutils.nodes")
    pytest.importorskip("matplotlib")
    pictures = extension("gallery_pictures")
    example = tmp_path / "examples" / "one.py"
    example.parent.mkdir()
    example.write_text('"""\nOne example\n===========\n"""\n', encoding="utf-8")
    compiled = tmp_path / "docs" / "locale" / "zh_CN" / "LC_MESSAGES" / "gallery" / "one.mo"
    compiled.parent.mkdir(parents=True)
    catalogue = polib.POFile()
    catalogue.metadata = {"Content-Type": "text/plain; charset=utf-8"}
    catalogue.append(polib.POEntry(msgid="One example", msgstr="一个示例"))
    catalogue.save_as_mofile(str(compiled))
    html = '<div class="sphx-glr-thumbnail-title">{}</div></div>'
    for language, expected in (("zh_CN", "一个示例"), ("en", "One example")):
        doctree = nodes.container("", *[nodes.raw("", html.format(title), format="html")
                                        for title in ("One example", "Another")])
        app = SimpleNamespace(srcdir=tmp_path / "docs", config=SimpleNamespace(language=language))
        pictures.translate_titles(app, doctree)
        assert [raw.astext() for raw in doctree.findall(nodes.raw)] == [html.format(expected), html.format("Another")]


def test_a_live_page_has_a_file_for_each_language(extension: Any, tmp_path: Path) -> None:
    pages, nodes = extension("live_page"), pytest.importorskip("docutils.nodes")
    for language, name in (("en", "one.html"), ("zh_CN", "one-zh_CN.html")):
        env = SimpleNamespace(srcdir=tmp_path, docname="chapter/page", config=SimpleNamespace(language=language))
        directive: Any = pages.LivePage.__new__(pages.LivePage)
        directive.state = SimpleNamespace(document=SimpleNamespace(settings=SimpleNamespace(env=env)))
        directive.arguments, directive.options, directive.lineno = ["A page"], {"name": "one"}, 1
        directive.content = ["path.write_text(language)"]
        frame = directive.run()[0]
        assert isinstance(frame, nodes.raw) and f'data-page="../_static/{name}"' in frame.astext()
        assert (tmp_path / pages.FOLDER / name).read_text() == language
