"""``cnet train --recipe``: the settings of a recipe in the place of options that were not given."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..initial_weights import LOCAL
from .augmentation import text_of
from .preprocessing import text_of_ways
from .training_options import HYPER, SCHEDULE_PARAMETERS

if TYPE_CHECKING:
    from ..recipes import Recipe

__all__ = ["with_recipe"]

# What the command calls differently, or has in other words.
OTHER_NAMES = {"hidden": "layers", "weight_init_std": "weight_init"}
TAKEN_APART = (
    "name", "about", "optimizer", "learning_rate", "schedule", "epochs", "iterations", "augment", "preprocessing",
)


def with_recipe(args: argparse.Namespace) -> argparse.Namespace:
    """The arguments, completed by the recipe that they name.

    What was given stays. An optimizer or a schedule other than the recipe's comes with its own defaults, and an
    activation with its own initial weights.
    """
    if args.recipe is None:
        return args
    from ..recipes import RECIPES

    recipe = RECIPES[args.recipe]
    completed = argparse.Namespace(**vars(args))
    for name, value in _options_of(recipe, args).items():
        if getattr(args, name) is None:
            setattr(completed, name, value)
    return completed


def _options_of(recipe: Recipe, args: argparse.Namespace) -> dict[str, Any]:
    """The recipe in the words of the command, without what does not go with the arguments."""
    from dataclasses import fields

    options = {OTHER_NAMES.get(each.name, each.name): getattr(recipe, each.name) for each in fields(recipe)
               if each.name not in TAKEN_APART}
    layers = recipe.hidden
    options["layers"] = layers if len(layers) > 1 else sum(layers)
    if args.hidden is not None:
        del options["layers"]
    if args.activation is not None and recipe.weight_init_std != LOCAL:
        del options["weight_init"]
    if args.epochs is None and args.iterations is None:
        options |= {"epochs": recipe.epochs, "iterations": recipe.iterations}
    if args.optimizer in (None, recipe.optimizer.name):
        options |= {"optimizer": recipe.optimizer.name, "learning_rate": recipe.learning_rate}
        options |= {name: value for name, value in recipe.optimizer.hyper().items() if name in HYPER}
    schedule = recipe.schedule
    if schedule is not None and args.schedule in (None, schedule.name):
        own = schedule._attributes()
        options |= {"schedule": schedule.name}
        options |= {option: own[name] for option, name in SCHEDULE_PARAMETERS.items() if name in own}
    if recipe.augment is not None:
        options["augment"] = text_of(recipe.augment)
    if recipe.preprocessing:
        # A network alone sees what the first one of a committee does.
        ways = recipe.preprocessing[:1] if args.networks == 1 else recipe.preprocessing
        options["preprocessing"] = text_of_ways(ways)
    # 0 is what fit does without them.
    return {name: value for name, value in options.items() if value is not None}
