"""The documentation: its examples print what stands there, and its reference is complete."""

from __future__ import annotations

import ast
import builtins
import csv
import doctest
import importlib
import os
import pkgutil
import re
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest

import cnet

DOCS = Path(__file__).resolve().parents[1] / "docs"
OWN_PAGES = (
    "index", "augmentation", "committees", "coming-from-scikit-learn", "differences", "exchange", "exporting",
    "how-it-is-fast", "page", "recipes", "reproducibility", "stability", "your-own-table",
)
PAGES = sorted([*(DOCS / "chapter").glob("*.rst"), *(DOCS / f"{name}.rst" for name in OWN_PAGES)])

# Modules that users import from, whose every public name the reference must list.
PUBLIC_MODULES = (
    "cnet", "cnet.augment", "cnet.datasets", "cnet.estimators", "cnet.exchange", "cnet.export", "cnet.images",
    "cnet.losses", "cnet.optimizers", "cnet.plots", "cnet.preprocess", "cnet.recipes", "cnet.reference",
    "cnet.schedules",
)
# Names that are reached as attributes or passed to callbacks rather than imported from the top.
MORE_NAMES = ("cnet.networks.Parameters", "cnet.callbacks.EpochInfo")


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_prints(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, attempted = doctest.testfile(
        os.fspath(page), module_relative=False,
        optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS,
    )
    assert failed == 0
    assert attempted > 0 or page.stem == "index"


LINES_FOR_ISSUES = re.findall(
    r"^   \* - (.+)\n     - ``(.+)``$", (DOCS / "coming-from-scikit-learn.rst").read_text(encoding="utf-8"), re.M)


@pytest.mark.parametrize(("request_", "line"), LINES_FOR_ISSUES, ids=[name for name, _ in LINES_FOR_ISSUES])
def test_a_line_that_answers_a_request_runs(request_: str, line: str) -> None:
    exceptions = pytest.importorskip("sklearn.exceptions")
    if "bar" in line:
        pytest.importorskip("tqdm")
    from cnet.estimators import MLPClassifier, MLPRegressor

    X = np.random.default_rng(0).normal(size=(60, 4))
    y = (X[:, 0] > 0) + (X[:, 1] > 0)
    names = {
        "cnet": cnet, "MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor, "X": X, "y": y, "X_val": X[:20],
        "y_val": y[:20],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        exec(line, names)


def test_every_frozen_issue_has_a_line() -> None:
    issues = set(re.findall(r"#\d+", " ".join(name for name, _ in LINES_FOR_ISSUES)))
    assert issues == {
        "#9113", "#18748", "#6175", "#18507", "#7574", "#26912", "#14571", "#20516", "#8291",
    }


@pytest.mark.mnist
@pytest.mark.slow
def test_what_the_readme_shows(
    mnist_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNET_DATA", os.fspath(mnist_dir))
    text = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    trained, by_hand, deeper = re.findall(r"```python\n(.*?)```", text, re.S)
    names: dict[str, object] = {}
    exec(trained, names)
    accuracy, seconds = map(float, capsys.readouterr().out.split())
    # The book's network, data and steps end at 94.4 %.
    assert 0.935 < accuracy < 0.955 and seconds > 0
    assert (tmp_path / "digits.safetensors").is_file()
    exec("net = cnet.TwoLayerNet(784, 50, 10)", names)
    exec(by_hand, names)
    exec("accuracy = net.accuracy(x_test, t_test)", names)
    assert 0.935 < names["accuracy"] < 0.955  # type: ignore[operator]
    exec(deeper, names)
    exec("measured = net.evaluate(x, np.sin(2 * x))", names)
    assert names["measured"]["r2"] > 0.99  # type: ignore[index]


def in_tex(value: float) -> str:
    """A number with two digits as the pages write it."""
    digits, exponent = f"{value:.1e}".split("e")
    return rf"{digits} \cdot 10^{{{int(exponent)}}}"


def test_numbers_that_a_page_states_without_computing_them() -> None:
    def page(name: str) -> str:
        return (DOCS / "chapter" / f"{name}.rst").read_text(encoding="utf-8")

    # The lowest points of h^2 + e/h and of h + e/h, found by looking.
    h = np.logspace(-10, -3, 700_001)
    text = page("numerical_differentiation")
    for error in (h**2 + 1e-16 / h, h + 1e-16 / h):
        assert in_tex(error.min()).replace("2.0", "2") in text
        assert in_tex(h[error.argmin()]).replace(r"1.0 \cdot ", "") in text
    text = page("gradient_method")
    assert in_tex(19.0**100) in text
    for number, apart in ((2.6e13, "0.004"), (1.3e12, "0.00024")):
        assert in_tex(number) in text and f"{apart}" in text
        assert np.spacing(number) == pytest.approx(float(apart), rel=0.03)
        assert number + 1e-4 == number - 1e-4 == number
    # An array of integers cuts fractions off.
    x = np.array([3])
    squares = []
    for step in (1e-4, -1e-4):
        x[0] = 3 + step
        squares.append(int(x[0]) ** 2)
    assert f"{round((squares[0] - squares[1]) / 2e-4):,}".replace(",", "{,}") in page("gradient")


@pytest.mark.parametrize("name", ["README.md", "docs/index.rst", "docs/installing.md", "docs/command-line.rst"])
def test_a_page_on_installing_leads_through_a_clone(name: str) -> None:
    # Nothing is on the index yet: "pip install cnet-nn" would fail, or fetch somebody else's package.
    text = (DOCS.parent / name).read_text(encoding="utf-8")
    installed = re.findall(r"pip install (?:-e )?(\S+)", text)
    assert '".[all]"' in installed
    assert all(what.strip("`\"").startswith(".") for what in installed), installed
    assert "clone" in text and "cnet-nn[" not in text


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/locale/README.md"])
def test_links_between_the_repositorys_own_files_lead_somewhere(name: str) -> None:
    path = DOCS.parent / name
    links = re.findall(r"\]\(([^)#:]+)[^)]*\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_citation_names_this_version_and_licence() -> None:
    citation = (DOCS.parent / "CITATION.cff").read_text(encoding="utf-8")
    fields = dict(re.findall(r"^([\w-]+): (\S.*)$", citation, re.M))
    assert fields["cff-version"] == "1.2.0" and {"message", "title", "type"} < set(fields)
    assert fields["version"] == cnet.__version__
    assert f'license = "{fields["license"]}"' in (DOCS.parent / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((DOCS / "inventories").glob("*.inv")), ids=lambda path: path.stem)
def test_links_to_other_projects_are_whole(path: Path) -> None:
    entries = zlib.decompress(path.read_bytes().partition(b"using zlib.\n")[2]).decode().splitlines()
    assert len(entries) > 1
    for entry in entries:
        name, _, _, uri, _ = entry.split()
        # At its end "$" stands for the name; elsewhere Sphinx leaves it as it is.
        page, _, anchor = uri.partition("#")
        assert "$" not in page and (anchor == "$" or "$" not in anchor), entry
        assert anchor.removeprefix("term-").removeprefix("module-").replace("arrays-", "arrays.") in ("$", name)


def test_tables_of_the_page_on_performance_hold_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.syspath_prepend(DOCS / "_ext")
    figures = importlib.import_module("figures")
    text = (DOCS / "performance.md").read_text(encoding="utf-8")
    assert figures.with_tables(text) == text, "run python docs/_ext/figures.py"


def test_figures_are_those_that_were_measured() -> None:
    with (DOCS / "figures.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    keys = [tuple(row[name] for name in ("machine", "case", "contender", "threads")) for row in rows]
    assert len(set(keys)) == len(keys) > 100 and keys == sorted(keys)
    for row in rows:
        assert not row["low"] or 0 < float(row["low"]) <= float(row["median"]) <= float(row["high"]), row


def listed_names() -> set[str]:
    """What the reference lists, under full names."""
    text = (DOCS / "api.rst").read_text(encoding="utf-8")
    options = r"   :toctree: generated\n   :nosignatures:\n(?:   :template: \S+\n)?"
    blocks = re.findall(rf"\.\. autosummary::\n{options}\n((?:   \S+\n)+)", text)
    return {f"cnet.{name}" for block in blocks for name in block.split()}


def public_names() -> set[str]:
    """Every name in a public module's __all__, under the name by which it is imported."""
    names = {
        f"{module}.{name}" for module in PUBLIC_MODULES for name in importlib.import_module(module).__all__
    }
    return names | set(PUBLIC_MODULES[1:]) | set(MORE_NAMES)


def test_the_reference_lists_every_public_name_and_no_other() -> None:
    assert listed_names() == public_names()


def test_no_public_module_is_forgotten() -> None:
    # These hold what the top level hands on, or are not imported by users.
    behind_the_top = {
        "activations", "atomic_file", "callbacks", "capi", "checkpoint", "checks", "cli", "committee",
        "committee_checks", "committee_file", "committee_passes", "committee_training", "config", "core",
        "differentiation", "errors", "file_parts", "fit_data", "functions", "guarded_json", "history", "image_shape",
        "initial_weights", "local_weights", "measures", "model_file", "networks", "open_files", "optimizer_base",
        "options", "page", "parameters", "parts", "passes", "rates", "rng", "schedule_base", "storable", "threads",
        "trainable", "trained_on", "training", "values",
    }
    found = {module.name for module in pkgutil.iter_modules(cnet.__path__) if not module.name.startswith("_")}
    assert found == behind_the_top | {name.removeprefix("cnet.") for name in PUBLIC_MODULES[1:]}


def test_the_page_on_architecture_names_every_module() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    listed = text.partition("## The files")[2].partition("\n## ")[0]
    package = DOCS.parent / "cnet"
    sources = [path for pattern in ("*.py", "*.pyx", "*.h") for path in package.glob(pattern)]
    folders = ("core", "datasets", "estimators", "exchange", "export", "images")
    sources += [path for folder in folders for pattern in ("*.py", "*.pyx", "*.h")
                for path in (package / folder).glob(pattern)]
    # One line of a star stands for the kernels of all instruction sets; kernels/ is explained below the list.
    names = {path.stem for path in sources if not path.stem.startswith(("_kernels_", "__"))}
    assert {name for name in names if not re.search(rf"\b{name}\b", listed)} == set()


def _names_without_a_source(code: str) -> set[str]:
    """Names that an example uses, and neither imports nor makes."""
    used, made = set(), set(dir(builtins))
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            made |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            made.add(node.name)
    return used - made


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_an_example_can_be_pasted_as_it_stands(name: str) -> None:
    module = importlib.import_module(name)
    public = [getattr(module, each) for each in module.__all__]
    missing = {}
    for each in public:
        for test in doctest.DocTestFinder(recurse=True).find(each, name=getattr(each, "__name__", name)):
            lost = _names_without_a_source("".join(example.source for example in test.examples))
            if lost:
                missing[test.name] = lost
    assert missing == {}
