"""R3GAN: relativistic pairing, zero-centred penalties on both sides, and modern residual networks without norms.

`r3gan` is narrow and short, for a CPU or a first try; the others are the paper's own presets, and `proposed` goes
between them for other data.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from sparring.recipes.base import Network, Recipe
from sparring.training.schedules import Cosine


def scheduled(recipe: Recipe, images: int, gamma: float, p: float, half_life: float) -> Recipe:
    """The recipe over so many images: γ falls to a tenth, the rate to a quarter; the probability of augmentation, the
    half-life of the average (from 0) and β₂ rise."""
    falling = Cosine(gamma, gamma / 10)
    return replace(
        recipe,
        images=images,
        weights={"r1": falling, "r2": falling},
        augment_p=Cosine(0.0, p),
        lr=Cosine(2e-4, 5e-5),
        beta2=Cosine(0.9, 0.99),
        half_life=Cosine(0.0, half_life),
    )


def sized(recipe: Recipe, **size: int) -> Recipe:
    """The recipe with both networks of this size."""
    generator, critic = replace(recipe.generator, numbers=size), replace(recipe.critic, numbers=size)
    return replace(recipe, generator=generator, critic=critic)


_PLAIN = Recipe(
    name="r3gan",
    paper="Huang et al. 2024, arXiv:2501.05441",
    about="each real image against a fake one, R1 and R2, residual networks without norms; narrow and short",
    generator=Network("r3gan-generator"),
    critic=Network("r3gan-critic"),
    objective="relativistic",
    penalties=("r1", "r2"),
    fresh=True,
    z=64,
    beta1=0.0,
    ramp=0.0,
)
R3GAN = scheduled(sized(_PLAIN, width=16, widest=128, blocks=1, group=16), 600_000, gamma=1.0, p=0.0, half_life=20_000)


def _preset(
    name: str, of: str, batch: int, images: int, gamma: float, p: float, half_life: float, **size: int
) -> Recipe:
    recipe = replace(_PLAIN, name=name, about=f"the paper's preset for {of}: for GPUs", batch=batch)
    augmented = replace(recipe, augment=("ada", "cutout"))
    return scheduled(sized(augmented, **{"blocks": 2, "group": 16, **size}), images, gamma, p, half_life)


def _by_class(recipe: Recipe) -> Recipe:
    return replace(recipe, conditioning="own")


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
    recipe = replace(_PLAIN, about=f"for a side of {side:.0f}, between the paper's presets", augment=("ada", "cutout"))
    recipe = sized(replace(recipe, batch=256), width=width, widest=768, blocks=2, group=16)
    recipe = scheduled(recipe, 5_000_000, round(gamma(side), 3), p=0.3, half_life=1.25e5)
    return _by_class(recipe) if classes > 1 else recipe
