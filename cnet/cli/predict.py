"""``cnet predict``: which digit is in a picture."""

from __future__ import annotations

import argparse
import glob
import os
from collections.abc import Iterator
from typing import Any

from .console import FAILURE, Failure, complain, one_line, percent, print_json, say
from .data import check_classifies
from .options import add_json, path
from .run_folder import load_any

__all__ = ["add_to", "run"]

DESCRIPTION = """\
Read the digit in each picture: PNG, JPEG, BMP, GIF, TIFF, WebP, PNM, or HEIC where pillow-heif
is installed; of any size, grey or colour, light on dark or dark on light, one digit in each.
"""

EXAMPLES = """\
examples:
  cnet predict cnet-run seven.png
  cnet predict cnet-run photos  # all pictures in a folder
  cnet predict cnet-run/model.safetensors photos/*.jpg --json
"""

# What the pictures in a folder are known by.
SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pbm", ".pgm", ".ppm", ".pnm", ".heic",
    ".heif",
)


def add_to(commands: Any) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "predict", help="read the digits in pictures",
        usage="cnet predict [options] MODEL IMAGE ...", description=DESCRIPTION, epilog=EXAMPLES,
    )
    parser.add_argument("model", type=path, metavar="MODEL", help="a model file, or the folder of a run")
    parser.add_argument(
        "images", type=path, metavar="IMAGE", nargs="+",
        help="a picture of one digit, a folder of pictures, or a pattern such as *.png",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read each picture; one that cannot be read does not stop the others."""
    from ..images import read_digit

    net = load_any(args.model)
    check_classifies(args.model, net)
    if net.sizes[0] != 784:
        raise Failure(f"{args.model} reads images of {net.sizes[0]} pixels; pictures become 28 x 28 = 784")
    status, results = 0, []
    for argument in args.images:
        try:
            images = list(_expanded(argument))
        except (Failure, OSError) as error:
            complain(one_line(error))
            status = FAILURE
            continue
        for image in images:
            try:
                probabilities = net.predict(read_digit(image))
            except (OSError, ValueError, MemoryError) as error:
                complain(f"{image}: there is not enough memory" if isinstance(error, MemoryError) else one_line(error))
                status = FAILURE
                continue
            results.append(_result(image, probabilities))
            if not args.json:
                say(_line(results[-1]))
    if args.json:
        print_json({"model": args.model, "results": results})
    return status


def _expanded(argument: str) -> Iterator[str]:
    """The pictures that an argument names: not every shell expands patterns, and no command takes a folder.

    Raises
    ------
    Failure
        If there are none.
    OSError
        If a folder cannot be read.
    """
    if os.path.isdir(argument):
        names = sorted(name for name in os.listdir(argument) if _is_picture(name))
        if not names:
            raise Failure(f"{argument}: the folder holds no pictures ({', '.join(SUFFIXES)})")
        yield from (os.path.join(argument, name) for name in names)
    # What is there is meant as it stands, whatever its name.
    elif os.path.lexists(argument) or not glob.has_magic(argument):
        yield argument
    else:
        found = sorted(path for path in glob.glob(argument, recursive=True) if not os.path.isdir(path))
        if not found:
            raise Failure(f"{argument}: no file has such a name")
        yield from found


def _is_picture(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _result(image: str, probabilities: Any) -> dict[str, Any]:
    return {"image": image, "digit": int(probabilities.argmax()), "probabilities": probabilities.tolist()}


def _line(result: dict[str, Any]) -> str:
    """A result for people: the digit, how sure it is, and what it would have been otherwise."""
    probabilities = result["probabilities"]
    order = sorted(range(len(probabilities)), key=lambda label: -probabilities[label])
    first, *rest = order
    next_best = f"; next {rest[0]}, {percent(probabilities[rest[0]])}" if rest else ""
    return f"{result['image']}: {first} ({percent(probabilities[first])}{next_best})"
