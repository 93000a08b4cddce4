"""The weights that a network begins with: drawn from a normal distribution, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import check_choice, check_number
from .core import _team
from .image_shape import square_side
from .local_weights import local_filters
from .parameters import Parameters

__all__ = ["GAINS", "LOCAL", "check_std", "draw_weights"]

# The variance of a weight, times its layer's inputs: K. He's rule for relu, and a simpler form of X. Glorot's. Local
# weights are the first layer's; the others have K. He's.
GAINS = {"relu": 2.0, "he": 2.0, "sigmoid": 1.0, "xavier": 1.0, "local": 2.0}
LOCAL = "local"


def check_std(weight_init_std: Any, sizes: tuple[int, ...], names: tuple[str, ...] = tuple(GAINS)) -> list[float]:
    """Return the standard deviation of each layer's initial weights, from a number or one of `names`."""
    if isinstance(weight_init_std, str):
        rule = check_choice("weight_init_std", weight_init_std, names)
        if rule == LOCAL:
            square_side(sizes[0], "weight_init_std = 'local'")
        return [(GAINS[rule] / n_in) ** 0.5 for n_in in sizes[:-1]]
    return [check_number("weight_init_std", weight_init_std, positive=False)] * (len(sizes) - 1)


def draw_weights(params: Parameters, stds: list[float], seed: int, *, local: bool = False) -> None:
    """Draw W1, W2, ... in turn, from the stream of random numbers that `seed` begins. Biases stay 0."""
    generator = np.random.Generator(np.random.Philox(key=seed))
    for layer, std in enumerate(stds, 1):
        target = params[f"W{layer}"]
        with np.errstate(all="ignore"), _team.IeeeArithmetic():
            noise = generator.standard_normal(target.shape)
            weights = local_filters(noise, generator) if local and layer == 1 else std * noise
            if not np.isfinite(weights).all():
                raise ValueError(f"weight_init_std = {std:g} is too large for {target.dtype}")
            params[f"W{layer}"] = weights
