"""Twenty random networks, which between them have every activation, loss, type, and from 0 to 16 hidden layers."""

from typing import Any, NamedTuple

import numpy as np
import pytest

import cnet
from cnet import reference
from cnet.activations import ACTIVATIONS
from cnet.losses import LOSSES

N_NETWORKS = 20


class Case(NamedTuple):
    """A network, inputs, and what the specification makes of them in float64."""

    net: cnet.MultiLayerNet
    x: Any
    expected: Any


def random_case(seed, dtype=None):
    rng = np.random.default_rng(seed)
    depth = {0: 0, 1: 16}.get(seed, rng.integers(1, 7))
    n_in, *hidden, n_out = map(int, rng.integers(1, 40, depth + 2))
    loss = list(LOSSES)[seed % len(LOSSES)]
    # Neighbours in turn, so that twenty networks have each of them.
    names = [list(ACTIVATIONS)[(seed + layer) % len(ACTIVATIONS)] for layer in range(depth)]
    dtype = dtype or ("float32", "float64")[seed // 2 % 2]
    net = cnet.MultiLayerNet(n_in, hidden, n_out, names, "xavier", loss=loss, dtype=dtype, rng=seed)
    net.params.update({f"b{n}": rng.normal(size=net.params[f"b{n}"].shape) for n in range(1, depth + 2)})
    x = rng.integers(0, 256, (33, n_in), np.uint8) if seed % 3 == 0 else rng.normal(0, 2, (33, n_in))
    params = {name: array.astype(np.float64) for name, array in net.params.items()}
    return Case(net, x, reference.predict(params, x, names, loss_function=loss))


@pytest.fixture(scope="session")
def cases():
    made = [random_case(seed) for seed in range(N_NETWORKS)]
    assert {name for net, *_ in made for name in net._core.activations} == set(ACTIVATIONS)
    assert {(net.loss_function.name, net.dtype.name) for net, *_ in made} == {
        (loss, dtype) for loss in LOSSES for dtype in ("float32", "float64")}
    assert {0, 16} <= {len(net.sizes) - 2 for net, *_ in made}
    return made


@pytest.fixture
def network():
    return cnet.MultiLayerNet(4, [3], 2, "gelu", rng=0)
