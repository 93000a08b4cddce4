"""``cnet train --networks``: networks of different seeds, one after the other, and the committee of them.

The folder of a committee has ``committee.json``, what all networks have in common; for each network a folder as every
run has it, ``network-000`` and so on; and, once all are trained, ``model.safetensors``, which holds them together.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..rng import as_key
from . import pictures
from .beginning import asked_iterations, check_preprocessing, new_run, resumed_run
from .choices import refuse_changes
from .console import USAGE, Failure, as_word, loss_text, note, percent, print_json, say
from .data import Data, load_own_data
from .finished import is_finished, restore_results
from .lock import owning
from .options import make_folder
from .preprocessing import own_way, way_of_network
from .record import Record
from .run_folder import (
    CHECKPOINT,
    COMMITTEE,
    CURVES,
    MODEL,
    has_model,
    load_single,
    read_committee,
    refuse_committee,
    write_committee,
)
from .session import Session
from .training_options import OPTIONS
from .words import duration_text, network_text, regularisation_text, run_text

if TYPE_CHECKING:
    from ..committee import Committee
    from .settings import Settings

__all__ = ["run_new", "run_resumed"]


def run_new(folder: str, args: argparse.Namespace, chosen: dict[str, Any]) -> int:
    """Begin a committee in a folder that this process owns."""
    refuse_committee(folder)
    if has_model(folder) or os.path.exists(os.path.join(folder, CHECKPOINT)):
        raise Failure(f"{folder} holds a run already; choose another folder for a committee (--out)", USAGE)
    settings, data = new_run(args, chosen)
    write_committee(folder, args.networks, settings)
    return _Committee(folder, args.networks, settings, data, args).train()


def run_resumed(folder: str, args: argparse.Namespace) -> int:
    """Continue a committee; the number of networks may grow, and so may the length of their training."""
    n, settings = read_committee(folder)
    refuse_changes(args, settings, folder)
    asked = n if args.networks is None else args.networks
    if asked < n:
        raise Failure(f"--networks {asked}: the committee in {folder} has {n} networks already", USAGE)
    own = settings if args.data is None else replace(settings, data=args.data)
    data = load_own_data(folder, own, strict=True)
    check_preprocessing(os.path.join(folder, COMMITTEE), settings, data)
    iterations = asked_iterations(args, settings.iterations_per_epoch) or settings.iterations
    if iterations < settings.iterations:
        raise Failure(f"the networks in {folder} are to have {settings.iterations:,} iterations already", USAGE)
    longer = replace(settings, data=data.source, iterations=iterations)
    if (asked, longer) != (n, settings):
        write_committee(folder, asked, longer)
    return _Committee(folder, asked, longer, data, args).train()


class _Committee:
    """One session of the training of a committee."""

    def __init__(self, folder: str, n: int, settings: Settings, data: Data, args: argparse.Namespace) -> None:
        self.folder, self.n, self.settings, self.data, self.args = folder, n, settings, data, args
        self.as_json = args.json
        self.drawable = pictures.available()
        self.seconds: list[float] = []
        # How long a run is to be is asked of each network; all else is said by its own folder.
        self.of_each = argparse.Namespace(**{**vars(args), **dict.fromkeys(option.name for option in OPTIONS)})
        self.of_each.epochs, self.of_each.iterations = None, settings.iterations

    def train(self) -> int:
        """Train what is not finished, and put all together."""
        settings = self.settings
        sizes = (self.data.n_inputs, *settings.layers, self.data.n_classes)
        say(f"data: {self.data.description}", as_json=self.as_json)
        say(f"committee of {self.n} networks: {network_text(sizes, settings.activations)}; {run_text(settings)}",
            as_json=self.as_json)
        used = regularisation_text(settings)
        if used:
            say(f"with {used}", as_json=self.as_json)
        if not self.drawable:
            note(f'matplotlib is not installed (pip install "cnet-nn[cli]"): training goes without {CURVES}')
        for i in range(self.n):
            try:
                status = self.train_one(i)
            except KeyboardInterrupt:
                # Between two networks, or while images are preprocessed.
                self.tell_rest(i)
                raise
            if status is not None:
                self.tell_rest(i)
                return status
        return self.finish()

    def tell_rest(self, i: int) -> None:
        """Say how far it is, and how it goes on."""
        note(f"{i} of {self.n} networks are finished; cnet train --resume {as_word(self.folder)} goes on")

    def folder_of(self, i: int) -> str:
        """The folder of a network."""
        return os.path.join(self.folder, f"network-{i:03d}")

    def train_one(self, i: int) -> int | None:
        """Train a network, unless it is finished; the exit status if that ends all."""
        from ..committee_training import seed_of

        folder = self.folder_of(i)
        own = replace(
            self.settings, seed=seed_of(as_key(self.settings.seed), i),
            preprocessing=way_of_network(self.settings.preprocessing, i),
        )
        make_folder(folder)
        with owning(folder):
            has_begun = os.path.exists(os.path.join(folder, CHECKPOINT))
            if has_begun:
                net, record, _ = resumed_run(folder, self.of_each, self.data)
                if record.settings != own:
                    raise Failure(f"the run in {folder} is not network {i} of the committee in {self.folder}: its "
                                  f"settings differ from those in {COMMITTEE}")
                if is_finished(folder, record):
                    restore_results(folder, net, record)
                    return None
            else:
                net, record = own.network(self.data.n_inputs, self.data.n_classes), Record(own)
            say(f"network {i + 1} of {self.n}", as_json=self.as_json)
            began = time.monotonic()
            session = Session(
                folder, net, record, self.data, resumed=has_begun, n_threads=self.args.threads, as_json=self.as_json,
                continued_by=self.folder,
            )
            session.run()
            session.write_results(self.drawable)
            status = session.conclude()
        if status or record.state not in ("finished", "stopped"):
            return status
        self.seconds.append(time.monotonic() - began)
        left = self.n - i - 1
        if left:
            each = sum(self.seconds) / len(self.seconds)
            say(f"trained in {duration_text(record.seconds)}; about {duration_text(left * each)} for {left} more",
                as_json=self.as_json)
        return None

    def finish(self) -> int:
        """Write the committee, and measure it."""
        from ..committee import Committee

        networks = [load_single(self.folder_of(i))[0] for i in range(self.n)]
        ways = [own_way(way_of_network(self.settings.preprocessing, i)) for i in range(self.n)]
        committee = Committee(networks, ways)
        committee.save(os.path.join(self.folder, MODEL))
        self.report(committee)
        return 0

    def report(self, committee: Committee) -> None:
        """Say how well the networks and the committee read the test images."""
        from ..committee import Committee

        x, t = self.data.test
        each = zip(committee.networks, committee.preprocessing, strict=True)
        alone = [Committee([net], prepare).accuracy(x, t) for net, prepare in each]
        together = committee.evaluate(x, t)
        if self.as_json:
            print_json({
                "state": "finished", "folder": self.folder, "files": [COMMITTEE, MODEL], "networks": self.n,
                "test_accuracy": together["accuracy"], "test_loss": together["loss"], "test_accuracy_alone": alone,
            })
            return
        say(f"test accuracy of a network {percent(min(alone))} to {percent(max(alone))}, of the committee "
            f"{percent(together['accuracy'])}, loss {loss_text(together['loss'])}")
        say(f"wrote {os.path.join(self.folder, MODEL)}")
        word = as_word(self.folder)
        say("next:")
        say(f"  cnet evaluate {word}  # how well does it read images it has not seen?")
        say(f"  cnet predict {word} photo.png  # which digit is in this picture?")
