"""Networks that tests send to other libraries and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnet
from cnet.activations import ACTIVATIONS
from cnet.losses import LOSSES

COUNT = 20


def drawn(seed: int, activations: Any = tuple(ACTIVATIONS), losses: Any = tuple(LOSSES), same: bool = False) -> Any:
    """A network drawn at random: 0 to 4 hidden layers, any activations and loss; and inputs for it."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 40, size=rng.integers(2, 7)).tolist()
    hidden = [str(name) for name in rng.choice(activations, len(sizes) - 2)]
    if same:
        hidden = hidden[:1] * len(hidden)
    # Every loss and both types come up among twenty.
    loss, dtype = losses[seed % len(losses)], ("float32", "float64")[seed // len(losses) % 2]
    net = cnet.MultiLayerNet(sizes[0], sizes[1:-1], sizes[-1], hidden, "xavier", loss=loss, dtype=dtype, rng=rng)
    for name, array in net.params.items():
        if name.startswith("b"):
            array[...] = rng.normal(scale=0.3, size=array.shape)
    return net, rng.normal(size=(50, sizes[0])).astype(dtype)


def agree(one: Any, other: Any) -> None:
    """Predictions are the same to 1e-6; where some are larger than 1, relative to the largest."""
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6 * max(1.0, np.abs(other).max()))


@pytest.fixture(params=range(COUNT))
def some_network(request: pytest.FixtureRequest) -> Any:
    """Twenty networks in turn."""
    return drawn(request.param)
