"""DCGAN as in the paper, at batch 64 and with an averaged generator."""

from sparring.recipes.base import Network, Recipe

DCGAN = Recipe(
    name="dcgan",
    paper="Radford et al. 2016, arXiv:1511.06434",
    about="strided convolutions and batch norm; departs from the paper in batch size (128 there) and averaged weights",
    generator=Network("dcgan-generator", {"width": 64}),
    critic=Network("dcgan-critic", {"width": 64}),
    batch=64,
    images=600_000,
    half_life=10_000,
)
