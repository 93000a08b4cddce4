"""Small dense networks in plain NumPy: the readable specification.

This module is neither compiled nor fast, and it does not validate its arguments. It says what the
compiled code must compute; the tests compare the two. A network is a dictionary of its parameters,
``W1, b1, ..., Wn, bn``, whose number says how deep it is. The letters are the book's: x inputs,
a pre-activations, z activations, s scores, y predictions, t targets; B rows, I inputs, H hidden
units, O outputs.

A new activation, loss or optimizer is one entry in `ACTIVATIONS`, `LOSSES` or `OPTIMIZERS`.

Examples
--------
>>> import numpy as np
>>> from cnet import reference
>>> params = {"W1": np.zeros((2, 3)), "b1": np.zeros(3), "W2": np.zeros((3, 2)), "b2": np.zeros(2)}
>>> reference.predict(params, np.array([[1.0, 2.0]]), "sigmoid")
array([[0.5, 0.5]])
"""

from .activations import ACTIVATIONS, activate, activation_grad
from .losses import LOSSES, softmax
from .networks import accuracy, forward, gradient, loss, numerical_gradient, predict, scores
from .optimizers import OPTIMIZERS
from .random_numbers import (
    PURPOSE_DROPOUT,
    PURPOSE_SAMPLE,
    PURPOSE_SHUFFLE,
    draw_rows,
    dropout_mask,
    philox4x32,
    shuffle_rows,
)
from .training import fit

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "OPTIMIZERS",
    "PURPOSE_DROPOUT",
    "PURPOSE_SAMPLE",
    "PURPOSE_SHUFFLE",
    "accuracy",
    "activate",
    "activation_grad",
    "draw_rows",
    "dropout_mask",
    "fit",
    "forward",
    "gradient",
    "loss",
    "numerical_gradient",
    "philox4x32",
    "predict",
    "scores",
    "shuffle_rows",
    "softmax",
]
