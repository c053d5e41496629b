"""`spar recipes`."""

import argparse

from sparring.commands.base import Add, Answer, say
from sparring.recipes import RECIPES, named
from sparring.recipes.numbers import numbers


def add(command: Add) -> None:
    parser = command("recipes", recipes, "What can be trained, each with its paper.")
    parser.add_argument("name", nargs="?", metavar="NAME")


def recipes(args: argparse.Namespace) -> Answer:
    shown = [named(args.name)] if args.name else list(RECIPES.values())
    for recipe in shown:
        say(args, f"{recipe.name:<10} {recipe.about}\n{'':<10} {recipe.paper}")
        for name, value in numbers(recipe).items() if args.name else ():
            say(args, f"{'':<10} --{name} {value}")
    return {recipe.name: {"paper": recipe.paper, "about": recipe.about} | numbers(recipe) for recipe in shown}
