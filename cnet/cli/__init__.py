"""The command line: ``cnet train``, ``evaluate``, ``predict``, ``plot``, ...

Each command is a module with `add_to` (its options) and `run` (its work). What a command
needs beyond NumPy is imported inside its functions, so that ``cnet --help`` is quick.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence

from . import check_gradients, digits, evaluate, export, info, page, plot, predict, train
from .console import FAILURE, INTERRUPTED, ClosedPipe, Failure, complain, finish_output, one_line, warn
from .options import Parser

__all__ = ["main"]

COMMANDS = (train, evaluate, predict, plot, page, export, check_gradients, digits, info)
LEAVE_FILES = ("train", "plot", "page", "draw", "export", "digits")

DESCRIPTION = """\
Train a small neural network that reads handwritten digits, and look at how it does it.
"""

EXAMPLES = """\
first steps:
  cnet train                       # learn from 60,000 drawn digits (no download)
  cnet evaluate cnet-run           # how well does it read images it has not seen?
  cnet predict cnet-run photo.png  # which digit is in this picture?
  cnet plot cnet-run               # curves, weights, confusions, mistakes
  cnet draw cnet-run               # draw a digit in the browser, and look inside

"cnet COMMAND --help" explains each command, with examples.
"""


def build_parser() -> Parser:
    """The whole command line, as argparse knows it."""
    from .. import __version__

    parser = Parser(prog="cnet", usage="cnet COMMAND [options]", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("--version", action="version", version=f"cnet {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", prog="cnet")
    for command in COMMANDS:
        command.add_to(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        What follows the program's name; ``sys.argv[1:]`` by default.

    Returns
    -------
    int
        The exit status: 0, 1 for a failure, 2 for wrong usage, 130 when interrupted.

    Examples
    --------
    >>> main(["info", "--no-such-option"])
    2
    """
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            status = _run(argv)
        except KeyboardInterrupt:
            complain("interrupted")
            status = INTERRUPTED
        return finish_output(status)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """One line, without the place in the code, which tells a user of the command nothing."""
    warn(" ".join(str(message).split()))


def _run(argv: Sequence[str] | None) -> int:
    parser = build_parser()
    try:
        args = parser.parse_args(argv)
        if args.command is None:
            parser.print_help()
            return 0
        return _perform(args)
    except SystemExit as stop:
        # argparse ends this way after --help, --version and errors.
        return stop.code if isinstance(stop.code, int) else FAILURE
    except ClosedPipe as closed:
        # Who closed the pipe has read enough.
        return closed.status
    except Failure as failure:
        complain(str(failure))
        return failure.status
    except MemoryError:
        complain("there is not enough memory")
    except (OSError, ValueError, ArithmeticError, RuntimeError, ImportError) as error:
        complain(one_line(error))
    return FAILURE


def _perform(args: argparse.Namespace) -> int:
    try:
        status: int = args.run(args)
        return status
    except ClosedPipe as closed:
        if args.command in LEAVE_FILES:
            # Their work was cut short, perhaps, which must not happen without a word.
            raise Failure(str(closed), closed.status) from None
        raise
