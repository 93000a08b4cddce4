"""Compiles and links every module as clang-cl does on Windows, under Microsoft's ABI.

    python wheels/compile_msvc.py OUTPUT

Needs clang, lld-link, and what cross_compile.py needs. Microsoft's own headers and libraries are not
to be had here: the C headers are those that ziglang carries for Windows (MinGW's), the little of
the C++ library that cnet uses stands in windows/include, and of the C run time only the names are linked.
So this proves that setup.py's options for clang-cl are understood, that every module's code
compiles for x86_64 and arm64 under Microsoft's ABI, links, and that the kernels hold the
instructions of their sets; not that Microsoft's headers say the same as these. In a second pass the
kernels compile by the branch of simd.h that serves Microsoft's own compiler.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ziglang
from cross_compile import ROOT, Target, check, import_library, load_setup, python_headers, zig
from Cython.Build import cythonize
from setuptools import Extension

WINDOWS = ROOT / "wheels" / "windows"
MINGW = Path(ziglang.__file__).parent / "lib" / "libc" / "include" / "any-windows-any"
# What MinGW's headers need to take clang-cl for a compiler that they know.
FOR_MINGW = ["-D_UCRT", "/clang:-fgnuc-version=4.8.1", "-Wno-everything"]
# Functions of the C run time and of the system that the modules may call.
C_FUNCTIONS = """
    _assert abort acos atan2 calloc ceil cos exp expf fabs floor fmod fputs free log logf malloc memchr memcmp
    memcpy memmove memset pow realloc roundf round sin sqrt strchr strcmp strlen strncmp strrchr tan tanh
    _timespec64_get __acrt_iob_func __stdio_common_vsprintf fprintf snprintf vfprintf vsnprintf
""".split()
SYSTEM_FUNCTIONS = """
    GetCurrentThreadId QueryPerformanceCounter QueryPerformanceFrequency Sleep SwitchToThread
    WaitOnAddress WakeByAddressAll WakeByAddressSingle
""".split()
TARGETS = {
    "x86_64": Target("x86_64-windows-gnu", "windows", "x86_64"),
    "arm64": Target("aarch64-windows-gnu", "windows", "arm64"),
}


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"FAILED: {' '.join(command)}\n{done.stdout}{done.stderr}")


def stand_in(name: str, functions: list[str], machine: str, work: Path) -> str:
    """An import library of a DLL of the system."""
    definition, library = work / f"{name}.def", work / f"{name}.lib"
    definition.write_text(f"LIBRARY {name}.dll\nEXPORTS\n" + "\n".join(functions) + "\n")
    zig("dlltool", "-m", machine, "-d", str(definition), "-l", str(library))
    return str(library)


def compile_module(extension: Extension, target: Target, work: Path, *more: str) -> Path:
    """One module's object file, by the options that setup.py hands to clang-cl."""
    object_file = work / f"{extension.name.rsplit('.', 1)[-1]}.obj"
    macros = [f"-D{key}={value}" for key, value in extension.define_macros]
    include = [*extension.include_dirs, str(WINDOWS / "include"), str(python_headers(target, work))]
    run("clang", "--driver-mode=cl", "/nologo", "/c", "/MD", *extension.extra_compile_args, *macros, *more, *FOR_MINGW,
        *[f"-I{path}" for path in include], "-imsvc", str(MINGW), extension.sources[0], f"/Fo{object_file}")
    return object_file


def compile_for(processor: str, output: Path) -> None:
    target = TARGETS[processor]
    work = output / processor
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    setup = load_setup()
    extensions = setup.extensions("windows", processor, "clang-cl")
    extensions = cythonize(extensions, include_path=["."], quiet=True, compiler_directives=setup.DIRECTIVES)
    python_headers(target, work)
    machine = {"x86_64": "i386:x86-64", "arm64": "arm64"}[processor]
    libraries = [
        import_library(target, work), stand_in("ucrtbase", C_FUNCTIONS, machine, work),
        stand_in("kernel32", SYSTEM_FUNCTIONS, machine, work),
    ]
    runtime = str(work / "runtime.obj")
    triple = {"x86_64": "x86_64", "arm64": "aarch64"}[processor] + "-pc-windows-msvc"
    source = str(WINDOWS / "runtime.c")
    run("clang", "--driver-mode=cl", "/nologo", "/c", f"--target={triple}", f"/Fo{runtime}", "--", source)

    def build(extension: Extension) -> Path:
        name = extension.name.rsplit(".", 1)[-1]
        module = work / f"{name}.pyd"
        object_file = compile_module(extension, target, work)
        run("lld-link", "/nologo", "/dll", "/noentry", "/nodefaultlib", f"/export:PyInit_{name}", f"/out:{module}",
            str(object_file), runtime, *libraries)
        return module

    with ThreadPoolExecutor(2) as pool:
        for module in pool.map(build, extensions):
            check(module, target)
    print(f"ok: {triple}: {len(extensions)} modules compile by clang-cl's options and link", flush=True)

    kernels = [extension for extension in extensions if "_kernels_" in extension.name]
    for extension in kernels:
        compile_module(extension, target, work, "-DCNET_VECTOR_EXTENSION=0")
    print(f"ok: {triple}: {len(kernels)} tables of kernels compile without vector types, as by cl", flush=True)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} OUTPUT")
    output = Path(sys.argv[1]).resolve()
    os.chdir(ROOT)
    for processor in TARGETS:
        compile_for(processor, output)


if __name__ == "__main__":
    main()
