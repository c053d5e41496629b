"""Which recipe suits some data, and why."""

from dataclasses import dataclass

from sparring.errors import UserError
from sparring.recipes import RECIPES, Recipe

SMALL = 2_000
"""Examples below which a recipe sees the set more often, but fewer images in all."""
EPOCHS = 150


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
    large = "cogan" if facts.pairs else "dcgan"
    recipe = RECIPES[large] if min(facts.shape[1:]) >= 8 else RECIPES["mlp-gan"]
    why = {
        "cogan": f"{recipe.name}: two domains without pairs, and both sides of an image are 8 pixels or more",
        "dcgan": f"{recipe.name}: convolutions, for both sides of an image are 8 pixels or more",
        "mlp-gan": f"{recipe.name}: perceptrons, for a side is under 8 pixels, too small to halve",
    }
    images, length = recipe.images, f"{recipe.images:,} images: the recipe's own number"
    if facts.count < SMALL:
        images = min(recipe.images, EPOCHS * facts.count)
        length = f"{images:,} images: {EPOCHS} times the {facts.count:,} there are, for more would be learnt by heart"
    labels = "no classes"
    if facts.classes:
        labels = f"{facts.classes} classes: only the judge uses them; cgan learns by class"
    return Choice(recipe, images, (_said(facts), why[recipe.name], length, labels))


def _said(facts: Facts) -> str:
    return f"{facts.count:,} {facts.medium}s of {'×'.join(map(str, facts.shape))}, on {facts.device}"
