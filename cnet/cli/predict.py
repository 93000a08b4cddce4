"""``cnet predict``: which digit is in a picture."""

from __future__ import annotations

import argparse
from typing import Any

from .console import FAILURE, Failure, complain, one_line, percent, print_json, say
from .options import add_json
from .run_folder import load_model

__all__ = ["add_to", "run"]

DESCRIPTION = """\
Read the digit in each picture: a PNG (or another format that Pillow reads) of any size,
grey or colour, light on dark or dark on light, one digit in each.
"""

EXAMPLES = """\
examples:
  cnet predict cnet-run seven.png
  cnet predict cnet-run/model.safetensors photos/*.jpg --json
"""


def add_to(commands: Any) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "predict", help="read the digits in pictures",
        usage="cnet predict [options] MODEL IMAGE ...", description=DESCRIPTION, epilog=EXAMPLES,
    )
    parser.add_argument("model", metavar="MODEL", help="a model file, or the folder of a run")
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="a picture of one digit")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read each picture; one that cannot be read does not keep the others from it."""
    from ..images import read_digit

    net = load_model(args.model)
    if net.sizes[0] != 784:
        raise Failure(f"{args.model} reads images of {net.sizes[0]} pixels; pictures become 28 x 28 = 784")
    status, results = 0, []
    for path in args.images:
        try:
            probabilities = net.predict(read_digit(path))
        except (OSError, ValueError) as error:
            complain(one_line(error))
            status = FAILURE
            continue
        order = [int(label) for label in probabilities.argsort()[::-1]]
        results.append({"image": path, "digit": order[0], "probabilities": probabilities.tolist()})
        if not args.json:
            first, second = (f"{percent(float(probabilities[label]))}" for label in order[:2])
            say(f"{path}: {order[0]} ({first}; next {order[1]}, {second})")
    if args.json:
        print_json({"model": args.model, "results": results})
    return status
