"""
Calling cnet from Cython
========================

Your own compiled program can call cnet's compiled code directly, without going through Python and
without holding the GIL: ``cimport cnet.capi``. This one is a training loop.

It needs Cython, setuptools and a C compiler.
"""

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

import cnet
import cnet.plots

# %%
# The loop. A *session* makes a network usable from C; it reads the network's parameters in
# place. ``gradient32`` writes the derivatives with respect to W1, b1, W2 and b2 one after another, and returns the
# loss. All of it runs ``with nogil``. cnet checks nothing here: sizes and labels must be valid.

SOURCE = """
# cython: language_level=3, boundscheck=False, wraparound=False
import numpy as np

cimport cnet.capi as cnet_c
from libc.stdint cimport int32_t


cdef void step(float[::1] parameter, const float* gradient, float rate) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(parameter.shape[0]):
        parameter[i] -= rate * gradient[i]


def descend(net, const float[:, ::1] x, const int32_t[::1] t, int steps, float rate):
    cdef float[::1] W1 = net.params["W1"].reshape(-1), b1 = net.params["b1"]
    cdef float[::1] W2 = net.params["W2"].reshape(-1), b2 = net.params["b2"]
    cdef double[::1] losses = np.empty(steps)
    cdef float[::1] gradient
    cdef float* at
    cdef int i
    cdef cnet_c.Session32* session = cnet_c.open_session32(net)
    try:
        gradient = np.empty(cnet_c.parameters32(session), np.float32)
        with nogil:
            for i in range(steps):
                at = &gradient[0]
                losses[i] = cnet_c.gradient32(session, x.shape[0], &x[0, 0], &t[0], at)
                step(W1, at, rate)
                at += W1.shape[0]
                step(b1, at, rate)
                at += b1.shape[0]
                step(W2, at, rate)
                at += W2.shape[0]
                step(b2, at, rate)
    finally:
        cnet_c.close_session32(session)
    return np.asarray(losses)
"""

# The build. Cython finds an installed cnet by itself; the include path is for an editable installation.

SETUP = """
from pathlib import Path

import cnet
from Cython.Build import cythonize
from setuptools import Extension, setup

modules = [Extension("descent", ["descent.pyx"])]
folder = str(Path(cnet.__file__).parents[1])
setup(name="descent", ext_modules=cythonize(modules, include_path=[folder]))
"""


def build(folder: Path) -> Any:
    """Compile the loop in `folder` and import it."""
    (folder / "descent.pyx").write_text(SOURCE, encoding="utf-8")
    (folder / "setup.py").write_text(SETUP, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=folder, capture_output=True, text=True, check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the loop could not be compiled:\n{done.stderr}")
    spec = importlib.util.spec_from_file_location("descent", next(folder.glob("descent.*[do]")))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# %%
# Here is gradient descent on a thousand digits, all of them at each step, by the compiled loop:

pixels, labels = cnet.datasets.make_digits(1000, rng=0)
x, t = pixels.astype(np.float32) / 255, labels.astype(np.int32)
net = cnet.TwoLayerNet(784, 50, 10, "he", activation="relu", rng=0)
with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
    losses = build(Path(name)).descend(net, x, t, 200, 0.3)
print(f"loss {losses[0]:.2f} -> {losses[-1]:.2f}, accuracy {net.accuracy(x, t):.2f}")

# %%
# And this is the same from Python. The two add up in different orders, so the losses agree up to rounding errors, which
# in float32 grow a little with every step.

twin = cnet.TwoLayerNet(784, 50, 10, "he", activation="relu", rng=0)
expected = np.empty(200)
for i in range(200):
    expected[i] = twin.loss(x, t)
    gradient = twin.gradient(x, t)
    for key in ("W1", "b1", "W2", "b2"):
        twin.params[key] -= 0.3 * gradient[key]
difference = np.abs(losses - expected)
first = difference[:10]
print(f"difference: {first.max():.0e} in the first ten steps, {difference.max():.0e} in all")
cnet.plots.loss_curve(losses, smoothing=1)
plt.show()
