"""Pictures of the gallery, for light pages and for dark ones.

sphinx-gallery runs every example under a light style (`use_light_style`) and hands its figures to
`scrape`. For dark pages the example is run once more, as a program of its own::

    python docs/_ext/gallery_pictures.py EXAMPLE NAME

which saves the figures that are left at its end as NAME with their numbers filled in.
"""

from __future__ import annotations

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
from sphinx.util.typing import ExtensionMetadata

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
        name = re.sub(r"\d+$", "{:03d}_dark.png", path.stem)
        number = len(block_vars["image_path_iterator"])
        if number == 1:
            draw_dark(Path(block_vars["src_file"]), path.parent, name, gallery_conf["thumbnail_size"])
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


def draw_dark(example: Path, folder: Path, name: str, thumbnail_size: tuple[int, int]) -> None:
    """Run an example under the dark style, and make its first figure its thumbnail."""
    from sphinx_gallery.utils import scale_image

    for old in folder.glob(name.replace("{:03d}", "*")):
        old.unlink()
    done = subprocess.run(
        [sys.executable, __file__, os.fspath(example), os.fspath(folder / name)],
        env={**os.environ, "MPLBACKEND": "Agg"}, capture_output=True, text=True, check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{example} failed under the dark style:\n{done.stderr}")
    thumbnails = folder / "thumb"
    thumbnails.mkdir(exist_ok=True)
    thumbnail = thumbnails / f"sphx_glr_{example.stem}_thumb_dark.png"
    scale_image(folder / name.format(1), thumbnail, *thumbnail_size)


def run_dark(example: str, name: str) -> None:
    """Run an example as its user would, but for the style, and save its figures."""
    plt.rcParams.update(style("dark"))
    runpy.run_path(example, run_name="__main__")
    for count, number in enumerate(plt.get_fignums(), 1):
        save(plt.figure(number), Path(name.format(count)))


def add_dark_thumbnails(app: Any, doctree: nodes.document) -> None:
    """Put a thumbnail for dark pages beside each one for light pages."""
    for image in list(doctree.findall(nodes.image)):
        uri = image["uri"]
        if not re.search(r"/images/thumb/sphx_glr_\w+_thumb\.png$", uri):
            continue
        dark = image.deepcopy()
        dark["uri"] = f"{uri.removesuffix('.png')}_dark.png"
        for one, theme in ((image, "light"), (dark, "dark")):
            one["classes"].append(f"only-{theme}")
        image.parent.insert(image.parent.index(image) + 1, dark)


def setup(app: Any) -> ExtensionMetadata:
    """Have thumbnails doubled before Sphinx collects a page's images."""
    app.connect("doctree-read", add_dark_thumbnails, priority=400)
    return {"version": "1", "parallel_read_safe": True}


if __name__ == "__main__":
    run_dark(*sys.argv[1:])
