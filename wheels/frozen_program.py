"""What a program that PyInstaller freezes must prove. Needs an installed cnet, and PyInstaller.

    python frozen_program.py [FOLDER]

Run it outside the source tree, with the Python that cnet is installed into; FOLDER is for PyInstaller's
files (a temporary one by default).

1. A program that imports cnet is frozen without a word about cnet's modules, as a folder and as one file.
2. It trains, draws, saves and loads under each instruction set, with no Python on its path.
3. Without its modules of kernels, and without any compiled module, it says what is missing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cnet

PROGRAM = """
import sys
import cnet

x, t = cnet.datasets.make_digits(500, rng=0)
net = cnet.TwoLayerNet(784, 20, 10, rng=0)
net.fit(x, t, epochs=3)
net.save(sys.argv[1])
assert (cnet.load(sys.argv[1]).predict(x) == net.predict(x)).all()
net.numerical_gradient(x[:2], t[:2])
net.fit(x, t, iterations=1, gradient="numerical")
cnet.softmax([1.0, 2.0])
print(cnet.show_config("dicts")["instruction set"])
"""


def freeze(folder: Path, *options: str) -> Path:
    """The program's executable file."""
    (folder / "program.py").write_text(PROGRAM)
    subprocess.run(
        [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR", *options, "program.py"],
        cwd=folder, check=True,
    )
    return next(path for path in (folder / "dist").rglob("program*") if path.is_file())


def run(program: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The frozen program, as on a machine that has no Python."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
    return subprocess.run(
        [program, folder / "model.safetensors"], env=kept | environment, capture_output=True, text=True, timeout=300
    )


def check(proof: bool, claim: str, done: subprocess.CompletedProcess[str]) -> None:
    if not proof:
        sys.exit(f"FAILED: {claim}\n{done.stdout}\n{done.stderr}")
    print(f"ok: {claim}")


def prove(folder: Path) -> None:
    (folder / "one-file").mkdir()
    (folder / "one-folder").mkdir()
    done = run(freeze(folder / "one-file", "--onefile"), folder)
    check(done.returncode == 0, f"frozen into one file: it trains ({done.stdout.strip()})", done)
    program = freeze(folder / "one-folder", "--onedir")
    for isa in cnet.show_config(mode="dicts")["available"]:
        done = run(program, folder, CNET_ISA=isa)
        check(done.stdout.strip() == isa, f"frozen into a folder: it trains under {isa}", done)
    (core,) = (path for path in program.parent.rglob("core") if path.parent.name == "cnet")
    for modules, what, message in (
        ("_kernels_*", "the modules of kernels", "ImportError: no module of kernels (cnet.core._kernels_*) is here"),
        ("_*", "compiled modules", "ImportError: this program was frozen without the compiled modules of cnet"),
    ):
        for path in core.glob(modules):
            path.unlink()
        done = run(program, folder)
        check(done.returncode != 0 and message in done.stderr, f"without {what} it says so", done)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        prove(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            prove(Path(temporary))
