"""Damaged files of every kind: each reader gives a result that works, or an error that it documents.

A few seconds by default, always the same cases. ``CNET_FUZZ_SECONDS=60 python -m pytest tests/fuzz`` takes a minute
in all, with cases that no run before had; ``CNET_FUZZ_SEED`` repeats such a run.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
READERS = ["model", "checkpoint", "history", "idx", "mnist", "npz", "onnx", "picture"]
SECONDS = float(os.environ.get("CNET_FUZZ_SECONDS", 0))
SEED = os.environ.get("CNET_FUZZ_SEED", str(int(time.time())) if SECONDS else "0")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.timeout(SECONDS + 120)
def test_damaged_files(reader: str, tmp_path: Path) -> None:
    if reader == "picture" and importlib.util.find_spec("PIL") is None:
        pytest.skip("pictures need Pillow")
    if reader == "onnx":
        pytest.importorskip("onnx")
    length = ["--seconds", str(SECONDS / len(READERS))] if SECONDS else ["--cases", "200"]
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", str(HERE / "run.py"), reader, "--seed", SEED, "--folder", str(tmp_path),
         *length],
        capture_output=True, text=True, timeout=SECONDS + 100,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), *sys.path])},
    )
    case = tmp_path / "case"
    last = f"\nthe last case ({case}): {case.read_bytes()[:400]!r}" if case.exists() else ""
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout}{done.stderr}{last}"
    print(done.stdout)
