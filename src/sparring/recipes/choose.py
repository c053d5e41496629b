"""The default recipe for a data set, with reasons."""

from dataclasses import dataclass, replace
from math import log2

from sparring.recipes import RECIPES, Recipe
from sparring.recipes.results import measured_results
from sparring.schedules import Cosine

EPOCHS = 100
"""Limit for small data sets: on 2,105 and 3,047 images, the best weights of two class-conditional recipes came after
119 and 98 epochs (docs/measured/gallery.md), and quality fell afterwards."""
IN_COLOUR = Cosine(2e-3, 2e-4)
"""Learning rate of `rpgan` for colour images: its own, twice as high, was unstable on eurosat
(docs/measured/gallery.md)."""
FEW, FOR_FEW = 500, 150_000
"""Up to so many images without classes, critic augmentation is on, for so many images seen: with a hundred photographs
the Fréchet distance fell to .3 of that without (docs/measured/gallery.md); with 2,105 it rose. The numbers between were
not measured."""
OF_A_CLASS = 100
"""Examples per class, with those held out, below which a recipe without classes is chosen."""


@dataclass(frozen=True)
class DataSummary:
    """Properties of the data and the machine that the choice depends on."""

    examples: str
    """What they are called, in the plural."""
    shape: tuple[int, ...]
    count: int
    """Training examples."""
    classes: int
    device: str
    pairs: bool = False
    """Each example is a pair of images from two domains."""
    unpaired: bool = False
    """For image-to-image data: the correspondence of the two domains is unknown."""
    held_out: int = 0
    """Examples that are not trained on."""


@dataclass(frozen=True)
class Choice:
    recipe: Recipe
    images: int
    reasons: tuple[str, ...]


def default_recipe(name: str, data: DataSummary) -> Choice:
    """For modalities with one default recipe."""
    recipe = RECIPES[name]
    images = recipe.length(data.count)
    reasons = (_description(data), f"{recipe.name}: the default recipe for such data")
    passes = f"{images:,} examples: {recipe.most_epochs:,} times the {data.count:,} there are"
    return Choice(recipe, images, (*reasons, passes) if images < recipe.images else reasons)


def choose_for_pairs(data: DataSummary) -> Choice:
    return default_recipe("cyclegan" if data.unpaired else "pix2pix", data)


def choose_for_images(data: DataSummary) -> Choice:
    recipe, why = _image_recipe(data)
    images, length = recipe.images, f"{recipe.images:,} images: the recipe's own number"
    if "augment" not in recipe.game.options and (fewer := EPOCHS * data.count) < images:
        images = fewer
        length = f"{images:,} images: {EPOCHS} times the {data.count:,} there are, more would overfit"
    return Choice(recipe, images, (_description(data), *why, length))


def _image_recipe(data: DataSummary) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe for images, and the reasons."""
    if min(data.shape[1:]) < 8:
        return RECIPES["mlp-gan"], ("mlp-gan: perceptrons, because a side under 8 pixels is too small to halve",)
    if data.pairs:
        return RECIPES["cogan"], ("cogan: two domains without pairs",)
    by_class = data.classes > 1 and data.count + data.held_out >= OF_A_CLASS * data.classes
    small = "" if by_class else f", too small to learn from: under {OF_A_CLASS} examples each"
    labels = f"{data.classes} classes{small}" if data.classes > 1 else "no classes"
    name = "cgan" if by_class else "rpgan"
    kind = "class-conditional recipes" if by_class else "recipes without classes"
    recipe, why = RECIPES[name], f"{name}: the best on MNIST among {kind}{_measured_distance(name)}; {labels}"
    reasons = (why,)
    if not by_class and data.shape[0] >= 3:
        recipe = replace(recipe, lr=IN_COLOUR)
        reasons += (f"learning rate {IN_COLOUR}: its own, tuned on digits, is too high for colour images",)
    if not by_class and data.count <= FEW:
        recipe = replace(recipe.with_options(augment=("diffaugment",)), images=FOR_FEW)
        reasons += (f"diffaugment: with {FEW} images or fewer the critic would overfit",)
    if data.count < recipe.batch:
        recipe = replace(recipe, batch=2 ** int(log2(data.count)))
        reasons += (f"batch {recipe.batch}: there are only {data.count} training images",)
    return recipe, reasons


def _measured_distance(name: str) -> str:
    """The median Fréchet distance on MNIST, in brackets, if it was measured at the recipe's own length; else ""."""
    own = (name, "mnist", RECIPES[name].images)
    scores = sorted(row.frechet for row in measured_results() if (row.recipe, row.data, row.images) == own)
    return f" (Fréchet distance {scores[len(scores) // 2]:.2f})" if scores else ""


def _description(data: DataSummary) -> str:
    return f"{data.count:,} {data.examples} of {'×'.join(map(str, data.shape))}, on {data.device}"
