"""cnet: small dense neural networks, trained in compiled code.

The public names, and nothing else. ``cnet.plots`` and ``cnet.reference`` are
imported explicitly.
"""

from . import datasets
from .config import show_config
from .differentiation import gradient_descent, numerical_diff, numerical_gradient
from .errors import CnetWarning, DivergenceError
from .functions import (
    cross_entropy_error,
    identity_function,
    mean_squared_error,
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    softmax,
    softmax_loss,
    step_function,
    sum_squared_error,
)
from .network import TwoLayerNet, load
from .training import History

__version__ = "0.1.0"

__all__ = [
    "CnetWarning",
    "DivergenceError",
    "History",
    "TwoLayerNet",
    "cross_entropy_error",
    "datasets",
    "gradient_descent",
    "identity_function",
    "load",
    "mean_squared_error",
    "numerical_diff",
    "numerical_gradient",
    "relu",
    "relu_grad",
    "show_config",
    "sigmoid",
    "sigmoid_grad",
    "softmax",
    "softmax_loss",
    "step_function",
    "sum_squared_error",
]
