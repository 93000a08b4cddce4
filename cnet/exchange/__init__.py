"""Networks to and from other libraries, and what a network is made of as a table.

`to_torch` and `from_torch` need PyTorch, `to_sklearn` and `from_sklearn` scikit-learn, `from_onnx` the package onnx.
None of them is imported before its function is called.

Examples
--------
>>> import cnet
>>> print(cnet.exchange.summary(cnet.MultiLayerNet(4, [3], 2, rng=0)))
MultiLayerNet, loss cross_entropy, float32
layer  shape   activation  parameters  bytes
    1  4 -> 3  relu                15     60
    2  3 -> 2  softmax              8     32
total                              23     92
"""

from __future__ import annotations

from .names import Name, names
from .onnx_model import from_onnx
from .perceptrons import from_sklearn, to_sklearn
from .pytorch import from_torch, to_torch
from .summaries import LayerSummary, Summary, summary

__all__ = [
    "LayerSummary", "Name", "Summary", "from_onnx", "from_sklearn", "from_torch", "names", "summary", "to_sklearn",
    "to_torch",
]
