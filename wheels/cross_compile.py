"""Compiles and links every extension module for other platforms, with the flags of setup.py.

    python wheels/cross_compile.py OUTPUT [TARGET ...]

Needs ziglang (a C and C++ compiler with the headers and libraries of many platforms, from
the package index), Cython, setuptools, abi3audit, and the headers of the Python that runs it. The
files cannot be run here. What they prove: every module compiles and links for the target, needs
nothing of Python beyond the stable ABI of 3.11, exports its entry point, and the kernels of each
instruction set hold that set's machine code.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import struct
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from abi3info import DATAS, FUNCTIONS
from abi3info.models import PyVersion
from Cython.Build import cythonize
from machine_code import FEWEST_MULTIPLY_ADDS, multiply_adds
from setuptools import Extension

ROOT = Path(__file__).resolve().parents[1]
STABLE_ABI = PyVersion(3, 11)


@dataclass(frozen=True)
class Target:
    zig: str
    system: str
    processor: str

    @property
    def suffix(self) -> str:
        return ".pyd" if self.system == "windows" else ".abi3.so"


TARGETS = [
    Target("x86_64-linux-gnu.2.17", "linux", "x86_64"),
    Target("aarch64-linux-gnu.2.17", "linux", "arm64"),
    Target("x86_64-linux-musl", "linux", "x86_64"),
    Target("aarch64-linux-musl", "linux", "arm64"),
    Target("x86_64-macos.11.0", "macos", "x86_64"),
    Target("aarch64-macos.11.0", "macos", "arm64"),
    Target("x86_64-windows-gnu", "windows", "x86_64"),
    Target("aarch64-windows-gnu", "windows", "arm64"),
]


def load_setup() -> ModuleType:
    """setup.py as a module: it builds only where it is run."""
    spec = importlib.util.spec_from_file_location("cnet_setup", ROOT / "setup.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def zig(*arguments: str) -> None:
    """Run the compiler; its words are shown only where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "ziglang", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"FAILED: zig {' '.join(arguments)}\n{done.stderr}")


def python_headers(target: Target, work: Path) -> Path:
    """Python's headers, with a pyconfig.h for the target where this machine's would be wrong."""
    include = Path(sysconfig.get_path("include"))
    if target.system != "windows":
        return include
    copy = work / "include"
    if not copy.exists():
        shutil.copytree(include, copy)
        shutil.copy(ROOT / "wheels" / "windows" / "include" / "pyconfig.h", copy)
    return copy


def import_library(target: Target, work: Path) -> str:
    """A library to link with that stands for python3.dll, from the list of the stable ABI."""
    definition = work / "python3.def"
    names = [symbol.name for symbol, entry in FUNCTIONS.items() if entry.added <= STABLE_ABI]
    data = [f"{symbol.name} DATA" for symbol, entry in DATAS.items() if entry.added <= STABLE_ABI]
    definition.write_text("LIBRARY python3.dll\nEXPORTS\n" + "\n".join(names + data) + "\n")
    library = work / "python3.lib"
    machine = {"x86_64": "i386:x86-64", "arm64": "arm64"}[target.processor]
    zig("dlltool", "-m", machine, "-d", str(definition), "-l", str(library))
    return str(library)


def build(extension: Extension, target: Target, libraries: list[str], work: Path) -> Path:
    """One module: compiled, linked; the file."""
    name = extension.name.rsplit(".", 1)[-1]
    object_file, module = work / f"{name}.o", work / f"{name}{target.suffix}"
    macros = [f"-D{key}={value}" for key, value in extension.define_macros]
    headers = [f"-I{path}" for path in [*extension.include_dirs, str(python_headers(target, work))]]
    common = ["c++", "-target", target.zig, "-fPIC"]
    zig(*common, *extension.extra_compile_args, *macros, *headers, "-c", extension.sources[0], "-o", str(object_file))
    undefined = ["-undefined", "dynamic_lookup"] if target.system == "macos" else []
    zig(*common, "-shared", str(object_file), *libraries, *extension.extra_link_args, *undefined, "-o", str(module))
    return module


def file_kind(module: Path) -> tuple[str, str]:
    """System and processor that an ELF, Mach-O or PE file is for, by its header."""
    head = module.read_bytes()[:4096]
    if head[:4] == b"\x7fELF":
        return "linux", {62: "x86_64", 183: "arm64"}.get(struct.unpack_from("<H", head, 18)[0], "?")
    if head[:4] == b"\xcf\xfa\xed\xfe":
        kinds = {0x01000007: "x86_64", 0x0100000C: "arm64"}
        return "macos", kinds.get(struct.unpack_from("<I", head, 4)[0], "?")
    if head[:2] == b"MZ":
        header = struct.unpack_from("<I", head, 0x3C)[0]
        return "windows", {0x8664: "x86_64", 0xAA64: "arm64"}.get(struct.unpack_from("<H", head, header + 4)[0], "?")
    return "?", "?"


def check(module: Path, target: Target) -> None:
    name = module.name.split(".")[0]
    if file_kind(module) != (target.system, target.processor):
        sys.exit(f"FAILED: {module} is for {file_kind(module)}, expected {target.system}, {target.processor}")
    if f"PyInit_{name}".encode() not in module.read_bytes():
        sys.exit(f"FAILED: {module} has no entry point PyInit_{name}")
    isa = name.removeprefix("_kernels_")
    if isa == "baseline" and target.processor == "arm64":
        isa = "neon"
    if isa in ("avx2", "avx512", "neon") and multiply_adds(module, isa) < FEWEST_MULTIPLY_ADDS:
        sys.exit(f"FAILED: {module} holds no machine code of {isa}")


def audit(modules: list[Path]) -> None:
    """Nothing of Python but the stable ABI is needed."""
    names = [str(module) for module in modules]
    done = subprocess.run(
        [sys.executable, "-m", "abi3audit", "--strict", "--assume-minimum-abi3", "3.11", *names],
        capture_output=True, text=True, check=False,
    )
    if done.returncode:
        sys.exit(f"FAILED: abi3audit\n{done.stdout}{done.stderr}")


def cross_compile(target: Target, output: Path) -> None:
    work = output / target.zig
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    setup = load_setup()
    extensions = setup.extensions(target.system, target.processor, "gnu")
    extensions = cythonize(extensions, include_path=["."], quiet=True, compiler_directives=setup.DIRECTIVES)
    python_headers(target, work)
    libraries = [import_library(target, work)] if target.system == "windows" else []
    with ThreadPoolExecutor(2) as pool:
        modules = list(pool.map(lambda extension: build(extension, target, libraries, work), extensions))
    for module in modules:
        check(module, target)
    audit(modules)
    size = sum(module.stat().st_size for module in modules)
    print(f"ok: {target.zig}: {len(modules)} modules, {size:,} bytes", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compile and link every extension module for other platforms.")
    parser.add_argument("output", type=Path)
    parser.add_argument("targets", nargs="*", help=", ".join(target.zig for target in TARGETS))
    arguments = parser.parse_args()
    output = arguments.output.resolve()
    os.chdir(ROOT)
    known = {target.zig: target for target in TARGETS}
    for name in arguments.targets or known:
        if name not in known:
            parser.error(f"unknown target {name!r}: expected one of {', '.join(known)}")
        cross_compile(known[name], output)


if __name__ == "__main__":
    main()
