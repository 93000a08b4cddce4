"""What the tests and the docstrings' examples share: pictures without a display."""

import importlib.util
import os
import sys

import pytest

os.environ["MPLBACKEND"] = "Agg"
# Tests of threads must have threads, in this process and in those that it starts.
for _name in ("CNET_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.pop(_name, None)

# The estimators, whose tests and examples need scikit-learn.
collect_ignore_glob = [] if importlib.util.find_spec("sklearn") else ["cnet/estimators/*", "tests/estimators/*"]


@pytest.fixture(autouse=True)
def close_figures():
    """Leave no figure open behind an example or a test."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
