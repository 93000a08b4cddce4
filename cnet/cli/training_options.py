"""The options of ``cnet train`` that decide what is trained, and how: the only list of them.

Names of activations, optimizers and schedules, and the parameters of the latter two, come from cnet's own tables, and
so do their ranges: a new one appears here by itself. A new option of ``fit`` is a line in `OPTIONS` and a field of
`settings.Settings`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..activations import ACTIVATIONS
from ..callbacks import METRICS
from ..initial_weights import GAINS
from ..networks import MOST_HIDDEN_LAYERS
from ..optimizers import OPTIMIZERS
from ..options import GRADIENTS, SAMPLINGS, FitOptions
from ..schedules import SCHEDULES
from .augmentation import named_amounts
from .options import count, number, positive_number, seed, whole_or_number
from .preprocessing import named_ways

__all__ = [
    "HYPER", "OF_FIT", "OPTIONS", "RECIPES", "SCHEDULE_PARAMETERS", "Option", "activation", "add_network_options",
    "add_training_options", "flag_of", "has_parameter", "layers",
]

# What an option is called here, where its name is not that of fit's argument.
OF_FIT = {"n_threads": "threads", "early_stopping": "early_stop"}


class Option(NamedTuple):
    """An option of ``cnet train``: its name as an attribute, how its text is read, and its help."""

    name: str
    group: str
    read: Callable[[str], Any] | None
    metavar: str
    help: str
    choices: tuple[str, ...] | None = None


def flag_of(name: str) -> str:
    """How an option is written.

    Examples
    --------
    >>> flag_of("batch_size")
    '--batch-size'
    """
    return "--" + name.replace("_", "-")


def layers(text: str) -> int | tuple[int, ...]:
    """Units of each hidden layer: one number, several with commas between them, or 0 for no hidden layer."""
    if text.strip() == "0":
        return 0
    # Here commas part layers, and none groups digits: in 1,000 the second layer would be empty.
    sizes = tuple(count(part) for part in text.split(","))
    if len(sizes) > MOST_HIDDEN_LAYERS:
        raise argparse.ArgumentTypeError(f"expected at most {MOST_HIDDEN_LAYERS} hidden layers, got {len(sizes)}")
    return sizes if len(sizes) > 1 else sizes[0]


def activation(text: str) -> str | tuple[str, ...]:
    """One activation for all hidden layers, or one for each; several equal ones are one."""
    names = tuple(part.strip() for part in text.split(","))
    for name in names:
        if name not in ACTIVATIONS:
            raise argparse.ArgumentTypeError(f"expected {_listed(ACTIVATIONS, 'or')}, got {name!r}")
    return names if len(names) > 1 else names[0]


def _weight_init(text: str) -> float | str:
    """A standard deviation, or a rule by its shorter name."""
    word = text.strip()
    if word in GAINS:
        return {"relu": "he", "sigmoid": "xavier"}.get(word, word)
    try:
        return number(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"expected a number that is not negative, or {_listed(GAINS, 'or')}, got {text[:60]!r}") from None


def _shares(text: str) -> float | tuple[float, ...]:
    """One number, or several with commas between them."""
    numbers = tuple(map(number, text.split(",")))
    return numbers if len(numbers) > 1 else numbers[0]


def _words(read: Callable[[str], str]) -> Callable[[str], str]:
    """A reader whose errors argparse tells."""

    def checked(text: str) -> str:
        try:
            return read(text)
        except (TypeError, ValueError) as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked


def _checked(read: Callable[[str], Any], name: str, *makers: Callable[..., Any]) -> Callable[[str], Any]:
    """A reader whose values are those that `makers` take as the argument `name`."""

    def checked(text: str) -> Any:
        value = read(text)
        for make in makers:
            try:
                value = getattr(make(**{name: value}), name)
            except (TypeError, ValueError) as error:
                raise argparse.ArgumentTypeError(str(error)) from None
        return value

    return checked


def _listed(names: Iterable[str], word: str = "and") -> str:
    *others, last = names
    return f"{', '.join(others)} {word} {last}" if others else last


def _by_value(values: dict[str, Any]) -> str:
    """A value for each name in few words: "0.1 for sgd and momentum, 0.01 for adagrad"."""
    different = list(dict.fromkeys(values.values()))
    parts = [(value, [name for name in values if values[name] == value]) for value in different]
    return ", ".join(f"{value:g} for {_listed(names)}" for value, names in parts)


def _parameters(classes: dict[str, Any], read: Callable[[Any], dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """For each parameter that some of the classes have, its default in each of them by name."""
    found: dict[str, dict[str, Any]] = {}
    for name, each in classes.items():
        for parameter, default in read(each()).items():
            found.setdefault(parameter, {})[name] = default
    return found


# {"momentum": {"momentum": 0.9, "nesterov": 0.9}, ...}, and the same of the schedules.
HYPER = _parameters(OPTIMIZERS, lambda optimizer: optimizer.hyper())
OF_SCHEDULES = _parameters(SCHEDULES, lambda schedule: schedule._attributes())
# Options of schedules by name; `warmup`, which all have, needs no longer one.
SCHEDULE_PARAMETERS = {name if name == "warmup" else f"schedule_{name}": name for name in OF_SCHEDULES}


def has_parameter(classes: dict[str, Any], parameter: str) -> list[str]:
    """Names of those of `OPTIMIZERS` or `SCHEDULES` that have a parameter."""
    found = HYPER if classes is OPTIMIZERS else OF_SCHEDULES
    return list(found[parameter])


HYPER_HELP = {
    "momentum": "share of the velocity that stays in each step",
    "decay_rate": "share of the mean square that stays in each step",
    "beta1": "share of the gradient's mean that stays in each step",
    "beta2": "share of the square's mean that stays in each step",
    "epsilon": "added to the root in the denominator",
    "weight_decay": "pulls the weights, not the biases, towards 0: with adamw decoupled from the gradient, by this "
    "times the learning rate in each step; with every other optimizer the same as --l2",
}
SCHEDULE_HELP = {
    "warmup": "iterations during which the rate rises from near 0: a share such as 0.1, or a whole number; without "
    "--schedule the rate is constant afterwards",
    "every": "iterations after which the rate drops: a share or a whole number",
    "factor": "what a drop multiplies the rate by",
    "final": "share of the rate that is left at the end",
}


def _hyper_option(name: str) -> Option:
    own = HYPER[name]
    text = HYPER_HELP.get(name, "a number in its formula")
    return Option(
        name, "regularisation" if name == "weight_decay" else "optimizer",
        _checked(number, name, *(OPTIMIZERS[each] for each in own)), "R", f"{text} (default: {_by_value(own)})",
    )


def _schedule_option(option: str, name: str) -> Option:
    own = OF_SCHEDULES[name]
    text = SCHEDULE_HELP.get(name, "a number in its formula")
    defaults = {each: value for each, value in own.items() if value or name != "warmup"}
    return Option(
        option, "schedule", _checked(whole_or_number, name, *(SCHEDULES[each] for each in own)), "R",
        f"{text} (default: {_by_value(defaults)})",
    )


def _fit_option(name: str, group: str, read: Callable[[str], Any], metavar: str, text: str) -> Option:
    return Option(name, group, _checked(read, name, FitOptions), metavar, text)


RATES = _by_value({name: each.default_lr for name, each in OPTIMIZERS.items()})

# Names alone: the recipes themselves are imported when one is asked for.
RECIPES = ("chapter", "fastest", "faster", "fast", "plain", "accurate", "record", "deep", "committee")

GROUPS = {
    "recipe": "all settings by one name",
    "network": "the network",
    "training": "training",
    "optimizer": "the optimizer",
    "schedule": "the learning rate's schedule",
    "regularisation": "regularisation",
    "stopping": "early stopping",
}
OPTIONS: tuple[Option, ...] = (
    Option("recipe", "recipe", None, "NAME",
           f"settings for digits: {_listed(RECIPES, 'or')} (see cnet.recipes); options that are given besides take the "
           "place of the recipe's own", RECIPES),
    Option("hidden", "network", count, "N", "units of the hidden layer (default: 50)"),
    Option("layers", "network", layers, "N[,N...]",
           f"or: units of each hidden layer, as in 512,256; 0 for none; up to {MOST_HIDDEN_LAYERS} layers"),
    Option("activation", "network", activation, "NAME",
           f"activation of the hidden layers, or one for each, as in gelu,tanh: {_listed(ACTIVATIONS, 'or')} "
           "(default: sigmoid with one hidden layer, relu with several)"),
    Option("weight_init", "network", _weight_init, "R",
           f"standard deviation of the initial weights: a number, or a rule, {_listed(GAINS, 'or')} (default: 0.01 "
           "with one layer of sigmoid units, else the rule that suits the activation); local: a smooth filter in a "
           "spot of the square image for each unit of the first layer"),
    Option("batch_size", "training", count, "N", "images in a mini-batch (default: 100)"),
    Option("sampling", "training", None, "HOW",
           '"replacement": each mini-batch at random from all images (default); "shuffle": every image '
           "once an epoch, in a new order", SAMPLINGS),
    Option("gradient", "training", None, "HOW",
           '"backprop" (default); "numerical": by central differences, the same but hundreds of times '
           "slower", GRADIENTS),
    Option("seed", "training", seed, "N", "seed of the initial weights and the mini-batches (default: 0)"),
    Option("preprocessing", "training", _words(named_ways), "HOW",
           "what the network sees: the images as they are (none), set upright (deslant), with digits of one width in "
           "pixels (width=20), or both (deslant+width=20); with --networks several, in turn, as in none,deslant"),
    Option("optimizer", "optimizer", None, "NAME",
           f"how a gradient becomes a step: {_listed(OPTIMIZERS, 'or')} (default: sgd)", tuple(OPTIMIZERS)),
    Option("learning_rate", "optimizer", positive_number, "R", f"size of a step (default: {RATES})"),
    *(_hyper_option(name) for name in HYPER if name != "weight_decay"),
    Option("schedule", "schedule", None, "NAME",
           f"how the rate goes over the whole run: {_listed(SCHEDULES, 'or')} (default: constant)", tuple(SCHEDULES)),
    *(_schedule_option(option, name) for option, name in SCHEDULE_PARAMETERS.items()),
    _hyper_option("weight_decay"),
    Option("l2", "regularisation", number, "R",
           "the L2 penalty in the loss: half of this times the sum of all squared weights (default: 0)"),
    _fit_option("dropout", "regularisation", _shares, "P",
                "share of the hidden units that each mini-batch goes without, or one for each hidden layer, as in "
                "0.2,0.5 (default: 0)"),
    _fit_option("input_dropout", "regularisation", number, "P", "the same of the pixels (default: 0)"),
    _fit_option("input_noise", "regularisation", number, "R",
                "add noise of this standard deviation to the pixels, which go from 0 to 1 (default: 0)"),
    _fit_option("adversarial", "regularisation", number, "R",
                "move each pixel by this to where the loss is larger, and learn from that (default: 0)"),
    _fit_option("label_smoothing", "regularisation", number, "P",
                "share of each label that is spread over all classes (default: 0)"),
    _fit_option("clip_norm", "regularisation", number, "R",
                "a longer gradient is shortened to this norm (default: none is)"),
    _fit_option("max_norm", "regularisation", number, "R",
                "longer weights into a unit are shortened to this norm (default: none are)"),
    _fit_option("averaging", "regularisation", number, "D",
                "train as without it, but keep the moving average of the parameters, of which this share, such as "
                "0.999, stays in each step"),
    Option("augment", "regularisation", _words(named_amounts), "HOW",
           'distort every image at random, anew each time: "default", or amounts as in '
           "rotation=15,6.rotation=5, the second for class 6 alone (see cnet.augment.Distort)"),
    Option("early_stop", "stopping", count, "N",
           "stop after N epochs without an improvement on held-out training images, and keep the best network"),
    Option("early_stop_metric", "stopping", None, "NAME",
           f"what has to improve: {_listed(METRICS, 'or')} (default: validation_loss)", tuple(METRICS)),
    Option("early_stop_delta", "stopping", number, "R", "by more than this (default: 0)"),
    _fit_option("validation_split", "stopping", number, "P",
                "share of the training images that is held out to validate with (default: 0.1 with --early-stop, "
                "else none)"),
)


def add_training_options(parser: argparse.ArgumentParser, more: Callable[[Any], None]) -> None:
    """Add all options by group; `more` adds to the group of training what is not in the list."""
    groups: dict[str, Any] = {name: parser.add_argument_group(title) for name, title in GROUPS.items()}
    hidden = groups["network"].add_mutually_exclusive_group()
    for option in OPTIONS:
        if option.name == "batch_size":
            more(groups["training"])
        _add(hidden if option.name in ("hidden", "layers") else groups[option.group], option)


def add_network_options(parser: argparse.ArgumentParser, names: tuple[str, ...]) -> None:
    """Add some of the options of the network, by name, to another command."""
    hidden = parser.add_mutually_exclusive_group()
    for option in OPTIONS:
        if option.name in names:
            _add(hidden if option.name in ("hidden", "layers") else parser, option)


def _add(place: Any, option: Option) -> None:
    how: dict[str, Any] = {"choices": option.choices} if option.read is None else {"type": option.read}
    place.add_argument(flag_of(option.name), metavar=option.metavar, help=option.help, **how)
