"""What an installed wheel of cnet must prove, on every platform. Needs NumPy and nothing else.

    python smoke_test.py

Run it outside the source tree, with the Python that the wheel is installed into.

1. The package is the installed one, and its compiled modules load.
2. ``show_config()`` lists every instruction set that a wheel for this processor must
   have, and each module of kernels holds that set's own machine code.
3. Under each instruction set that runs here, with the compiler's real code: a network
   learns drawn digits, has the same bits with one thread and with two, and is the same
   after saving and loading.
4. In a free-threaded Python the GIL stays off.
"""

from __future__ import annotations

import importlib
import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import numpy as np
from machine_code import FEWEST_MULTIPLY_ADDS, multiply_adds

import cnet

# Of a 784-50-10 network after 2,000 mini-batches of 100 from 10,000 drawn digits, on
# 2,000 others.
ACCURACY = 0.85

# For each processor: its instruction sets, and the bits in their vectors.
EXPECTED = {
    "x86_64": {"baseline": 128, "avx2": 256, "avx512": 512},
    "arm64": {"neon": 128},
}


def check(proof: bool, claim: str) -> None:
    """Say what is proven, or end with what is not."""
    if not proof:
        sys.exit(f"FAILED: {claim}")
    print(f"ok: {claim}")


def processor() -> str:
    machine = platform.machine().lower()
    return {"amd64": "x86_64", "aarch64": "arm64"}.get(machine, machine)


def check_installed() -> None:
    place = Path(cnet.__file__).resolve().parent
    here = Path(__file__).resolve().parent
    check(place.parent not in (Path.cwd(), here, here.parent),
          f"cnet {cnet.__version__} is imported from where it is installed")
    modules = sorted(path for path in (place / "core").iterdir() if path.suffix in (".so", ".pyd"))
    check(len(modules) > 5, f"{len(modules)} compiled modules are there")
    runnable = set(cnet.show_config(mode="dicts")["available"])
    for path in modules:
        name = path.name.split(".")[0]
        isa = name.removeprefix("_kernels_")
        # The kernels of a set that this processor lacks must not run, not even to load.
        if isa == name or isa in runnable or (isa == "baseline" and "neon" in runnable):
            importlib.import_module(f"cnet.core.{name}")
    suffix = ".pyd" if sys.platform == "win32" else ".abi3.so"
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        check(all(path.name.endswith(suffix) and ".cp" not in path.name for path in modules),
              f"every module is built for the stable ABI (*{suffix}); this is Python {platform.python_version()}")
    left = [path.name for path in place.rglob("*") if path.suffix in (".pyx", ".pxi", ".cpp", ".c")]
    check(not left, "no sources of compiled modules are in the wheel")
    check((place / "py.typed").is_file(), "py.typed is there")


def check_instruction_sets() -> None:
    expected = EXPECTED.get(processor())
    if expected is None:
        sys.exit(f"FAILED: no wheel is made for {platform.machine()}")
    core = Path(cnet.__file__).parent / "core"
    config = cnet.show_config(mode="dicts")
    built = config["built"]
    check(set(built) == set(expected), f"built for {', '.join(expected)} (found: {', '.join(built)})")
    check(set(config["available"]) <= set(built), f"of these, {', '.join(config['available'])} run here")
    for isa in expected:
        if isa != "baseline":
            name = f"_kernels_{'baseline' if isa == 'neon' else isa}"
            (module,) = (path for path in core.glob(f"{name}.*") if path.suffix in (".so", ".pyd"))
            found = multiply_adds(module, isa)
            check(found >= FEWEST_MULTIPLY_ADDS, f"{isa}: {found} multiply-adds of whole vectors in its machine code")
    if sys.platform == "win32":
        check(config["compiler"].startswith("Clang"), "compiled by clang-cl, which knows vector types")


def check_training() -> None:
    """With the instruction set that is in use."""
    config = cnet.show_config(mode="dicts")
    name = config["instruction set"]
    bits = EXPECTED[processor()][name]
    check(config["vector bits"] == bits, f"{name}: vectors of {bits} bits")
    x, t = cnet.datasets.make_digits(12_000, rng=1)
    trained = []
    for n_threads in (1, 2):
        net = cnet.TwoLayerNet(784, 50, 10, rng=0)
        net.fit(x[:10_000], t[:10_000], iterations=2_000, learning_rate=0.5, n_threads=n_threads)
        trained.append(net)
    accuracy = net.accuracy(x[10_000:], t[10_000:])
    check(accuracy >= ACCURACY, f"{name}: learns drawn digits ({accuracy:.2%} of 2,000 others are read right)")
    one, two = trained
    check(all(one.params[key].tobytes() == two.params[key].tobytes() for key in one.params),
          f"{name}: the same bits with one thread and with two")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.safetensors"
        net.save(path)
        again = cnet.load(path)
    check(all(net.params[key].tobytes() == again.params[key].tobytes() for key in net.params)
          and again.predict(x[:100]).tobytes() == net.predict(x[:100]).tobytes(),
          f"{name}: the same network after saving and loading")


def check_each_instruction_set() -> None:
    for name in cnet.show_config(mode="dicts")["available"]:
        sys.stdout.flush()
        done = subprocess.run([sys.executable, __file__, "--training"], env={**os.environ, "CNET_ISA": name})
        if done.returncode:
            sys.exit(f"FAILED: training under CNET_ISA={name} ended with {done.returncode}")


def main() -> None:
    if sys.argv[1:] == ["--training"]:
        check_training()
        return
    if sys.argv[1:]:
        sys.exit(f"usage: {sys.executable} smoke_test.py")
    os.environ.pop("CNET_ISA", None)
    check_installed()
    check_instruction_sets()
    check_each_instruction_set()
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        check(not sys._is_gil_enabled(), "the GIL is off after all modules are imported")
    print(f"cnet works here: Python {platform.python_version()}, NumPy {np.__version__}, {sysconfig.get_platform()}")


if __name__ == "__main__":
    main()
