"""Which recipe suits some data, and why."""

from dataclasses import dataclass

from sparring.errors import UserError
from sparring.recipes import RECIPES, Recipe

SMALL = 2_000
"""Examples below which a recipe sees the set more often, but fewer images in all."""
EPOCHS = 150
OF_A_CLASS = 100
"""Examples below which a class is too small to be learnt by itself."""


@dataclass(frozen=True)
class Facts:
    """What a choice is made by."""

    medium: str
    shape: tuple[int, ...]
    count: int
    """Training examples."""
    classes: int
    device: str
    pairs: bool = False
    """Each example is two images, of different domains."""


@dataclass(frozen=True)
class Choice:
    recipe: Recipe
    images: int
    reasons: tuple[str, ...]


def choose(facts: Facts) -> Choice:
    """Raises UserError for data that no recipe makes."""
    if facts.medium == "point":
        return Choice(RECIPES["points"], RECIPES["points"].images, (_said(facts), "points: the recipe made for them"))
    if facts.medium != "image":
        raise UserError(f"no recipe makes {facts.medium}s yet: there are recipes for images and points")
    recipe, why = _suiting(facts)
    images, length = recipe.images, f"{recipe.images:,} images: the recipe's own number"
    if facts.count < SMALL:
        images = min(recipe.images, EPOCHS * facts.count)
        length = f"{images:,} images: {EPOCHS} times the {facts.count:,} there are, for more would be learnt by heart"
    return Choice(recipe, images, (_said(facts), why, length))


def _suiting(facts: Facts) -> tuple[Recipe, str]:
    """For images, with the reason."""
    if min(facts.shape[1:]) < 8:
        return RECIPES["mlp-gan"], "mlp-gan: perceptrons, for a side is under 8 pixels, too small to halve"
    if facts.pairs:
        return RECIPES["cogan"], "cogan: two domains without pairs, and both sides of an image are 8 pixels or more"
    if facts.classes > 1 and facts.count >= OF_A_CLASS * facts.classes:
        return RECIPES["cgan"], f"cgan: the data has {facts.classes} classes, and to learn by class brings most (MNIST)"
    small = f"; {facts.classes} classes, too small to learn by" if facts.classes > 1 else ""
    return RECIPES["dcgan"], f"dcgan: convolutions, for both sides of an image are 8 pixels or more{small}"


def _said(facts: Facts) -> str:
    return f"{facts.count:,} {facts.medium}s of {'×'.join(map(str, facts.shape))}, on {facts.device}"
