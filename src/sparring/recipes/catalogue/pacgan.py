"""The critic sees two images at once, so that samples that are too alike give themselves away."""

from dataclasses import replace

from sparring.recipes.catalogue.dcgan import DCGAN
from sparring.recipes.recipe import GameChoice

PACGAN = replace(
    DCGAN,
    name="pacgan",
    paper="Lin et al. 2018, arXiv:1712.04086",
    about="the critic judges two images together, on DCGAN's networks",
    game=GameChoice("gan", {"pack": 2}),
)
