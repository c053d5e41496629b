"""`spar recipes`."""

import argparse
from dataclasses import asdict
from typing import Any

from sparring.commands.base import Add, Answer, say
from sparring.recipes import RECIPES, Recipe, get_recipe
from sparring.recipes.results import Measured, measured_results


def add(command: Add) -> None:
    parser = command("recipes", recipes, "List the recipes with their papers.")
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.add_argument("--methods", action="store_true", help="list the techniques that can be added to any recipe")


def recipes(args: argparse.Namespace) -> Answer:
    if args.methods:
        return _methods(args)
    shown = [get_recipe(args.name)] if args.name else list(RECIPES.values())
    of = {recipe.name: [row for row in measured_results() if row.recipe == recipe.name] for recipe in shown}
    width = max(len(recipe.name) for recipe in shown)
    for recipe in shown:
        say(args, f"{recipe.name:<{width}} {recipe.about}\n{'':<{width}} {recipe.paper}")
        for row in of[recipe.name] if args.name else of[recipe.name][:1]:
            say(args, f"{'':<{width}} {row.text()}")
        for line in _flag_lines(recipe) if args.name else ():
            say(args, f"{'':<{width}} {line}")
    return {} if not args.json else {recipe.name: _about(recipe, of[recipe.name]) for recipe in shown}


def _about(recipe: Recipe, rows: list[Measured]) -> dict[str, Any]:
    from sparring.build.overrides import recipe_flags  # which imports torch

    about = {"paper": recipe.paper, "about": recipe.about, "measured": [asdict(row) for row in rows]}
    return about | recipe_flags(recipe)


def _flag_lines(recipe: Recipe) -> list[str]:
    from sparring.build.overrides import FLAG_ALIASES, recipe_flags

    earlier = {name: f" (or --{alias})" for alias, name in FLAG_ALIASES.items()}
    values = {name: ",".join(v) if isinstance(v, tuple) else v for name, v in recipe_flags(recipe).items()}
    return [f"--{name} {value}{earlier.get(name, '')}" for name, value in values.items()]


def _methods(args: argparse.Namespace) -> Answer:
    from sparring.games.shared.methods import METHODS

    flags = {name: "conditioning" if method.conditional else "methods" for name, method in METHODS.items()}
    for name, method in METHODS.items():
        weights = "".join(f" --weight.{part} {weight:g}" for part, weight in method.weights.items())
        say(args, f"--{flags[name]} {name}{weights}\n    {method.about}\n    {method.paper}")
    return {
        name: {"flag": flags[name], "paper": method.paper, "about": method.about, "weights": dict(method.weights)}
        for name, method in METHODS.items()
    }
