"""Write the page: samples checked, a title found, a file replaced whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..atomic_file import replacing
from ..checks import check_target
from .assembly import assembled
from .contents import PIXELS, Samples, contents_of

if TYPE_CHECKING:
    from ..networks import MultiLayerNet

__all__ = ["write_page"]

Data = tuple[npt.ArrayLike, npt.ArrayLike]

# Without data of the caller's, digits drawn by cnet: how many, and the seeds of cnet train's own.
DRAWN = {"train": (250, 1), "test": (2_000, 2)}


def write_page(
    net: MultiLayerNet, path: str | os.PathLike[str], *, train_data: Data | None, test_data: Data | None,
    class_names: Sequence[str] | None, input_names: Sequence[str] | None, title: str | None,
) -> None:
    """Write the page of a network; see `MultiLayerNet.to_html`."""
    from .. import __version__

    target = check_target("path", path, "HTML")
    if title is not None and not isinstance(title, str):
        raise TypeError(f"title must be a string, got {type(title).__name__}")
    train, test = (_checked(net, name, data) for name, data in (("train_data", train_data), ("test_data", test_data)))
    if train is None and test is None and _reads_digits(net):
        train, test = _drawn(net)
    name = title or f"{'-'.join(map(str, net.sizes))}"
    contents = contents_of(net, train, test, class_names, input_names, name)
    text = assembled(contents, name, __version__)
    with replacing(target) as file:
        file.write(text.encode("utf-8", "replace"))


def _reads_digits(net: MultiLayerNet) -> bool:
    return net.sizes[0] == PIXELS and net.sizes[-1] == 10 and net.loss_function.name == "cross_entropy"


def _drawn(net: MultiLayerNet) -> tuple[Samples, Samples]:
    from ..datasets import make_digits

    (x, t), (x_test, t_test) = (make_digits(n, rng=seed) for n, seed in DRAWN.values())
    return (_as_trained_on(net, x), t), (_as_trained_on(net, x_test), t_test)


def _as_trained_on(net: MultiLayerNet, x: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    """Pixels as those that the network was trained on."""
    if net._trained_on == "larger floats":
        return x.astype(np.float32)
    return np.asarray(x / np.float32(255)) if net._trained_on == "floats up to 1" else x


def _checked(net: MultiLayerNet, name: str, data: Any) -> Samples | None:
    """Samples that the network takes, as arrays."""
    if data is None:
        return None
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise TypeError(f"{name} must be a pair (x, t), got {type(data).__name__}")
    x, t = np.asarray(data[0]), np.asarray(data[1])
    if x.ndim != 2 or not len(x):
        raise ValueError(f"{name}: x must have shape (N, {net.sizes[0]}) and at least one row, got {x.shape}")
    try:
        # Whatever is wrong with samples, loss says it.
        net.loss(x, t)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None
    return x, t
