"""Every program in examples/ runs to its end, without a network, a display or a warning."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

# A line that the program must print: the book's own figures, or what it claims to find.
EXPECTED = {
    "cython_kernels": "loss 2.",
    "derivatives": "0.1999999999990898",
    "gradient_check": "float64",
    "gradient_descent": "0.1: [-6.11110793e-10  8.14814391e-10]",
    "gradient_simplenet": "argmax:   2",
    "grid_search": "fit 37 of 37",
    "gradients": "[3.0, 4.0] [6. 8.]",
    "initial_weights": "tanh, weights 0.01: 0.099 0.01 0.001 0.0001",
    "inside_a_network": "weights that begin at 3: loss 1.",
    "losses": "right: squared error 0.0975, cross-entropy 0.5108",
    "mini_batch_learning": "validation accuracy 0.",
    "mnist_record": "less than the mean of its networks: True",
    "optimizers": "Adam(lr=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08): loss 0.0",
    "own_table": "stopped after ",
    "photograph": "it is a 2",
    "quantile_bands": "lie between the quantiles 0.05 and 0.95",
    "rare_class": "class_weight='balanced': recall",
    "table_with_gaps": "of the test labels are right",
    "texts": "of the test texts are assigned to the right module",
}

# What some of them need beside NumPy and matplotlib.
NEEDED = {
    "cython_kernels": ("Cython", "setuptools"), "grid_search": ("sklearn",), "quantile_bands": ("sklearn",),
    "rare_class": ("sklearn",), "table_with_gaps": ("sklearn", "pandas"), "texts": ("sklearn",),
}


def run(name: str, folder: Path) -> str:
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    # Nothing but what the program makes itself: no MNIST, no display.
    for variable in ("CNET_DATA", "DISPLAY", "WAYLAND_DISPLAY"):
        environment.pop(variable, None)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py")],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_expected_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(EXPECTED)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_example_runs_and_leaves_nothing_behind(name: str, tmp_path: Path) -> None:
    for package in NEEDED.get(name, ()):
        pytest.importorskip(package)
    if name == "cython_kernels":
        if not (shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")):
            pytest.skip("there is no compiler")
    assert EXPECTED[name] in run(name, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_gradient_check_finds_agreement_and_the_mistake(tmp_path: Path) -> None:
    out = run("gradient_check", tmp_path)
    correct, mistaken = (float(re.search(rf"{word} +(\S+)", out)[1]) for word in ("correct", "mistaken"))  # type: ignore[index]
    assert correct < 1e-6
    # The slope of the sigmoid is 1/4 where its argument is near 0: without it all is four times as large.
    assert mistaken == pytest.approx(3.0, abs=0.1)


@pytest.mark.slow
def test_the_squared_error_flattens_over_the_score_and_the_cross_entropy_does_not(tmp_path: Path) -> None:
    out = run("losses", tmp_path)
    slopes = {
        name: [float(slope) for slope in re.findall(r"(-?\d\.\d+) where", line)]
        for name, line in re.findall(r"(cross-entropy|squared error): slope (.*)", out)
    }
    # The slope over the score is p - 1 for the cross-entropy. The squared error is (1 - p)^2 (1 + 1/9) / 2 and
    # dp = p (1 - p), so its slope is -(10/9) p (1 - p)^2. At the score -8, p is nearly 0; at 0 it is 1/10.
    assert slopes["cross-entropy"] == pytest.approx([-1, -0.9], abs=0.005)
    assert slopes["squared error"] == pytest.approx([0, -0.09], abs=0.005)


@pytest.mark.slow
def test_weights_of_classes_find_more_of_a_rare_class(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    out = run("rare_class", tmp_path)
    recalls = {name: int(share) for name, share in re.findall(r"class_weight=(.+): recall (\d+)%", out)}
    # With balanced weights, predict tells of a failure where one is likelier than usual, else where likelier than not.
    assert recalls["'balanced'"] > recalls["None"] + 20


@pytest.mark.slow
def test_bands_hold_what_their_quantiles_promise(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    out = run("quantile_bands", tmp_path)
    shares = {float(q): float(share) for share, q in re.findall(r"(0\.\d+) for (0\.\d+)", out)}
    assert set(shares) == {0.05, 0.25, 0.5, 0.75, 0.95}
    # Three standard deviations of a share of 3,000, and as much again for what 3,000 loads tell of a quantile.
    for q, share in shares.items():
        assert share == pytest.approx(q, abs=6 * (q * (1 - q) / 3000) ** 0.5)
