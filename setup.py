"""The extension modules: what is compiled, and with which flags for which instruction set.

Switches (environment variables, for developers; see CONTRIBUTING.md):

``CNET_BUILD_NORMAL=1``    build for this Python only, not for the limited API
``CNET_BUILD_COVERAGE=1``  line tracing in every compiled module (implies the normal build)
``CNET_BUILD_DEBUG=1``     no optimisation, assertions and debug symbols
``CNET_BUILD_SANITIZE=address,undefined``  compile and link with these sanitizers
"""
import os
import platform
import sys
import sysconfig
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# The lowest CPython whose stable ABI the modules are built for.
LIMITED_API = "0x030B0000"

# Modules that are compiled once, for any processor of the platform.
MODULES = [
    "_digits", "_dispatch", "_functions", "_inputs", "_memory", "_network", "_numerical", "_scan",
    "_tape", "_team", "_trainer",
]

# Instruction sets beyond the platform's own: flags for GCC and Clang, flags for MSVC.
X86_INSTRUCTION_SETS = {
    "avx2": (["-mavx2", "-mfma", "-mbmi"], ["/arch:AVX2"]),
    "avx512": (
        ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-mbmi", "-mprefer-vector-width=512"],
        ["/arch:AVX512"],
    ),
}


def switch(name):
    return os.environ.get(f"CNET_BUILD_{name}", "") not in ("", "0")


def target_machine():
    """The processor that is built for, which need not be the one that builds."""
    name = os.environ.get("_PYTHON_HOST_PLATFORM") or sysconfig.get_platform()
    archflags = os.environ.get("ARCHFLAGS", "")
    for machine in ("arm64", "aarch64", "x86_64", "amd64", "win32", "i686"):
        if machine in archflags.lower() or name.lower().endswith(machine):
            return {"aarch64": "arm64", "amd64": "x86_64"}.get(machine, machine)
    return platform.machine().lower()


MSVC = sys.platform == "win32" and "gcc" not in os.environ.get("CC", "")
COVERAGE = switch("COVERAGE")
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
LIMITED = not (switch("NORMAL") or COVERAGE or FREE_THREADED)


def compile_flags():
    if MSVC:
        return ["/Od", "/Zi"] if switch("DEBUG") else ["/O2", "/fp:precise"]
    flags = ["-O0", "-g"] if switch("DEBUG") else ["-O3", "-g0", "-fno-math-errno", "-fno-trapping-math"]
    # A multiply and an add are fused only where the kernels say so: bits must not
    # depend on a compiler's taste. Exceptions and run-time types are never used.
    flags += ["-ffp-contract=off", "-fno-exceptions", "-fno-rtti", "-fvisibility=hidden"]
    # Cython's helpers for features that a module does not use.
    flags += ["-Wno-unused-function", "-Wno-maybe-uninitialized"]
    return flags


def link_flags():
    if sys.platform.startswith("linux"):
        # No function of the C++ library is called: leave it out of the wheel's needs.
        return ["-Wl,--as-needed"] + ([] if switch("DEBUG") else ["-Wl,-s"])
    return []


def extension(module, isa="baseline", flags=()):
    sanitizers = [f"-fsanitize={os.environ['CNET_BUILD_SANITIZE']}"] if switch("SANITIZE") else []
    macros = [("CNET_ISA", f"cnet_{isa}")]
    if LIMITED:
        macros.append(("Py_LIMITED_API", LIMITED_API))
    if module.startswith("_kernels"):
        # Blocks of registers stay in registers only once their sizes are constants, that is,
        # once inlined: left to its taste, GCC ran the AVX-512 product at a third of this speed.
        macros.append(("CYTHON_INLINE", "__forceinline" if MSVC else "inline __attribute__((always_inline))"))
    if COVERAGE:
        macros.append(("CYTHON_TRACE_NOGIL", "1"))
    return Extension(
        f"cnet.core.{module}",
        [f"cnet/core/{module}.pyx"],
        language="c++",
        include_dirs=["cnet/core"],
        define_macros=macros,
        extra_compile_args=compile_flags() + list(flags) + sanitizers,
        extra_link_args=link_flags() + sanitizers,
        depends=[str(path) for path in sorted(Path("cnet/core").rglob("*.[hp]*")) if path.suffix in (".h", ".pxi")],
        py_limited_api=LIMITED,
    )


def extensions():
    modules = [extension(name) for name in MODULES]
    modules.append(extension("_kernels_baseline"))
    if target_machine() == "x86_64":
        for isa, (gnu, msvc) in X86_INSTRUCTION_SETS.items():
            modules.append(extension(f"_kernels_{isa}", isa, msvc if MSVC else gnu))
    return modules


setup(
    ext_modules=cythonize(
        extensions(),
        include_path=["."],
        nthreads=0 if sys.platform == "win32" else 2,
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
            "freethreading_compatible": True,
            "embedsignature": True,
            "linetrace": COVERAGE,
        },
    ),
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if LIMITED else {},
)
