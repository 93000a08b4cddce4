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

from . import activations, distortions, losses, optimizers, random_numbers
from .activations import activate, activation_grad
from .distortions import augmented, bilinear, distort, distort_image, image_key, mixture, motion, noise, smooth
from .losses import softmax
from .networks import accuracy, forward, gradient, loss, numerical_gradient, predict, scores
from .random_numbers import draw_rows, dropout_mask, normal_numbers, philox4x32, shuffle_rows
from .training import fit

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "OPTIMIZERS",
    "PURPOSE_AUGMENT",
    "PURPOSE_DROPOUT",
    "PURPOSE_SAMPLE",
    "PURPOSE_SHUFFLE",
    "accuracy",
    "activate",
    "activation_grad",
    "augmented",
    "bilinear",
    "distort",
    "distort_image",
    "draw_rows",
    "dropout_mask",
    "fit",
    "forward",
    "gradient",
    "image_key",
    "loss",
    "mixture",
    "motion",
    "noise",
    "normal_numbers",
    "numerical_gradient",
    "philox4x32",
    "predict",
    "scores",
    "shuffle_rows",
    "smooth",
    "softmax",
]

# Sphinx reads comments where a name is assigned, not where it is imported.

#: The activation functions by name. Each has ``value(a)``, and ``slope(a, z)``: its derivative from the pre-activation
#: a and the value z.
#:
#: :meta hide-value:
ACTIVATIONS = activations.ACTIVATIONS

#: The losses by name. Each has ``output(s)``, what `predict` returns; ``values(s, t, parameter)``, the loss of each
#: row; ``delta(s, t, parameter)``, its derivative with respect to the scores; and, where they mean something,
#: ``hits(s, t)`` for the accuracy and ``smooth(t, e)`` for label smoothing. The parameter is the delta of huber and
#: the q of quantile; the others have none.
#:
#: :meta hide-value:
LOSSES = losses.LOSSES

#: The optimizers by name. Each has ``n_states``, the number of arrays of state for each parameter, and
#: ``step(W, g, state, rate, t, **hyper)``, which changes the parameter W and its state in place, by the gradient g.
#:
#: :meta hide-value:
OPTIMIZERS = optimizers.OPTIMIZERS

#: The last word of the counter for random numbers that draw mini-batches with replacement.
PURPOSE_SAMPLE = random_numbers.PURPOSE_SAMPLE
#: The last word of the counter for random numbers that shuffle an epoch's rows.
PURPOSE_SHUFFLE = random_numbers.PURPOSE_SHUFFLE
#: The last word of the counter for the key of an iteration's dropout.
PURPOSE_DROPOUT = random_numbers.PURPOSE_DROPOUT
#: The last word of the counter for the key of a distorted image.
PURPOSE_AUGMENT = distortions.PURPOSE_AUGMENT
