"""The bits of trained parameters do not change by accident.

``golden_hashes.json`` holds a hash of the parameters after a few mini-batches, for each instruction set, type,
activation, way of the first layer, sampling and batch size. The hashes come from this code, so they prove nothing
about right or wrong: that is for the tests against ``cnet.reference``. They show that a change of the core
which should keep every bit does.

Inputs, targets and initial weights are made of whole numbers here, so that no generator of random numbers and no
library of elementary functions takes part. A change that is meant to change bits: say so in the changelog, and

    python tests/test_golden.py
"""

import hashlib
import itertools
import json
import platform
import sys
from pathlib import Path

import numpy as np
import pytest

import cnet
from cnet.core import _dispatch

HASHES = Path(__file__).with_name("golden_hashes.json")

ISAS = ("baseline", "avx2", "avx512")
DTYPES = ("float32", "float64")
ACTIVATIONS = ("sigmoid", "relu", "tanh")
FIRST_LAYERS = ("sparse", "dense")
SAMPLINGS = ("replacement", "shuffle")
BATCH_SIZES = (1, 17, 100, 130, 1500)
SIZES = ((784, 50, 10), (37, 13, 5))
N_ROWS = 1_600
ITERATIONS = 5


def mixed(*shape):
    """Whole numbers from 0 to 65,520 that look drawn, the same everywhere: a multiplicative generator."""
    numbers, number = np.empty(int(np.prod(shape)), np.int64), 1
    for i in range(numbers.size):
        number = number * 17_364 % 65_521
        numbers[i] = number
    return numbers.reshape(shape)


def make_data(n_in, n_out):
    """Inputs of which a fifth is not zero (pixels, or quarters), and class indices."""
    drawn = mixed(N_ROWS, n_in)
    x = np.where(drawn % 5 == 0, drawn // 5 % 256, 0)
    return (x.astype(np.uint8) if n_in == 784 else x / 256), mixed(N_ROWS) % n_out


def make_weights(sizes):
    """Weights between -0.25 and 0.25, in steps of 1/1024, which either type holds exactly."""
    (n_in, n_hidden, n_out) = sizes
    shapes = {"W1": (n_in, n_hidden), "b1": (n_hidden,), "W2": (n_hidden, n_out), "b2": (n_out,)}
    return {name: (mixed(*shape) % 513 - 256) / 1024 for name, shape in shapes.items()}


DATA = {}


def hash_of_fit(sizes, dtype, activation, first_layer, sampling, batch_size):
    """Sixteen hexadecimal digits of the trained parameters."""
    if sizes not in DATA:
        DATA[sizes] = make_data(sizes[0], sizes[-1]), make_weights(sizes)
    (x, t), weights = DATA[sizes]
    net = cnet.TwoLayerNet(*sizes, activation=activation, dtype=dtype, rng=0)
    for name, values in weights.items():
        net.params[name] = values
    net._core.forced_first_layer = first_layer
    net.fit(x, t, iterations=ITERATIONS, batch_size=batch_size, learning_rate=0.25, sampling=sampling, n_threads=1)
    parameters = b"".join(array.astype(f"<f{array.itemsize}").tobytes() for array in net.params.values())
    return hashlib.sha256(parameters).hexdigest()[:16]


def cases():
    return itertools.product(SIZES, DTYPES, ACTIVATIONS, FIRST_LAYERS, SAMPLINGS, BATCH_SIZES)


def name_of(sizes, *others):
    return " ".join(["-".join(map(str, sizes)), *map(str, others)])


def hashes_of(isa):
    former = _dispatch.use(isa)
    try:
        return {name_of(*case): hash_of_fit(*case) for case in cases()}
    finally:
        _dispatch.use(former)


COMPILER = cnet.show_config("dicts")["compiler"]


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64") or not COMPILER.startswith("GCC"),
    reason="the hashes are those of Linux on x86-64 with GCC",
)
@pytest.mark.parametrize("wanted", ISAS)
def test_bits_of_trained_parameters_are_those_on_record(wanted):
    if wanted not in _dispatch.available():
        pytest.skip(f"{wanted} does not run here")
    recorded = json.loads(HASHES.read_text())[wanted]
    found = hashes_of(wanted)
    assert found.keys() == recorded.keys()
    changed = [name for name in found if found[name] != recorded[name]]
    assert not changed, f"{len(changed)} of {len(found)} have other bits: {changed[:20]}"


if __name__ == "__main__":
    HASHES.write_text(json.dumps({isa: hashes_of(isa) for isa in ISAS}, indent=1) + "\n")
