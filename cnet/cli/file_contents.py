"""What a model file holds: how many bytes of what, and what its network is for, in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ..file_parts import VERSIONS
from ..model_file import Header, read_header

if TYPE_CHECKING:
    from ..networks import MultiLayerNet

__all__ = ["FileContents", "contents_of", "purpose"]

# What tensors are, by their names; in a committee's file the network's number stands before them.
KINDS = (
    (re.compile(r"(\d+\.)?[Wb]\d+"), "parameters"),
    (re.compile(r"optimizer\..+"), "optimizer's state"),
    (re.compile(r"raw\..+"), "parameters before averaging"),
    (re.compile(r"best\..+"), "best parameters so far"),
    (re.compile(r".*"), "measurements"),
)
# What a loss of numbers models.
MODELLED = {"squared_error": " (mean)", "absolute_error": " (median)", "quantile": " (quantile {:g})"}
INPUTS = {"uint8": "{:,} pixel{s} (bytes, divided by 255)", "floats up to 1": "{:,} number{s} up to 1"}


class FileContents(NamedTuple):
    """A model file, looked at from outside.

    Attributes
    ----------
    path : str
    header : Header
    """

    path: str
    header: Header

    def told(self) -> dict[str, Any]:
        """Return all of it, as JSON can hold it."""
        header = self.header
        return {
            "path": self.path, "bytes": header.size, "header_bytes": header.length, "metadata": header.metadata,
            "tensors": [
                {"name": each.name, "dtype": each.dtype.name, "shape": list(each.shape), "bytes": each.end - each.begin}
                for each in header.entries
            ],
        }

    def __str__(self) -> str:
        sizes = {"header": self.header.length}
        for entry in self.header.entries:
            kind = next(name for pattern, name in KINDS if pattern.fullmatch(entry.name))
            sizes[kind] = sizes.get(kind, 0) + entry.end - entry.begin
        version = self.header.metadata.get("cnet_format")
        form = f"safetensors, cnet's version {version}" if version in VERSIONS else "safetensors"
        return (f"{self.header.size:,} bytes: " + ", ".join(f"{name} {size:,}" for name, size in sizes.items())
                + f"; {form}; its checksum matches")


def contents_of(path: str) -> FileContents:
    """Look at a model file whose network has been read, so that its checksum has been compared.

    Raises
    ------
    ValueError, OSError
        If it has changed since, and is none any more.
    """
    return FileContents(path, read_header(path))


def purpose(net: MultiLayerNet) -> str:
    """What a network predicts, of what, in words.

    Examples
    --------
    >>> import cnet
    >>> purpose(cnet.MultiLayerNet(4, [5], 3)), purpose(cnet.MultiLayerNet(1, [5], 1, loss="absolute_error"))
    ('the probability of each of 3 classes, from 4 numbers', '1 number (median), from 1 number')
    """
    n_in, n_out = net.sizes[0], net.sizes[-1]
    loss = net.loss_function
    inputs = INPUTS.get(net._trained_on, "{:,} number{s}").format(n_in, s=_plural(n_in))
    if loss.output == "softmax":
        predicted = f"the probability of each of {n_out:,} classes"
    elif loss.output == "sigmoid":
        predicted = "the probability of a label" if n_out == 1 else f"the probability of each of {n_out:,} labels"
    elif loss.output == "exp":
        predicted = f"{n_out:,} expected count{_plural(n_out)}"
    else:
        predicted = f"{n_out:,} number{_plural(n_out)}" + MODELLED.get(loss.name, "").format(loss.parameter)
    return f"{predicted}, from {inputs}"


def _plural(count: int) -> str:
    return "s" * (count != 1)
