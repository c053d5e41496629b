"""A recipe's numbers as text: what the command line shows and takes, such as `--lr 1e-4 --generator.width 32`."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from sparring.errors import UserError, did_you_mean
from sparring.recipes import RECIPES
from sparring.recipes.recipe import Recipe
from sparring.schedules import parse_schedule

NUMBERS = ("critic_lr", "lr", "beta1", "beta2", "half_life", "noise", "top_k", "augment_p")
"""Fields that may hold a schedule or nothing, and take a number or a schedule all the same."""
NAMES = ("objective", "penalties", "conditioning", "methods", "augment", "damage")
"""Fields that hold names."""
IMAGE_TO_IMAGE_FIELDS = ("damage", "warm_up", "pool", "places", "mirrors")
"""Fields of recipes that make pictures of pictures alone."""
PARTS = (
    *("real", "fake", "critic", "generator", "real_C", "fake_C", "real_D", "fake_D", "fools_C", "fools_D"),
    *("encoder", "encoded", "kl", "class", "category", "contrast", "invariance", "steady", "asked"),
    *("features", "rotation", "reconstruction"),
)
"""Of losses, those that nobody weighs by default."""


def recipe_flags(recipe: Recipe) -> dict[str, Any]:
    """Every number (or name) that can be set, by flag without dashes."""
    others = () if recipe.is_image_to_image else IMAGE_TO_IMAGE_FIELDS
    plain = {f.name: getattr(recipe, f.name) for f in fields(recipe) if f.name not in others}
    own = {
        name.replace("_", "-"): v for name, v in plain.items() if isinstance(v, int | float) or name in NUMBERS + NAMES
    }
    own |= {f"weight.{name}": value for name, value in recipe.weights.items()}
    networks = {f"{side}.{k}": v for side, network in recipe.networks.items() for k, v in network.numbers.items()}
    return own | networks


def with_flags(recipe: Recipe, texts: Mapping[str, str]) -> Recipe:
    """The recipe with these numbers replaced.

    Raises UserError for a number the recipe does not have, with the nearest one, and for a text that is not a value.
    """
    known = recipe_flags(recipe)
    for name, text in texts.items():
        if name not in known and not name.startswith("weight."):
            raise UserError(f"{recipe.name} has no --{name}{did_you_mean(name, known)}")
        if name not in known and (part := name.removeprefix("weight.")) not in loss_names():
            raise UserError(f"no game has a part '{part}' to weigh{did_you_mean(part, loss_names())}")
        recipe = _replaced(recipe, name, _value(name, text, known.get(name, 0.0)))
    return recipe


def loss_names() -> set[str]:
    """Every part of a loss that a game may have."""
    from sparring.build.methods import METHODS
    from sparring.losses.penalties import PENALTIES

    told = [part for owner in (*METHODS.values(), *RECIPES.values()) for part in owner.weights]
    return {*PARTS, *PENALTIES, *told}


def _value(name: str, text: str, old: Any) -> Any:
    try:
        if isinstance(old, str):
            return text
        if isinstance(old, tuple):
            return tuple(filter(None, text.split(",")))
        if isinstance(old, list):
            return [int(part) for part in text.split(",")]
        if isinstance(old, bool):
            return {"true": True, "false": False}[text.lower()]
        if _scheduled(name):
            return parse_schedule(text)
        return int(text) if isinstance(old, int) else float(text)
    except (ValueError, KeyError):
        kind = "whole numbers like 256,512" if isinstance(old, list) else type(old).__name__
        kind = "number, or schedule like 0.1:0:200000 (from, to, over so many images)" if _scheduled(name) else kind
        raise UserError(f"--{name} {text}: not a value of kind {kind}") from None


def _scheduled(name: str) -> bool:
    return name.replace("-", "_") in NUMBERS or name.startswith("weight.")


def _replaced(recipe: Recipe, name: str, value: Any) -> Recipe:
    side, _, number = name.partition(".")
    if side == "weight":
        return replace(recipe, weights={**recipe.weights, number: value})
    if number:
        network = getattr(recipe, side)
        return replace(recipe, **{side: replace(network, numbers={**network.numbers, number: value})})
    return replace(recipe, **{name.replace("-", "_"): value})
