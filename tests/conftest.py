"""What several tests share."""

import os
import shutil
import signal
from pathlib import Path

import pytest

import cnet
from cnet.core import _dispatch, _team, _trainer

# A shell starts what runs in the background with Ctrl-C ignored, and programs hand that on to those
# that they start: here it means what it means at a terminal, for this process and for its children.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A fit takes as many threads as a test asks for, however few processors there are.
_team.most_threads = lambda: 256


# Tests of one instruction set alone, where the kernels of the others are older (.ci/kernels).
ONLY_ISA = os.environ.get("CNET_TEST_ISA")
if ONLY_ISA:
    _dispatch.available = lambda: (ONLY_ISA,)


class SameThreads:
    """In place of a fit's ThreadChooser: as many threads from end to end, however busy the machine is."""

    tick, patience = 0.04, float("inf")

    def __init__(self, most):
        self.threads = most

    def measured(self, iterations, seconds, waited):
        pass


_trainer.ThreadChooser = SameThreads

MNIST = Path(os.environ.get("CNET_TEST_MNIST", Path(__file__).parents[2] / "shared" / "data" / "mnist"))


@pytest.fixture(scope="session")
def network():
    """One that reads drawn digits well; for tests that only ask it."""
    x, t = cnet.datasets.make_digits(20_000, rng=1)
    net = cnet.TwoLayerNet(784, 100, 10, "he", activation="relu", rng=0)
    net.fit(x, t, epochs=10)
    return net


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


@pytest.fixture(scope="module")
def browser():
    """Chromium, which opens pages."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("Chromium is not installed: it opens the pages")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: it drives Chromium")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()
