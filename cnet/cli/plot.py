"""``cnet plot``: pictures of runs."""

from __future__ import annotations

import argparse
import os
from typing import Any

from . import pictures
from .console import print_json, say
from .data import check_fit, load_data
from .options import add_json
from .run_folder import CURVES, Record, load_model, read_record

__all__ = ["add_to", "run"]

DESCRIPTION = """\
Draw pictures of a run into its folder: curves.png (loss and accuracy), weights.png (what each
hidden unit looks at), confusion.png (which digit it takes for which) and misread.png (the
test images that it gets wrong). For several runs also comparison.png, here or in --out.
"""

EXAMPLES = """\
examples:
  cnet plot cnet-run
  cnet plot cnet-run --dark --out pictures
  cnet plot sigmoid-run relu-run tanh-run     each, and all in one picture
"""

PICTURES = ("curves", "weights", "confusion", "misread")


def add_to(commands: Any) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "plot", help="draw pictures of a run", usage="cnet plot [options] RUN [RUN ...]",
        description=DESCRIPTION, epilog=EXAMPLES,
    )
    parser.add_argument("runs", metavar="RUN", nargs="+", help="the folder of a run")
    parser.add_argument(
        "--only", choices=PICTURES, action="append", metavar="NAME",
        help=f"one picture only: {', '.join(PICTURES)}; may be given several times",
    )
    parser.add_argument(
        "--data", metavar="SOURCE",
        help='images to test with, as for "cnet train" (default: those of the run)',
    )
    parser.add_argument("--out", metavar="DIR", help="folder for the pictures (default: the run's own)")
    parser.add_argument("--dark", action="store_true", help="light lines on a dark background")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Draw every picture of every run."""
    pictures.require()
    records = {folder: read_record(folder) for folder in args.runs}
    if args.out is not None:
        os.makedirs(args.out, exist_ok=True)
    written: list[str] = []
    for folder, record in records.items():
        written += _draw(folder, record, args)
    if len(records) > 1:
        written.append(os.path.join(args.out or os.curdir, "comparison.png"))
        pictures.write_comparison(records, written[-1], args.dark)
        say(f"wrote {written[-1]}", as_json=args.json)
    if args.json:
        print_json({"files": written})
    return 0


def _draw(folder: str, record: Record, args: argparse.Namespace) -> list[str]:
    """The pictures of one run; the paths of their files."""
    chosen = args.only or PICTURES
    net = load_model(folder)
    written = []

    def path(name: str) -> str:
        # Pictures of several runs in one folder go by the runs' names.
        shared = args.out is not None and len(args.runs) > 1
        start = os.path.basename(os.path.abspath(folder)) + "-" if shared else ""
        written.append(os.path.join(args.out or folder, f"{start}{name}"))
        return written[-1]

    if "curves" in chosen:
        pictures.write_curves(record, path(CURVES), args.dark)
    if "weights" in chosen:
        pictures.write_weights(net, path("weights.png"), args.dark)
    if "confusion" in chosen or "misread" in chosen:
        source = args.data or record.settings.data
        data = load_data(source)
        check_fit(folder, net.sizes, data)
        if "confusion" in chosen:
            pictures.write_confusion(net, data, path("confusion.png"), args.dark)
        if "misread" in chosen:
            pictures.write_misread(net, data, path("misread.png"), args.dark)
    say(f"wrote {', '.join(written)}", as_json=args.json)
    return written
