"""The worked example of the chapter: a network of 2-3-2 units, and four samples, all of it computed by cnet.

A lamp with two switches, one at each end of the stairs: it is on if exactly one of the switches is up. Every number
is small enough for a pencil. The pages take their numbers from here (``worked.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

import cnet

Array = npt.NDArray[Any]

# The four positions of the switches, and whether the lamp is on.
X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
LABELS = np.array([0, 1, 1, 0])
# The parameters that the chapter begins with.
START: dict[str, Array] = {
    "W1": np.array([[1.0, 1.0, 0.0], [0.0, -1.0, 1.0]]),
    "b1": np.array([-0.5, 0.5, -0.5]),
    "W2": np.array([[1.0, -1.0], [-1.0, 0.0], [-1.0, 1.0]]),
    "b2": np.array([0.0, 0.0]),
}
# The sample that the chapter follows: the first switch up, the second down.
SAMPLE = 2
LEARNING_RATE = 1.0
# So many steps the chapter goes, each with all four samples.
STEPS = 100


def network() -> cnet.TwoLayerNet:
    """The network with the parameters that the chapter begins with."""
    net = cnet.TwoLayerNet(2, 3, 2, activation="relu", dtype="float64")
    net.params = START
    return net


def passed(net: cnet.TwoLayerNet, x: Array, labels: Array) -> dict[str, Any]:
    """What flows through the network, forward and back, under the chapter's letters."""
    P = {name: np.array(array) for name, array in net.params.items()}
    T = np.eye(2)[labels]
    A = x @ P["W1"] + P["b1"]
    Z = cnet.relu(A)
    Y = np.asarray(net.predict(x))
    delta2 = (Y - T) / len(x)
    dZ = delta2 @ P["W2"].T
    grads = {f"d{name}": np.array(array) for name, array in net.gradient(x, labels).items()}
    return {
        "X": x, "T": T, "A": A, "Z": Z, "S": Z @ P["W2"] + P["b2"], "Y": Y, "L": float(net.loss(x, labels)),
        "dY": -T / Y / len(x), "D2": delta2, "dZ": dZ, "D1": dZ * (A > 0), "slope": (A > 0).astype(float),
        **P, **grads,
    }


@cache
def numbers() -> Mapping[str, Any]:
    """All numbers of the example by name: of all four samples, and in small letters of the one that is followed."""
    net = network()
    whole = passed(net, X, LABELS)
    one = passed(net, X[SAMPLE:SAMPLE + 1], LABELS[SAMPLE:SAMPLE + 1])
    single = {name: name.upper() for name in ("x", "t", "a", "z", "s", "y", "d1", "d2")} | {"dy": "dY", "dz": "dZ"}
    result = {**whole, **{name: one[key] for name, key in single.items()}, "E": one["L"], "h1": one["slope"]}
    result |= {f"one_{name}": one[name] for name in ("dW1", "db1", "dW2", "db2")}
    result["losses"] = np.array([net.loss(X[i:i + 1], LABELS[i:i + 1]) for i in range(4)])
    result["accuracy"] = net.accuracy(X, LABELS)
    for array in result["dW1"], result["db1"], result["dW2"], result["db2"]:
        array += 0.0  # no minus before a zero
    after = network()
    step(after)
    result |= {f"next_{name}": np.array(array) for name, array in after.params.items()}
    result |= {"next_L": float(after.loss(X, LABELS)), "next_Y": np.asarray(after.predict(X)), "lr": LEARNING_RATE}
    return result


def step(net: cnet.TwoLayerNet) -> None:
    """One step of the gradient method, with all four samples."""
    for name, gradient in net.gradient(X, LABELS).items():
        net.params[name] -= LEARNING_RATE * gradient


@cache
def trained() -> Mapping[str, Any]:
    """All numbers after the last step."""
    net = network()
    for _ in range(STEPS):
        step(net)
    return passed(net, X, LABELS) | {"accuracy": net.accuracy(X, LABELS)}
