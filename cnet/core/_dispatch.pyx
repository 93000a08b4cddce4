# cython: language_level=3
"""Which instruction set runs here.

The kernels are compiled once for each instruction set. At import the best that
both the processor and the system support is chosen; the environment variable
``CNET_ISA`` may ask for another.
"""
import importlib
import importlib.util
import os
import platform
import sys

from cpython.pycapsule cimport PyCapsule_GetPointer

from .processors import processors

cdef extern from "cpu.h" nogil:
    enum:
        CNET_HAS_AVX2
        CNET_HAS_AVX512
    int cnet_cpu_features() noexcept

cdef extern from *:
    """
    #if defined(__clang__)
    #define CNET_COMPILER "Clang " __clang_version__
    #elif defined(__GNUC__)
    #define CNET_COMPILER "GCC " __VERSION__
    #elif defined(_MSC_VER)
    #define CNET_COMPILER "MSVC"
    #else
    #define CNET_COMPILER "unknown"
    #endif
    #if defined(__aarch64__) || defined(_M_ARM64)
    #define CNET_ARM 1
    #else
    #define CNET_ARM 0
    #endif
    #ifdef Py_LIMITED_API
    #define CNET_LIMITED 1
    #else
    #define CNET_LIMITED 0
    #endif
    """
    const char* CNET_COMPILER
    int CNET_ARM
    int CNET_LIMITED

# Best last. On arm64 the baseline has NEON, and goes by that name too.
_NAMES = ("baseline", "avx2", "avx512")

cdef const KernelTable* table = NULL
cdef dict loaded = {}
cdef str current = ""


cdef const KernelTable* active() noexcept nogil:
    return table


def built():
    """Names of the instruction sets that this build has kernels for."""
    # Loops and not generator expressions, which under the limited API drop a reference twice where there is no
    # memory for a small object.
    names = []
    for name in _NAMES:
        if (f"{__package__}._kernels_{name}" in sys.modules
                or importlib.util.find_spec(f"._kernels_{name}", __package__) is not None):
            names.append(_canonical(name))
    return tuple(names)


def available():
    """Names of the instruction sets that are built and run on this machine."""
    features = cnet_cpu_features()
    runs = {"baseline": True, "neon": True, "avx2": features & CNET_HAS_AVX2,
            "avx512": features & CNET_HAS_AVX512}
    names = []
    for name in built():
        if runs[name]:
            names.append(name)
    return tuple(names)


def _canonical(name):
    return "neon" if CNET_ARM and name == "baseline" else name


def _load(name):
    module_name = "baseline" if name == "neon" else name
    if name not in loaded:
        loaded[name] = importlib.import_module(f"._kernels_{module_name}", __package__).capsule
    return loaded[name]


def use(name):
    """Run the kernels of one instruction set from now on; returns the former's name.

    Fits under way keep theirs. For tests and comparisons: ``CNET_ISA`` is the way
    for users.
    """
    global table, current
    former = current
    wanted = _canonical(name)
    if wanted not in available():
        raise ValueError(
            f"instruction set {name!r} cannot run here: expected one of {', '.join(available())} "
            f"(built: {', '.join(built())})"
        )
    table = <const KernelTable*>PyCapsule_GetPointer(_load(wanted), "cnet.core.KernelTable")
    current = wanted
    return former


def active_name():
    """Name of the instruction set in use."""
    return current


def vector_bytes():
    """Bytes in one vector of the instruction set in use."""
    return table.vector_bytes


def config():
    """What runs here, as a dictionary (see ``cnet.show_config``)."""
    return {
        "instruction set": current,
        "available": available(),
        "built": built(),
        "vector bits": 8 * vector_bytes(),
        "processors": processors(anew=True)[0],
        "machine": platform.machine(),
        "compiler": (<bytes>CNET_COMPILER).decode(),
        "limited API": bool(CNET_LIMITED),
    }


def _choose():
    wanted = os.environ.get("CNET_ISA", "").strip()
    if not built():
        raise ImportError(
            f"no module of kernels ({__package__}._kernels_*) is here, and cnet computes nothing without one: "
            f"install cnet anew, or, in a frozen program, bundle the package {__package__} whole "
            f"(PyInstaller: --collect-submodules {__package__})",
            name=__package__.partition(".")[0],
        )
    if not wanted:
        *_, best = available()
        return use(best)
    try:
        return use(wanted)
    except ValueError as error:
        # By this name `python -m` knows that the package is to blame, and prints a line, not a traceback.
        raise ImportError(f"CNET_ISA={wanted}: {error}", name=__package__.partition(".")[0]) from None


_choose()
