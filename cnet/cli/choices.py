"""What the arguments of ``cnet train`` ask for, as settings of a run."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..optimizers import OPTIMIZERS
from ..options import check_options
from ..schedules import SCHEDULES
from .console import USAGE, Failure
from .preprocessing import is_of_one, without_none
from .settings import FIT_FIELDS, Settings, as_fit_takes, weight_init_for
from .training_options import HYPER, OF_FIT, OPTIONS, SCHEDULE_PARAMETERS, flag_of, has_parameter

__all__ = [
    "check_schedule", "chosen_layers", "chosen_settings", "naming_recipe", "refuse_changes", "rows_to_train_with",
]

# The book's choices, where nothing else is given.
PLAIN = {
    "batch_size": 100, "sampling": "replacement", "gradient": "backprop", "seed": 0, "optimizer": "sgd",
    "schedule": None, "early_stop": None, "early_stop_metric": "validation_loss", "early_stop_delta": 0.0,
    "recipe": None, "preprocessing": None,
}
BOOK_HIDDEN = 50
# What early stopping holds out: the test images would not be unseen any more.
HELD_OUT = 0.1


def chosen_settings(args: argparse.Namespace) -> dict[str, Any]:
    """The fields of `Settings` that the arguments say, checked against each other.

    Raises
    ------
    Failure
        If two of them do not go with each other, with the status of wrong usage.
    """
    with naming_recipe(args):
        return _chosen(args)


@contextmanager
def naming_recipe(args: argparse.Namespace) -> Iterator[None]:
    """A block whose failure names the recipe, which may have brought the settings that it speaks of."""
    try:
        yield
    except Failure as failure:
        if args.recipe is None:
            raise
        raise Failure(f"{failure} (with --recipe {args.recipe})", failure.status) from None


def _chosen(args: argparse.Namespace) -> dict[str, Any]:
    chosen: dict[str, Any] = {name: _given(args, name, default) for name, default in PLAIN.items()}
    layers, activations = chosen_layers(args)
    n_layers = len(layers)
    chosen["hidden"] = layers if n_layers > 1 else sum(layers)
    # Of no hidden layer it does not matter.
    chosen["activation"] = activations if len(set(activations)) > 1 else "".join(activations[:1]) or "sigmoid"
    chosen["weight_init"] = _given(args, "weight_init", weight_init_for(activations))
    optimizer = chosen["optimizer"]
    chosen["optimizer_parameters"], chosen["l2"] = _hyper(args, optimizer)
    chosen["learning_rate"] = _given(args, "learning_rate", OPTIMIZERS[optimizer].default_lr)
    chosen["schedule"], chosen["schedule_parameters"] = _schedule(args)
    for name in FIT_FIELDS:
        if getattr(args, name) is not None:
            chosen[name] = getattr(args, name)
    if args.early_stop is None:
        for name in ("early_stop_metric", "early_stop_delta"):
            if getattr(args, name) is not None:
                raise Failure(f"{flag_of(name)} goes with --early-stop", USAGE)
    elif args.validation_split is None and chosen["early_stop_metric"].startswith("validation"):
        chosen["validation_split"] = HELD_OUT
    chosen["preprocessing"] = without_none(chosen["preprocessing"])
    if (args.networks or 1) == 1 and not is_of_one(chosen["preprocessing"]):
        raise Failure(f"--preprocessing {chosen['preprocessing']}: several ways go with --networks 2 or more, which "
                      "take them in turn; give one", USAGE)
    _check_together(chosen, n_layers)
    return chosen


def _given(args: argparse.Namespace, name: str, default: Any) -> Any:
    value = getattr(args, name)
    return default if value is None else value


def chosen_layers(args: argparse.Namespace) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The units of each hidden layer, and the activation of each.

    Raises
    ------
    Failure
        If there are more or fewer activations than layers.
    """
    hidden = _given(args, "layers", _given(args, "hidden", BOOK_HIDDEN))
    layers: tuple[int, ...] = hidden if isinstance(hidden, tuple) else (hidden,) if hidden else ()
    names = _given(args, "activation", "sigmoid" if len(layers) < 2 else "relu")
    if isinstance(names, str):
        return layers, (names,) * len(layers)
    if len(names) != len(layers):
        raise Failure(
            f"--activation {','.join(names)}: expected one name, or one for each of {len(layers)} hidden layers", USAGE
        )
    return layers, names


def _hyper(args: argparse.Namespace, optimizer: str) -> tuple[dict[str, float], float]:
    """The optimizer's parameters, and the L2 penalty."""
    parameters = OPTIMIZERS[optimizer]().hyper()
    penalty: float | None = args.l2
    for name in HYPER:
        value = getattr(args, name)
        if value is None:
            continue
        if name in parameters:
            parameters[name] = value
        elif name != "weight_decay":
            raise Failure(f"{flag_of(name)} goes with --optimizer {' or '.join(has_parameter(OPTIMIZERS, name))}, "
                          f"not with {optimizer}", USAGE)
        elif penalty is not None:
            raise Failure(f"--weight-decay is the same as --l2 with --optimizer {optimizer}; give one of them", USAGE)
        else:
            penalty = value
    return parameters, penalty or 0.0


def _schedule(args: argparse.Namespace) -> tuple[str | None, dict[str, float]]:
    """The schedule's name and parameters; a warmup alone is that of a constant rate."""
    given = {option: getattr(args, option) for option in SCHEDULE_PARAMETERS if getattr(args, option) is not None}
    name = args.schedule
    if name is None:
        if not given:
            return None, {}
        name = "constant"
    for option in given:
        known = has_parameter(SCHEDULES, SCHEDULE_PARAMETERS[option])
        if name not in known:
            raise Failure(f"{flag_of(option)} goes with --schedule {' or '.join(known)}, not with {name}", USAGE)
    schedule = SCHEDULES[name](**{SCHEDULE_PARAMETERS[option]: value for option, value in given.items()})
    return name, dict(schedule._attributes())


def _check_together(chosen: dict[str, Any], n_layers: int) -> None:
    """Let fit's own checks look at what it will be given."""
    options = {name: chosen[name] for name in ("batch_size", "sampling", "gradient", "learning_rate", "schedule")}
    options["optimizer"] = OPTIMIZERS[chosen["optimizer"]](**chosen["optimizer_parameters"])
    options |= {name: as_fit_takes(name, chosen[name]) for name in FIT_FIELDS if name in chosen}
    try:
        check_options(n_hidden=n_layers, **options)
    except (TypeError, ValueError) as error:
        raise Failure(_with_option(str(error)), USAGE) from None


def _with_option(message: str) -> str:
    """An error of fit's with the option that it names, as it is written here."""
    known = {option.name for option in OPTIONS}
    found = next((word for word in re.findall(r"\w+", message) if OF_FIT.get(word, word) in known), None)
    return message if found is None else f"{flag_of(OF_FIT.get(found, found))}: {message}"


def check_schedule(settings: Settings) -> None:
    """Raise a Failure if a run is too short for its schedule's warmup."""
    schedule = settings.schedule_object()
    if schedule is not None:
        try:
            schedule.factors_between(0, 1, settings.iterations)
        except ValueError as error:
            raise Failure(_with_option(str(error)), USAGE) from None


def rows_to_train_with(n_rows: int, validation_split: float | None) -> int:
    """How many training images are not held out."""
    from ..fit_data import n_held_out

    if validation_split is None:
        return n_rows
    if n_rows < 2:
        raise Failure(f"--validation-split: there is only {n_rows} training image; at least 2 are needed", USAGE)
    return n_rows - n_held_out(validation_split, n_rows)


def refuse_changes(args: argparse.Namespace, settings: Settings, folder: str) -> None:
    """Raise a Failure for an option that asks for something else than the run has had."""
    for option in OPTIONS:
        given = getattr(args, option.name)
        if given is None:
            continue
        kept = _kept(option.name, settings)
        if option.name == "activation" and isinstance(given, tuple) and len(set(given)) == 1:
            given = given[0]
        if option.name == "preprocessing":
            given = without_none(given)
        if given != kept:
            raise Failure(
                f"{flag_of(option.name)} {_shown(given)}: the run in {folder} has {_shown(kept)}, which has to stay",
                USAGE,
            )


def _kept(name: str, settings: Settings) -> Any:
    """What a run has for an option."""
    if name == "layers":
        return settings.hidden
    if name == "weight_decay" and name not in settings.optimizer_parameters:
        return settings.l2
    if name in HYPER:
        return settings.optimizer_parameters.get(name)
    if name in SCHEDULE_PARAMETERS:
        return settings.schedule_parameters.get(SCHEDULE_PARAMETERS[name])
    value = getattr(settings, name)
    if name == "weight_init" and value is None:
        return weight_init_for(settings.activations)
    return value


def _shown(value: Any) -> str:
    return "none" if value is None else ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
