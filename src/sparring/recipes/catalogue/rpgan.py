"""Relativistic pairing with zero-centred penalties on both sides, on DCGAN's networks without norm in the critic."""

from dataclasses import replace

from sparring.recipes.catalogue.dcgan import DCGAN
from sparring.recipes.recipe import GameChoice, Network

RPGAN = replace(
    DCGAN,
    name="rpgan",
    paper="Huang et al. 2024, arXiv:2501.05441; Jolicoeur-Martineau 2018, arXiv:1807.00734",
    about="each real image against a fake one, R1 and R2, on DCGAN's networks",
    game=GameChoice("gan", {"objective": "relativistic", "penalties": ("r1", "r2"), "resample_each_turn": True}),
    critic=Network("dcgan-critic", {"width": 32, "norm": "none"}),
    weights={"r1": 1.0, "r2": 1.0},
    beta1=0.0,
)
