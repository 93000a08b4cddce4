"""The package itself: what is there at once, and what is loaded on first use."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    path = os.pathsep.join([str(ROOT), *sys.path])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["plots", "images", "reference", "exchange", "export"])
def test_a_module_is_loaded_on_first_use(name):
    if name == "plots":
        pytest.importorskip("matplotlib")
    told = run(f"""
        import sys
        import cnet
        print(f"cnet.{name}" in sys.modules, "{name}" in dir(cnet), cnet.{name}.__name__)
        print(cnet.{name} is sys.modules["cnet.{name}"], "{name}" in vars(cnet), dir(cnet) == sorted(set(dir(cnet))))
    """)
    assert told.splitlines() == [f"False True cnet.{name}", "True True True"]


@pytest.mark.parametrize("statement", ["from cnet import plots", "import cnet.plots as plots"])
def test_the_ways_to_import_a_module_remain(statement):
    pytest.importorskip("matplotlib")
    assert run(f"{statement}; print(plots.loss_curve.__name__)") == "loss_curve"


def test_importing_is_light():
    told = run("""
        import sys
        import numpy
        before = set(sys.modules)
        import cnet
        import cnet.optimizers
        new = set(sys.modules) - before
        heavy = "sklearn scipy matplotlib PIL tqdm pooch json hashlib tempfile gzip zipfile re importlib.metadata"
        print([name for name in heavy.split() if name in new])
        later = ("cnet.exchange", "cnet.export", "cnet.plots", "cnet.images", "cnet.reference", "cnet.cli")
        print(sorted(name for name in new if name in later))
        from cnet import *
        print("plots" in globals(), "matplotlib" in sys.modules)
    """)
    assert told.splitlines() == ["[]", "[]", "False False"]


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="module 'cnet' has no attribute 'plot'"):
        import cnet

        cnet.plot  # noqa: B018


def test_without_matplotlib_the_rest_can_be_looked_through():
    """What inspects a package asks for each name of dir() and expects AttributeError of what cannot be had."""
    told = run("""
        import sys
        sys.modules["matplotlib"] = None
        import inspect
        import cnet
        names = [name for name, _ in inspect.getmembers(cnet)]
        print("TwoLayerNet" in names, "plots" in names, hasattr(cnet, "plots"))
        for attempt in ("cnet.plots", "from cnet import plots"):
            try:
                exec(attempt)
            except (AttributeError, ImportError) as error:
                print(type(error).__name__, error)
    """)
    message = 'cnet.plots needs matplotlib: pip install "cnet-nn[plot]"'
    assert told.splitlines() == ["True False False", f"AttributeError {message}", f"ModuleNotFoundError {message}"]


def test_the_command_line_starts_without_what_single_commands_need():
    told = run("""
        import sys
        import cnet.cli
        later = ("cnet.exchange", "cnet.export", "cnet.model_file", "cnet.plots", "sklearn", "onnx", "torch")
        print([name for name in later if name in sys.modules])
    """)
    assert told == "[]"


def test_no_framework_is_imported_unless_it_is_asked_for():
    told = run("""
        import sys
        import cnet
        net = cnet.MultiLayerNet(2, [3], 2)
        str(cnet.exchange.summary(net)), cnet.exchange.names(net, "flax")
        print([name for name in ("torch", "sklearn", "onnx", "jax", "keras") if name in sys.modules])
        sys.modules["torch"] = sys.modules["sklearn"] = None
        for attempt in (cnet.exchange.to_torch, cnet.exchange.from_torch, cnet.exchange.to_sklearn,
                        cnet.exchange.from_sklearn):
            try:
                attempt(net)
            except ModuleNotFoundError as error:
                print(error)
    """)
    torch = "cnet.exchange.{} needs PyTorch: pip install torch"
    estimators = 'cnet.estimators needs scikit-learn 1.6 or later: pip install "cnet-nn[sklearn]"'
    assert told.splitlines() == ["[]", torch.format("to_torch"), torch.format("from_torch"), estimators, estimators]


def test_without_scikit_learn_the_estimators_say_what_to_install():
    told = run("""
        import sys
        sys.modules["sklearn"] = None
        import cnet
        try:
            import cnet.estimators
        except ModuleNotFoundError as error:
            print(error)
    """)
    assert told == 'cnet.estimators needs scikit-learn 1.6 or later: pip install "cnet-nn[sklearn]"'


@pytest.mark.slow
def test_a_type_checker_sees_the_modules(tmp_path):
    pytest.importorskip("mypy")
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent("""
        import cnet

        cnet.plots.loss_curve, cnet.images.read_digit, cnet.reference.softmax, cnet.optimizers.SGD
        reveal_type(cnet.load("net"))
        cnet.plots.no_such_function
        cnet.nothing
    """))
    # mypy finds what is installed; a build in the source tree it must be shown.
    folder = Path(__import__("cnet").__file__).parents[1]
    shown = {} if folder.name == "site-packages" else {"MYPYPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(program)],
        cwd=tmp_path, env={**os.environ, **shown}, capture_output=True, text=True, timeout=300,
    )
    own = [line for line in done.stdout.splitlines() if line.startswith("program.py")]
    assert len(own) == 3, done.stdout
    assert "MultiLayerNet" in own[0] and "no_such_function" in own[1] and '"nothing"' in own[2]
