"""Write the inventories beside this file: what the documentation links to in other projects.

Sphinx would fetch the whole inventory of each project from its site. These hold only the names
that cnet's pages use, so that the documentation builds without a network. Add a name to the
tables below and run this file again::

    python docs/inventories/make_inventories.py
"""

from __future__ import annotations

from pathlib import Path

from sphobjinv import DataObjStr, Inventory
from sphobjinv.zlib import compress

HERE = Path(__file__).resolve().parent

Row = tuple[str, str, str, str]


def rows(domain: str, role: str, uri: str, names: str) -> list[Row]:
    """One entry for each of `names`; in `uri`, ``$`` stands for the name."""
    return [(name, domain, role, uri.replace("$", name)) for name in names.split()]


PYTHON = [
    *rows(
        "py", "exception", "library/exceptions.html#$",
        "ArithmeticError FileNotFoundError ImportError KeyError KeyboardInterrupt MemoryError"
        " ModuleNotFoundError OSError RuntimeError TypeError ValueError",
    ),
    *rows("py", "class", "library/functions.html#$", "bool float int object"),
    *rows("py", "function", "library/functions.html#$", "callable"),
    *rows("py", "class", "library/stdtypes.html#$", "dict list str tuple"),
    *rows("py", "data", "library/constants.html#$", "None True False"),
    *rows("py", "class", "library/os.html#$", "os.PathLike"),
    *rows("py", "class", "library/pathlib.html#$", "pathlib.Path"),
    *rows("py", "class", "library/collections.abc.html#$", "collections.abc.Mapping"),
    *rows("std", "term", "glossary.html#term-$", "callable iterable iterator mapping sequence"),
    *rows("py", "module", "library/doctest.html#module-$", "doctest"),
]

NUMPY = [
    *rows("py", "class", "reference/generated/$.html#$", "numpy.ndarray numpy.dtype"),
    *rows("py", "class", "reference/arrays.scalars.html#$", "numpy.float32 numpy.float64 numpy.uint8"),
    *rows("py", "class", "reference/random/generator.html#$", "numpy.random.Generator"),
    *rows("py", "function", "reference/random/generated/$.html#$", "numpy.random.choice"),
    *rows(
        "py", "function", "reference/generated/$.html#$",
        "numpy.arange numpy.argmax numpy.nditer numpy.zeros_like",
    ),
    # An anchor has hyphens where its label has dots.
    ("arrays.scalars", "std", "label", "reference/arrays.scalars.html#arrays-scalars"),
    *rows("std", "term", "glossary.html#term-$", "array_like"),
]

MATPLOTLIB = [
    *rows("py", "class", "api/_as_gen/$.html#$", "matplotlib.axes.Axes matplotlib.figure.Figure"),
]


def write(project: str, version: str, table: list[Row]) -> None:
    """Write one inventory in Sphinx's own format."""
    inventory = Inventory()
    inventory.project, inventory.version = project, version
    for name, domain, role, uri in table:
        inventory.objects.append(
            DataObjStr(name=name, domain=domain, role=role, priority="1", uri=uri, dispname="-")
        )
    path = HERE / f"{project.lower()}.inv"
    path.write_bytes(compress(inventory.data_file()))
    print(f"{path.name}: {len(table)} names")


if __name__ == "__main__":
    write("Python", "3", PYTHON)
    write("NumPy", "2", NUMPY)
    write("Matplotlib", "3", MATPLOTLIB)
