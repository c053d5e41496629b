"""R3GAN as the paper has it, by resolution, and a rule that goes between its presets for other data: for GPUs."""

import math
from collections.abc import Sequence
from dataclasses import replace

from sparring.recipes.catalogue.r3gan import PLAIN, scheduled, sized
from sparring.recipes.recipe import Recipe


def _preset(
    name: str, of: str, batch: int, images: int, gamma: float, p: float, half_life: float, **size: int
) -> Recipe:
    recipe = replace(PLAIN, name=name, about=f"the paper's preset for {of}: for GPUs", batch=batch)
    augmented = recipe.with_options(augment=("ada", "cutout"))
    return scheduled(sized(augmented, **{"blocks": 2, "group": 16, **size}), images, gamma, p, half_life)


def _by_class(recipe: Recipe) -> Recipe:
    return recipe.with_options(conditioning="own")


PRESETS = (
    _by_class(_preset("r3gan-cifar10", "CIFAR-10", 512, 20_000_000, 0.05, 0.55, 5e6, width=768, widest=768)),
    _by_class(
        _preset("r3gan-imagenet32", "ImageNet", 4096, 200_000_000, 0.5, 0.5, 5e7, width=1536, widest=1536, group=32)
    ),
    _preset("r3gan-ffhq64", "faces at 64×64", 256, 20_000_000, 2.0, 0.3, 5e5, width=384, widest=768),
    _preset("r3gan-ffhq256", "faces at 256×256", 256, 20_000_000, 150.0, 0.3, 5e5, width=96, widest=768),
)


def gamma(side: float) -> float:
    """The weight of R1 and R2 to begin with: 2 for a side of 64 and 150 for 256, as the paper has it for faces, and a
    power of the side between; .23 for 32, where it has .05 and .5."""
    return 2.0 * (side / 64) ** math.log(75, 4)


def proposed(shape: Sequence[int], classes: int = 0) -> Recipe:
    """For images of a shape (c, h, w) that the paper has not: networks like its presets for CIFAR-10 and faces, which
    have 24,576 / side channels for a map of that side and 768 at most, γ by the rule, and a quarter of the images these
    see. Not measured: it wants a GPU."""
    side = math.sqrt(shape[1] * shape[2])
    width = min(768, int(24_576 / side) // 16 * 16)
    recipe = replace(PLAIN, about=f"for a side of {side:.0f}, between the paper's presets", batch=256)
    recipe = sized(recipe.with_options(augment=("ada", "cutout")), width=width, widest=768, blocks=2, group=16)
    recipe = scheduled(recipe, 5_000_000, round(gamma(side), 3), p=0.3, half_life=1.25e5)
    return _by_class(recipe) if classes > 1 else recipe
