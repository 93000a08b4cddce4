"""``cnet export``: a network as a file that computes its predictions where there is no cnet."""

from __future__ import annotations

import argparse
import os
from typing import Any

from ..checks import listed, printable
from .console import USAGE, Failure, print_json, say
from .options import add_json, path
from .run_folder import load_model, run_of

__all__ = ["add_to", "run"]

DESCRIPTION = """\
Write a network as a file that computes its predictions where there is no cnet. The name's ending
says in which format: .py is a Python module of a few lines that needs NumPy alone.
"""

EXAMPLES = """\
examples:
  cnet export cnet-run model.py
  cnet export cnet-run -o digits.py --dtype float64
  cnet export model.safetensors --format numpy  # writes model.py beside it
"""

# Those of `formats.FORMATS`, which the help need not import.
NAMES = ("numpy",)

# In the folder of a run, if no name is given.
STEM = "model"


def add_to(commands: Any) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "export", help="write a network for NumPy alone",
        usage="cnet export [options] MODEL [FILE]", description=DESCRIPTION, epilog=EXAMPLES,
    )
    parser.add_argument("model", type=path, metavar="MODEL", help="a model file, or the folder of a run")
    parser.add_argument("file", type=path, metavar="FILE", nargs="?", help="the file to write")
    parser.add_argument("-o", "--out", type=path, metavar="FILE", help="the same as FILE")
    parser.add_argument(
        "--format", choices=NAMES, metavar="NAME",
        help=f"{', '.join(NAMES)} (default: by the name of FILE); without FILE, the file is written into the run's "
             "folder, or beside the model file",
    )
    parser.add_argument(
        "--dtype", choices=("float32", "float64"), metavar="TYPE",
        help="float32 or float64: type of weights and computation (default: the network's)",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the file."""
    from ..export.formats import FORMATS

    out, name = _target(args)
    chosen = FORMATS[name]
    options = {option: value for option in ("dtype",) if (value := getattr(args, option)) is not None}
    for option in options:
        if option not in chosen.options:
            raise Failure(f"--{option} is not an option of the format {name}", USAGE)
    chosen.write(load_model(args.model), out, **options)
    if args.json:
        print_json({"files": [out], "format": name})
    say(f"wrote {printable(out)}, {os.path.getsize(out) / 1000:,.0f} kB", as_json=args.json)
    return 0


def _target(args: argparse.Namespace) -> tuple[str, str]:
    """The file to write, and the name of its format."""
    from ..export.formats import FORMATS

    if args.file is not None and args.out is not None:
        raise Failure("name the file to write once: as FILE, or with -o", USAGE)
    out = args.out if args.file is None else args.file
    if out is None:
        if args.format is None:
            raise Failure("name the file to write, as in model.py, or its --format", USAGE)
        return _default(args.model) + FORMATS[args.format].suffix, args.format
    if args.format is not None:
        return out, args.format
    by_suffix = {each.suffix: name for name, each in FORMATS.items()}
    suffix = os.path.splitext(out)[1].lower()
    if suffix not in by_suffix:
        raise Failure(f"{out}: the name must end in one of {listed(by_suffix)}, which is the format to write", USAGE)
    return out, by_suffix[suffix]


def _default(model: str) -> str:
    folder = run_of(model)
    return os.path.join(folder, STEM) if folder is not None else os.path.splitext(model)[0]
