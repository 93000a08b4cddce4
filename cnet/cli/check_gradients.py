"""``cnet check-gradients``: backpropagation against central differences."""

from __future__ import annotations

import argparse
from typing import Any

from .choices import chosen_layers
from .console import FAILURE, USAGE, Failure, print_json, say
from .data import check_classifies
from .options import add_json, count, path, seed
from .run_folder import load_single
from .settings import weight_init_for
from .training_options import add_network_options
from .words import network_text

__all__ = ["add_to", "run"]

DESCRIPTION = """\
Compute the gradient of the loss twice, by backpropagation and by moving each parameter a
little up and down, and compare them: the chapter's gradient check. The two agree to many
digits if backpropagation is right. A network of relu units may differ where a unit stands
just at its kink. With several hidden layers the whole loss is computed anew for each
parameter, which takes long where there are many.
"""

EXAMPLES = """\
examples:
  cnet check-gradients                   # a new 784-50-10 network, 3 drawn digits
  cnet check-gradients --activation tanh --samples 10
  cnet check-gradients --layers 8,6 --activation gelu,tanh
  cnet check-gradients --model cnet-run  # a trained network
"""

# Of central differences with h = 1e-4 in float64, and of a gradient in float32.
TOLERANCE = {"float64": 1e-6, "float32": 1e-3}


def add_to(commands: Any) -> None:
    """Add this command to the command line."""
    parser = commands.add_parser(
        "check-gradients", help="compare backpropagation with numerical differentiation",
        usage="cnet check-gradients [options]",
        description=DESCRIPTION, epilog=EXAMPLES,
    )
    parser.add_argument(
        "--model", type=path, metavar="MODEL", help="check this one (a model file, or a run's folder)"
    )
    add_network_options(parser, ("hidden", "layers", "activation"))
    parser.add_argument(
        "--dtype", choices=tuple(TOLERANCE), metavar="TYPE", help="float64 (default) or float32"
    )
    parser.add_argument(
        "--samples", type=count, default=3, metavar="N", help="drawn digits to compute with (default: 3)"
    )
    parser.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="seed of the network and the digits (default: 0)"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare, parameter by parameter; a failure if they do not agree."""
    import numpy as np

    from ..datasets import make_digits

    net = _network(args)
    check_classifies(args.model, net)
    if net.sizes[0] != 784 or net.sizes[-1] < 10:
        raise Failure(f"{args.model} has the sizes {net.sizes}, drawn digits have 784 pixels and 10 classes")
    x, t = make_digits(args.samples, rng=args.seed)
    backprop, numerical = net.gradient(x, t), net.numerical_gradient(x, t)
    tolerance = TOLERANCE[net.dtype.name]
    results, agree = {}, True
    # The numerical gradient's error does not shrink with a parameter's own gradient: one scale for all.
    scale = max(float(np.abs(gradient).max()) for gradient in numerical.values()) or 1.0
    for name in numerical:
        difference = np.abs(backprop[name].astype(np.float64) - numerical[name])
        results[name] = {
            "mean_difference": float(difference.mean()),
            "relative_difference": float(difference.max()) / scale,
        }
        agree = agree and results[name]["relative_difference"] <= tolerance
    if args.json:
        print_json({"agree": agree, "tolerance": tolerance, "sizes": net.sizes, "activation": net.activation,
                    "dtype": net.dtype.name, "samples": args.samples, "parameters": results})
        return 0 if agree else FAILURE
    say(f"network: {network_text(net.sizes, net._core.activations)}, {net.dtype}; {args.samples} drawn digits")
    for name, result in results.items():
        say(f"{name}: mean difference {result['mean_difference']:.2e}, largest "
            f"{result['relative_difference']:.2e} of the largest gradient")
    if not agree:
        raise Failure(f"the gradients differ by more than {tolerance:g} of the largest gradient")
    say(f"backpropagation and central differences agree (to {tolerance:g} of the largest gradient)")
    return 0


def _network(args: argparse.Namespace) -> Any:
    """The network to check: a trained one, or a new one."""
    from ..networks import MultiLayerNet, TwoLayerNet

    if args.model is None:
        hidden, activations = chosen_layers(args)
        init: Any = weight_init_for(activations)
        how: dict[str, Any] = {"dtype": args.dtype or "float64", "rng": args.seed}
        if len(hidden) == 1:
            return TwoLayerNet(784, hidden[0], 10, init, activation=activations[0], **how)
        return MultiLayerNet(784, hidden, 10, activations, init, **how)
    for name in ("hidden", "layers", "activation", "dtype"):
        if getattr(args, name) is not None:
            raise Failure(f"--{name} is for a new network; --model has its own", USAGE)
    # How a run preprocesses its images changes no gradient: drawn digits will do as they are.
    return load_single(args.model)[0]
