"""What a run was asked to do: what decides its bits, besides its data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..activations import ACTIVATIONS
from ..callbacks import METRICS, EarlyStopping
from ..initial_weights import GAINS
from ..networks import MOST_HIDDEN_LAYERS, MultiLayerNet, TwoLayerNet
from ..optimizers import OPTIMIZERS
from ..options import GRADIENTS, SAMPLINGS, FitOptions
from ..schedules import SCHEDULES
from .augmentation import augment_of, named_amounts
from .fields import Fields
from .preprocessing import named_ways

if TYPE_CHECKING:
    from ..schedule_base import Schedule

__all__ = ["FIT_FIELDS", "MOST_ITERATIONS", "Settings", "as_fit_takes", "weight_init_for"]

# What `fit` counts up to.
MOST_ITERATIONS = 2**31 - 1
# Those that `fit` takes as they are, and files of earlier versions lack.
FIT_FIELDS = (
    "dropout", "input_dropout", "input_noise", "adversarial", "label_smoothing", "clip_norm", "max_norm", "averaging",
    "validation_split", "augment",
)


@dataclass(frozen=True)
class Settings:
    """What decides the bits of a run, besides its data.

    `hidden` and `activation` are one for each hidden layer, or one value where a single one says it all;
    0 hidden units are no hidden layer. The parameters of optimizer and schedule are by their names.
    `recipe` is what the settings were taken from, as far as nothing else was given; it decides nothing.
    `preprocessing` are the ways of a committee's networks; in the settings of one network its own.
    """

    data: str
    checksum: int
    hidden: int | tuple[int, ...]
    activation: str | tuple[str, ...]
    batch_size: int
    learning_rate: float
    sampling: str
    gradient: str
    seed: int
    iterations: int
    iterations_per_epoch: int
    weight_init: float | str | None = None
    l2: float = 0.0
    optimizer: str = "sgd"
    optimizer_parameters: dict[str, float] = field(default_factory=dict)
    schedule: str | None = None
    schedule_parameters: dict[str, float] = field(default_factory=dict)
    dropout: float | tuple[float, ...] = 0.0
    input_dropout: float = 0.0
    input_noise: float = 0.0
    adversarial: float = 0.0
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    max_norm: float | None = None
    averaging: float | None = None
    validation_split: float | None = None
    augment: str | None = None
    early_stop: int | None = None
    early_stop_metric: str = "validation_loss"
    early_stop_delta: float = 0.0
    recipe: str | None = None
    preprocessing: str | None = None

    @classmethod
    def of(cls, fields: Fields) -> Settings:
        """Settings as a file has them; those that earlier versions did not know may be missing.

        Raises
        ------
        WrongFieldsError
            If one is of a wrong type or out of range; it is a ValueError that names them.
        """
        hidden = fields.checked("hidden", "units of hidden layers, from 1 to 2147483647", _hidden)
        settings = cls(
            data=fields.text("data"),
            checksum=fields.whole("checksum", 0, 2**32 - 1),
            hidden=hidden,
            activation=fields.checked("activation", f"of {', '.join(map(repr, ACTIVATIONS))}", _activation),
            batch_size=fields.whole("batch_size", 1, 2**31 - 1),
            learning_rate=fields.number("learning_rate", math.ulp(0.0)),
            sampling=fields.choice("sampling", SAMPLINGS),
            gradient=fields.choice("gradient", GRADIENTS),
            seed=fields.whole("seed", 0, 2**64 - 1),
            iterations=fields.whole("iterations", 1, MOST_ITERATIONS),
            iterations_per_epoch=fields.whole("iterations_per_epoch", 1, MOST_ITERATIONS),
            **_newer(fields),
        )
        fields.check()
        _check_layers(fields, settings)
        fields.check()
        return settings

    @property
    def layers(self) -> tuple[int, ...]:
        """The units of each hidden layer."""
        if isinstance(self.hidden, tuple):
            return self.hidden
        return (self.hidden,) if self.hidden else ()

    @property
    def activations(self) -> tuple[str, ...]:
        """The activation of each hidden layer."""
        return self.activation if isinstance(self.activation, tuple) else (self.activation,) * len(self.layers)

    @property
    def is_two_layers(self) -> bool:
        """Whether it is the chapter's network, without a penalty, which has a class of its own."""
        return len(self.layers) == 1 and not self.l2

    def network(self, n_inputs: int, n_classes: int) -> MultiLayerNet:
        """A network with its initial weights."""
        init: Any = weight_init_for(self.activations) if self.weight_init is None else self.weight_init
        if self.is_two_layers:
            return TwoLayerNet(
                n_inputs, self.layers[0], n_classes, init, activation=self.activations[0], rng=self.seed
            )
        return MultiLayerNet(n_inputs, self.layers, n_classes, self.activations, init, self.l2, rng=self.seed)

    def fit_options(self) -> dict[str, Any]:
        """The arguments of ``fit`` that it says, without how long and what is watched."""
        return {
            "batch_size": self.batch_size, "learning_rate": self.learning_rate, "sampling": self.sampling,
            "gradient": self.gradient, "optimizer": OPTIMIZERS[self.optimizer](**self.optimizer_parameters),
            **{name: as_fit_takes(name, getattr(self, name)) for name in FIT_FIELDS},
        }

    def schedule_object(self) -> Schedule | None:
        """The schedule of the whole run."""
        return None if self.schedule is None else SCHEDULES[self.schedule](**self.schedule_parameters)


def as_fit_takes(name: str, value: Any) -> Any:
    """A setting of `FIT_FIELDS` as the argument of ``fit``."""
    return augment_of(value) if name == "augment" and value is not None else value


def weight_init_for(activations: tuple[str, ...]) -> float | str:
    """Initial weights that suit activations: the book's for its network, else a rule; the lesser where they differ."""
    if activations == ("sigmoid",):
        return 0.01
    rules = {ACTIVATIONS[each].initial_weights for each in activations}
    return "he" if rules == {"he"} else "xavier"


def _newer(fields: Fields) -> dict[str, Any]:
    """The settings that files of earlier versions lack."""
    found: dict[str, Any] = {
        "weight_init": fields.checked("weight_init", "a number or a rule", _weight_init, None),
        "l2": fields.checked("l2", "what --l2 takes", _not_negative, 0.0),
        "optimizer": fields.checked("optimizer", f"one of {', '.join(map(repr, OPTIMIZERS))}", _one_of(OPTIMIZERS),
                                    "sgd"),
        "schedule": fields.checked("schedule", f"one of {', '.join(map(repr, SCHEDULES))}, or null",
                                   _or_none(_one_of(SCHEDULES)), None),
        "early_stop": fields.checked("early_stop", "what --early-stop takes", _or_none(_patience), None),
        "early_stop_metric": fields.checked("early_stop_metric", f"one of {', '.join(map(repr, METRICS))}",
                                            _one_of(METRICS), "validation_loss"),
        "early_stop_delta": fields.checked("early_stop_delta", "what --early-stop-delta takes", _not_negative, 0.0),
        "recipe": fields.checked("recipe", "the name of a recipe, or null", _or_none(_name), None),
        "preprocessing": fields.checked("preprocessing", "what --preprocessing takes, or null", _or_none(_ways), None),
    }
    for name in FIT_FIELDS:
        found[name] = fields.checked(name, f"what fit takes as {name}", _of_fit(name), FitOptions.__dict__[name])
    for kind, classes in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
        make = classes.get(found[kind])
        name = f"{kind}_parameters"
        found[name] = fields.checked(name, f"the parameters of {found[kind]}", _parameters_of(make), {})
    return found


# Each takes a value of a file and returns it as Settings have it, or raises TypeError or ValueError.

def _hidden(value: Any) -> int | tuple[int, ...]:
    if type(value) is int:
        if not 0 <= value < 2**31:
            raise ValueError
        return value
    if not isinstance(value, list) or not 2 <= len(value) <= MOST_HIDDEN_LAYERS:
        raise TypeError
    if not all(type(size) is int and 1 <= size < 2**31 for size in value):
        raise ValueError
    return tuple(value)


def _activation(value: Any) -> str | tuple[str, ...]:
    known = _one_of(ACTIVATIONS)
    if isinstance(value, list) and len(value) > 1:
        return tuple(map(known, value))
    return known(value)


def _one_of(names: Any) -> Callable[[Any], str]:
    def checked(value: Any) -> str:
        if not isinstance(value, str) or value not in names:
            raise ValueError
        return value

    return checked


def _or_none(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else check(value)


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError
    # An int that is none of a float's is refused by float() itself.
    if not math.isfinite(value):
        raise ValueError
    return float(value)


def _not_negative(value: Any) -> float:
    number = _number(value)
    if number < 0:
        raise ValueError
    return number


def _weight_init(value: Any) -> float | str | None:
    if value is None or (isinstance(value, str) and value in GAINS):
        return value
    return _not_negative(value)


def _patience(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return EarlyStopping(patience=value).patience


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _name(value: Any) -> str:
    """A short word: later versions may have other recipes."""
    if not isinstance(value, str):
        raise TypeError
    if not (value.isidentifier() and value.isascii() and len(value) <= 40):
        raise ValueError
    return value


def _ways(value: Any) -> str:
    return named_ways(_text(value))


def _of_fit(name: str) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        if name == "augment":
            return None if value is None else named_amounts(_text(value))
        several = name == "dropout" and isinstance(value, list) and len(value) > 1
        for number in value if several else [value]:
            if number is not None:
                _number(number)
        return getattr(FitOptions(**{name: value}), name)

    return checked


def _parameters_of(make: Any) -> Callable[[Any], dict[str, float]]:
    """All parameters of an optimizer or a schedule by name, whose class knows their ranges; or none of them."""

    def checked(value: Any) -> dict[str, float]:
        if not isinstance(value, dict):
            raise TypeError
        for number in value.values():
            _number(number)
        if value:
            made = make(**value)
            known = {name: number for name, number in made._attributes().items() if name != "lr"}
            if set(value) != set(known):
                raise ValueError
        return dict(value)

    return checked


def _check_layers(fields: Fields, settings: Settings) -> None:
    """Note where something is not one for each hidden layer."""
    n_layers = len(settings.layers)
    for name in ("activation", "dropout"):
        value = getattr(settings, name)
        fields.require(
            not isinstance(value, tuple) or len(value) == n_layers,
            f"settings.{name} must hold one for each of {n_layers} hidden layers",
        )
