"""Pictures of the gallery, for light pages and for dark ones.

sphinx-gallery runs every example under a light style (`use_light_style`) and hands its figures to
`scrape`. For dark pages the example is run once more, as a program of its own::

    python docs/_ext/gallery_pictures.py EXAMPLE NAME

which saves the figures that are left at its end as NAME with their numbers filled in.

Thumbnails are drawn, not reduced: on a smaller sheet letters and lines keep their size. An example
chooses its figure with ``# sphinx_gallery_thumbnail_number = 2``.
"""

from __future__ import annotations

import gettext
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from docutils import nodes
from matplotlib.figure import Figure
from picture import save, style
from picture_words import LANGUAGES, font, translate
from sphinx.util.typing import ExtensionMetadata

# Inches that a thumbnail's sheet has at most, and its pixels per inch.
THUMBNAIL_INCHES = (3.9, 2.9)
THUMBNAIL_DPI = 200

RST = """
.. image:: /{folder}/{light}
   :class: only-light cnet-picture
   :alt: {alt}

.. image:: /{folder}/{dark}
   :class: only-dark cnet-picture
   :alt: {alt}
"""


def use_light_style(gallery_conf: dict[str, Any], fname: str) -> None:
    """Begin an example with letters and lines in a light page's own ink."""
    plt.rcParams.update(style("light"))


def scrape(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save the figures of a block, and return what shows them on the example's page."""
    shown = []
    figures = [plt.figure(number) for number in plt.get_fignums()]
    # The figures come first: a path that is taken is counted.
    for figure, path in zip(figures, map(Path, block_vars["image_path_iterator"]), strict=False):
        save(figure, path)
        example = Path(block_vars["src_file"])
        name = re.sub(r"\d+$", "{:03d}_dark.png", path.stem)
        number = len(block_vars["image_path_iterator"])
        if number == 1:
            draw_dark(example, path.parent, name)
        if number == thumbnail_number(example):
            save_thumbnail(figure, thumbnail_path(path.parent, example, "light"))
        dark = path.with_name(name.format(number))
        if not dark.is_file():
            raise RuntimeError(f"{block_vars['src_file']} draws no figure {number} under the dark style")
        folder = path.parent.relative_to(gallery_conf["src_dir"]).as_posix()
        shown.append(RST.format(folder=folder, light=path.name, dark=dark.name, alt=alt_text(figure)))
    plt.close("all")
    return "".join(shown)


def alt_text(figure: Figure) -> str:
    """What the figure shows, for those who do not see it: the titles of its axes."""
    titles = [" ".join(axes.get_title().split()) for axes in figure.axes]
    labels = [f"{axes.get_ylabel()} over {axes.get_xlabel()}" for axes in figure.axes if axes.get_xlabel()]
    return "; ".join(filter(None, titles)) or "; ".join(labels)


def thumbnail_number(example: Path) -> int:
    """Which figure stands for an example, counted from 1."""
    found = re.search(r"^# sphinx_gallery_thumbnail_number = (\d+)$", example.read_text(encoding="utf-8"), re.M)
    return int(found[1]) if found else 1


def thumbnail_path(folder: Path, example: Path, theme: str) -> Path:
    """Where an example's thumbnail is; the folder is made if it is not there."""
    (folder / "thumb").mkdir(exist_ok=True)
    return folder / "thumb" / f"sphx_glr_{example.stem}_thumb_{theme}.png"


def save_thumbnail(figure: Figure, path: Path) -> None:
    """Draw a figure once more, without legends, on a sheet as small as a thumbnail; several axes need a larger one."""
    grids = [spec.get_gridspec() for spec in (axes.get_subplotspec() for axes in figure.axes) if spec is not None]
    across = max((max(grid.nrows, grid.ncols) for grid in grids), default=1)
    scale = min(limit / size for limit, size in zip(THUMBNAIL_INCHES, figure.get_size_inches(), strict=True))
    scale *= max(1.0, 0.6 * across)
    figure.set_size_inches(*(scale * figure.get_size_inches()))
    for axes in figure.axes:
        legend = axes.get_legend()
        if legend is not None:
            legend.remove()
    # The list of examples is translated, the examples are not: their own pictures stay as they are.
    for language in ("en", *filter(font, LANGUAGES)):
        if language != "en":
            translate(figure, language, path.name, complete=False)
            path = path.with_suffix(f".{language}.png")
        figure.savefig(path, dpi=THUMBNAIL_DPI, transparent=True, bbox_inches="tight", metadata={"Software": None})


def draw_dark(example: Path, folder: Path, name: str) -> None:
    """Run an example under the dark style, and save its figures and its thumbnail."""
    for old in folder.glob(name.replace("{:03d}", "*")):
        old.unlink()
    done = subprocess.run(
        [sys.executable, __file__, os.fspath(example), os.fspath(folder / name)],
        env={**os.environ, "MPLBACKEND": "Agg"}, capture_output=True, text=True, check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{example} failed under the dark style:\n{done.stderr}")


def run_dark(example: str, name: str) -> None:
    """Run an example as its user would, but for the style, and save its figures."""
    plt.rcParams.update(style("dark"))
    runpy.run_path(example, run_name="__main__")
    for count, number in enumerate(plt.get_fignums(), 1):
        path = Path(name.format(count))
        save(plt.figure(number), path)
        if count == thumbnail_number(Path(example)):
            save_thumbnail(plt.figure(number), thumbnail_path(path.parent, Path(example), "dark"))


def add_dark_thumbnails(app: Any, doctree: nodes.document) -> None:
    """Show the thumbnails for light pages and for dark ones in the place of sphinx-gallery's."""
    for image in list(doctree.findall(nodes.image)):
        uri = image["uri"]
        if not re.search(r"/images/thumb/sphx_glr_\w+_thumb\.png$", uri):
            continue
        dark = image.deepcopy()
        for one, theme in ((image, "light"), (dark, "dark")):
            one["uri"] = f"{uri.removesuffix('.png')}_{theme}.png"
            one["classes"].append(f"only-{theme}")
        image.parent.insert(image.parent.index(image) + 1, dark)


def translate_titles(app: Any, doctree: nodes.document) -> None:
    """Put the titles under the thumbnails, which stand in HTML, into the page's language."""
    titles = {}
    for path in Path(app.srcdir, "..", "examples").glob("*.py"):
        domain = f"gallery/{path.stem}"
        catalogue = gettext.translation(domain, Path(app.srcdir, "locale"), [app.config.language], fallback=True)
        title = path.read_text(encoding="utf-8").splitlines()[1]
        titles[title] = catalogue.gettext(title)
    for raw in list(doctree.findall(nodes.raw)):
        found = re.search(r'(?<=<div class="sphx-glr-thumbnail-title">)[^<]+(?=</div>)', raw.astext())
        if found and found[0] in titles:
            text = raw.astext().replace(found[0], titles[found[0]])
            raw.parent.replace(raw, nodes.raw("", text, format="html"))


def setup(app: Any) -> ExtensionMetadata:
    """Have thumbnails doubled before Sphinx collects a page's images, and named in its language."""
    app.connect("doctree-read", add_dark_thumbnails, priority=400)
    app.connect("doctree-read", translate_titles)
    return {"version": "1", "parallel_read_safe": True}


if __name__ == "__main__":
    run_dark(*sys.argv[1:])
