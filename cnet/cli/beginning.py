"""What a run begins with: its settings, its images, and, where it goes on, its network and record."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..image_shape import square_side
from ..initial_weights import LOCAL
from .choices import check_schedule, naming_recipe, refuse_changes, rows_to_train_with
from .console import USAGE, Failure, note, say
from .data import Data, check_fit, load_data, load_own_data
from .preprocessing import check_ways
from .record import Record
from .run_folder import CHECKPOINT, read_checkpoint
from .settings import MOST_ITERATIONS, Settings

if TYPE_CHECKING:
    from ..networks import MultiLayerNet

__all__ = ["asked_iterations", "check_preprocessing", "new_run", "resumed_run"]

DEFAULT_ITERATIONS = 10_000


def new_run(args: argparse.Namespace, chosen: dict[str, Any]) -> tuple[Settings, Data]:
    """The settings of a new run, and its images."""
    if args.data in (None, "drawn"):
        say("drawing 70,000 digits ...", as_json=args.json)
    data = load_data("drawn" if args.data is None else args.data)
    n_rows = rows_to_train_with(len(data.train[1]), chosen.get("validation_split"))
    if chosen["sampling"] == "shuffle" and chosen["batch_size"] > n_rows:
        raise Failure(f"--batch-size {chosen['batch_size']} is more than the {n_rows} images", USAGE)
    per_epoch = -(-n_rows // chosen["batch_size"])
    settings = Settings(
        **chosen, data=data.source, checksum=data.checksum(), iterations_per_epoch=per_epoch,
        iterations=asked_iterations(args, per_epoch) or DEFAULT_ITERATIONS,
    )
    with naming_recipe(args):
        check_schedule(settings)
        _check_images(settings, data)
    return settings, data


def resumed_run(
    folder: str, args: argparse.Namespace, data: Data | None = None
) -> tuple[MultiLayerNet, Record, Data]:
    """Network and record as the last whole epoch of a run left them; all is checked before anything is touched.

    Parameters
    ----------
    folder : str
    args : argparse.Namespace
    data : Data, optional
        The images, where they are there already.
    """
    net, record = read_checkpoint(folder)
    settings = record.settings
    refuse_changes(args, settings, folder)
    if data is None:
        own = settings if args.data is None else replace(settings, data=args.data)
        data = load_own_data(folder, own, strict=True)
    elif data.checksum() != settings.checksum:
        raise Failure(f"--data {data.source}: these are not the images that the run in {folder} was trained with")
    path = os.path.join(folder, CHECKPOINT)
    check_fit(folder, net, data)
    check_preprocessing(path, settings, data)
    n_rows = rows_to_train_with(len(data.train[1]), settings.validation_split)
    per_epoch = -(-n_rows // settings.batch_size)
    if per_epoch != settings.iterations_per_epoch:
        raise Failure(
            f"{path} is damaged: settings.iterations_per_epoch must be {per_epoch} for {n_rows} images in "
            f"mini-batches of {settings.batch_size}, got {settings.iterations_per_epoch}"
        )
    if settings.sampling == "shuffle" and settings.batch_size > n_rows:
        raise Failure(f"{path} is damaged: settings.batch_size must be at most {n_rows}, got {settings.batch_size}")
    iterations = asked_iterations(args, per_epoch) or settings.iterations
    if iterations < record.iterations:
        raise Failure(f"the run in {folder} has {record.iterations:,} iterations already", USAGE)
    record.settings = replace(settings, data=data.source, iterations=iterations)
    check_schedule(record.settings)
    if settings.schedule is not None and record.iterations and iterations != settings.iterations:
        note(f"the schedule {settings.schedule} now has {iterations:,} iterations instead of {settings.iterations:,}: "
             "rates up to here were those of the shorter or longer run")
    return net, record, data


def _check_images(settings: Settings, data: Data) -> None:
    """Raise a Failure if a new run's settings are for images of another shape."""
    for_squares = {
        "--preprocessing": settings.preprocessing is not None, "--augment": settings.augment is not None,
        f"--weight-init {LOCAL}": settings.weight_init == LOCAL,
    }
    try:
        for option, is_used in for_squares.items():
            if is_used:
                square_side(data.n_inputs, option)
    except ValueError as error:
        raise Failure(str(error), USAGE) from None
    try:
        check_ways(settings.preprocessing, data.n_inputs)
    except ValueError as error:
        raise Failure(f"--preprocessing {settings.preprocessing}: {error}", USAGE) from None


def check_preprocessing(path: str, settings: Settings, data: Data) -> None:
    """Raise a Failure if a file's settings have preprocessing that these images cannot have."""
    try:
        check_ways(settings.preprocessing, data.n_inputs)
    except ValueError as error:
        raise Failure(f"{path} is damaged: settings.preprocessing: {error}") from None


def asked_iterations(args: argparse.Namespace, per_epoch: int) -> int | None:
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
