"""The extension modules: what is compiled, and with which flags for which instruction set.

Switches (environment variables, for developers; see CONTRIBUTING.md):

``CNET_BUILD_NORMAL=1``    build for this Python only, not for the limited API
``CNET_BUILD_COVERAGE=1``  line tracing in every compiled module (implies the normal build)
``CNET_BUILD_DEBUG=1``     no optimisation, assertions and debug symbols
``CNET_BUILD_SANITIZE=address,undefined``  compile and link with these sanitizers
``CNET_BUILD_ISA=avx2``    the kernels of this instruction set only; others stay as they are (see .ci/kernels)
``CNET_BUILD_ARRAYS=1``    the baseline's kernels over plain arrays, as compilers without vector types get them
"""
import os
import re
import shutil
import sys
import sysconfig
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# The lowest CPython whose stable ABI the modules are built for.
LIMITED_API = "0x030B0000"

# Modules of cnet that are compiled once, for any processor of the platform.
MODULES = [
    "capi", "core._apply", "core._arrays", "core._augment", "core._digits", "core._dispatch", "core._functions",
    "core._gradient",
    "core._inputs", "core._iterations", "core._memory", "core._network", "core._numerical",
    "core._numerical_trainer", "core._one_fit", "core._products", "core._record", "core._scan", "core._stages",
    "core._state", "core._steps", "core._targets", "core._workspace", "core._team", "core._trainer",
]

# Of these, those that spend no time worth counting in code of their own: compiled to be small.
SMALL = {
    "core._arrays", "core._dispatch", "core._numerical_trainer", "core._one_fit", "core._record", "core._state",
    "core._targets", "core._trainer",
}

# How Python's names of the systems begin.
SYSTEMS = {"linux": "linux", "macosx": "macos", "win": "windows"}

# Instruction sets beyond the platform's own, as GCC and Clang name them, and as MSVC does.
X86_INSTRUCTION_SETS = {
    # Aligned loops: 2 to 4 % of the sparse fits on Zen 5; the AVX-512 kernels lose as much by them.
    "avx2": (["-mavx2", "-mfma", "-mbmi", "-falign-loops=32"], ["/arch:AVX2"]),
    "avx512": (
        ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-mbmi", "-mprefer-vector-width=512"],
        ["/arch:AVX512"],
    ),
}


def switch(name):
    return os.environ.get(f"CNET_BUILD_{name}", "") not in ("", "0")


COVERAGE = switch("COVERAGE")
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
LIMITED = not (switch("NORMAL") or COVERAGE or FREE_THREADED)

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "freethreading_compatible": True,
    "embedsignature": True,
    "embedsignature.format": "clinic",
    # Functions as C defines them: those of Cython bring their type, some 9 kB of a wheel, to each module.
    "binding": False,
    "linetrace": COVERAGE,
}


def target_platform():
    """System and processor that are built for, which need not be those that build.

    Python's own name of the platform says both ("linux-x86_64", "win-amd64",
    "macosx-11.0-universal2"); a build for macOS narrows it by ARCHFLAGS. Two
    processors in one file ("universal2") get what both have: the baseline.
    """
    name = (os.environ.get("_PYTHON_HOST_PLATFORM") or sysconfig.get_platform()).lower()
    system = next((known for prefix, known in SYSTEMS.items() if name.startswith(prefix)), name.split("-")[0])
    processors = os.environ.get("ARCHFLAGS", "").lower().split()[1::2] if system == "macos" else []
    processor = processors[0] if len(processors) == 1 else name.rsplit("-", 1)[-1]
    return system, {"aarch64": "arm64", "amd64": "x86_64"}.get(processor, processor)


def compiler_kind(system):
    """Whose command line the compiler speaks: "gnu", "msvc" or "clang-cl"."""
    if system != "windows":
        return "gnu"
    return "clang-cl" if "clang-cl" in os.environ.get("CC", "") else "msvc"


def compile_flags(kind, processor, small=False):
    if kind != "gnu":
        flags = ["/Od", "/Zi"] if switch("DEBUG") else ["/O1" if small else "/O2", "/fp:precise"]
        if kind == "clang-cl":
            target = {"arm64": "aarch64"}.get(processor, processor)
            flags += [f"--target={target}-pc-windows-msvc", "/clang:-ffp-contract=off"]
        return [*flags, "/std:c++17"]
    flags = ["-O0", "-g"] if switch("DEBUG") else [
        "-Os" if small else "-O3", "-g0", "-fno-math-errno", "-fno-trapping-math"]
    if switch("SANITIZE"):
        # More optimisation takes four times as long to compile, and finds nothing more.
        flags += ["-O1", "-g1"]
    # A multiply and an add are fused only where the kernels say so: bits must not
    # depend on a compiler's taste. Exceptions and run-time types are never used.
    flags += ["-std=c++17", "-ffp-contract=off", "-fno-exceptions", "-fno-rtti", "-fvisibility=hidden"]
    # Cython's helpers for features that a module does not use.
    flags += ["-Wno-unused-function", "-Wno-maybe-uninitialized"]
    return flags


def instruction_set_flags(isa, kind):
    gnu, msvc = X86_INSTRUCTION_SETS.get(isa, ([], []))
    if kind == "clang-cl":
        return [f"/clang:{flag}" for flag in gnu]
    return msvc if kind == "msvc" else gnu


def sanitizer_flags():
    """What undefined behaviour is found ends the program, with the lines that led there."""
    if not switch("SANITIZE"):
        return []
    return [f"-fsanitize={os.environ['CNET_BUILD_SANITIZE']}", "-fno-sanitize-recover=all"]


def link_flags(system):
    if system == "linux":
        # No function of the C++ library is called: leave it out of the wheel's needs.
        return ["-Wl,--as-needed"] + ([] if switch("DEBUG") or switch("SANITIZE") else ["-Wl,-s"])
    return []


# How one file of the compiled code names another: included text, a header, a module's declarations.
REFERENCES = (
    (re.compile(r'^\s*#?include "(.+?)"', re.MULTILINE), "{}"),
    (re.compile(r'cdef extern from "(.+?)"'), "{}"),
    (re.compile(r"^\s*from \.(?:core\.)?(\w+) cimport", re.MULTILINE), "{}.pxd"),
)


def dependencies(source):
    """Every file that a source includes or declares by, directly or through another: what it is recompiled for."""
    found, waiting = set(), [source, source.with_suffix(".pxd")]
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        text = path.read_text(encoding="utf-8")
        for pattern, name in REFERENCES:
            for match in pattern.findall(text):
                waiting += [path.parent / name.format(match), Path("cnet/core") / name.format(match)]
    return found - {source}


def extension(module, system, processor, kind, isa="baseline"):
    sanitizers = sanitizer_flags()
    macros = [("CNET_ISA", f"cnet_{isa}")]
    flags = compile_flags(kind, processor, module in SMALL) + instruction_set_flags(isa, kind) + sanitizers
    if LIMITED:
        macros.append(("Py_LIMITED_API", LIMITED_API))
    if switch("ARRAYS") and module == "core._kernels_baseline":
        macros.append(("CNET_VECTOR_EXTENSION", "0"))
    if module.startswith("core._kernels"):
        # Blocks of registers stay in registers only once their sizes are constants, that is,
        # once inlined: left to its taste, GCC ran the AVX-512 product at a third of this speed.
        macros.append(("CYTHON_INLINE", "inline __attribute__((always_inline))" if kind == "gnu" else "__forceinline"))
        if processor == "arm64" and system == "linux":
            # GCC, moving instructions before it gives them registers, left one of a dense block's 24 sums none.
            flags.append("-fno-schedule-insns")
    if COVERAGE:
        macros.append(("CYTHON_TRACE_NOGIL", "1"))
    return Extension(
        f"cnet.{module}",
        [f"cnet/{module.replace('.', '/')}.pyx"],
        language="c++",
        include_dirs=["cnet/core"],
        define_macros=macros,
        extra_compile_args=flags,
        extra_link_args=link_flags(system) + sanitizers,
        depends=sorted(str(path) for path in dependencies(Path("cnet", *module.split(".")).with_suffix(".pyx"))),
        py_limited_api=LIMITED,
    )


def extensions(system, processor, kind):
    modules = [extension(name, system, processor, kind) for name in MODULES]
    sets = ["baseline", *(X86_INSTRUCTION_SETS if processor == "x86_64" else ())]
    only = os.environ.get("CNET_BUILD_ISA")
    if only and only not in sets:
        raise SystemExit(f"CNET_BUILD_ISA must be one of {', '.join(sets)}, got {only!r}")
    return modules + [
        extension(f"core._kernels_{isa}", system, processor, kind, isa) for isa in ([only] if only else sets)]


class BuildExtensions(build_ext):
    """Two things that setuptools has no setting for: clang-cl, and one job for each processor."""

    def finalize_options(self):
        super().finalize_options()
        if self.parallel is None and sys.platform != "win32":
            self.parallel = os.cpu_count()

    def build_extensions(self):
        if compiler_kind(target_platform()[0]) == "clang-cl":
            self.compiler.initialize()
            self.compiler.cc = shutil.which(os.environ["CC"]) or os.environ["CC"]
            # Code generation at link time is between Microsoft's compiler and its linker.
            for name, flag in (("compile_options", "/GL"), ("ldflags_shared", "/LTCG")):
                options = getattr(self.compiler, name)
                setattr(self.compiler, name, [option for option in options if option != flag])
        super().build_extensions()


def build():
    system, processor = target_platform()
    setup(
        cmdclass={"build_ext": BuildExtensions},
        ext_modules=cythonize(
            extensions(system, processor, compiler_kind(system)),
            include_path=["."],
            nthreads=2 if sys.platform == "linux" else 0,
            compiler_directives=DIRECTIVES,
        ),
        options={"bdist_wheel": {"py_limited_api": "cp311"}} if LIMITED else {},
    )


# wheels/cross_compile.py reads the flags from here without building.
if __name__ == "__main__":
    build()
