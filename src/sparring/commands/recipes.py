"""`spar recipes`."""

import argparse
from dataclasses import asdict

from sparring.build.overrides import recipe_flags
from sparring.commands.base import Add, Answer, say
from sparring.recipes import RECIPES, get_recipe
from sparring.recipes.results import measured_results


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
        for name, value in recipe_flags(recipe).items() if args.name else ():
            say(args, f"{'':<{width}} --{name} {','.join(value) if isinstance(value, tuple) else value}")
    return {
        recipe.name: {"paper": recipe.paper, "about": recipe.about, "measured": [asdict(r) for r in of[recipe.name]]}
        | recipe_flags(recipe)
        for recipe in shown
    }


def _methods(args: argparse.Namespace) -> Answer:
    from sparring.build.methods import METHODS

    flags = {name: "conditioning" if method.conditional else "methods" for name, method in METHODS.items()}
    for name, method in METHODS.items():
        weights = "".join(f" --weight.{part} {weight:g}" for part, weight in method.weights.items())
        say(args, f"--{flags[name]} {name}{weights}\n    {method.about}\n    {method.paper}")
    return {
        name: {"flag": flags[name], "paper": method.paper, "about": method.about, "weights": dict(method.weights)}
        for name, method in METHODS.items()
    }
