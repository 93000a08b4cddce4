"""The exponential function as a module of PyTorch, which has none. Imports PyTorch."""

from __future__ import annotations

import torch

__all__ = ["Exp"]


class Exp(torch.nn.Module):
    """``exp(s)``: predictions of a Poisson loss from the last layer's scores."""

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        """Return the exponentials."""
        return torch.exp(scores)
