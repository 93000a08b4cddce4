"""What several tests share."""

import os
from pathlib import Path

import pytest

from cnet.core import _dispatch

MNIST = Path(os.environ.get("CNET_TEST_MNIST", Path(__file__).parents[2] / "shared" / "data" / "mnist"))


@pytest.fixture(scope="session")
def mnist_dir():
    """Folder of the real MNIST; tests that need it are skipped elsewhere."""
    if not any(MNIST.glob("train-images*")):
        pytest.skip(f"the real MNIST is not at {MNIST} (set CNET_TEST_MNIST to its folder)")
    return MNIST


@pytest.fixture(params=_dispatch.available())
def isa(request):
    """Each instruction set of this machine in turn."""
    former = _dispatch.use(request.param)
    yield request.param
    _dispatch.use(former)
