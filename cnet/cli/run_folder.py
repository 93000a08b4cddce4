"""The folder of a run: the model, its history, its pictures, and the checkpoint to go on from.

``model.safetensors`` is the network as training left it (where its images are preprocessed, as a committee of
one, which keeps that), ``history.json`` what was measured on the way to it, ``curves.png`` a picture of that.
All three stay until a new run has a model to write.
``checkpoint.safetensors`` is network and measurements as they were when the last whole epoch ended, in
one file, so that they cannot disagree: the random numbers of a network's mini-batches are a function of
its seed and the epoch, and training that begins where an epoch begins goes on with the same bits. For that it also has
the optimizer's state (tensors ``optimizer.0.W1`` and so on), the parameters before averaging (``raw.W1``), and the best
parameters that early stopping has seen (``best.W1``).
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..atomic_file import replacing
from ..committee_checks import MOST_NETWORKS
from ..guarded_json import parse_json
from ..networks import MultiLayerNet, load
from ..open_files import open_regular, read_pieces
from .console import USAGE, Failure, to_json
from .fields import Fields
from .preprocessing import own_way
from .record import Best, Measured, Record, Settings
from .restored import NETWORK, parameters_called, restored_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..committee import Committee
    from ..preprocess import Normalize

__all__ = [
    "CHECKPOINT", "COMMITTEE", "CURVES", "HISTORY", "MODEL", "Snapshot", "check_is_run", "file_of", "has_model",
    "is_committee", "load_any", "load_model", "load_single", "read_checkpoint", "read_committee", "read_record",
    "read_settings", "refuse_committee", "remove_history", "run_of", "with_preprocessing", "write_checkpoint",
    "write_committee", "write_history",
]

MODEL, CHECKPOINT = "model.safetensors", "checkpoint.safetensors"
HISTORY, CURVES = "history.json", "curves.png"
# Of the folder of a committee, each of whose networks has the folder of a run in it.
COMMITTEE = "committee.json"

# Bytes of a history of some fifty million iterations.
LARGEST_HISTORY = 2**30


class Snapshot(NamedTuple):
    """A network and how far its record had come, at the end of a whole epoch.

    Attributes
    ----------
    network : dict
        The state of a network: copies of its parameters and of the optimizer's state, its seed and its counters.
    iterations, epochs : int
        How many of the record's losses and measurements belong to it.
    seconds : float
        Time of training until then.
    best : Best
        How far early stopping was.
    """

    network: dict[str, Any]
    iterations: int
    epochs: int
    seconds: float
    best: Best

    @classmethod
    def of(cls, net: MultiLayerNet, record: Record) -> Snapshot:
        """The state of both as they are now."""
        done = record.iterations, len(record.measured), record.seconds
        return cls(net.__getstate__(), *done, record.best)


def write_checkpoint(folder: str, record: Record, snapshot: Snapshot) -> None:
    """Write ``checkpoint.safetensors``: the network, and the record up to the same epoch."""
    from ..model_file import write_model

    state, best = snapshot.network, snapshot.best
    rows = np.array(record.measured[:snapshot.epochs], np.float64).reshape(-1, len(Measured._fields))
    columns = dict(zip(Measured._fields, rows.T, strict=True))
    tensors = {**state["params"], "loss": record.loss[:snapshot.iterations]}
    tensors |= {name: columns[name] for name in Measured.names(record.settings)}
    tensors |= {f"best.{name}": array for name, array in (best.params or {}).items()}
    own = {name: state[name] for name in NETWORK}
    metadata: dict[str, Any] = {"network": own, "settings": asdict(record.settings), "seconds": snapshot.seconds}
    if record.settings.early_stop is not None:
        metadata["early_stopping"] = best.told()
    optimizer = state["optimizer_state"]
    if optimizer is not None and (optimizer["arrays"] or optimizer["raw"]):
        tensors |= {f"optimizer.{name}": array for name, array in optimizer["arrays"].items()}
        tensors |= {f"raw.{name}": array for name, array in (optimizer["raw"] or {}).items()}
        metadata["optimizer"] = {"name": optimizer["name"], "steps": optimizer["steps"]}
    write_model(
        os.path.join(folder, CHECKPOINT), tensors,
        {name: to_json(value) if name == "early_stopping" else json.dumps(value) for name, value in metadata.items()},
    )


def read_checkpoint(folder: str) -> tuple[MultiLayerNet, Record]:
    """The network and the record of the last whole epoch of a run.

    Raises
    ------
    Failure
        If there is none, or it is none.
    OSError, ValueError
        If it cannot be read, or is damaged.
    """
    from ..model_file import read_model

    check_is_run(folder)
    path = os.path.join(folder, CHECKPOINT)
    tensors, metadata = read_model(path)
    try:
        return _restored(tensors, {name: _parsed(value) for name, value in metadata.items()})
    except (TypeError, ValueError, OverflowError) as error:
        raise Failure(f"{path} is not a checkpoint of this version of cnet: {error}") from None


def _restored(tensors: Mapping[str, Any], metadata: dict[str, Any]) -> tuple[MultiLayerNet, Record]:
    columns = {name: _as_list(tensors.get(name)) for name in ("loss", *Measured._fields)}
    loss = columns.pop("loss")
    for name, column in columns.items():
        if name.endswith("_loss") and isinstance(column, list):
            columns[name] = [value if np.isfinite(value) else None for value in column]
    tree = {
        "state": "running", "iterations": len(loss) if isinstance(loss, list) else 0, "loss": loss, "epochs": columns,
    }
    record = Record.of(
        tree | {name: metadata.get(name) for name in ("settings", "seconds", "early_stopping")}, whole_epochs=True
    )
    net = restored_network(tensors, metadata.get("network"), metadata.get("optimizer"), record)
    if record.best.epoch:
        record.best = record.best._replace(params=parameters_called("best.", tensors, net))
    return net, record


def read_record(folder: str) -> Record:
    """What is known of a run: from ``history.json``, or, if it was cut off, from its checkpoint.

    Raises
    ------
    Failure
        If it is not the folder of a run, or its history is damaged.
    OSError
        If it cannot be read.
    """
    path = os.path.join(folder, HISTORY)
    if not os.path.exists(path):
        return read_checkpoint(folder)[1]
    try:
        return Record.of(_read_json(path), whole_epochs=False)
    except ValueError as error:
        raise Failure(f"{path} is damaged, or not a history of this version of cnet: {error}") from None


def _read_json(path: str) -> object:
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > LARGEST_HISTORY:
            raise ValueError(f"it takes {size:,} bytes, at most {LARGEST_HISTORY:,} are read")
        # In pieces, because a file's read() sets aside at once all the memory that it may need.
        return _parsed(b"".join(read_pieces(file, LARGEST_HISTORY + 1)))


def _parsed(text: str | bytes) -> object:
    """JSON, of which any number and some nesting is let through to the checks that name the field."""
    tree: object = parse_json(text, max_bytes=LARGEST_HISTORY, max_depth=20, any_number=True)
    return tree


def _as_list(tensor: Any) -> Any:
    return tensor.tolist() if isinstance(tensor, np.ndarray) and tensor.ndim == 1 else tensor


def write_history(folder: str, record: Record) -> None:
    """Write ``history.json``."""
    document = {**record.summary(), "loss": record.loss.tolist()}
    with replacing(os.path.join(folder, HISTORY)) as file:
        file.write(to_json(document).encode() + b"\n")


def has_model(folder: str) -> bool:
    """Whether a run has left its model here."""
    return os.path.exists(os.path.join(folder, MODEL))


def load_model(path: str) -> MultiLayerNet:
    """The network in a model file, or in the folder of a run.

    Raises
    ------
    Failure
        If there is none, or it was never trained; or if it is a committee.
    OSError, ValueError
        If it cannot be read, or is damaged.
    """
    net = load_any(path)
    if isinstance(net, MultiLayerNet):
        return net
    way_out = ""
    if len(net) == 1:
        way_out = (": train one with --preprocessing none, or take the network alone, for images that are preprocessed "
                   "already (in Python cnet.load(...).networks[0].save(...))")
    raise Failure(f"{path} is {_committee_text(net)}, which cnet evaluate, predict and info take; here a single "
                  f"network that reads the images as they are is needed{way_out}")


def _committee_text(committee: Committee) -> str:
    """What a committee is, in a few words: that of a run's network is there for the preprocessing."""
    n = len(committee)
    if n == 1 and committee.preprocessing[0] is not None:
        return "a network with preprocessing"
    return f"a committee of {n} network{'s' * (n > 1)}"


def load_any(path: str) -> MultiLayerNet | Committee:
    """The network, or the committee, in a model file or in the folder of a run.

    Raises
    ------
    Failure
        If there is none, or it was never trained.
    OSError, ValueError
        If it cannot be read, or is damaged.
    """
    net: MultiLayerNet | Committee
    if not os.path.isdir(path):
        if os.path.basename(path) == CHECKPOINT and os.path.isfile(path):
            raise Failure(f"{path} is the checkpoint of a run, not a model; name the run's folder")
        net = load(path)
    elif has_model(path):
        net = load(os.path.join(path, MODEL))
    elif os.path.exists(os.path.join(path, CHECKPOINT)):
        single, record = read_checkpoint(path)
        if not record.iterations:
            raise Failure(f"{path}: the run was cut off before its first epoch ended; it has no trained network")
        net = with_preprocessing(single, record.settings)
    elif is_committee(path):
        raise Failure(f"{path}: the committee is not finished; cnet train --resume continues it, and each of its "
                      "networks has a folder of its own there")
    else:
        raise Failure(f"{path} holds no {MODEL}, so it is not the folder of a run")
    networks = [net] if isinstance(net, MultiLayerNet) else net.networks
    if not all(np.isfinite(array).all() for each in networks for array in each.params.values()):
        raise Failure(f"{path}: the network's parameters are not all finite numbers; train it anew")
    return net


def with_preprocessing(net: MultiLayerNet, settings: Settings) -> MultiLayerNet | Committee:
    """A run's network as its file has it: with the preprocessing of its images, if there is one, as a committee."""
    prepare = own_way(settings.preprocessing)
    if prepare is None:
        return net
    from ..committee import Committee

    return Committee([net], prepare)


def load_single(path: str) -> tuple[MultiLayerNet, Normalize | None]:
    """A run's network, and how its images are preprocessed: what `with_preprocessing` has put together.

    Raises
    ------
    Failure, OSError, ValueError
        As `load_any`; also if it is a committee of several networks.
    """
    net = load_any(path)
    if isinstance(net, MultiLayerNet):
        return net, None
    if len(net) > 1:
        raise Failure(f"{path} is {_committee_text(net)}; here a single network is needed")
    return net.networks[0], net.preprocessing[0]


def file_of(path: str) -> str:
    """The file that `load_any` reads."""
    if not os.path.isdir(path):
        return path
    return os.path.join(path, MODEL if has_model(path) else CHECKPOINT)


def run_of(path: str) -> str | None:
    """The folder of the run that a model belongs to; None for a model file that lies elsewhere."""
    folder = path
    if not os.path.isdir(path):
        folder, name = os.path.split(path)
        if name != MODEL:
            return None
    folder = folder or os.curdir
    known = any(os.path.exists(os.path.join(folder, name)) for name in (HISTORY, CHECKPOINT, COMMITTEE))
    return folder if known else None


def is_committee(folder: str) -> bool:
    """Whether ``cnet train`` has begun a committee here."""
    return os.path.exists(os.path.join(folder, COMMITTEE))


def refuse_committee(folder: str) -> None:
    """Raise a Failure if a committee was begun here: a new run must not replace days of training."""
    if is_committee(folder):
        raise Failure(f"{folder} holds a committee, which --resume continues; choose another folder (--out), or remove "
                      "it first", USAGE)


def write_committee(folder: str, n: int, settings: Settings) -> None:
    """Write ``committee.json``: how many networks, and their settings but for the seeds, which come from this one."""
    from .. import __version__

    document = {"cnet": __version__, "networks": n, "settings": asdict(settings)}
    with replacing(os.path.join(folder, COMMITTEE)) as file:
        file.write(to_json(document).encode() + b"\n")


def read_committee(folder: str) -> tuple[int, Settings]:
    """How many networks a committee has, and their settings.

    Raises
    ------
    Failure
        If it is damaged.
    OSError
        If it cannot be read.
    """
    path = os.path.join(folder, COMMITTEE)
    try:
        fields = Fields(_read_json(path))
        n = fields.whole("networks", 2, MOST_NETWORKS)
        settings = Settings.of(fields.part("settings"))
        fields.check()
    except ValueError as error:
        raise Failure(f"{path} is damaged, or not of this version of cnet: {error}") from None
    return n, settings


def read_settings(folder: str) -> Settings:
    """The settings of a run, or of all networks of a committee.

    Raises
    ------
    Failure
        If it is not the folder of a run, or a file is damaged.
    OSError
        If it cannot be read.
    """
    return read_committee(folder)[1] if is_committee(folder) else read_record(folder).settings


def check_is_run(folder: str) -> None:
    """Raise a Failure if this is not the folder of a run, which has a checkpoint."""
    if not os.path.isdir(folder):
        if os.path.exists(folder):
            raise Failure(f"{folder} is a file; name the folder of the run")
        raise Failure(f"{folder}: there is no such folder; name the folder that cnet train wrote (its --out)")
    if is_committee(folder):
        raise Failure(f"{folder} is the folder of a committee; name that of one of its networks, such as "
                      f"{os.path.join(folder, 'network-000')}")
    if not os.path.exists(os.path.join(folder, CHECKPOINT)):
        raise Failure(f"{folder} holds no {CHECKPOINT}, so it is not the folder of a run that cnet train began")


def remove_history(folder: str) -> None:
    """Remove the history and the curves of a run that left no model: they tell of nothing that is here."""
    for name in (HISTORY, CURVES):
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, name))
