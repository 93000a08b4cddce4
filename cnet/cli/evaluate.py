"""``cnet evaluate``: how well a trained network reads images that it has not seen."""

from __future__ import annotations

import argparse
from typing import Any

from ..committee import Committee
from .console import loss_text, percent, print_json, say
from .data import check_classifies, check_fit, data_for
from .options import add_data, add_json, path
from .run_folder import load_any

__all__ = ["add_to", "run"]

EXAMPLES = """\
examples:
  cnet evaluate cnet-run               # on the test images of the run
  cnet evaluate cnet-run --data mnist  # on the real MNIST
  cnet evaluate my-model.safetensors --data folder-of-idx-files
"""


def add_to(commands: Any) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "evaluate", help="measure how well a trained network reads",
        usage="cnet evaluate [options] MODEL",
        description="Measure a trained network's accuracy (the share of images that it reads right)\n"
        "and its loss.",
        epilog=EXAMPLES,
    )
    parser.add_argument("model", type=path, metavar="MODEL", help="a model file, or the folder of a run")
    add_data(parser, "the images of the run; drawn for a model file elsewhere")
    parser.add_argument(
        "--part", choices=("test", "train"), default="test", metavar="PART",
        help='which images: "test" (default) or "train"',
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, and print what came out."""
    net = load_any(args.model)
    check_classifies(args.model, net)
    data = data_for(args.model, args.data)
    x, t = data.test if args.part == "test" else data.train
    check_fit(args.model, net, data)
    chosen = net.predict(x).argmax(axis=1)
    right = chosen == t
    by_class = {int(label): float(right[t == label].mean()) for label in sorted(set(t.tolist()))}
    # The loss that training shows, which is without a penalty.
    accuracy = float(right.mean())
    loss = net.loss(x, t) if isinstance(net, Committee) else net._core.loss_and_accuracy(x, t, True)[0]
    if args.json:
        print_json({
            "model": args.model, "data": data.source, "part": args.part, "n": len(t),
            "accuracy": accuracy, "loss": loss, "accuracy_by_class": by_class,
        })
        return 0
    say(f"data: {data.description}")
    say(f"{args.part} accuracy {percent(accuracy)} ({len(t) - int(right.sum()):,} of {len(t):,} read wrong), "
        f"loss {loss_text(loss)}")
    say("by class: " + ", ".join(f"{label}: {percent(share)}" for label, share in by_class.items()))
    return 0
