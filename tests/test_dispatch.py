"""Which instruction set runs, and that each table really contains its instructions."""

import ast
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cnet
from cnet.core import _dispatch

X86 = platform.machine().lower() in ("x86_64", "amd64")
ARM = platform.machine().lower() in ("arm64", "aarch64")


def run_python(program, folder=None, **environment):
    """What a program prints. Modules in the folder that it runs in come first, as for any `python -c`."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True, text=True, timeout=60, cwd=folder,
    )


def instructions(isa):
    """The disassembly of an instruction set's kernels."""
    if not shutil.which("objdump"):
        pytest.skip("objdump is not installed")
    module = "baseline" if isa == "neon" else isa
    (library,) = Path(_dispatch.__file__).parent.glob(f"_kernels_{module}.*so")
    return subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", str(library)], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.skipif(not X86 or sys.platform != "linux", reason="reads ELF files of x86-64")
def test_x86_tables_contain_their_instructions():
    assert set(_dispatch.built()) == {"baseline", "avx2", "avx512"}
    text = {isa: instructions(isa) for isa in _dispatch.built()}
    assert re.search(r"\bmulps\b.*%xmm", text["baseline"])
    # Nothing of the later sets, which would crash an old processor.
    assert not re.search(r"%[yz]mm|\bvmul|vfmadd", text["baseline"])
    for kind in ("ps", "pd"):
        assert re.search(rf"vfmadd\d*{kind}.*%ymm", text["avx2"])
        assert re.search(rf"vfmadd\d*{kind}.*%zmm", text["avx512"])
    assert "%zmm" not in text["avx2"]


@pytest.mark.skipif(not ARM or sys.platform != "linux", reason="reads ELF files of arm64")
def test_neon_table_contains_its_instructions():
    text = instructions("neon")
    assert re.search(r"\bfmla\s+v\d+\.4s", text) and re.search(r"\bfmla\s+v\d+\.2d", text)


@pytest.mark.skipif(not os.path.exists("/proc/cpuinfo") or not X86, reason="reads Linux's account of the processor")
def test_available_is_what_the_system_says():
    flags = set(re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M).group(1).split())
    expected = {"baseline"}
    if {"avx2", "fma"} <= flags:
        expected.add("avx2")
    if {"avx512f", "avx512bw", "avx512dq", "avx512vl", "fma"} <= flags:
        expected.add("avx512")
    assert set(_dispatch.available()) == expected


def test_the_best_is_chosen_and_shown():
    done = run_python("import cnet; print(cnet.show_config('dicts')['instruction set'])", CNET_ISA="")
    assert done.stdout.strip() == _dispatch.available()[-1]


@pytest.mark.parametrize("wanted", _dispatch.available())
def test_the_environment_lowers_the_choice(wanted):
    program = "import cnet; c = cnet.show_config('dicts'); print(c['instruction set'], c['vector bits'])"
    done = run_python(program, CNET_ISA=wanted)
    bits = {"baseline": "128", "neon": "128", "avx2": "256", "avx512": "512"}[wanted]
    assert done.stdout.split() == [wanted, bits]


@pytest.mark.parametrize("wanted", ["neon" if X86 else "avx2", "AVX2", "sse9"])
def test_an_instruction_set_that_is_not_there_is_an_error(wanted):
    done = run_python("import cnet", CNET_ISA=wanted)
    assert done.returncode == 1
    assert f"ImportError: CNET_ISA={wanted}" in done.stderr and "expected one of" in done.stderr


def test_sources_without_compiled_modules_say_so(tmp_path):
    package = Path(cnet.__file__).parent
    modules = (".so", ".pyd")
    shutil.copytree(package, tmp_path / "cnet", ignore=lambda _, names: [n for n in names if n.endswith(modules)])
    done = run_python("import cnet", tmp_path)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: {tmp_path / 'cnet'} holds the sources of cnet without modules compiled")
    assert "`pip install -e .` in " + str(tmp_path) in last and "another directory" in last
    assert "No module named 'cnet.core._dispatch'" in done.stderr


def test_a_compiled_module_that_lacks_another_is_told_as_it_is(tmp_path):
    core = tmp_path / "cnet" / "core"
    core.mkdir(parents=True)
    (core.parent / "__init__.py").touch()
    shutil.copy(Path(_dispatch.__file__).with_name("__init__.py"), core)
    (core / "_dispatch.py").write_text("from . import _team\nimport cnet.core._missing\n")
    (core / "_team.py").touch()
    done = run_python("import cnet.core", tmp_path)
    assert done.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'cnet.core._missing'"


def test_a_package_without_kernels_says_so(tmp_path):
    package = Path(cnet.__file__).parent
    shutil.copytree(package, tmp_path / "cnet", ignore=shutil.ignore_patterns("_kernels_*"))
    done = run_python("import cnet", tmp_path)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: no module of kernels (cnet.core._kernels_*) is here") and "install" in last


def test_programs_that_freeze_programs_find_what_compiled_modules_import():
    """They follow import statements of Python code; those in compiled modules are invisible to them."""
    core = Path(_dispatch.__file__).parent
    imports = [node for node in ast.walk(ast.parse((core / "__init__.py").read_text()))
               if isinstance(node, ast.Import | ast.ImportFrom)]
    own = {alias.name for node in imports if isinstance(node, ast.ImportFrom) and node.level for alias in node.names}
    compiled = {path.name.split(".")[0] for path in core.iterdir() if path.suffix in (".so", ".pyd")}
    assert compiled <= own
    others = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    others |= {node.module for node in imports if isinstance(node, ast.ImportFrom) and not node.level}
    wanted = set()
    for path in core.glob("*.pyx"):
        wanted |= set(re.findall(r"^import ([\w.]+)|^from (?!cpython|libc)(\w[\w.]*) import", path.read_text(), re.M))
    # A module of the standard library that Python itself begins with is in every program.
    assert {name for pair in wanted for name in pair if name} <= others | {"importlib", "os", "sys"}


def test_tables_are_chosen_in_the_process(isa):
    assert _dispatch.active_name() == isa
    assert _dispatch.use(isa) == isa
    with pytest.raises(ValueError, match="mmx"):
        _dispatch.use("mmx")
    assert _dispatch.active_name() == isa


def test_instruction_sets_agree_to_rounding():
    rng = np.random.default_rng(0)
    x, t = rng.integers(0, 256, (300, 50), dtype=np.uint8), rng.integers(0, 5, 300)
    results = []
    former = _dispatch.active_name()
    for name in _dispatch.available():
        _dispatch.use(name)
        net = cnet.TwoLayerNet(50, 20, 5, dtype=np.float64, rng=0)
        net.fit(x, t, iterations=100)
        results.append(net.params["W1"])
    _dispatch.use(former)
    for other in results[1:]:
        np.testing.assert_allclose(other, results[0], rtol=0, atol=1e-12)


def test_show_config(capsys):
    config = cnet.show_config(mode="dicts")
    assert {"cnet", "numpy", "instruction set", "available", "processors", "compiler"} <= set(config)
    assert cnet.show_config() is None
    printed = capsys.readouterr().out
    assert config["instruction set"] in printed and cnet.__version__ in printed
    with pytest.raises(ValueError, match="mode"):
        cnet.show_config(mode="json")


def test_import_brings_nothing_heavy():
    program = """
import numpy, sys
before = set(sys.modules)
import cnet
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)))
"""
    done = run_python(program)
    # Cython keeps what its modules share in modules that stand for no file.
    names = {name for name in done.stdout.split() if not name.startswith(("_cython_", "cython_runtime"))}
    assert names <= {"cnet", "numpy"}, done


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("readelf"), reason="reads ELF files")
def test_no_runtime_of_cpp_or_openmp_is_needed():
    for library in Path(_dispatch.__file__).parent.glob("*.so"):
        needs = subprocess.run(["readelf", "-d", str(library)], capture_output=True, text=True, check=True).stdout
        assert not re.search(r"NEEDED.*(stdc\+\+|gomp|libc\+\+)", needs), library


def test_the_core_imports_nothing_outside_itself():
    core = Path(_dispatch.__file__).parent
    sources = [path for path in core.rglob("*.p[xy][xid]*") if path.suffix in (".pyx", ".pxd", ".pxi")]
    if not sources:
        pytest.skip("an installed package has no sources")
    for path in sources:
        assert not re.search(r"^\s*(from\s+(\.\.|cnet)|import\s+cnet)", path.read_text(), re.M), path


def test_no_comprehension_is_compiled():
    """Under the limited API its generated code drops a reference twice where a small object finds no memory."""
    package = Path(cnet.__file__).parent
    sources = sorted(package.rglob("*.pyx")) + sorted(package.rglob("*.pxi"))
    if not sources:
        pytest.skip("an installed package has no sources")
    for path in sources:
        text = path.read_text(encoding="utf-8")
        text = re.sub(r'""".*?"""|"[^"\n]*"|\'[^\'\n]*\'|#[^\n]*', "", text, flags=re.DOTALL)
        for line in text.splitlines():
            if re.search(r"\bfor\b.*\bin\b", line):
                assert re.match(r"\s*for .*:\s*$", line), (path.name, line)
