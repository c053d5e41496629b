"""Hinge loss and spectral norm, on DCGAN's networks."""

from dataclasses import replace

from sparring.recipes.base import Network
from sparring.recipes.dcgan import DCGAN

HINGE = replace(
    DCGAN,
    name="hinge",
    paper="Miyato et al. 2018, arXiv:1802.05957",
    about="hinge loss, spectral norm in the critic, on DCGAN's networks",
    objective="hinge",
    critic=Network("dcgan-critic", {"width": 32, "norm": "spectral"}),
)
