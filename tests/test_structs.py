"""Every struct of the core is declared twice, for C++ and for Cython: the two must have the same fields, sizes and
offsets. A compiler compares them; nothing is run."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

CORE = Path(__file__).parents[1] / "cnet" / "core"
PAIRS = ["augment", "structs", "jobs"]
# What Cython calls a type, and C++.
TYPES = {"Py_ssize_t": "ptrdiff_t", "bint": "int"}
COMPILER = shutil.which("g++") or shutil.which("clang++")


def structs_of_header(text):
    """Name -> (whether it is a template, {field: array extents})."""
    text = re.sub(r"//[^\n]*", "", text)
    found = {}
    for template, name, body in re.findall(r"(template <class T> )?struct (\w+) \{(.*?)\n\};", text, re.DOTALL):
        fields = {}
        for line in body.split(";"):
            pointer = re.search(r"\(\*(\w+)\)\(", line)
            if pointer:
                fields[pointer[1]] = ""
                continue
            words = re.sub(r"\bconst\b|<[^>]*>", " ", line).split(None, 1)
            for declarator in words[1].split(",") if len(words) > 1 else ():
                match = re.fullmatch(r"\s*[*\s]*(\w+)\s*((?:\[[^\]]*\])*)\s*", declarator)
                fields[match[1]] = match[2]
        found[name] = (bool(template), fields)
    return found


def structs_of_cython(text):
    """Name -> [(type as Cython writes it, field)], without functions."""
    found, fields = {}, None
    for line in re.sub(r"\(\n\s*", "(", re.sub(r",\n\s+", ", ", text)).splitlines():
        start = re.match(r"    (?:cdef cppclass|ctypedef struct) (\w+)", line)
        if start:
            fields = found[start[1]] = []
        elif not line.startswith("        "):
            fields = None
        elif fields is not None and (pointer := re.search(r"\(\*(\w+)\)\(", line)):
            fields.append(("function", pointer[1]))
        elif fields is not None and (match := re.fullmatch(r"\s+((?:const )?[\w\[\]]+[ *]+)(\w+(?:, \w+)*)", line)):
            fields += [(match[1].replace(" ", "").replace("const", "const "), name) for name in match[2].split(", ")]
    return found


def as_cpp(cython_type, extents):
    """A field's type for C++: an array is a pointer to Cython."""
    result = re.sub(r"\[(\w+)\]", r"<\1>", cython_type)
    for cython, cpp in TYPES.items():
        result = re.sub(rf"\b{cython}\b", cpp, result)
    return result[:-1] if extents else result


@pytest.mark.parametrize("name", PAIRS)
def test_both_declarations_have_the_same_fields(name):
    header = structs_of_header((CORE / f"{name}.h").read_text())
    cython = structs_of_cython((CORE / f"{name}.pxd").read_text())
    assert header.keys() == cython.keys() and len(header) >= 3
    for struct, fields in cython.items():
        assert [field for _, field in fields] == list(header[struct][1]), struct


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler")
@pytest.mark.parametrize("name", PAIRS)
def test_both_declarations_have_the_same_layout(name, tmp_path):
    header = structs_of_header((CORE / f"{name}.h").read_text())
    lines = ["#include <cstddef>", "#include <type_traits>", f'#include "{name}.h"', "namespace declared {"]
    checks = []
    for struct, fields in structs_of_cython((CORE / f"{name}.pxd").read_text()).items():
        template, extents = header[struct]
        lines += ["template <class T>" * template + f" struct {struct} {{"]
        own = "<T>" if template else ""
        for kind, field in fields:
            if kind == "function":
                lines += [f"    decltype(::{struct}{own}::{field}) {field};"]
            else:
                lines += [f"    {as_cpp(kind, extents[field])} {field}{extents[field]};"]
        lines += ["};"]
        for instance in ("<float>", "<double>") if template else ("",):
            ours, theirs = f"declared::{struct}{instance}", f"::{struct}{instance}"
            checks += [f'static_assert(sizeof({ours}) == sizeof({theirs}), "size of {struct}");']
            checks += [
                f"namespace check{len(checks)} {{ using A = {ours}; using B = {theirs};",
                *(f'static_assert(offsetof(A, {field}) == offsetof(B, {field}) && '
                  f'sizeof(A::{field}) == sizeof(B::{field}), "{struct}.{field}");' for _, field in fields),
                "}",
            ]
    source = tmp_path / "layout.cpp"
    source.write_text("\n".join([*lines, "}", *checks]))
    done = subprocess.run(
        [COMPILER, "-std=c++17", "-fsyntax-only", "-Wno-invalid-offsetof", f"-I{CORE}", str(source)],
        capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[:3000]
