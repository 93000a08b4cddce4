"""The stubs of the compiled modules say what the modules have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cnet

ALLOWLIST = Path(__file__).with_name("stubtest_allowlist.txt")
COMPILED = (".so", ".pyd")


def test_every_compiled_module_has_a_stub():
    package = Path(cnet.__file__).parent
    compiled = {path.with_name(path.name.split(".")[0]) for path in package.rglob("*") if path.suffix in COMPILED}
    assert len(compiled) > 10
    assert not {path.name for path in compiled if not path.with_suffix(".pyi").is_file()}
    assert (package / "py.typed").is_file()


@pytest.mark.slow
def test_stubs_match_the_modules(tmp_path):
    pytest.importorskip("mypy")
    available = cnet.show_config(mode="dicts")["available"]
    if sys.platform != "win32" and not {"avx512", "neon"} & set(available):
        pytest.skip("the kernels of an instruction set that is not here cannot be loaded")
    # mypy finds what is installed; a build in the source tree it must be shown.
    folder = Path(cnet.__file__).parents[1]
    shown = {} if folder.name == "site-packages" else {"MYPYPATH": str(folder)}
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nignore_missing_imports = True\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "cnet.core", "cnet.capi", "--mypy-config-file", str(config),
         "--allowlist", str(ALLOWLIST), "--ignore-unused-allowlist", "--ignore-disjoint-bases", "--concise"],
        cwd=tmp_path, env={**os.environ, **shown}, capture_output=True, text=True, timeout=300, check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
