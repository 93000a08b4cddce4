"""``cnet page`` and ``cnet draw``: a page that shows a network, written, and opened in the browser."""

from __future__ import annotations

import argparse
import os
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checks import printable
from .console import Failure, print_json, say
from .data import Data, check_fit, data_for
from .options import add_data, add_json, path
from .run_folder import load_model, run_of

if TYPE_CHECKING:
    from ..networks import MultiLayerNet

__all__ = ["add_to", "run"]

DESCRIPTION = """\
Write a page that shows a network: one HTML file, which needs no server and no network access. Draw
a digit on it and see what the network makes of every stroke; look into each unit; see what it gets
wrong, and what would change its mind; train it there. Networks of other inputs get a form.
"""

EXAMPLES = """\
examples:
  cnet page cnet-run -o digits.html
  cnet page cnet-run -o digits.html --data mnist --title "My digits"
  cnet page model.safetensors  # writes model.html beside it
"""

DRAW_EXAMPLES = """\
examples:
  cnet draw cnet-run
  cnet draw model.safetensors -o page.html
"""

# In the folder of a run, if no name is given.
NAME = "page.html"


def add_to(commands: Any) -> None:
    """Add both commands to the command line."""
    page = commands.add_parser(
        "page", help="write a page that shows a network, to draw on", usage="cnet page [options] MODEL",
        description=DESCRIPTION, epilog=EXAMPLES,
    )
    draw = commands.add_parser(
        "draw", help="open that page in the browser", usage="cnet draw [options] MODEL",
        description="Write a page that shows a network, as cnet page does, and open it in the browser.",
        epilog=DRAW_EXAMPLES,
    )
    for parser in (page, draw):
        _add_options(parser)
        parser.set_defaults(run=run, opens=parser is draw)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=path, metavar="MODEL", help="a model file, or the folder of a run")
    parser.add_argument(
        "-o", "--out", type=path, metavar="FILE",
        help=f"the file to write (default: {NAME} in the run's folder; the model file's name with .html)",
    )
    parser.add_argument("--title", metavar="TEXT", help="the page's title (default: the layers)")
    add_data(parser, "the images of the run; drawn for a model file elsewhere")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Write the page, and open it if that was asked for."""
    net = load_model(args.model)
    data = _data(args.model, net, args.data)
    out = args.out or _default(args.model)
    train, test = (None, None) if data is None else (data.train, data.test)
    net.to_html(out, train_data=train, test_data=test, title=args.title)
    opened = args.opens and webbrowser.open(Path(out).resolve().as_uri())
    if args.json:
        print_json({"files": [out]})
    say(f"wrote {printable(out)}, {os.path.getsize(out) / 1000:,.0f} kB", as_json=args.json)
    if args.opens and not opened:
        raise Failure(f"no browser could be started; open {printable(out)} in one")
    return 0


def _data(model: str, net: MultiLayerNet, source: str | None) -> Data | None:
    """The images to show; None where a network reads something else, and none were asked for."""
    reads_images = net.loss_function.name == "cross_entropy" and net.sizes[0] == 784 and net.sizes[-1] >= 10
    if source is None and run_of(model) is None and not reads_images:
        return None
    data = data_for(model, source)
    check_fit(model, net, data)
    return data


def _default(model: str) -> str:
    folder = run_of(model)
    return os.path.join(folder, NAME) if folder is not None else os.path.splitext(model)[0] + ".html"
