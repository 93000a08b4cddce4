"""The parts of a network as a model file holds them: tensors, and metadata of text.

Version 1 is a TwoLayerNet: ``sizes``, ``activation``, ``seed``, ``iterations``, ``epochs``. Version 2 is anything else:
it also tells the ``kind`` of the network, its ``activations`` (a list), its ``loss``, and what else there is. An
optimizer's state is tensors called ``optimizer.0.W1`` and so on; where the parameters are averages, ``raw.W1`` and so
on are those which are not averaged. Version 2 of the kind Committee holds several networks: see `committee_file`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from .checks import excerpt
from .guarded_json import parse_json, parse_whole
from .parts import COUNTERS, STEPS, TWO_LAYERS, Parts, check_parts

__all__ = ["NewerVersionError", "file_of_parts", "parts_of_file"]

Array = npt.NDArray[Any]

VERSIONS = ("1", "2")
# The kinds of networks, by the names of their classes.
NETWORK_KINDS = ("TwoLayerNet", "MultiLayerNet")
PREFIX = "optimizer."
RAW = "raw."
# What may be missing: (the part, and the default of check_parts is used).
OPTIONAL_TEXTS = ("trained_on", "first_layer")
OPTIONAL_NUMBERS = ("loss_parameter", "weight_decay_lambda")


class NewerVersionError(ValueError):
    """The file was written by a later cnet."""


def file_of_parts(kind: str, state: Mapping[str, Any]) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the tensors and the metadata of a file, from what a network's ``__getstate__`` returns.

    Parameters
    ----------
    kind : str
        The network's class.
    state : mapping
        Its ``optimizer_state`` is written unless it is None or empty.
    """
    tensors, metadata = dict(state["params"]), {}
    optimizer = state["optimizer_state"]
    with_optimizer = optimizer is not None and (optimizer["arrays"] or optimizer["raw"])
    if kind == TWO_LAYERS and not with_optimizer:
        metadata = {"cnet_format": "1", "sizes": json.dumps(state["sizes"]), "activation": state["activation"]}
    else:
        metadata = {
            "cnet_format": "2", "kind": kind, "sizes": json.dumps(state["sizes"]),
            "activations": json.dumps(_as_list(state)), "loss": state["loss"],
        }
        metadata |= {name: repr(state[name]) for name in OPTIONAL_NUMBERS if state[name]}
    # In version 1's order, which its files keep to the bit.
    metadata |= {name: str(state[name]) for name in ("seed", "iterations", "epochs")}
    if state["trained_on"] != "unknown":
        metadata["trained_on"] = state["trained_on"]
    if state["first_layer"] != "auto":
        metadata["first_layer"] = state["first_layer"]
    if with_optimizer:
        metadata |= {"optimizer": optimizer["name"], "optimizer_steps": str(optimizer["steps"])}
        tensors |= {f"{PREFIX}{name}": array for name, array in optimizer["arrays"].items()}
        tensors |= {f"{RAW}{name}": array for name, array in (optimizer["raw"] or {}).items()}
    return tensors, metadata


def _as_list(state: Mapping[str, Any]) -> list[str]:
    """The activation of each hidden layer."""
    activation = state["activation"]
    return [activation] * (len(state["sizes"]) - 2) if isinstance(activation, str) else list(activation)


def parts_of_file(tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> tuple[str, Parts]:
    """The kind of network and its parts in what ``read_model`` returns.

    Raises
    ------
    NewerVersionError
        If the file's version is not known yet.
    ValueError, TypeError
        If they are not those of a network.
    """
    version = metadata.get("cnet_format")
    if version not in VERSIONS:
        _refuse_version(version)
    kind = metadata.get("kind", "") if version == "2" else TWO_LAYERS
    if kind not in NETWORK_KINDS:
        raise ValueError(f"kind must be one of {', '.join(map(repr, NETWORK_KINDS))}, got {excerpt(kind)}")
    needed = ("activations", "loss") if version == "2" else ("activation",)
    missing = [name for name in ("sizes", *needed, *COUNTERS) if name not in metadata]
    if missing:
        raise ValueError(f"{', '.join(missing)} missing in its metadata")
    three = "three sizes" if kind == TWO_LAYERS else "a list of sizes"
    sizes = _list_of("sizes", metadata["sizes"], three)
    if kind == TWO_LAYERS and len(sizes) != 3:
        raise ValueError(f"expected three sizes, got {excerpt(metadata['sizes'])}")
    parts: dict[str, Any] = {name: _whole_of(name, metadata[name], 2 ** COUNTERS[name] - 1)
                             for name in COUNTERS}
    # Files of earlier versions do not tell all of these.
    parts |= {name: metadata[name] for name in OPTIONAL_TEXTS if name in metadata}
    if version == "1":
        parts["activation"] = metadata["activation"]
        return kind, check_parts(tensors, kind=kind, sizes=sizes, **parts)
    activations = _list_of("activations", metadata["activations"], "a list of activations")
    # Two layers have one, whose name stands for it.
    parts["activation"] = activations[0] if kind == TWO_LAYERS and len(activations) == 1 else activations
    parts |= {name: _number_of(name, metadata[name]) for name in OPTIONAL_NUMBERS if name in metadata}
    own = {name: array for name, array in tensors.items() if not name.startswith((PREFIX, RAW))}
    state = _optimizer_of(tensors, metadata)
    return kind, check_parts(own, kind=kind, sizes=sizes, loss=metadata["loss"], optimizer_state=state, **parts)


def _refuse_version(version: str | None) -> None:
    from . import __version__

    known = " and ".join(VERSIONS)
    if version is not None and re.fullmatch(r"[1-9][0-9]{0,3}", version):
        raise NewerVersionError(
            f"it has format version {version!r}; cnet {__version__} reads versions {known}. Upgrade cnet: "
            "pip install --upgrade cnet-nn"
        )
    raise ValueError(f"format version {excerpt(version)}, this cnet reads {known}")


def _optimizer_of(tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> dict[str, Any] | None:
    """The optimizer's state, as check_parts takes it."""
    arrays, raw = (
        {name[len(prefix):]: array for name, array in tensors.items() if name.startswith(prefix)}
        for prefix in (PREFIX, RAW)
    )
    given = [name for name in ("optimizer", "optimizer_steps") if name in metadata]
    if not given and not arrays and not raw:
        return None
    if len(given) != 2:
        raise ValueError("optimizer and optimizer_steps go together with the optimizer's tensors; one is missing")
    steps = _whole_of("optimizer_steps", metadata["optimizer_steps"], STEPS)
    return {"name": metadata["optimizer"], "steps": steps, "arrays": arrays, "raw": raw or None}


def _list_of(name: str, text: str, expected: str) -> list[Any]:
    try:
        value = parse_json(text, max_depth=1)
    except ValueError:
        value = None
    if not isinstance(value, list):
        raise ValueError(f"{name}: expected {expected}, got {excerpt(text)}")
    return value


def _whole_of(name: str, text: str, largest: int) -> int:
    try:
        return parse_whole(text, largest)
    except ValueError:
        raise ValueError(f"{name} must be from 0 to {largest}, got {excerpt(text)}") from None


def _number_of(name: str, text: str) -> float:
    try:
        value = parse_json(text, max_depth=0)
    except ValueError:
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {excerpt(text)}")
    return float(value)
