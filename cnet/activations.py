"""The hidden layers' activations: their names, formulas, and the initial weights that go with them.

In the formulas ``a`` is what a unit has summed up.
"""

from __future__ import annotations

from typing import NamedTuple

from .checks import check_choice

__all__ = ["ACTIVATIONS", "Activation", "as_activations"]


class Activation(NamedTuple):
    """What is known of one activation in Python; compiled code computes it."""

    formula: str
    # The rule for initial weights: "xavier" where units of a small input are about linear, "he" where they
    # let about half of their inputs' variance through.
    initial_weights: str


# The names of activation=...: the only list of them.
ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation("a", "xavier"),
    "sigmoid": Activation("1 / (1 + exp(-a))", "xavier"),
    "tanh": Activation("tanh(a)", "xavier"),
    "relu": Activation("max(a, 0)", "he"),
    "leaky_relu": Activation("a where a > 0, else 0.01 * a", "he"),
    "elu": Activation("a where a > 0, else exp(a) - 1", "he"),
    "gelu": Activation("a * Phi(a), Phi(a) = (1 + erf(a / sqrt(2))) / 2", "he"),
    "silu": Activation("a / (1 + exp(-a))", "he"),
}


def as_activations(value: object, n_hidden: int) -> tuple[str, ...]:
    """Return the name of each hidden layer's activation.

    Parameters
    ----------
    value : str, or list or tuple of str
        One name for all hidden layers, or one for each.
    n_hidden : int
        The number of hidden layers.

    Returns
    -------
    tuple of str, of length n_hidden

    Raises
    ------
    TypeError
        If `value` is neither a string nor a list or tuple of strings.
    ValueError
        If a name is unknown, or there are more or fewer names than hidden layers.

    Examples
    --------
    >>> as_activations("relu", 2)
    ('relu', 'relu')
    >>> as_activations(["gelu", "tanh"], 2)
    ('gelu', 'tanh')
    """
    names = tuple(ACTIVATIONS)
    if isinstance(value, str):
        return (check_choice("activation", value, names),) * n_hidden
    if not isinstance(value, list | tuple):
        raise TypeError("activation must be a string, or a list with one for each hidden layer, "
                        f"got {type(value).__name__}")
    if len(value) != n_hidden:
        raise ValueError(f"activation must hold one name for each of {n_hidden} hidden layers, got {len(value)}")
    return tuple(check_choice(f"activation[{i}]", each, names) for i, each in enumerate(value))
