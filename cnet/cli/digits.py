"""``cnet digits``: draw digits to look at, or to train with elsewhere."""

from __future__ import annotations

import argparse
import os
import re
from typing import TYPE_CHECKING, Any

from ..atomic_file import replacing
from .console import USAGE, Failure, as_word, print_json, say
from .options import add_json, count, make_folder, path, seed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["add_to", "run"]

DESCRIPTION = """\
Draw handwritten digits: into one picture, if OUT ends in .png, or into a folder, as the four
files of MNIST's own format (IDX, gzipped), which "cnet train --data FOLDER" takes. A new folder
whose name looks like a file's is written with a slash: digits.old/

A seed gives the same digits on any machine.
"""

EXAMPLES = """\
examples:
  cnet digits digits.png  # 100 digits in one picture
  cnet digits digits.png --count 400 --seed 7
  cnet digits my-digits   # 60,000 to train with, 10,000 to test with
  cnet digits my-digits --count 5000 --test-count 1000
"""

# Not that of a version, as in digits-1.2.
FILE_SUFFIX = re.compile(r"\.[A-Za-z]\w*")
SHEET_LIMIT = 10_000
GAP, GAP_GREY = 2, 90


def add_to(commands: Any) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "digits", help="draw digits, as a picture or as files to train with",
        usage="cnet digits [options] OUT",
        description=DESCRIPTION, epilog=EXAMPLES,
    )
    parser.add_argument("out", type=path, metavar="OUT", help="a .png file, or a folder")
    parser.add_argument(
        "--count", type=count, metavar="N", help="how many (default: 100 in a picture, 60,000 in a folder)"
    )
    parser.add_argument(
        "--test-count", type=count, metavar="N", help="how many to test with, in a folder (default: 10,000)"
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="seed of the digits (default: 0)")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Draw, and write what was drawn."""
    if args.out.lower().endswith(".png"):
        _draw_sheet(args)
    else:
        _draw_folder(args)
    return 0


def _draw_sheet(args: argparse.Namespace) -> None:
    from ..datasets import make_digits

    n = args.count or 100
    if args.test_count is not None:
        raise Failure("--test-count is for a folder; a picture has no digits to test with", USAGE)
    if n > SHEET_LIMIT:
        raise Failure(f"--count {n}: a picture takes at most {SHEET_LIMIT} digits", USAGE)
    x, t = make_digits(n, rng=args.seed)
    write_png(args.out, sheet(x.reshape(n, 28, 28)))
    if args.json:
        print_json({"file": args.out, "seed": args.seed, "labels": t.tolist()})
    else:
        say(f"wrote {args.out}: {n:,} {'digit' if n == 1 else 'digits'}, seed {args.seed}")


def _draw_folder(args: argparse.Namespace) -> None:
    from ..datasets import make_digits, write_idx

    counts = {"train": args.count or 60_000, "t10k": args.test_count or 10_000}
    if FILE_SUFFIX.fullmatch(os.path.splitext(args.out)[1]) and not os.path.lexists(args.out):
        raise Failure(f"{args.out}: a picture's name ends in .png; for a folder of this name write "
                      f"{as_word(args.out + '/')}", USAGE)
    make_folder(args.out)
    files = []
    # One stream, so that the two parts have no image in common.
    x, t = make_digits(sum(counts.values()), rng=args.seed)
    images = x.reshape(-1, 28, 28)
    parts = {"train": slice(0, counts["train"]), "t10k": slice(counts["train"], None)}
    for part, rows in parts.items():
        for name, array in ((f"{part}-images-idx3-ubyte.gz", images), (f"{part}-labels-idx1-ubyte.gz", t)):
            files.append(os.path.join(args.out, name))
            write_idx(files[-1], array[rows])
    if args.json:
        print_json({"folder": args.out, "seed": args.seed, "counts": counts, "files": files})
    else:
        say(f"wrote {args.out}: {counts['train']:,} digits to train with, {counts['t10k']:,} to test with, "
            f"seed {args.seed}")


def sheet(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Images (N, H, W) side by side in a field that is nearly square, with a thin gap between them."""
    import numpy as np

    n, height, width = images.shape
    columns = int(np.ceil(np.sqrt(n)))
    rows = -(-n // columns)
    field = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP), GAP_GREY, np.uint8)
    for i, image in enumerate(images):
        top, left = (GAP + i // columns * (height + GAP), GAP + i % columns * (width + GAP))
        field[top:top + height, left:left + width] = image
    return field


def write_png(path: str, grey: npt.NDArray[np.uint8]) -> None:
    """Write grey pixels (H, W) as a PNG file."""
    try:
        from PIL import Image
    except ImportError:
        raise ModuleNotFoundError('drawing a picture needs Pillow: pip install "cnet-nn[cli]"') from None
    with replacing(path) as file:
        Image.fromarray(grey).save(file, format="PNG")
