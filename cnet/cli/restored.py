"""The network of a checkpoint, with all that the next iteration needs: taken apart and made again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..networks import MultiLayerNet, TwoLayerNet
from ..optimizers import OPTIMIZERS
from .fields import Fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .record import Record

__all__ = ["NETWORK", "parameters_called", "restored_network"]

# What a checkpoint has of its network beside the parameters; and what those of earlier versions do not tell.
NETWORK = ("sizes", "activation", "dtype", "seed", "epochs", "iterations", "trained_on", "first_layer")
DEFAULTS = {"trained_on": "unknown", "first_layer": "auto"}


def parameters_called(prefix: str, tensors: Mapping[str, Any], net: MultiLayerNet) -> dict[str, Any]:
    """Those tensors whose names begin so, in the shapes and the type of a network's parameters.

    Raises
    ------
    ValueError
        If one is missing, or not of that shape and type.
    """
    found = {}
    for name, array in net.params.items():
        tensor = tensors.get(prefix + name)
        if not isinstance(tensor, np.ndarray) or tensor.shape != array.shape:
            raise ValueError(f"{prefix}{name} must be a tensor of the shape {array.shape}")
        if tensor.dtype.newbyteorder("=") != array.dtype:
            raise ValueError(f"{prefix}{name} must be {array.dtype}, got {tensor.dtype}")
        if not np.isfinite(tensor).all():
            raise ValueError(f"{prefix}{name} must hold finite numbers")
        found[name] = np.array(tensor, array.dtype, order="C")
    return found


def restored_network(tensors: Mapping[str, Any], tree: object, optimizer: object, record: Record) -> MultiLayerNet:
    """The network of a checkpoint, which must be the one that its record tells of.

    Parameters
    ----------
    tensors : mapping of str to numpy.ndarray
    tree, optimizer : object
        What the metadata say of the network and of the optimizer's state.
    record : Record

    Raises
    ------
    TypeError, ValueError
        If something is missing, wrong, or contradicts something else.
    """
    fields = Fields(tree, "network")
    parts = {**DEFAULTS, **fields.tree}
    for name in NETWORK:
        fields.require(name in parts, f"network.{name} is missing")
    fields.check()
    fields.choice("dtype", ("float32", "float64"))
    fields.check()
    settings = record.settings
    kind = TwoLayerNet if settings.is_two_layers else MultiLayerNet
    parameters = {name: array for name, array in tensors.items() if name[:1] in "Wb" and name[1:].isdigit()}
    net = kind._from_parts(
        parameters, **{name: parts[name] for name in NETWORK},
        **({} if kind is TwoLayerNet else {"weight_decay_lambda": settings.l2}),
        optimizer_state=_optimizer_state(tensors, optimizer, record),
    )
    expected = {
        "sizes": (net.sizes[1:-1], settings.layers), "activation": (net._core.activations, settings.activations),
        "epochs": (fields.tree["epochs"], len(record.measured)), "iterations": (net.iterations, record.iterations),
    }
    for name, (given, other) in expected.items():
        fields.require(given == other, f"network.{name} must be {other}, as the record has it, got {given}")
    fields.check()
    return net


def _optimizer_state(tensors: Mapping[str, Any], tree: object, record: Record) -> dict[str, Any] | None:
    """The state of the run's optimizer, as the parts of a network have it; None where there is none yet."""
    settings = record.settings
    needed = record.iterations and (OPTIMIZERS[settings.optimizer].n_states or settings.averaging)
    if tree is None and not needed:
        return None
    fields = Fields(tree, "optimizer")
    name = fields.choice("name", (settings.optimizer,))
    # A mini-batch whose weights sum to 0, which makes no step, does not occur here.
    steps = fields.whole("steps", record.iterations, record.iterations)
    fields.check()
    arrays, raw = (
        {key[len(start):]: array for key, array in tensors.items() if key.startswith(start)}
        for start in ("optimizer.", "raw.")
    )
    return {"name": name, "steps": steps, "arrays": arrays, "raw": raw if settings.averaging else None}
