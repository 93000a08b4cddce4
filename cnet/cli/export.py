"""``cnet export``: a network as a file that computes its predictions where there is no cnet."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from ..checks import listed, printable
from .console import USAGE, Failure, print_json, say
from .data import check_fit, data_for
from .options import add_data, add_json, count, path
from .run_folder import load_model, run_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..export.formats import Format
    from ..networks import MultiLayerNet

__all__ = ["add_to", "run"]

DESCRIPTION = """\
Write a network as a file that computes its predictions where there is no cnet. The name's ending
says in which format: .py is a Python module of a few lines that needs NumPy alone, .c is C99 with a
header beside it, which needs nothing, .onnx is an ONNX model, which ONNX Runtime and many other
programs run.
"""

EXAMPLES = """\
examples:
  cnet export cnet-run model.py
  cnet export cnet-run digits.c --weights int8
  cnet export cnet-run model.onnx
  cnet export cnet-run -o net.c --name digits  # digits_predict(x, y)
  cnet export model.safetensors --format numpy  # writes model.py beside it
"""

# Those of `formats.FORMATS`, which the help need not import.
NAMES = ("numpy", "c", "onnx")

# In the folder of a run, if no name is given.
STEM = "model"

# By the names that the formats have for them.
OPTIONS = {"dtype": "dtype", "name": "name", "weights": "weights", "opset": "opset", "pixels": "pixels", "x": "data"}


def add_to(commands: Any) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "export", help="write a network as ONNX, as C, or for NumPy alone",
        usage="cnet export [options] MODEL [FILE]", description=DESCRIPTION, epilog=EXAMPLES,
    )
    parser.add_argument("model", type=path, metavar="MODEL", help="a model file, or the folder of a run")
    parser.add_argument("file", type=path, metavar="FILE", nargs="?", help="the file to write")
    parser.add_argument("-o", "--out", type=path, metavar="FILE", help="the same as FILE")
    parser.add_argument(
        "--format", choices=NAMES, metavar="NAME",
        help=f"{', '.join(NAMES[:-1])} or {NAMES[-1]} (default: by the name of FILE); without FILE, the file is "
             "written into the run's folder, or beside the model file",
    )
    parser.add_argument(
        "--dtype", choices=("float32", "float64"), metavar="TYPE",
        help="numpy, onnx: type of weights and computation, float32 or float64 (default: the network's; onnx: float32)",
    )
    parser.add_argument(
        "--weights", choices=("float32", "int8"), metavar="TYPE",
        help="c: how weights are stored, float32 or int8, which takes a quarter of the memory (default: float32)",
    )
    parser.add_argument("--name", metavar="NAME", help="c: what all names begin with (default: the file's name)")
    parser.add_argument(
        "--opset", type=count, metavar="N", help="onnx: version of the set of operators, from 9 to 28 (default: 17)"
    )
    parser.add_argument(
        "--pixels", action=argparse.BooleanOptionalAction, default=None,
        help="onnx: inputs are uint8, divided by 255 (default: if the network was trained on them)",
    )
    add_data(parser, "c, int8: the images of the run, to measure what rounding changes")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the file."""
    from ..export.formats import FORMATS

    out, name = _target(args)
    chosen = FORMATS[name]
    options = _options(args, name, chosen)
    net = load_model(args.model)
    if "x" in chosen.options and (args.data is not None or args.weights == "int8"):
        options["x"] = _images(args.model, net, args.data)
    told = chosen.write(net, out, **options)
    files = [out, *(os.path.splitext(out)[0] + suffix for suffix in chosen.beside)]
    if args.json:
        measured = {} if told is None else {"rounding": told._asdict()}
        print_json({"files": files, "format": name, **measured})
    for file in files:
        say(f"wrote {printable(file)}, {os.path.getsize(file) / 1000:,.0f} kB", as_json=args.json)
    if told is not None:
        say(f"{told.bytes:,} bytes of constants; rounding the weights {told}", as_json=args.json)
    return 0


def _target(args: argparse.Namespace) -> tuple[str, str]:
    """The file to write, and the name of its format."""
    from ..export.formats import FORMATS

    if args.file is not None and args.out is not None:
        raise Failure("name the file to write once: as FILE, or with -o", USAGE)
    out = args.out if args.file is None else args.file
    if out is None:
        if args.format is None:
            raise Failure("name the file to write, as in model.py, or its --format", USAGE)
        return _default(args.model) + FORMATS[args.format].suffix, args.format
    if args.format is not None:
        return out, args.format
    by_suffix = {each.suffix: name for name, each in FORMATS.items()}
    suffix = os.path.splitext(out)[1].lower()
    if suffix not in by_suffix:
        raise Failure(f"{out}: the name must end in one of {listed(by_suffix)}, which is the format to write", USAGE)
    return out, by_suffix[suffix]


def _default(model: str) -> str:
    folder = run_of(model)
    return os.path.join(folder, STEM) if folder is not None else os.path.splitext(model)[0]


def _options(args: argparse.Namespace, name: str, chosen: Format) -> dict[str, Any]:
    """What was given of the format's options; what is another one's is a mistake."""
    given = {each: value for each, option in OPTIONS.items() if (value := getattr(args, option)) is not None}
    for each in given:
        if each not in chosen.options:
            raise Failure(f"--{OPTIONS[each]} is not an option of the format {name}", USAGE)
    return given


def _images(model: str, net: MultiLayerNet, source: str | None) -> npt.NDArray[Any] | None:
    """The images to measure on; None where the network reads something else, and none were asked for."""
    if source is None and run_of(model) is None:
        return None
    data = data_for(model, source)
    check_fit(model, net, data)
    return data.test[0]
