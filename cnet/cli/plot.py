"""``cnet plot``: pictures of runs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from itertools import chain, count
from typing import Any

from . import pictures
from .console import print_json, say
from .data import check_fit, load_data, load_own_data
from .options import add_data, add_json, make_folder, path
from .record import Record
from .run_folder import CURVES, load_single, read_record

__all__ = ["add_to", "run"]

DESCRIPTION = """\
Draw pictures of a run into its folder: curves.png (loss and accuracy), weights.png (the weights
of each hidden unit), confusion.png (which digit it takes for which) and misread.png (the
test images that it gets wrong). For several runs also comparison.png, here or in --out.
"""

EXAMPLES = """\
examples:
  cnet plot cnet-run
  cnet plot cnet-run --dark --out pictures
  cnet plot sigmoid-run relu-run tanh-run  # each, and all in one picture
"""

PICTURES = ("curves", "weights", "confusion", "misread")


def add_to(commands: Any) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "plot", help="draw pictures of a run", usage="cnet plot [options] RUN [RUN ...]",
        description=DESCRIPTION, epilog=EXAMPLES,
    )
    parser.add_argument("runs", type=path, metavar="RUN", nargs="+", help="the folder of a run")
    parser.add_argument(
        "--only", choices=PICTURES, action="append", metavar="NAME",
        help=f"one picture only: {', '.join(PICTURES)}; may be given several times",
    )
    add_data(parser, "the images of the run")
    parser.add_argument("--out", type=path, metavar="DIR", help="folder for the pictures (default: the run's own)")
    parser.add_argument("--dark", action="store_true", help="light lines on a dark background")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Draw every picture of every run."""
    pictures.require()
    records = {folder: read_record(folder) for folder in args.runs}
    if args.out is not None:
        make_folder(args.out)
    # Pictures of several runs in one folder go by the runs' names.
    shared = args.out is not None and len(records) > 1
    written: list[str] = []
    for (folder, record), name in zip(records.items(), _names(records), strict=True):
        written += _draw(folder, record, f"{name}-" if shared else "", args)
    if len(records) > 1:
        written.append(os.path.join(args.out or os.curdir, "comparison.png"))
        pictures.write_comparison(records, written[-1], args.dark)
        say(f"wrote {written[-1]}", as_json=args.json)
    if args.json:
        print_json({"files": written})
    return 0


def _names(folders: Iterable[str]) -> list[str]:
    """A name for each run's pictures: its folder's, with a number where two have the same."""
    names: list[str] = []
    for folder in folders:
        base = os.path.basename(os.path.abspath(folder))
        numbered = (f"{base}-{i}" for i in count(2))
        names.append(next(name for name in chain([base], numbered) if name not in names))
    return names


def _draw(folder: str, record: Record, start: str, args: argparse.Namespace) -> list[str]:
    """The pictures of one run; the paths of their files."""
    chosen = args.only or PICTURES
    # A run that diverged has curves, and perhaps no network.
    net = load_single(folder)[0] if set(chosen) - {"curves"} else None
    written = []

    def path_of(name: str) -> str:
        written.append(os.path.join(args.out or folder, f"{start}{name}"))
        return written[-1]

    if "curves" in chosen:
        pictures.write_curves(record, path_of(CURVES), args.dark)
    if net is not None and "weights" in chosen:
        pictures.write_weights(net, path_of("weights.png"), args.dark)
    if net is not None and ("confusion" in chosen or "misread" in chosen):
        data = load_own_data(folder, record.settings) if args.data is None else load_data(args.data)
        check_fit(folder, net, data)
        data = data.prepared(record.settings.preprocessing)
        if "confusion" in chosen:
            pictures.write_confusion(net, data, path_of("confusion.png"), args.dark)
        if "misread" in chosen:
            pictures.write_misread(net, data, path_of("misread.png"), args.dark)
    say(f"wrote {', '.join(written)}", as_json=args.json)
    return written
