"""What a network says about samples, as the pictures of its mistakes need it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core import _functions
from ..losses import CrossEntropy
from ..networks import MultiLayerNet

__all__ = ["check_names", "check_network", "predictions"]

Array = npt.NDArray[Any]


def check_network(net: Any) -> None:
    """Refuse what is not a network."""
    if not isinstance(net, MultiLayerNet):
        raise TypeError(f"net must be a cnet.MultiLayerNet or cnet.TwoLayerNet, got {type(net).__name__}")


def predictions(net: Any, x: npt.ArrayLike, t: npt.ArrayLike) -> tuple[Array, Array]:
    """Probabilities (B, O), and labels (B,) as indices; a ValueError where the network does not choose a class."""
    check_network(net)
    if net.loss_function != CrossEntropy():
        raise ValueError(
            "net must choose one class for each sample (loss='cross_entropy'), as this picture shows classes; its loss "
            f"is {net.loss_function!r}"
        )
    y = net.predict(x)
    labels = np.asarray(_functions.class_indices(t, y.shape))
    return np.atleast_2d(y), labels.reshape(-1)


def check_names(names: Sequence[str] | None, n_classes: int) -> list[str]:
    """What the classes are called: by default their numbers."""
    if names is None:
        return [str(index) for index in range(n_classes)]
    if isinstance(names, str) or len(names) != n_classes:
        raise ValueError(f"names must be one for each of {n_classes} classes, got {names!r}")
    return [str(name) for name in names]
