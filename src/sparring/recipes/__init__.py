"""Recipes, a file a paper; the dict is the registry."""

from sparring.errors import UserError, nearest
from sparring.recipes.base import Network, Recipe
from sparring.recipes.dcgan import DCGAN
from sparring.recipes.mlp_gan import MLP_GAN

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (MLP_GAN, DCGAN)}


def named(name: str) -> Recipe:
    """Raises UserError for a name that is not there, with the nearest one that is."""
    if name not in RECIPES:
        raise UserError(f"no recipe '{name}'{nearest(name, RECIPES)}; there are: {', '.join(RECIPES)}")
    return RECIPES[name]


__all__ = ["RECIPES", "Network", "Recipe", "named"]
