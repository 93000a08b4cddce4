"""``cnet train``: the main job."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from . import pictures
from .console import USAGE, Failure, as_word, note, print_json, say
from .data import Data, check_fit, load_data, load_own_data
from .finished import is_finished, restore_results
from .lock import owning
from .options import add_data, add_json, at_most, count, make_folder, path, positive_number, seed
from .record import GRADIENTS, MOST_ITERATIONS, SAMPLINGS, Record, Settings
from .run_folder import CHECKPOINT, CURVES, check_is_run, read_checkpoint
from .session import Session

if TYPE_CHECKING:
    from ..networks import TwoLayerNet

__all__ = ["add_to", "run"]

DESCRIPTION = """\
Train a network of one hidden layer by mini-batch gradient descent, and keep it.

By default this is the book's job: 784-50-10, sigmoid, 10,000 mini-batches of 100,
learning rate 0.1, on digits that are drawn here. After each epoch the accuracy is
measured on all training images and on all test images.
"""

EXAMPLES = """\
examples:
  cnet train                                 # the book's job on drawn digits
  cnet train --data mnist                    # on the real MNIST
  cnet train --activation relu --hidden 100  # another network
  cnet train --epochs 30 --out long-run      # longer, into a folder of its own
  cnet train --resume cnet-run               # continue a run that was cut off
  cnet train --resume cnet-run --epochs 40   # ... or a finished one, up to 40 epochs in all

The run's folder then holds model.safetensors (the network), history.json (loss and
accuracies), curves.png (a picture of both) and checkpoint.safetensors (for --resume).
A new run replaces an earlier one in its folder, whose model stays until the new one is
written. Ctrl-C stops early and keeps the network as it is then. A run that is killed
continues from its checkpoint, which is at most some two seconds and one epoch old.
"""

# The book's choices. Options that are not given are None, so that --resume can tell.
DEFAULTS: dict[str, Any] = {
    "data": "drawn", "hidden": 50, "activation": "sigmoid", "batch_size": 100, "learning_rate": 0.1,
    "sampling": "replacement", "gradient": "backprop", "seed": 0,
}
DEFAULT_ITERATIONS = 10_000
DEFAULT_OUT = "cnet-run"

# Standard deviation of the initial weights that suits each activation.
WEIGHT_INIT: dict[str, float | Literal["he", "xavier"]] = {"sigmoid": 0.01, "relu": "he", "tanh": "xavier"}


def add_to(commands: Any) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "train", help="train a network and keep it", usage="cnet train [options]",
        description=DESCRIPTION, epilog=EXAMPLES,
    )
    add_data(parser, "drawn")
    network = parser.add_argument_group("the network")
    network.add_argument("--hidden", type=count, metavar="N", help="units of the hidden layer (default: 50)")
    network.add_argument(
        "--activation", choices=tuple(WEIGHT_INIT), metavar="NAME",
        help="activation of the hidden layer: sigmoid (default), relu or tanh",
    )
    training = parser.add_argument_group("training")
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
        "--batch-size", type=count, metavar="N", help="images in a mini-batch (default: 100)"
    )
    training.add_argument(
        "--learning-rate", type=positive_number, metavar="R", help="size of a step (default: 0.1)"
    )
    training.add_argument(
        "--sampling", choices=SAMPLINGS, metavar="HOW",
        help='"replacement": each mini-batch at random from all images (default); "shuffle": every image '
        "once an epoch, in a new order",
    )
    training.add_argument(
        "--gradient", choices=GRADIENTS, metavar="HOW",
        help='"backprop" (default); "numerical": by central differences, the same but hundreds of times '
        "slower",
    )
    training.add_argument(
        "--threads", type=at_most(256), metavar="N", help="threads to use (default: chosen automatically)"
    )
    training.add_argument(
        "--seed", type=seed, metavar="N", help="seed of the initial weights and the mini-batches (default: 0)"
    )
    results = parser.add_argument_group("results")
    results.add_argument(
        "--out", type=path, metavar="DIR", help=f"folder of the run (default: {DEFAULT_OUT}); replaces a run there"
    )
    results.add_argument(
        "--resume", type=path, metavar="DIR", help="continue from the checkpoint of the run in DIR"
    )
    add_json(results)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train, and write what came of it."""
    if args.resume is None:
        return _run_new(args)
    return _run_resumed(args)


def _run_new(args: argparse.Namespace) -> int:
    folder = DEFAULT_OUT if args.out is None else args.out
    # A folder that cannot be is known before the data is there.
    with _made(folder), owning(folder):
        if args.data in (None, "drawn"):
            say("drawing 70,000 digits ...", as_json=args.json)
        net, record, data = _new(args)
        return _train(folder, net, record, data, args, resumed=False)


def _run_resumed(args: argparse.Namespace) -> int:
    folder = args.resume
    if args.out is not None and os.path.abspath(args.out) != os.path.abspath(folder):
        raise Failure("--resume continues in the run's own folder; --out cannot be given with it", USAGE)
    check_is_run(folder)
    with owning(folder):
        net, record, data = _resumed(folder, args)
        if not is_finished(folder, record):
            return _train(folder, net, record, data, args, resumed=True)
        _describe(net, record.settings, data, args.json)
        kept, written = restore_results(folder, net, record)
        if CURVES in written and not _draw_missing(folder, kept):
            written.remove(CURVES)
        if written:
            say(f"wrote {_listed(folder, written)}", as_json=args.json)
        say(f"{folder} is finished; --iterations or --epochs asks for more", as_json=args.json)
        if args.json:
            print_json({**kept.summary(), "folder": folder, "files": written})
        return 0


def _train(
    folder: str, net: TwoLayerNet, record: Record, data: Data, args: argparse.Namespace, *, resumed: bool
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


def _describe(net: TwoLayerNet, settings: Settings, data: Data, as_json: bool) -> None:
    """Say what is about to be trained, and on what."""
    say(f"data: {data.description}", as_json=as_json)
    sizes = "-".join(map(str, net.sizes))
    say(
        f"network: {sizes}, {settings.activation}; {settings.iterations:,} mini-batches of "
        f"{settings.batch_size:,}, learning rate {settings.learning_rate:g}, seed {settings.seed}",
        as_json=as_json,
    )


def _report(record: Record, folder: str, written: list[str], as_json: bool) -> None:
    """Say what came out, where it is, and what can be done with it."""
    if as_json:
        print_json({**record.summary(), "folder": folder, "files": written})
        return
    say(f"trained {record.iterations:,} mini-batches in {record.seconds:.2f} s "
        f"({record.samples_per_second:,.0f} samples/s)")
    if written:
        say(f"wrote {_listed(folder, written)}")
    if record.state == "finished" and written:
        word = as_word(folder)
        say("next:")
        say(f"  cnet evaluate {word}  # how well does it read images it has not seen?")
        say(f"  cnet predict {word} photo.png  # which digit is in this picture?")
        say(f"  cnet plot {word}  # weights, confusions, mistakes")


def _listed(folder: str, names: list[str]) -> str:
    return ", ".join(os.path.join(folder, name) for name in names)


def _new(args: argparse.Namespace) -> tuple[TwoLayerNet, Record, Data]:
    """A network with its first weights, and an empty record."""
    from ..networks import TwoLayerNet

    given = {name: getattr(args, name) for name in DEFAULTS if getattr(args, name) is not None}
    chosen = DEFAULTS | given
    data = load_data(chosen["data"])
    n_train = len(data.train[1])
    if chosen["sampling"] == "shuffle" and chosen["batch_size"] > n_train:
        raise Failure(f"--batch-size {chosen['batch_size']} is more than the {n_train} images", USAGE)
    per_epoch = -(-n_train // chosen["batch_size"])
    iterations = _asked_iterations(args, per_epoch) or DEFAULT_ITERATIONS
    net = TwoLayerNet(
        data.n_inputs, chosen["hidden"], data.n_classes, WEIGHT_INIT[chosen["activation"]],
        activation=chosen["activation"], rng=chosen["seed"],
    )
    settings = Settings(
        **chosen, checksum=data.checksum(), iterations=iterations, iterations_per_epoch=per_epoch
    )
    return net, Record(settings), data


def _resumed(folder: str, args: argparse.Namespace) -> tuple[TwoLayerNet, Record, Data]:
    """Network and record as the last whole epoch of a run left them; all is checked before anything is touched."""
    net, record = read_checkpoint(folder)
    settings = record.settings
    for name in DEFAULTS.keys() - {"data"}:
        given, kept = getattr(args, name), getattr(settings, name)
        if given is not None and given != kept:
            option = "--" + name.replace("_", "-")
            raise Failure(f"{option} {given}: the run in {folder} has {kept}, which has to stay", USAGE)
    own = settings if args.data is None else replace(settings, data=args.data)
    data = load_own_data(folder, own, strict=True)
    path = os.path.join(folder, CHECKPOINT)
    check_fit(folder, net.sizes, data)
    n_train = len(data.train[1])
    per_epoch = -(-n_train // settings.batch_size)
    if per_epoch != settings.iterations_per_epoch:
        raise Failure(
            f"{path} is damaged: settings.iterations_per_epoch must be {per_epoch} for {n_train} images in "
            f"mini-batches of {settings.batch_size}, got {settings.iterations_per_epoch}"
        )
    if settings.sampling == "shuffle" and settings.batch_size > n_train:
        raise Failure(f"{path} is damaged: settings.batch_size must be at most {n_train}, got {settings.batch_size}")
    iterations = _asked_iterations(args, per_epoch) or settings.iterations
    if iterations < record.iterations:
        raise Failure(f"the run in {folder} has {record.iterations:,} iterations already", USAGE)
    record.settings = replace(settings, data=data.source, iterations=iterations)
    return net, record, data


def _asked_iterations(args: argparse.Namespace, per_epoch: int) -> int | None:
    """How long, if it was said."""
    if args.epochs is None:
        return None if args.iterations is None else int(args.iterations)
    iterations = int(args.epochs) * per_epoch
    if iterations > MOST_ITERATIONS:
        raise Failure(
            f"--epochs {args.epochs}: that is {iterations:,} mini-batches, at most {MOST_ITERATIONS:,} are possible",
            USAGE,
        )
    return iterations
