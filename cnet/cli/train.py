"""``cnet train``: the main job."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ..committee_checks import MOST_NETWORKS
from . import committee, pictures
from .beginning import new_run, resumed_run
from .choices import chosen_settings
from .console import USAGE, Failure, as_word, note, print_json, say
from .data import Data
from .finished import is_finished, restore_results
from .lock import owning
from .options import add_data, add_json, at_most, count, make_folder, path
from .recipe import with_recipe
from .record import Record
from .run_folder import CURVES, check_is_run, is_committee, refuse_committee
from .session import Session
from .settings import Settings
from .training_options import add_training_options
from .words import network_text, regularisation_text, run_text, stopping_text

if TYPE_CHECKING:
    from ..networks import MultiLayerNet

__all__ = ["add_to", "run"]

DESCRIPTION = """\
Train a network by mini-batch gradient descent, and keep it.

By default this is the book's job: 784-50-10, sigmoid, 10,000 mini-batches of 100,
learning rate 0.1, on digits that are drawn here. After each epoch the accuracy is
measured on all training images and on all test images.
"""

EXAMPLES = """\
examples:
  cnet train                                 # the book's job on drawn digits
  cnet train --data mnist                    # on the real MNIST
  cnet train --activation relu --hidden 100  # another network
  cnet train --layers 512,256 --optimizer adam --schedule cosine --dropout 0.2 --epochs 20
  cnet train --layers 300,100 --optimizer adamw --early-stop 5 --epochs 100
  cnet train --data mnist --recipe fast      # 99 % of the real MNIST in some seconds
  cnet train --data mnist --recipe committee --networks 5 --out five  # several networks
  cnet train --epochs 30 --out long-run      # longer, into a folder of its own
  cnet train --resume cnet-run               # continue a run that was cut off
  cnet train --resume cnet-run --epochs 40   # ... or a finished one, up to 40 epochs in all

The run's folder then holds model.safetensors (the network), history.json (loss and
accuracies), curves.png (a picture of both) and checkpoint.safetensors (for --resume).
A new run replaces an earlier one in its folder, whose model stays until the new one is
written. Ctrl-C stops early and keeps the network as it is then. A run that is killed
continues from its checkpoint, which is at most some two seconds and one epoch old.
The folder of a committee has a folder for each network, network-000 and so on.
"""

DEFAULT_OUT = "cnet-run"


def add_to(commands: Any) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "train", help="train a network and keep it", usage="cnet train [options]",
        description=DESCRIPTION, epilog=EXAMPLES,
    )
    add_data(parser, "drawn")
    add_training_options(parser, _add_length)
    results = parser.add_argument_group("results")
    results.add_argument(
        "--out", type=path, metavar="DIR", help=f"folder of the run (default: {DEFAULT_OUT}); replaces a run there"
    )
    results.add_argument(
        "--resume", type=path, metavar="DIR", help="continue from the checkpoint of the run in DIR"
    )
    add_json(results)
    parser.set_defaults(run=run)


def _add_length(training: Any) -> None:
    """How long to train, and with how many threads: what the bits of the next iteration do not depend on."""
    length = training.add_mutually_exclusive_group()
    length.add_argument(
        "--iterations", type=count, metavar="N",
        help="mini-batches (default: 10,000); with --resume the total, including those done before",
    )
    length.add_argument(
        "--epochs", type=count, metavar="N",
        help="or: times through the training images; with --resume the total, including those done before",
    )
    training.add_argument(
        "--networks", type=at_most(MOST_NETWORKS), metavar="N",
        help="train so many networks of different seeds, one after the other, and make a committee of them, whose "
        "predictions are averaged (default: 1)",
    )
    training.add_argument(
        "--threads", type=at_most(256), metavar="N", help="threads to use (default: chosen automatically)"
    )


def run(args: argparse.Namespace) -> int:
    """Train, and write what came of it."""
    if args.resume is None:
        return _run_new(args)
    return _run_resumed(args)


def _run_new(args: argparse.Namespace) -> int:
    folder = DEFAULT_OUT if args.out is None else args.out
    args = with_recipe(args)
    chosen = chosen_settings(args)
    # A folder that cannot be is known before the data is there.
    with _made(folder), owning(folder):
        if (args.networks or 1) > 1:
            return committee.run_new(folder, args, chosen)
        refuse_committee(folder)
        settings, data = new_run(args, chosen)
        net = settings.network(data.n_inputs, data.n_classes)
        return _train(folder, net, Record(settings), data, args, resumed=False)


def _run_resumed(args: argparse.Namespace) -> int:
    folder = args.resume
    if args.out is not None and os.path.abspath(args.out) != os.path.abspath(folder):
        raise Failure("--resume continues in the run's own folder; --out cannot be given with it", USAGE)
    if is_committee(folder):
        with owning(folder):
            return committee.run_resumed(folder, args)
    check_is_run(folder)
    if args.networks not in (None, 1):
        raise Failure(f"--networks {args.networks}: the run in {folder} has a single network, which has to stay", USAGE)
    with owning(folder):
        net, record, data = resumed_run(folder, args)
        if not is_finished(folder, record):
            return _train(folder, net, record, data, args, resumed=True)
        _describe(net, record.settings, data, args.json)
        kept, written = restore_results(folder, net, record)
        if CURVES in written and not _draw_missing(folder, kept):
            written.remove(CURVES)
        if written:
            say(f"wrote {_listed(folder, written)}", as_json=args.json)
        if record.is_stopped:
            say(f"{folder} is finished: {stopping_text(kept)}; a new run with a larger --early-stop would wait longer",
                as_json=args.json)
        else:
            say(f"{folder} is finished; --iterations or --epochs asks for more", as_json=args.json)
        if args.json:
            print_json({**kept.summary(), "folder": folder, "files": written})
        return 0


def _train(
    folder: str, net: MultiLayerNet, record: Record, data: Data, args: argparse.Namespace, *, resumed: bool
) -> int:
    _describe(net, record.settings, data, args.json)
    drawable = pictures.available()
    if not drawable:
        note(f'matplotlib is not installed (pip install "cnet-nn[cli]"): training goes without {CURVES}')
    session = Session(
        folder, net, record, data, resumed=resumed, n_threads=args.threads, as_json=args.json
    )
    session.run()
    written = session.write_results(drawable)
    _report(record, folder, written, args.json)
    return session.conclude()


def _draw_missing(folder: str, record: Record) -> bool:
    """Draw the curves if there is matplotlib; whether there is."""
    if not pictures.available():
        return False
    pictures.write_curves(record, os.path.join(folder, CURVES))
    return True


@contextmanager
def _made(folder: str) -> Iterator[None]:
    """A folder that is there; one that was made for nothing is removed."""
    was_there = os.path.isdir(folder)
    make_folder(folder)
    try:
        yield
    finally:
        if not was_there:
            # The system removes empty folders only.
            with suppress(OSError):
                os.rmdir(folder)


def _describe(net: MultiLayerNet, settings: Settings, data: Data, as_json: bool) -> None:
    """Say what is about to be trained, and on what."""
    say(f"data: {data.description}", as_json=as_json)
    say(f"network: {network_text(net.sizes, settings.activations)}; {run_text(settings)}", as_json=as_json)
    used = regularisation_text(settings)
    if used:
        say(f"with {used}", as_json=as_json)


def _report(record: Record, folder: str, written: list[str], as_json: bool) -> None:
    """Say what came out, where it is, and what can be done with it."""
    if as_json:
        print_json({**record.summary(), "folder": folder, "files": written})
        return
    say(f"trained {record.iterations:,} mini-batches in {record.seconds:.2f} s "
        f"({record.samples_per_second:,.0f} samples/s)")
    if record.best.epoch and record.state in ("finished", "stopped"):
        say(stopping_text(record))
    if written:
        say(f"wrote {_listed(folder, written)}")
    if record.state in ("finished", "stopped") and written:
        word = as_word(folder)
        say("next:")
        say(f"  cnet evaluate {word}  # how well does it read images it has not seen?")
        say(f"  cnet predict {word} photo.png  # which digit is in this picture?")
        say(f"  cnet plot {word}  # weights, confusions, mistakes")


def _listed(folder: str, names: list[str]) -> str:
    return ", ".join(os.path.join(folder, name) for name in names)
