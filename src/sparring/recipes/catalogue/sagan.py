"""SAGAN: self-attention in both players, spectral norm in both, and a rate for each.

Unlike the paper's, the networks know no classes (its generator takes them by conditional batch norm, its critic by
projection) and are narrow.
"""

from dataclasses import replace

from sparring.recipes.catalogue.sngan import SNGAN
from sparring.recipes.recipe import Network

SAGAN = replace(
    SNGAN,
    name="sagan",
    paper="Zhang et al. 2019, arXiv:1805.08318",
    about="self-attention and spectral norm in both players; unlike the paper: narrow, without classes",
    generator=Network("resnet-generator", {"width": 32, "widest": 64, "attention": 16, "spectral": True}),
    critic=Network("resnet-critic", {"width": 32, "widest": 64, "norm": "spectral", "attention": 16}),
    lr=1e-4,
    critic_lr=4e-4,
)
