"""What the tests and the docstrings' examples share: pictures without a display."""

import importlib.util
import os
import sys

import pytest

os.environ["MPLBACKEND"] = "Agg"
# Tests of threads must have threads, in this process and in those that it starts.
for _name in ("CNET_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.pop(_name, None)

# Tests and examples of what needs another library: the estimators scikit-learn, and so on.
NEEDED = {
    "sklearn": ["cnet/estimators/*", "tests/estimators/*", "cnet/exchange/perceptrons.py"],
    "onnx": ["cnet/exchange/onnx_model.py", "cnet/export/onnx_model.py"],
    "torch": ["cnet/exchange/pytorch.py", "cnet/exchange/exp.py"],
}
collect_ignore_glob = [path for name, paths in NEEDED.items() if not importlib.util.find_spec(name) for path in paths]


@pytest.fixture(autouse=True)
def close_figures():
    """Leave no figure open behind an example or a test."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
