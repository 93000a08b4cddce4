"""A directive that draws a moving picture twice, for light pages and for dark ones, as WebP.

::

    .. animation:: What moves, for those who do not see it.

       animation = cnet.plots.animate_weights(snapshots)

The code runs, and is shown, as that of ``.. picture::`` is, and leaves the animation in ``animation``. A page
shows a still picture, the last frame, to readers who prefer no motion, and on paper; a click stops the motion.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from docutils import nodes
from docutils.parsers.rst import Directive
from matplotlib.animation import AbstractMovieWriter, FuncAnimation
from picture import FOLDER, GIVEN, save, shown_code, style
from picture_words import language_of, translate
from PIL import Image
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.util.typing import ExtensionMetadata

from cnet.plots.style import INK, PAPER

DPI = 100
FRAMES_PER_SECOND = 12
LARGEST = 500_000

# A click on a moving picture stops all of them, and another one starts them again. Readers who prefer no motion, and
# paper, get the still ones from the style sheet.
SCRIPT = """
document.addEventListener("click", (event) => {
  if (event.target.matches("img.cnet-moving, img.cnet-unmoved"))
    document.documentElement.classList.toggle("cnet-still");
});
"""


class Animation(Directive):
    """``.. animation::``, see above."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Draw, and return the code, the moving images and the still ones."""
        env = self.state.document.settings.env
        alt, code = " ".join(self.arguments[0].split()), "\n".join(self.content)
        language = language_of(env.docname, env.config.language)
        stem = f"{env.docname.replace('/', '-')}-moving-{env.new_serialno('cnet-animation')}"
        stem += f"-{language}" if language != "en" else ""
        folder = Path(env.srcdir, FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        images: list[nodes.image] = []
        for theme in INK:
            paths = folder / f"{stem}-{theme}.webp", folder / f"{stem}-{theme}.png"
            draw(code, theme, *paths, f"{env.docname}, line {self.lineno}", language)
            for path, name in zip(paths, ("cnet-moving", "cnet-unmoved"), strict=True):
                classes = [f"only-{theme}", "cnet-picture", name]
                images.append(nodes.image(uri=f"/{FOLDER}/{path.name}", alt=alt, classes=classes))
        images[0]["cnet-code"] = code  # for notebooks, which draw it themselves
        return [shown_code(code), *images]


def draw(code: str, theme: str, moving: Path, still: Path, where: str, language: str = "en") -> None:
    """Run the code, save its animation and the last frame of it, with their words in a language."""
    plt.close("all")
    random.seed(0)
    np.random.seed(0)
    paper = dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), PAPER[theme])
    settings: Any = {**matplotlib.rcParamsDefault, **style(theme), **paper, "backend": "Agg"}
    names: dict[str, Any] = dict(GIVEN)
    with plt.rc_context(settings), tempfile.TemporaryDirectory() as elsewhere, contextlib.chdir(elsewhere):
        exec(compile(code, where, "exec"), names)
        animation = names.get("animation")
        if not isinstance(animation, FuncAnimation):
            raise RuntimeError(f"{where}: the code left no animation")
        animation.save(moving, writer=LoopedWebP(FRAMES_PER_SECOND, language, where), dpi=DPI)
        save(plt.gcf(), still)
    plt.close("all")
    if moving.stat().st_size > LARGEST:
        raise RuntimeError(f"{where}: {moving.name} has {moving.stat().st_size:,} bytes, more than {LARGEST:,}")


class LoopedWebP(AbstractMovieWriter):
    """Frames as a WebP that begins anew, after a pause at its end."""

    def __init__(self, fps: int, language: str, where: str) -> None:
        super().__init__(fps=fps)
        self.language, self.where = language, where

    def setup(self, fig: Any, outfile: Any, dpi: float | None = None) -> None:
        """Begin without frames."""
        super().setup(fig, outfile, dpi)
        self.pictures: list[Image.Image] = []

    def grab_frame(self, **options: Any) -> None:
        """Keep the figure as it is now."""
        translate(self.fig, self.language, self.where)
        buffer = BytesIO()
        self.fig.savefig(buffer, format="rgba", dpi=self.dpi, **options)
        picture = Image.frombuffer("RGBA", self.frame_size, buffer.getvalue(), "raw", "RGBA", 0, 1)
        self.pictures.append(picture.convert("RGB"))

    def finish(self) -> None:
        """Write the file."""
        first, *others = self.pictures
        durations = [round(1000 / self.fps)] * len(others) + [2500]
        first.save(
            self.outfile, save_all=True, append_images=others, duration=durations, loop=0, quality=75, method=4)


def setup(app: Any) -> ExtensionMetadata:
    """Register the directive."""
    if "image/webp" not in StandaloneHTMLBuilder.supported_image_types:
        StandaloneHTMLBuilder.supported_image_types.append("image/webp")
    app.add_directive("animation", Animation)
    app.add_js_file(None, body=SCRIPT)
    return {"version": "1", "parallel_read_safe": True}
