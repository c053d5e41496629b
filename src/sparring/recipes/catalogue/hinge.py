"""Hinge loss and spectral norm, on DCGAN's networks."""

from dataclasses import replace

from sparring.recipes.catalogue.dcgan import DCGAN
from sparring.recipes.recipe import GameChoice, Network

HINGE = replace(
    DCGAN,
    name="hinge",
    paper="Miyato et al. 2018, arXiv:1802.05957",
    about="hinge loss, spectral norm in the critic, on DCGAN's networks",
    game=GameChoice("gan", {"objective": "hinge"}),
    critic=Network("dcgan-critic", {"width": 32, "norm": "spectral"}),
)
