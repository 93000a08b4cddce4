"""Names and parameters of losses and activations."""

import inspect
import math
import pickle

import numpy as np
import pytest

from cnet import losses, reference
from cnet.activations import ACTIVATIONS, as_activations
from cnet.losses import LOSSES, Huber, Loss, Quantile, as_loss

# Name and default of the parameter of those that have one.
PARAMETERS = {"huber": ("delta", 1.0), "quantile": ("q", 0.5)}


def test_the_tables_are_complete():
    assert {cls.__name__ for cls in LOSSES.values()} == set(losses.__all__)
    for name, cls in LOSSES.items():
        assert cls.name == name and cls.smooths_labels == (reference.LOSSES[name].smooth is not None)
        # What is classified right or wrong is no value that can be close.
        assert cls.predicts_values == (reference.LOSSES[name].hits is None)
    assert {each.initial_weights for each in ACTIVATIONS.values()} == {"he", "xavier"}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_a_value(name):
    cls, made = LOSSES[name], as_loss(name)
    assert type(made) is cls and made.name == name and made == cls() and hash(made) == hash(cls())
    assert made.parameter == (PARAMETERS[name][1] if name in PARAMETERS else 0.0)
    assert list(inspect.signature(cls).parameters) == ([PARAMETERS[name][0]] if name in PARAMETERS else [])
    assert eval(repr(made), vars(losses)) == made == pickle.loads(pickle.dumps(made)) and as_loss(made) is made
    assert all(made != LOSSES[other]() for other in LOSSES if other != name)
    if name in PARAMETERS:
        given = cls(0.25)
        assert given.parameter == 0.25 and given != made and eval(repr(given), vars(losses)) == given
        assert given == cls(**{PARAMETERS[name][0]: np.float32(0.25)})
        with pytest.raises(AttributeError):
            setattr(given, PARAMETERS[name][0], 0.5)


@pytest.mark.parametrize(("cls", "name", "bad"), [
    (Huber, "delta", (0, -1, math.nan, math.inf)), (Quantile, "q", (0, 1, -0.5, 1.5, math.nan)),
])
def test_bad_parameters_are_named(cls, name, bad):
    for value in bad:
        with pytest.raises(ValueError, match=f"^{name} must be "):
            cls(value)
    for value in (None, "0.5", True, [0.5], 1j):
        with pytest.raises(TypeError, match=f"^{name} must be a number"):
            cls(value)


@pytest.mark.parametrize(("value", "error", "message"), [
    ("nonsense", ValueError, "'cross_entropy', .*'quantile'.*, got 'nonsense'"), (0.5, TypeError, "got float"),
    (Huber, TypeError, r"got the class Huber; write Huber\(\)"), (Loss(), TypeError, "got Loss"),
    (None, TypeError, "got NoneType"),
])
def test_what_is_no_loss(value, error, message):
    with pytest.raises(error, match=f"^loss must be one of .*{message}"):
        as_loss(value)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_of_all_layers_or_of_each(name):
    assert as_activations(name, 3) == (name,) * 3 == as_activations([name] * 3, 3)
    assert as_activations(name, 0) == () == as_activations((), 0)
    assert as_activations(("tanh", name), 2) == ("tanh", name)


@pytest.mark.parametrize(("value", "error", "message"), [
    ("nonsense", ValueError, "activation must be one of 'identity', .*'silu'.*, got 'nonsense'"),
    (["relu", "nonsense"], ValueError, r"activation\[1\] must be one of .* got 'nonsense'"),
    (["relu", 3], TypeError, r"activation\[1\] must be a string, got int"),
    (["relu"], ValueError, "activation must hold one name for each of 2 hidden layers, got 1"),
    (["relu"] * 3, ValueError, "for each of 2 hidden layers, got 3"),
    (None, TypeError, "activation must be a string, or a list .* got NoneType"),
    ({"relu", "tanh"}, TypeError, "got set"),
])
def test_bad_activations(value, error, message):
    with pytest.raises(error, match=message):
        as_activations(value, 2)
