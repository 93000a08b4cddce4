"""cnet: small dense neural networks, trained in compiled code.

The public names, and nothing else. ``cnet.exchange``, ``cnet.export``, ``cnet.images``, ``cnet.plots`` (which needs
matplotlib), ``cnet.recipes`` and ``cnet.reference`` are loaded when they are first used.
"""

from typing import TYPE_CHECKING, Any

from . import augment as augment
from . import datasets
from . import losses as losses
from . import optimizers as optimizers
from . import preprocess as preprocess
from . import schedules as schedules
from .callbacks import BestParams, EarlyStopping
from .checkpoint import Checkpoint
from .committee import Committee
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
from .networks import MultiLayerNet, TwoLayerNet, load
from .threads import get_num_threads, set_num_threads
from .training import History

__version__ = "0.1.0"

__all__ = [
    "BestParams",
    "Checkpoint",
    "CnetWarning",
    "Committee",
    "DivergenceError",
    "EarlyStopping",
    "History",
    "MultiLayerNet",
    "TwoLayerNet",
    "cross_entropy_error",
    "datasets",
    "get_num_threads",
    "gradient_descent",
    "identity_function",
    "load",
    "mean_squared_error",
    "numerical_diff",
    "numerical_gradient",
    "relu",
    "relu_grad",
    "set_num_threads",
    "show_config",
    "sigmoid",
    "sigmoid_grad",
    "softmax",
    "softmax_loss",
    "step_function",
    "sum_squared_error",
]

_LOADED_ON_USE = ("exchange", "export", "images", "plots", "recipes", "reference")

if TYPE_CHECKING:
    # For type checkers, to whom a __getattr__ would say that every name is there, and for programs
    # that freeze programs.
    from . import exchange as exchange
    from . import export as export
    from . import images as images
    from . import plots as plots
    from . import recipes as recipes
    from . import reference as reference
else:

    def __getattr__(name: str) -> Any:
        if name not in _LOADED_ON_USE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            # hasattr(), and whatever looks through dir(), expect this of a name that cannot be had.
            raise AttributeError(str(error)) from error


def __dir__() -> list[str]:
    return sorted({*globals(), *_LOADED_ON_USE})
