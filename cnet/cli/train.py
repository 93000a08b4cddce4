"""``cnet train``: the main job."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from . import pictures
from .console import FAILURE, INTERRUPTED, USAGE, Failure, complain, note, print_json, say
from .data import Data, load_data
from .options import add_data, add_json, at_most, count, positive_number, seed
from .progress import Progress
from .run_folder import (
    CHECKPOINT,
    CURVES,
    HISTORY,
    MODEL,
    Record,
    Settings,
    read_checkpoint,
    read_record,
    remove_results,
)

if TYPE_CHECKING:
    from ..network import TwoLayerNet
    from ..training import EpochInfo

__all__ = ["add_to", "run"]

DESCRIPTION = """\
Train a network of one hidden layer by mini-batch gradient descent, and keep it.

As it stands this is the book's job: 784-50-10, sigmoid, 10,000 mini-batches of 100,
learning rate 0.1, on digits that are drawn here. After each epoch the accuracy is
measured on all training images and on all test images.
"""

EXAMPLES = """\
examples:
  cnet train                                the book's job on drawn digits
  cnet train --data mnist                   on the real MNIST
  cnet train --activation relu --hidden 100 another network
  cnet train --epochs 30 --out long-run     longer, into a folder of its own
  cnet train --resume cnet-run              go on with a run that was cut off
  cnet train --resume cnet-run --epochs 40  ... or with a finished one, for longer

The run's folder then holds model.safetensors (the network), history.json (loss and
accuracies), curves.png (a picture of both) and checkpoint.safetensors (for --resume).
Ctrl-C stops early and keeps the network as it is then.
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
    add_data(parser, default=None)
    network = parser.add_argument_group("the network")
    network.add_argument("--hidden", type=count, metavar="N", help="units of the hidden layer (default: 50)")
    network.add_argument(
        "--activation", choices=tuple(WEIGHT_INIT), metavar="NAME",
        help="of the hidden layer: sigmoid (default), relu or tanh",
    )
    training = parser.add_argument_group("training")
    length = training.add_mutually_exclusive_group()
    length.add_argument("--iterations", type=count, metavar="N", help="mini-batches (default: 10,000)")
    length.add_argument("--epochs", type=count, metavar="N", help="or: times through the training images")
    training.add_argument("--batch-size", type=count, metavar="N", help="images a mini-batch (default: 100)")
    training.add_argument(
        "--learning-rate", type=positive_number, metavar="R", help="size of a step (default: 0.1)"
    )
    training.add_argument(
        "--sampling", choices=("replacement", "shuffle"), metavar="HOW",
        help='"replacement": each mini-batch at random from all images (default); "shuffle": every image '
        "once an epoch, in a new order",
    )
    training.add_argument(
        "--gradient", choices=("backprop", "numerical"), metavar="HOW",
        help='"backprop" (default); "numerical": by central differences, the same but hundreds of times '
        "slower",
    )
    training.add_argument(
        "--threads", type=at_most(256), metavar="N", help="at once (default: as many as pay)"
    )
    training.add_argument(
        "--seed", type=seed, metavar="N", help="of first weights and mini-batches (default: 0)"
    )
    results = parser.add_argument_group("results")
    results.add_argument(
        "--out", metavar="DIR", help=f"folder of the run (default: {DEFAULT_OUT}); replaces a run there"
    )
    results.add_argument("--resume", metavar="DIR", help="go on from the checkpoint of the run in DIR")
    add_json(results)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train, and write what came of it."""
    if args.resume is None:
        folder, net, record, data = _new(args)
    else:
        folder, net, record, data = _resumed(args)
    describe(net, record.settings, data, args.json)
    if _is_finished(folder, record):
        say(f"{folder} is finished; --iterations or --epochs asks for more", as_json=args.json)
        if args.json:
            print_json({**read_record(folder).summary(), "folder": folder})
        return 0
    drawable = pictures.available()
    if not drawable:
        note(f'matplotlib is not installed (pip install "cnet-nn[cli]"): training goes without {CURVES}')
    record.write_checkpoint(folder, net)
    remove_results(folder)
    training = _Training(net, record, data, folder, args)
    training.run()
    written = _write_results(folder, net, record, drawable)
    report(record, folder, written, args.json)
    return training.conclude()


def _is_finished(folder: str, record: Record) -> bool:
    """Whether the run has gone as far as is asked; its checkpoint may be a part of an epoch behind."""
    if record.iterations >= record.settings.iterations:
        return True
    if not os.path.exists(os.path.join(folder, HISTORY)) or record.iterations == 0:
        return False
    past = read_record(folder)
    same = replace(past.settings, data=record.settings.data) == record.settings
    return same and past.state == "finished" and os.path.exists(os.path.join(folder, MODEL))


def _write_results(folder: str, net: TwoLayerNet, record: Record, drawable: bool) -> list[str]:
    """The network, its history and its picture; the names of the files."""
    written = [HISTORY]
    record.write_history(folder)
    # What is left after a divergence is of no use.
    if record.state != "diverged":
        net.save(os.path.join(folder, MODEL))
        written.insert(0, MODEL)
    if drawable:
        pictures.write_curves(record, os.path.join(folder, CURVES))
        written.append(CURVES)
    return written


def describe(net: TwoLayerNet, settings: Settings, data: Data, as_json: bool) -> None:
    """Say what is about to be trained, and on what."""
    say(f"data: {data.description}", as_json=as_json)
    sizes = "-".join(map(str, net.sizes))
    say(
        f"network: {sizes}, {settings.activation}; {settings.iterations:,} mini-batches of "
        f"{settings.batch_size:,}, learning rate {settings.learning_rate:g}, seed {settings.seed}",
        as_json=as_json,
    )


def report(record: Record, folder: str, written: list[str], as_json: bool) -> None:
    """Say what came out, and where it is."""
    if as_json:
        print_json({**record.summary(), "folder": folder, "files": written})
        return
    say(f"trained {record.iterations:,} mini-batches in {record.seconds:.2f} s "
        f"({record.samples_per_second:,.0f} samples/s)")
    say(f"wrote {', '.join(os.path.join(folder, name) for name in written)}")


def _new(args: argparse.Namespace) -> tuple[str, TwoLayerNet, Record, Data]:
    """A network with its first weights, and an empty record."""
    from ..network import TwoLayerNet

    given = {name: getattr(args, name) for name in DEFAULTS if getattr(args, name) is not None}
    chosen = DEFAULTS | given
    folder = DEFAULT_OUT if args.out is None else args.out
    # A folder that cannot be is known before the data is there.
    os.makedirs(folder, exist_ok=True)
    if chosen["data"] == "drawn":
        say("drawing 70,000 digits ...", as_json=args.json)
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
    return folder, net, Record(settings), data


def _resumed(args: argparse.Namespace) -> tuple[str, TwoLayerNet, Record, Data]:
    """Network and record as the last whole epoch of a run left them."""
    folder = args.resume
    if args.out is not None and os.path.abspath(args.out) != os.path.abspath(folder):
        raise Failure("--resume goes on in the run's own folder; --out cannot be given with it", USAGE)
    net, record = read_checkpoint(folder)
    settings = record.settings
    for name in DEFAULTS.keys() - {"data"}:
        given, kept = getattr(args, name), getattr(settings, name)
        if given is not None and given != kept:
            option = "--" + name.replace("_", "-")
            raise Failure(f"{option} {given}: the run in {folder} has {kept}, which has to stay", USAGE)
    source = args.data or settings.data
    data = load_data(source)
    if data.checksum() != settings.checksum:
        raise Failure(f"--data {source}: these are not the images that the run in {folder} was trained with")
    iterations = _asked_iterations(args, settings.iterations_per_epoch) or settings.iterations
    if iterations < record.iterations:
        raise Failure(f"the run in {folder} has {record.iterations:,} iterations already", USAGE)
    record.settings = replace(settings, data=source, iterations=iterations)
    return folder, net, record, data


def _asked_iterations(args: argparse.Namespace, per_epoch: int) -> int | None:
    """How long, if it was said."""
    if args.epochs is not None:
        return int(args.epochs) * per_epoch
    return None if args.iterations is None else int(args.iterations)


class _Training:
    """One session of a run: from its first epoch, or from a checkpoint, to whatever ends it."""

    def __init__(
        self, net: TwoLayerNet, record: Record, data: Data, folder: str, args: argparse.Namespace
    ) -> None:
        self.net, self.record, self.data, self.folder, self.args = net, record, data, folder, args
        self.settings = record.settings
        self.divergence = ""
        self.done_before, self.seconds_before = record.iterations, record.seconds
        self.progress = Progress(
            self.settings.batch_size, self.settings.iterations, record.iterations, args.json
        )

    def run(self) -> None:
        """Train to the end, or until Ctrl-C or divergence; the record's state tells which."""
        from ..errors import DivergenceError

        try:
            self._fit()
            self.record.state = "finished"
        except KeyboardInterrupt:
            self._catch_up("interrupted")
        except DivergenceError as error:
            self._catch_up("diverged")
            iteration = self.done_before + error.iteration
            self.divergence = (
                f"training diverged at iteration {iteration:,}: the loss is no longer finite, likely because "
                f"the learning rate {self.settings.learning_rate:g} is too high"
            )

    def conclude(self) -> int:
        """Say how to go on if training did not come to its end; the exit status."""
        if self.record.state == "interrupted":
            note(f"interrupted: {os.path.join(self.folder, MODEL)} is the network as it was then; "
                 f"cnet train --resume {self.folder} goes on from the last whole epoch")
            return INTERRUPTED
        if self.record.state == "diverged":
            complain(f"{self.divergence}; the last whole epoch is in {os.path.join(self.folder, CHECKPOINT)}")
            return FAILURE
        return 0

    def _fit(self) -> None:
        settings = self.settings
        self.net.fit(
            *self.data.train,
            iterations=settings.iterations - self.done_before,
            batch_size=settings.batch_size, learning_rate=settings.learning_rate,
            sampling=settings.sampling, gradient=settings.gradient,  # type: ignore[arg-type]
            n_threads=self.args.threads, validation_data=self.data.test,
            callback=self.end_epoch, progress=self.progress,  # type: ignore[arg-type]
        )

    def end_epoch(self, info: EpochInfo) -> None:
        """Measure on all training images, say so, and keep a checkpoint of a whole epoch."""
        iteration = self.done_before + info.iteration
        train_accuracy = self.net.accuracy(*self.data.train)
        self.record.add_epoch(info, iteration, train_accuracy)
        self.record.seconds = self.seconds_before + info.seconds
        test_accuracy = self.record.epochs["test_accuracy"][-1]
        self.progress.set_accuracy(test_accuracy)
        epoch, rest = divmod(iteration, self.settings.iterations_per_epoch)
        if rest == 0:
            self.record.write_checkpoint(self.folder, self.net)
        name = f"epoch {epoch:3d}" if rest == 0 else f"iteration {iteration:,}"
        self.progress.epoch_line(name, info.loss, train_accuracy, test_accuracy)

    def _catch_up(self, state: str) -> None:
        """Add the iterations of the epoch under way, which no callback has told of."""
        import numpy as np

        history = self.net.history
        self.record.state = state
        if history is not None:
            missing = history.loss[self.record.iterations - self.done_before:]
            self.record.loss = np.concatenate([self.record.loss, missing])
            self.record.seconds = self.seconds_before + history.seconds
