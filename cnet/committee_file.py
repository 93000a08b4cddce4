"""A committee as a model file holds it: the files of its networks in one, beside each other.

The file has version 2 and the kind Committee, and tells how many ``networks`` there are. What a file of network i
alone would have, tensors and metadata, has the prefix ``i.``, as ``0.W1`` and ``0.sizes``; ``i.preprocessing`` is a
JSON object of the arguments of `preprocess.Normalize`, where there is any.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy.typing as npt

from .checks import excerpt
from .committee_checks import MOST_NETWORKS, check_preprocessing, check_together
from .file_parts import NewerVersionError, file_of_parts, parts_of_file
from .guarded_json import parse_json, parse_whole
from .parts import Parts
from .preprocess import Normalize

if TYPE_CHECKING:
    from .networks import MultiLayerNet

__all__ = ["KIND", "Member", "file_of_committee", "members_of_file"]

Array = npt.NDArray[Any]

KIND = "Committee"
COUNT = "networks"
PREPROCESSING = "preprocessing"
# What is said of the committee itself.
OWN_TEXTS = ("cnet_format", "kind", COUNT)


class Member(NamedTuple):
    """The checked parts of one network of a file, and the class that it has."""

    kind: str
    parts: Parts
    preprocessing: Normalize | None


def file_of_committee(
    networks: Sequence[MultiLayerNet], preprocessing: Sequence[Normalize | None]
) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the tensors and the metadata of a committee's file; optimizers' states are left out."""
    tensors: dict[str, Array] = {}
    metadata = {"cnet_format": "2", "kind": KIND, COUNT: str(len(networks))}
    for i, (net, prepared) in enumerate(zip(networks, preprocessing, strict=True)):
        own_tensors, own_metadata = file_of_parts(net._KIND, {**net._state(), "optimizer_state": None})
        tensors |= {f"{i}.{name}": array for name, array in own_tensors.items()}
        metadata |= {f"{i}.{name}": text for name, text in own_metadata.items()}
        if prepared is not None:
            metadata[f"{i}.{PREPROCESSING}"] = json.dumps(prepared._attributes())
    return tensors, metadata


def members_of_file(tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> list[Member]:
    """Return the networks in what ``read_model`` returns of a committee's file.

    Raises
    ------
    NewerVersionError
        If a network's version is not known yet.
    ValueError, TypeError
        If they are not those of a committee; the message names the network.
    """
    try:
        count = parse_whole(metadata.get(COUNT, ""), MOST_NETWORKS)
    except ValueError:
        count = 0
    if not count:
        raise ValueError(f"{COUNT} must be from 1 to {MOST_NETWORKS}, got {excerpt(metadata.get(COUNT))}")
    own_tensors, own_metadata = _by_network("tensor", tensors, count), _by_network("text", metadata, count)
    members = [_member(i, *each) for i, each in enumerate(zip(own_tensors, own_metadata, strict=True))]
    check_together([(each.parts.sizes, each.parts.loss) for each in members])
    check_preprocessing([each.preprocessing for each in members], count, members[0].parts.sizes[0])
    return members


def _by_network(what: str, things: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """What belongs to each network, under the names that a file of it alone would have."""
    own: list[dict[str, Any]] = [{} for _ in range(count)]
    places = {str(i): each for i, each in enumerate(own)}
    for name, thing in things.items():
        prefix, _, rest = name.partition(".")
        if prefix in places:
            places[prefix][rest] = thing
        elif name not in OWN_TEXTS or what == "tensor":
            raise ValueError(f"{what} {excerpt(name)} belongs to none of the {count} networks")
    return own


def _member(i: int, tensors: dict[str, Array], metadata: dict[str, str]) -> Member:
    try:
        prepared = _preprocessing_of(metadata.pop(PREPROCESSING, None))
        kind, parts = parts_of_file(tensors, metadata)
    except NewerVersionError:
        raise
    except (TypeError, ValueError) as error:
        raise ValueError(f"network {i}: {error}") from None
    return Member(kind, parts, prepared)


def _preprocessing_of(text: str | None) -> Normalize | None:
    if text is None:
        return None
    try:
        tree = parse_json(text, max_depth=2)
        return Normalize(**tree)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{PREPROCESSING} must be the arguments of Normalize, got {excerpt(text)}") from error
