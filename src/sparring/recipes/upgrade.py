"""Recipes as files of format 1 hold them, and back."""

from collections.abc import Mapping
from typing import Any


def recipe_from_v1(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a `Recipe` from those in a run.json or model.json of format 1.

    A mapping that has today's fields already is returned as it is.
    """
    return dict(recipe)


def recipe_to_v1(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `recipe_from_v1`: all fields of format 1, in their order."""
    return dict(recipe)
