"""``cnet info``: what runs on this machine, or what a model is."""

from __future__ import annotations

import argparse
import os
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any

from ..committee import Committee
from .console import Failure, loss_text, percent, print_json, say
from .options import add_json, path
from .run_folder import file_of, load_any, read_record, run_of
from .words import network_text, regularisation_text, run_text, stopping_text

if TYPE_CHECKING:
    from ..networks import MultiLayerNet
    from .record import Record

__all__ = ["add_to", "run"]

# What an ONNX file does not tell.
OF_TRAINING = ("weight_decay_lambda", "epochs", "iterations", "seed", "optimizer")

DESCRIPTION = """\
Tell what a model is: its kind, a table of its layers, what it predicts, its loss, how far it was
trained, and what its file holds, byte for byte; for the folder of a run also how it was trained.

Without a model, show the version, which instruction set is in use here, which there are, and
how cnet was built. The environment variable CNET_ISA asks for another instruction set.
"""

EXAMPLES = """\
examples:
  cnet info                     # of this machine
  cnet info cnet-run            # of a run, and of its network
  cnet info model.safetensors --json
  cnet info model.onnx          # that cnet export wrote, or another program
  CNET_ISA=baseline cnet info
"""


def add_to(commands: Any) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "info", help="show what a model is; or version, instruction set and threads",
        usage="cnet info [options] [MODEL]", description=DESCRIPTION, epilog=EXAMPLES,
    )
    parser.add_argument(
        "model", type=path, metavar="MODEL", nargs="?",
        help="a model file (also ONNX), or the folder of a run (default: none)",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what the model's file tells, or what ``cnet.show_config`` does."""
    if args.model is not None:
        _tell_model(args.model, args.json)
    else:
        _tell_machine(args.json)
    return 0


def _tell_machine(as_json: bool) -> None:
    from ..config import show_config

    if as_json:
        print_json(show_config(mode="dicts"))
        return
    text = StringIO()
    with redirect_stdout(text):
        show_config()
    for line in text.getvalue().splitlines():
        say(line)


def _tell_onnx(model: str, as_json: bool) -> None:
    """What the network of an ONNX file is; such a file does not tell how far it was trained."""
    from ..exchange import from_onnx

    net = from_onnx(model)
    size = os.path.getsize(model)
    told = {name: value for name, value in _told(net).items() if name not in OF_TRAINING}
    if as_json:
        print_json({"model": model, **told, "kind": "ONNX", "file": {"path": model, "bytes": size}})
        return
    say(f"{model}: ONNX, {network_text(net.sizes, net._core.activations)}, {told['dtype']}")
    _say_layers(net)
    say(f"loss: {net.loss_function if net.loss_function.parameter else told['loss']}")
    say(f"file: {size:,} bytes: parameters {told['bytes']:,}, all else {size - told['bytes']:,}; ONNX")


def _tell_model(model: str, as_json: bool) -> None:
    from .file_contents import contents_of

    if model.lower().endswith(".onnx") and not os.path.isdir(model):
        _tell_onnx(model, as_json)
        return
    net = load_any(model)
    record = _record_of(model)
    if isinstance(net, Committee):
        if record is None or len(net) > 1:
            _tell_committee(model, net, as_json)
            return
        # A run's network with its preprocessing, of which the run's settings tell.
        net = net.networks[0]
    contents = contents_of(file_of(model))
    told = _told(net)
    if as_json:
        run_told = None if record is None else _run_told(record)
        print_json({"model": model, **told, "run": run_told, "file": contents.told()})
        return
    say(f"{model}: {told['kind']}, {network_text(net.sizes, net._core.activations)}, {told['dtype']}")
    _say_layers(net)
    say(f"loss: {net.loss_function if net.loss_function.parameter else told['loss']}"
        + (f", with the L2 penalty {told['weight_decay_lambda']:g}" if told["weight_decay_lambda"] else ""))
    say(f"trained: {_training_text(told)}")
    optimizer = told["optimizer"]
    say("optimizer's state: " + (f"{optimizer['name']}, after {optimizer['steps']:,} steps" if optimizer
                                 else "none in the model"))
    say(f"file: {contents}")
    if record is not None:
        _say_run(record)


def _tell_committee(model: str, committee: Committee, as_json: bool) -> None:
    """What a committee is, and each of its networks in a line."""
    from .file_contents import contents_of, purpose

    prepared = [None if each is None else each._attributes() for each in committee.preprocessing]
    networks = [{**_told(net), "preprocessing": own} for net, own in zip(committee.networks, prepared, strict=True)]
    contents = contents_of(file_of(model))
    if as_json:
        print_json({"model": model, "kind": committee._KIND, "networks": networks, "file": contents.told()})
        return
    n = len(committee)
    say(f"{model}: {committee._KIND} of {n} {'networks' if n > 1 else 'network'}, {committee.dtype}")
    for i, (net, told) in enumerate(zip(committee.networks, networks, strict=True)):
        own = committee.preprocessing[i]
        say(f"  network {i}: {network_text(net.sizes, net._core.activations)}; {_training_text(told)}"
            + ("" if own is None else f"; {own}"))
    say(f"parameters: {sum(told['parameters'] for told in networks):,}")
    say(f"predicts: {purpose(committee.networks[0])}")
    say(f"loss: {committee.loss_function if committee.loss_function.parameter else committee.loss_function.name}")
    say(f"file: {contents}")


def _say_layers(net: MultiLayerNet) -> None:
    from ..exchange import summary
    from .file_contents import purpose

    for line in summary(net).table():
        say(f"  {line}")
    say(f"predicts: {purpose(net)}")


def _record_of(model: str) -> Record | None:
    """What is known of the run that a model belongs to; a damaged history does not hide the model."""
    folder = run_of(model)
    try:
        return None if folder is None else read_record(folder)
    except (Failure, OSError, ValueError):
        return None


def _told(net: MultiLayerNet) -> dict[str, Any]:
    """What a model file tells, but for the values of the parameters."""
    from ..exchange import summary

    whole = summary(net)
    layers = [
        {
            "layer": each.layer, "activation": each.activation, "parameters": each.parameters, "bytes": each.bytes,
            "shapes": {f"W{each.layer}": [each.inputs, each.outputs], f"b{each.layer}": [each.outputs]},
        }
        for each in whole.layers
    ]
    state = net._core.optimizer_state
    return {
        "kind": net._KIND, "sizes": list(net.sizes), "dtype": net.dtype.name, "layers": layers,
        "parameters": whole.parameters, "bytes": whole.bytes, "loss": net.loss_function.name,
        "loss_parameter": net.loss_function.parameter, "weight_decay_lambda": net.weight_decay_lambda,
        "epochs": net._progress.epochs, "iterations": net.iterations, "seed": net.seed, "trained_on": net._trained_on,
        "optimizer": None if state is None else {"name": state.name, "steps": state.steps},
    }


def _training_text(told: dict[str, Any]) -> str:
    if not told["iterations"]:
        return "not yet"
    text = f"{told['iterations']:,} iterations in {told['epochs']:,} epoch{'s' * (told['epochs'] != 1)}"
    inputs = {"unknown": "", "uint8": ", on uint8 pixels"}
    return text + inputs.get(told["trained_on"], f", on {told['trained_on']}")


def _run_told(record: Record) -> dict[str, Any]:
    """What a run's history tells, but for what changes from epoch to epoch."""
    summary = record.summary()
    columns = summary.pop("epochs")
    return {**summary, "last_epoch": {name: values[-1] for name, values in columns.items() if values}}


def _say_run(record: Record) -> None:
    state = "cut off" if record.state == "running" else record.state
    say(f"run: {state}; {run_text(record.settings)}")
    used = regularisation_text(record.settings)
    if used:
        say(f"  with {used}")
    if record.measured:
        last = record.measured[-1]
        say(f"  last epoch: train accuracy {percent(last.train_accuracy)}, test accuracy "
            f"{percent(last.test_accuracy)}, test loss {loss_text(last.test_loss)}")
    if record.best.epoch:
        say(f"  {stopping_text(record)}")
