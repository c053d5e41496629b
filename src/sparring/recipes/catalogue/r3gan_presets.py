"""R3GAN with the presets of its paper, by data set and resolution. They need a GPU."""

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
