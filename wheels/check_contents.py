"""What is in a wheel or an sdist of cnet, and what must not be.

    python wheels/check_contents.py FILE ...

A wheel is small (1.5 MB at most) and holds nothing but Python, compiled modules, their stubs, the
C-level API and the metadata. An sdist holds the sources, and nothing that was generated from them.
"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from fnmatch import fnmatch
from pathlib import Path

LARGEST_WHEEL = 1_500_000
IN_WHEEL = [
    "cnet/*.py", "cnet/*.pyi", "cnet/py.typed", "cnet/capi.pxd", "cnet/*.so", "cnet/*.pyd",
    "_cnet_command.py",
    "cnet_nn-*.dist-info/*",
]
NEEDED_IN_WHEEL = [
    "_cnet_command.py", "cnet/__init__.py", "cnet/py.typed", "cnet/core/_kernels_baseline*", "cnet/core/_trainer*",
    "cnet_nn-*.dist-info/licenses/LICENSE",
]
NOT_IN_SDIST = ["*.cpp", "*/cnet/*.c", "*.so", "*.pyd", "*.o", "*.pyc", "*/.git/*", "*/build/*"]
NEEDED_IN_SDIST = [
    "*/LICENSE", "*/pyproject.toml", "*/setup.py", "*/cnet/core/simd.h", "*/cnet/core/kernels/product.pxi",
    "*/cnet/core/_trainer.pyx", "*/conftest.py", "*/tests/conftest.py",
    "*/wheels/smoke_test.py", "*/wheels/windows/include/pyconfig.h", "*/wheels/windows/runtime.c",
]


def matches(name: str, patterns: list[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def faults(path: Path) -> list[str]:
    """Everything that is wrong with one file."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
        wrong = [f"{name} does not belong into a wheel" for name in names if not matches(name, IN_WHEEL)]
        needed = NEEDED_IN_WHEEL
        if path.stat().st_size > LARGEST_WHEEL:
            wrong.append(f"{path.stat().st_size:,} bytes, more than {LARGEST_WHEEL:,}")
    else:
        with tarfile.open(path) as archive:
            names = [member.name for member in archive.getmembers() if member.isfile()]
        wrong = [f"{name} does not belong into an sdist" for name in names if matches(name, NOT_IN_SDIST)]
        needed = NEEDED_IN_SDIST
    return wrong + [f"{pattern} is missing" for pattern in needed if not any(fnmatch(name, pattern) for name in names)]


def main() -> None:
    if not sys.argv[1:]:
        sys.exit(f"usage: {sys.argv[0]} FILE ...")
    failed = False
    for path in map(Path, sys.argv[1:]):
        for fault in faults(path):
            print(f"{path.name}: {fault}", file=sys.stderr)
            failed = True
        print(f"{path.name}: {path.stat().st_size:,} bytes")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
