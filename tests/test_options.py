"""The options of a fit: what each accepts and becomes, and errors that name it."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest

from cnet import losses, optimizers, schedules
from cnet.options import FitOptions, check_options


class Stopper:
    def begin(self, network, total):
        pass

    def __call__(self, info):
        return False


STOPPER = Stopper()


def half(iteration, total):
    return 0.5


def test_defaults():
    assert FitOptions() == check_options(n_threads=None).__class__()
    options = check_options()
    assert {each.name: getattr(options, each.name) for each in fields(options)} == {
        "iterations": None, "epochs": None, "batch_size": 100, "learning_rate": 0.1, "optimizer": optimizers.SGD(),
        "schedule": None, "sampling": "replacement", "gradient": "backprop", "n_threads": 0, "dropout": (0.0,),
        "input_dropout": 0.0, "input_noise": 0.0, "adversarial": 0.0, "label_smoothing": 0.0, "clip_norm": None,
        "max_norm": None, "averaging": None, "validation_split": None, "early_stopping": None, "augment": None,
    }
    assert replace(options, batch_size=3).batch_size == 3


@pytest.mark.parametrize(("given", "name", "expected"), [
    ({"optimizer": "adam"}, "learning_rate", 0.001), ({"optimizer": "rmsprop"}, "learning_rate", 0.01),
    ({"optimizer": optimizers.Adam(lr=0.5)}, "learning_rate", 0.5),
    ({"optimizer": optimizers.Adam(lr=0.5), "learning_rate": 2}, "learning_rate", 2.0),
    ({"learning_rate": optimizers.LinearRamp(0.3)}, "learning_rate", optimizers.LinearRamp(0.3)),
    ({"optimizer": "nesterov"}, "optimizer", optimizers.Nesterov()),
    ({"schedule": "cosine"}, "schedule", schedules.Cosine()),
    ({"schedule": half}, "schedule", schedules.as_schedule(half)),
    ({"dropout": 0.5}, "dropout", 0.5), ({"dropout": [0.5, 0]}, "dropout", (0.5, 0.0)),
    ({"dropout": np.array([0.5, 0.25])}, "dropout", (0.5, 0.25)), ({"dropout": np.float32(0.5)}, "dropout", 0.5),
    ({"input_dropout": 0.2}, "input_dropout", 0.2), ({"input_noise": 2}, "input_noise", 2.0),
    ({"adversarial": 1}, "adversarial", 1.0),
    ({"label_smoothing": 0.1}, "label_smoothing", 0.1),
    ({"clip_norm": 5}, "clip_norm", 5.0), ({"max_norm": 3}, "max_norm", 3.0), ({"averaging": 0.99}, "averaging", 0.99),
    ({"validation_split": 0.1}, "validation_split", 0.1), ({"early_stopping": STOPPER}, "early_stopping", STOPPER),
    ({"n_threads": 3}, "n_threads", 3), ({"n_threads": None}, "n_threads", 0),
])
def test_options_become_uniform(given, name, expected):
    value = getattr(FitOptions(**given), name)
    assert value == expected and type(value) is type(expected)


SHARES = ("dropout", "input_dropout", "label_smoothing")
OPEN_SHARES = ("averaging", "validation_split")
NORMS = ("clip_norm", "max_norm")


@pytest.mark.parametrize("name", [*SHARES, *OPEN_SHARES, *NORMS])
def test_numbers_out_of_range_and_of_other_types(name):
    for bad in (-0.1, math.nan, math.inf, -math.inf, 10**400):
        with pytest.raises(ValueError, match=f"^{name} must be "):
            check_options(**{name: bad})
    for bad in ("0.1", True, np.True_, 1j, {}, np.ones((1, 1)), STOPPER):
        with pytest.raises(TypeError, match=f"^{name} must be a number, got "):
            check_options(**{name: bad})
    if name not in NORMS:
        with pytest.raises(ValueError, match=f"^{name} must be below 1, got 1.0"):
            check_options(**{name: 1})
    if name not in SHARES:
        with pytest.raises(ValueError, match=f"^{name} must be finite and above 0, got 0.0"):
            check_options(**{name: 0})
    else:
        with pytest.raises(TypeError, match=f"^{name} must be a number, got NoneType"):
            check_options(**{name: None})


@pytest.mark.parametrize(("given", "error", "message"), [
    ({"dropout": [0.5, 1]}, ValueError, r"dropout\[1\] must be below 1, got 1.0"),
    ({"dropout": [0.5, "0.5"]}, TypeError, r"dropout\[1\] must be a number, got '0.5'"),
    ({"dropout": [0.5, 0.5]}, ValueError, "dropout must hold one share for each of 3 hidden layers, got 2"),
    ({"dropout": [0.5], "n_hidden": 0}, ValueError, "for each of 0 hidden layers, got 1"),
    ({"early_stopping": 0}, ValueError, r"early_stopping \(a patience\) must be from 1"),
    ({"early_stopping": 1.5}, TypeError, r"early_stopping \(a patience\) must be an integer, got 1.5"),
    ({"early_stopping": True}, TypeError, r"early_stopping \(a patience\) must be an integer, got True"),
    ({"early_stopping": "5"}, TypeError, r"early_stopping must be None, .*EarlyStopping\(patience=5\), got '5'"),
    ({"early_stopping": Stopper}, TypeError, "early_stopping must .* got <class"),
    ({"early_stopping": half}, TypeError, r"early_stopping must have begin\(network, total\).* got <function"),
    ({"callback": [half, 3]}, TypeError, r"callback\[1\] must be callable.* got int"),
    ({"callback": Stopper}, TypeError, r"callback must be an object.*make one: Stopper\(...\)"),
    ({"gradient": "numerical", "dropout": 0.5}, ValueError, 'gradient="numerical" goes without dropout, got 0.5'),
    ({"gradient": "numerical", "averaging": 0.5}, ValueError, 'gradient="numerical" goes without averaging'),
    ({"schedule": "cosinus"}, ValueError, "schedule must be one of"), ({"schedule": 1.0}, TypeError, "schedule must"),
    ({"schedule": "step", "learning_rate": optimizers.LinearRamp()}, ValueError, "schedule or a LinearRamp .*not both"),
    ({"iterations": 3, "epochs": 3}, ValueError, "iterations or epochs, not both"),
    ({"validation_split": 0.1, "validation_data": ([[1.0]], [0])}, ValueError, "validation_data or validation_split"),
    ({"label_smoothing": 0.1, "loss": losses.Huber()}, ValueError, r"label_smoothing .* Huber\(delta=1.0\)"),
    ({"callback": 3}, TypeError, "callback must be callable"),
    ({"gradient": "numerical", "optimizer": "momentum"}, ValueError, 'gradient="numerical".*sgd'),
    ({"gradient": "numerical", "optimizer": "adam"}, ValueError, 'gradient="numerical".*sgd'),
    ({"n_threads": 0}, ValueError, "n_threads must be from 1"), ({"n_threads": False}, TypeError, "n_threads"),
    ({"momentum": 0.9}, TypeError, "momentum"),
])
def test_options_that_are_refused(given, error, message):
    with pytest.raises(error, match=message):
        check_options(**{"n_hidden": 3, **given})


def test_options_that_go_together():
    assert check_options(n_hidden=3, dropout=0.5).dropout == (0.5,) * 3
    assert check_options(n_hidden=2, dropout=(0.5, 0.25)).dropout == (0.5, 0.25)
    assert check_options(n_hidden=0, dropout=0.5).dropout == ()
    assert check_options(loss=losses.BinaryCrossEntropy(), label_smoothing=0.1).label_smoothing == 0.1
    assert check_options(loss=losses.Huber(), label_smoothing=0).label_smoothing == 0
    assert check_options(schedule="linear", learning_rate=0.5).schedule == schedules.Linear()
