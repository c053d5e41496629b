"""Which recipe suits some data, and why."""

from dataclasses import dataclass, replace

from sparring.errors import UserError
from sparring.recipes import RECIPES, Recipe
from sparring.recipes.results import measured_results
from sparring.schedules import Cosine

EPOCHS = 100
"""That a recipe sees a small set at most: of 2,105 and 3,047 pictures, two learnt by class were best after 119 and 98
(docs/measured/gallery.md), and then got worse."""
IN_COLOUR = Cosine(2e-3, 2e-4)
"""The rate of `rpgan` for pictures in colour: with its own, twice that, it lurched on eurosat
(docs/measured/gallery.md)."""
FEW, FOR_FEW = 500, 150_000
"""Images without classes, up to which the critic is shown them changed, and how many are seen then: of a hundred
photographs that left .3 of the distance (docs/measured/gallery.md); of 2,105 it was a loss. Where between them it turns
was not measured."""
MADE_FOR = {"point": "points", "table": "table", "pair": "pix2pix"}
"""Recipes by the only medium they make."""
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
    unpaired: bool = False
    """Of pictures to be made of pictures: it is not known which belong together."""


@dataclass(frozen=True)
class Choice:
    recipe: Recipe
    images: int
    reasons: tuple[str, ...]


def choose(facts: Facts) -> Choice:
    """Raises UserError for data that no recipe makes."""
    if facts.medium in MADE_FOR:
        recipe = RECIPES["cyclegan" if facts.unpaired else MADE_FOR[facts.medium]]
        return Choice(recipe, recipe.images, (_said(facts), f"{recipe.name}: the recipe made for them"))
    if facts.medium != "image":
        known = ", ".join(f"{medium}s" for medium in ("image", *MADE_FOR))
        raise UserError(f"no recipe makes {facts.medium}s yet: there are recipes for {known}")
    recipe, why = _suiting(facts)
    images, length = recipe.images, f"{recipe.images:,} images: the recipe's own number"
    if "augment" not in recipe.game.options and (fewer := EPOCHS * facts.count) < images:
        images = fewer
        length = f"{images:,} images: {EPOCHS} times the {facts.count:,} there are, for more would be learnt by heart"
    return Choice(recipe, images, (_said(facts), *why, length))


def _suiting(facts: Facts) -> tuple[Recipe, tuple[str, ...]]:
    """For images, with the reasons."""
    if min(facts.shape[1:]) < 8:
        return RECIPES["mlp-gan"], ("mlp-gan: perceptrons, for a side is under 8 pixels, too small to halve",)
    if facts.pairs:
        return RECIPES["cogan"], ("cogan: two domains without pairs",)
    by_class = facts.classes > 1 and facts.count >= OF_A_CLASS * facts.classes
    small = "" if by_class else f", too small to learn by: under {OF_A_CLASS} examples each"
    labels = f"{facts.classes} classes{small}" if facts.classes > 1 else "no classes"
    name = "cgan" if by_class else "rpgan"
    kind = "those that learn by class" if by_class else "those that learn without classes"
    recipe, why = RECIPES[name], f"{name}: the nearest on MNIST of {kind}{_by(name)}; {labels}"
    reasons = (why,)
    if not by_class and facts.shape[0] >= 3:
        recipe = replace(recipe, lr=IN_COLOUR)
        reasons += (f"rate {IN_COLOUR}: its own, found on digits, is too fast in colour",)
    if not by_class and facts.count <= FEW:
        recipe = replace(recipe.with_options(augment=("diffaugment",)), images=FOR_FEW)
        reasons += (f"diffaugment: the critic sees them changed, for {FEW} or fewer would be learnt by heart",)
    return recipe, reasons


def _by(name: str) -> str:
    """How near, if it was measured at its own length."""
    own = (name, "mnist", RECIPES[name].images)
    scores = sorted(row.frechet for row in measured_results() if (row.recipe, row.data, row.images) == own)
    return f" (Fréchet distance {scores[len(scores) // 2]:.2f})" if scores else ""


def _said(facts: Facts) -> str:
    return f"{facts.count:,} {facts.medium}s of {'×'.join(map(str, facts.shape))}, on {facts.device}"
