"""``cnet info``: what runs on this machine."""

from __future__ import annotations

import argparse
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

from .console import print_json, say
from .options import add_json

__all__ = ["add_to", "run"]


def add_to(commands: Any) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "info", help="show version, instruction set and threads", usage="cnet info [options]",
        description="Show the version, which instruction set is in use here, which there are, and how cnet "
        "was built.\nThe environment variable CNET_ISA asks for another instruction set.",
        epilog="examples:\n  cnet info\n  CNET_ISA=baseline cnet info",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what ``cnet.show_config`` tells."""
    from ..config import show_config

    if args.json:
        print_json(show_config(mode="dicts"))
        return 0
    text = StringIO()
    with redirect_stdout(text):
        show_config()
    for line in text.getvalue().splitlines():
        say(line)
    return 0
