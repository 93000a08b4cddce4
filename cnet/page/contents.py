"""What a page knows: the network as data, and some samples to look at and to train with."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..checks import excerpt

if TYPE_CHECKING:
    from ..networks import MultiLayerNet

__all__ = ["contents_of", "packed"]

Array = npt.NDArray[Any]
Samples = tuple[Array, Array]

SIDE = 28
PIXELS = SIDE * SIDE
# Samples to train with, to test with, and misread ones to look at: with more, 784-50-10 would not stay below 400 kB.
MOST_TRAIN, MOST_TEST, MOST_MISREAD = 250, 100, 40
# Samples of many inputs are fewer; they take at most this many bytes before they are compressed.
MOST_BYTES = 300_000
# A page holds its network as text in memory.
MOST_PARAMETERS = 10_000_000
# Without samples: how far the page lets an input go.
RANGE = 2.0


def packed(array: Array) -> dict[str, str]:
    """An array as text: its bytes plane by plane (all first bytes, then all second ones), compressed, in base64."""
    kind = "uint8" if array.dtype == np.uint8 else "int32" if array.dtype.kind in "iu" else "float32"
    flat = np.ascontiguousarray(array, dtype=np.dtype(kind).newbyteorder("<")).reshape(-1)
    planes = flat.view(np.uint8).reshape(-1, flat.itemsize).T
    return {"type": kind, "data": base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode("ascii")}


def contents_of(
    net: MultiLayerNet, train: Samples | None, test: Samples | None, class_names: Sequence[str] | None,
    input_names: Sequence[str] | None, title: str,
) -> dict[str, object]:
    """Everything that stands in the page beside its code, as JSON can hold it."""
    from .. import __version__

    sizes, loss = net.sizes, net.loss_function
    parameters = np.concatenate([array.reshape(-1) for array in net.params.values()])
    if parameters.size > MOST_PARAMETERS:
        raise ValueError(
            f"a page holds at most {MOST_PARAMETERS:,} parameters, this network has {parameters.size:,}: a smaller one "
            "shows the same, and opens at once"
        )
    with np.errstate(over="ignore"):
        weights = parameters.astype(np.float32)
    if not np.isfinite(weights).all():
        raise ValueError("a page needs parameters that are finite as float32, and some are not")
    is_image = sizes[0] == PIXELS
    contents: dict[str, object] = {
        "version": __version__, "title": title, "kind": net._KIND, "sizes": list(sizes),
        "activations": list(net._core.activations), "loss": {"name": loss.name, "parameter": loss.parameter},
        "decay": net.weight_decay_lambda, "iterations": net.iterations, "dtype": net.dtype.name,
        "parameters": packed(weights),
        "classNames": _names("class_names", class_names, _n_classes(net)),
        "input": _images(net) if is_image else _numbers(net, train, test, input_names),
    }
    if is_image and input_names is not None:
        raise ValueError("input_names must be None for a network of 784 inputs, which a page takes for images")
    if train is not None:
        contents["train"] = _some(net, *_every(train, _limit(net, MOST_TRAIN)))
    if test is not None:
        x, t = test
        contents["test"] = _some(net, *_every(test, _limit(net, MOST_TEST)))
        if loss.name == "cross_entropy":
            contents["misread"], contents["accuracy"] = _misread(net, x, t)
    return contents


def _n_classes(net: MultiLayerNet) -> int:
    """How many names of classes, or of outputs, a page has a use for: a single output of a sigmoid has two classes."""
    single = net.loss_function.name == "binary_cross_entropy" and net.sizes[-1] == 1
    return 2 if single else net.sizes[-1]


def _names(what: str, names: Sequence[str] | None, count: int) -> list[str] | None:
    if names is None:
        return None
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{what} must be a list of strings, got {excerpt(repr(names))}")
    if len(names) != count:
        raise ValueError(f"{what} must hold {count} names, got {len(names)}")
    return [str(name).encode("utf-8", "replace").decode("utf-8") for name in names]


def _images(net: MultiLayerNet) -> dict[str, object]:
    """How a pixel from 0 to 255 becomes an input."""
    return {"kind": "image", "width": SIDE, "height": SIDE, "scale": 1.0 if _reads_large(net) else 1 / 255}


def _reads_large(net: MultiLayerNet) -> bool:
    return net._trained_on == "larger floats"


def _numbers(
    net: MultiLayerNet, train: Samples | None, test: Samples | None, names: Sequence[str] | None
) -> dict[str, object]:
    """What an input is called, and how far it goes: as far as the samples do."""
    n = net.sizes[0]
    of_bytes = net._trained_on == "uint8"
    rows = [as_numbers(part[0]) for part in (train, test) if part is not None]
    low, high = np.full(n, 0.0 if of_bytes else -RANGE), np.full(n, 1.0 if of_bytes else RANGE)
    start = (low + high) / 2
    if rows:
        x = np.concatenate(rows)
        low, high, start = x.min(axis=0), x.max(axis=0), x[0]
        same = low == high
        low, high = np.where(same, low - 1, low), np.where(same, high + 1, high)
    return {
        "kind": "numbers", "names": _names("input_names", names, n),
        "low": _rounded(low), "high": _rounded(high), "start": _rounded(start),
    }


def as_numbers(x: Array) -> Array:
    """Inputs as the network's first layer reads them: uint8 means value/255."""
    return x / 255 if x.dtype == np.uint8 else x.astype(np.float64)


def _rounded(values: Array) -> list[float]:
    return [float(f"{value:.7g}") for value in values]


def _limit(net: MultiLayerNet, most: int) -> int:
    return max(20, min(most, MOST_BYTES // ((1 if net.sizes[0] == PIXELS else 4) * net.sizes[0])))


def _every(samples: Samples, most: int) -> Samples:
    """At most so many samples, evenly spread."""
    x, t = samples
    if len(x) <= most:
        return x, t
    chosen = np.arange(most) * len(x) // most
    return x[chosen], t[chosen]


def _some(net: MultiLayerNet, x: Array, t: Array) -> dict[str, object]:
    """Samples as text. Targets are class numbers, or values (N, O)."""
    inputs = _pixels(net, x) if net.sizes[0] == PIXELS else as_numbers(x)
    labels = t.ndim == 1 and net.loss_function.name == "cross_entropy"
    targets = t.astype(np.int32) if labels else t.reshape(len(t), net.sizes[-1]).astype(np.float32)
    return {"n": len(x), "x": packed(inputs), "t": packed(targets), "labels": labels}


def _pixels(net: MultiLayerNet, x: Array) -> npt.NDArray[np.uint8]:
    """Images as pixels from 0 to 255."""
    if x.dtype == np.uint8:
        return x
    scale = 1 if _reads_large(net) else 255
    pixels = np.rint(np.asarray(x, np.float64) * scale)
    if pixels.size and not (pixels.min() >= 0 and pixels.max() <= 255):
        raise ValueError(
            f"images must be uint8, or numbers from 0 to {255 // scale} as the network was trained on, got numbers "
            f"from {x.min():.4g} to {x.max():.4g}"
        )
    return pixels.astype(np.uint8)


def _misread(net: MultiLayerNet, x: Array, t: Array) -> tuple[dict[str, object], dict[str, object]]:
    """Those test samples that are misread, most confident mistakes first; and how many there are."""
    labels = t if t.ndim == 1 else t.argmax(axis=1)
    y = net.predict(x)
    wrong = np.flatnonzero(y.argmax(axis=1) != labels)
    order = wrong[np.argsort(-y[wrong].max(axis=1), kind="stable")][:_limit(net, MOST_MISREAD)]
    return _some(net, x[order], labels[order]), {"n": len(labels), "wrong": len(wrong)}
