"""BigGAN-deep: BigGAN with two bottlenecks a map, to each of which z is given whole. Narrow, too."""

from dataclasses import replace

from sparring.recipes.catalogue.biggan import BIGGAN
from sparring.recipes.recipe import Network

BIGGAN_DEEP = replace(
    BIGGAN,
    name="biggan-deep",
    about="by class: BigGAN of bottlenecks, two a map; unlike the paper: narrow, small batches",
    generator=Network("biggan-deep-generator", {"width": 64, "widest": 128, "attention": 16, "embedding": 64}),
    critic=Network("biggan-deep-critic", {"width": 64, "widest": 128, "norm": "spectral", "attention": 16}),
)
