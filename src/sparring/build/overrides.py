"""Every number and option of a recipe as a flag, such as `--lr 1e-4 --generator.width 32`."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, get_args, get_type_hints

from sparring.build.game import GAMES, game_options
from sparring.errors import UserError, did_you_mean
from sparring.games.shared.methods import METHODS
from sparring.losses.penalties import PENALTIES
from sparring.recipes import RECIPES
from sparring.recipes.recipe import Recipe
from sparring.schedules import Cosine, parse_schedule

FLAG_ALIASES = {
    "fresh": "resample-each-turn",
    "phase": "images-per-phase",
    "pool": "image-pool",
    "places": "nce-patches",
    "mirrors": "flip-equivariance",
    "damage": "degradations",
    "half-life": "ema-half-life",
    "ramp": "ema-ramp",
}
"""Earlier names of flags, which go on working."""


def recipe_flags(recipe: Recipe) -> dict[str, Any]:
    """The values of all flags, by flag without dashes.

    Raises UserError as `game_options` does.
    """
    numbers = {f.name: getattr(recipe, f.name) for f in fields(recipe)}
    scheduled = _scheduled_fields(Recipe)
    flags = {name: v for name, v in numbers.items() if isinstance(v, int | float) or name in scheduled}
    flags = {name.replace("_", "-"): value for name, value in (vars(game_options(recipe)) | flags).items()}
    weights = {f"weight.{name}": value for name, value in recipe.weights.items()}
    networks = {f"{field}.{k}": v for field, network in recipe.networks.items() for k, v in network.numbers.items()}
    return flags | weights | networks


def with_flags(recipe: Recipe, texts: Mapping[str, str]) -> Recipe:
    """The recipe with these values replaced.

    Raises UserError for a flag that the recipe does not have, with the nearest one, and for a text that is not a value.
    """
    known = recipe_flags(recipe)
    schedules = {
        name.replace("_", "-") for kind in (Recipe, GAMES[recipe.game.name]) for name in _scheduled_fields(kind)
    }
    for flag, text in texts.items():
        name = FLAG_ALIASES.get(flag, flag)
        if name not in known and not name.startswith("weight."):
            raise UserError(f"{recipe.name} has no --{flag}{did_you_mean(flag, known)}")
        if name not in known and (term := name.removeprefix("weight.")) not in loss_names():
            raise UserError(f"no game has a loss term '{term}' to weigh{did_you_mean(term, loss_names())}")
        scheduled = name in schedules or name.startswith("weight.")
        recipe = _replaced(recipe, name, _value(flag, text, known.get(name, 0.0), scheduled))
    return recipe


def loss_names() -> set[str]:
    """Of every loss term that a game may have."""
    of_games = {name for options in GAMES.values() for name in options.loss_terms}
    of_methods = {name for method in METHODS.values() for name in (*method.weights, *method.loss_terms)}
    return of_games | of_methods | {*PENALTIES} | {name for recipe in RECIPES.values() for name in recipe.weights}


def _scheduled_fields(kind: type) -> set[str]:
    """The fields that may hold a schedule."""
    return {name for name, hint in get_type_hints(kind).items() if Cosine in get_args(hint)}


def _value(flag: str, text: str, old: Any, scheduled: bool) -> Any:
    try:
        if scheduled:
            return parse_schedule(text)
        if isinstance(old, str):
            return text
        if isinstance(old, tuple):
            return tuple(filter(None, text.split(",")))
        if isinstance(old, list):
            return [int(part) for part in text.split(",")]
        if isinstance(old, bool):
            return {"true": True, "false": False}[text.lower()]
        return int(text) if isinstance(old, int) else float(text)
    except (ValueError, KeyError):
        kind = "whole numbers like 256,512" if isinstance(old, list) else type(old).__name__
        kind = "number, or schedule like 0.1:0:200000 (from, to, over so many images)" if scheduled else kind
        raise UserError(f"--{flag} {text}: not a value of kind {kind}") from None


def _replaced(recipe: Recipe, flag: str, value: Any) -> Recipe:
    part, _, number = flag.partition(".")
    if part == "weight":
        return replace(recipe, weights={**recipe.weights, number: value})
    if number:
        network = getattr(recipe, part)
        return replace(recipe, **{part: replace(network, numbers={**network.numbers, number: value})})
    name = flag.replace("-", "_")
    return (
        replace(recipe, **{name: value})
        if name in {f.name for f in fields(recipe)}
        else recipe.with_options(**{name: value})
    )
