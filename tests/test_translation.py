"""The Chinese translation is whole, says the same as the pages, and keeps their markup."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

polib = pytest.importorskip("polib", reason="polib is not installed: it reads the translation")

DOCS = Path(__file__).resolve().parents[1] / "docs"
CATALOGUES = DOCS / "locale" / "zh_CN" / "LC_MESSAGES"
PAGES = ["index", "your-own-table", *sorted(f"chapter/{path.stem}" for path in (DOCS / "chapter").glob("*.rst"))]

# What docs/conf.py sets that decides what is extracted, without what only draws and runs: a build of all
# the documentation takes half a minute, this one two seconds.
CONFIGURATION = f"""
import sys
sys.path.insert(0, {os.fspath(DOCS / "_ext")!r})
import animation
import live_page
import picture
animation.draw = picture.draw = live_page.write = lambda *arguments: None
picture.Examples.above = lambda self, line: {{}}
extensions = ["picture", "animation", "live_page", "drawings", "worked", "sphinx_design"]
gettext_compact = False
"""


def entries(page: str) -> list[Any]:
    """The messages of a page's catalogue."""
    return list(polib.pofile(os.fspath(CATALOGUES / f"{page}.po")))


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what Sphinx finds to translate on the English pages."""
    for name in ("sphinx", "sphinx_design", "matplotlib", "PIL"):
        pytest.importorskip(name, reason=f"{name} is not installed: it is needed to extract the messages")
    folder = tmp_path_factory.mktemp("gettext")
    source, result = folder / "source", folder / "result"
    shutil.copytree(DOCS / "chapter", source / "chapter")
    for name in ("index", "your-own-table"):
        shutil.copy(DOCS / f"{name}.rst", source)
    (source / "conf.py").write_text(CONFIGURATION, encoding="utf-8")
    # The menu names all pages, and a page must exist to be named.
    index = (DOCS / "index.rst").read_text(encoding="utf-8")
    for title, page in re.findall(r"^   (\S.*) <([\w/-]+)>$", index.partition(".. toctree::")[2], re.M):
        if page not in PAGES:
            (source / page).parent.mkdir(exist_ok=True)
            (source / f"{page}.rst").write_text(f"{title}\n{'=' * len(title)}\n", encoding="utf-8")
    # It complains about links to what is on the pages that are left out.
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-b", "gettext", source, result],
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr
    return result


def titled() -> dict[str, str]:
    """The pages of which the title is translated and nothing else needs to be: the menu's others, and the examples."""
    menu = (DOCS / "index.rst").read_text(encoding="utf-8").partition(".. toctree::")[2]
    pages = {page: title for title, page in re.findall(r"^   (\S.*) <([\w/-]+)>$", menu, re.M) if page not in PAGES}
    for path in (DOCS.parent / "examples").glob("*.py"):
        pages[f"gallery/{path.stem}"] = path.read_text(encoding="utf-8").splitlines()[1]
    return pages


def test_every_page_has_a_catalogue_and_every_catalogue_a_page() -> None:
    found = {path.relative_to(CATALOGUES).with_suffix("").as_posix() for path in CATALOGUES.rglob("*.po")}
    # What the theme says, where its own translation has gaps.
    assert found == {*PAGES, *titled(), "sphinx"}


@pytest.mark.parametrize("page", titled())
def test_the_titles_of_the_other_pages_are_in_chinese(page: str) -> None:
    held = {entry.msgid: entry.msgstr for entry in entries(page)}
    assert re.search(r"[\u4e00-\u9fff]", held[titled()[page]])
    menu = {entry.msgid: entry.msgstr for entry in entries("index")}
    if not page.startswith("gallery/") or page == "gallery/index":
        assert held[titled()[page]] == menu[titled()[page]]
    if page == "api":
        text = (DOCS / "api.rst").read_text(encoding="utf-8")
        assert list(held)[1:] == re.findall(r"^(.+)\n-{3,}$", text, re.M), "the headings, which the sidebar has too"


def test_what_the_theme_says_is_in_chinese() -> None:
    assert all(re.search(r"[\u4e00-\u9fff]", entry.msgstr) for entry in entries("sphinx"))


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_untranslated_fuzzy_or_obsolete(page: str) -> None:
    catalogue = polib.pofile(os.fspath(CATALOGUES / f"{page}.po"))
    assert len(catalogue) > 0
    assert not catalogue.metadata_is_fuzzy
    assert [entry.msgid for entry in catalogue if not entry.translated() or entry.fuzzy or entry.obsolete] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_catalogue_holds_just_the_messages_of_the_page(page: str, extracted: Path) -> None:
    wanted = {entry.msgid for entry in polib.pofile(os.fspath(extracted / f"{page}.pot"))}
    held = {entry.msgid for entry in entries(page)}
    assert sorted(wanted - held) == [], "not in the translation: update it as docs/contributing.md tells"
    assert sorted(held - wanted) == [], "no longer on the page: update it as docs/contributing.md tells"


@pytest.mark.parametrize("page", PAGES)
def test_sentences_are_in_chinese(page: str) -> None:
    # A name (cnet) and a formula without words may stay as they are.
    prose = [entry for entry in entries(page) if re.search(r"[A-Za-z]{2,} [a-z]{2,}", entry.msgid)]
    prose = [entry for entry in prose if not is_formula(entry.msgid)]
    assert prose
    assert [entry.msgid for entry in prose if not re.search(r"[\u4e00-\u9fff]", entry.msgstr)] == []


@pytest.mark.parametrize("page", PAGES)
def test_punctuation_is_full_width_and_does_not_begin_a_line(page: str) -> None:
    half_width = r"[\u4e00-\u9fff][,.;:?!()]"
    # Browsers break a line between a typeset formula and these two.
    begins_a_line = r":math:`[^`]+`(\\ )?[；：]"
    wrong = re.compile(f"{half_width}|{begins_a_line}")
    assert [entry.msgstr for entry in entries(page) if wrong.search(entry.msgstr)] == []


def is_formula(message: str) -> bool:
    """Whether a message is the content of a ``math`` block, which is no text with markup."""
    return ":math:`" not in message and re.search(r"\\[a-z]+(?![a-z`])|\\\\", message) is not None


def markup(message: str) -> tuple[Counter[tuple[str, str]], str]:
    """The inline markup of a message as docutils reads it, and the text that is left around it.

    Roles count with what they point to, whatever the link is called; code and formulas with their
    content; a single letter in italics is the name of a number, and any other emphasis just counts.
    """
    core = pytest.importorskip("docutils.core", reason="docutils is not installed: it reads the markup")
    from docutils import nodes
    from docutils.parsers.rst import roles

    def role(name: str, rawtext: str, text: str, *context: Any) -> Any:
        target = re.fullmatch(r".*<(.+)>", text)
        return [nodes.inline(rawtext, text, role=name, target=target[1] if target else text)], []

    for name in ("doc", "ref", "func", "num", "mod", "class"):
        roles.register_local_role(name, role)
    settings = {"report_level": 1, "halt_level": 2, "raw_enabled": False, "file_insertion_enabled": False}
    document = core.publish_doctree(message.removesuffix("::"), settings_overrides=settings)
    found: Counter[tuple[str, str]] = Counter()
    for node in document.findall():
        if isinstance(node, nodes.inline):
            found[node["role"], node["target"]] += 1
        elif isinstance(node, nodes.literal | nodes.math):
            found[node.tagname, node.astext()] += 1
        elif isinstance(node, nodes.emphasis | nodes.strong):
            text = node.astext()
            found["emphasis", text if len(text) == 1 and text.isascii() else "a word"] += 1
    kinds = nodes.inline, nodes.literal, nodes.math, nodes.emphasis, nodes.strong
    around = [node.astext() for node in document.findall(nodes.Text) if not isinstance(node.parent, kinds)]
    return found, " ".join(" ".join(around).split())


@pytest.mark.parametrize("page", PAGES)
def test_the_markup_is_that_of_the_english_text(page: str) -> None:
    for entry in entries(page):
        if is_formula(entry.msgid):
            continue
        english, _ = markup(entry.msgid)
        chinese, around = markup(entry.msgstr)
        assert chinese == english, entry.msgstr
        # Markup that touches a Chinese character is no markup, and would stand on the page as it is.
        assert not re.search(r"[`*\\]", around), entry.msgstr


@pytest.mark.parametrize("page", PAGES)
def test_formulas_differ_in_their_words_only(page: str) -> None:
    def without_words(formula: str) -> str:
        return re.sub(r"\\text\{[^}]*\}", r"\\text{}", formula)

    for entry in entries(page):
        if is_formula(entry.msgid):
            assert without_words(entry.msgstr) == without_words(entry.msgid)


def test_markup_that_touches_chinese_is_found() -> None:
    both = Counter({("emphasis", "a word"): 1, ("doc", "x"): 1})
    assert markup("叫作\\ **泛化**\\ ，见 :doc:`那里 <x>`。") == (both, "叫作 ，见 。")
    assert markup("叫作**泛化**的") == (Counter(), "叫作**泛化**的")
    assert markup("计算``y``吧") == (Counter(), "计算``y``吧")
