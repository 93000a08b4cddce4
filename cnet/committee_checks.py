"""What a committee is made of, checked: networks that fit together, and preprocessing that fits their images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .checks import excerpt
from .losses import Loss
from .networks import MultiLayerNet
from .preprocess import Normalize

__all__ = ["MOST_NETWORKS", "check_networks", "check_preprocessing", "check_together"]

MOST_NETWORKS = 1000


def check_networks(networks: Any) -> tuple[MultiLayerNet, ...]:
    """`networks` as a tuple of networks that fit together, or an error that names the one that does not."""
    if isinstance(networks, MultiLayerNet) or not isinstance(networks, Iterable):
        raise TypeError(f"networks must be a list of networks, got {type(networks).__name__}")
    checked = tuple(networks)
    for i, net in enumerate(checked):
        if not isinstance(net, MultiLayerNet):
            raise TypeError(f"networks[{i}] must be a MultiLayerNet or a TwoLayerNet, got {type(net).__name__}")
    if not 1 <= len(checked) <= MOST_NETWORKS:
        raise ValueError(f"networks must hold from 1 to {MOST_NETWORKS} networks, got {len(checked)}")
    check_together([(net.sizes, net.loss_function) for net in checked])
    return checked


def check_together(described: Sequence[tuple[tuple[int, ...], Loss]]) -> None:
    """Raise a ValueError for the first network whose inputs, outputs or loss are not those of the first one.

    Parameters
    ----------
    described : sequence of (tuple of int, Loss)
        Sizes and loss of each network.
    """
    sizes, loss = described[0]
    for i, (own_sizes, own_loss) in enumerate(described):
        for what, own, first in (("inputs", own_sizes[0], sizes[0]), ("outputs", own_sizes[-1], sizes[-1])):
            if own != first:
                raise ValueError(f"networks do not fit together: networks[{i}] has {own} {what}, networks[0] {first}")
        if own_loss != loss:
            raise ValueError(f"networks do not fit together: networks[{i}] has the loss {own_loss}, networks[0] {loss}")


def check_preprocessing(preprocessing: Any, n_networks: int, n_in: int) -> tuple[Normalize | None, ...]:
    """One for each network, or a TypeError or ValueError that names the one that is wrong."""
    if preprocessing is None or type(preprocessing) is Normalize:
        checked: tuple[Normalize | None, ...] = (preprocessing,) * n_networks
    elif isinstance(preprocessing, Iterable) and not isinstance(preprocessing, str | bytes):
        checked = tuple(preprocessing)
    else:
        raise TypeError("preprocessing must be None, a cnet.preprocess.Normalize, or a list of them, got "
                        f"{excerpt(preprocessing)}")
    if len(checked) != n_networks:
        raise ValueError(f"preprocessing must hold one for each of {n_networks} networks, got {len(checked)}")
    for i, each in enumerate(checked):
        if each is None:
            continue
        if type(each) is not Normalize:
            raise TypeError(f"preprocessing[{i}] must be None or a cnet.preprocess.Normalize, got {excerpt(each)}")
        try:
            each.shape_of(n_in)
        except ValueError as error:
            raise ValueError(f"preprocessing[{i}]: {error}") from None
    return checked
