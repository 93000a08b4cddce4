"""Networks for other places: files that compute what ``predict`` does, where there is no cnet.

Every function here takes a network and the path of the file to write; ``cnet export`` is the same on the command line.
What each format is for, and how to use what is written, is on the page on exporting.

Examples
--------
>>> import os, tempfile
>>> import cnet
>>> net = cnet.MultiLayerNet(4, [3], 2, rng=0)
>>> with tempfile.TemporaryDirectory() as folder:
...     cnet.export.numpy(net, os.path.join(folder, "model.py"))
...     os.listdir(folder)
['model.py']
"""

from __future__ import annotations

from .c_source import c
from .numpy_module import numpy
from .onnx_model import onnx
from .rounding import Rounding

__all__ = ["Rounding", "c", "numpy", "onnx"]
