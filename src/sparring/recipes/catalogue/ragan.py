"""Relativistic average, on DCGAN's networks."""

from dataclasses import replace

from sparring.recipes.catalogue.dcgan import DCGAN
from sparring.recipes.recipe import GameChoice

RAGAN = replace(
    DCGAN,
    name="ragan",
    paper="Jolicoeur-Martineau 2018, arXiv:1807.00734",
    about="more real than the average fake, on DCGAN's networks",
    game=GameChoice("gan", {"objective": "relativistic-average"}),
)
