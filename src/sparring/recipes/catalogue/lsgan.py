"""Least squares on DCGAN's networks."""

from dataclasses import replace

from sparring.recipes.catalogue.dcgan import DCGAN
from sparring.recipes.recipe import GameChoice

LSGAN = replace(
    DCGAN,
    name="lsgan",
    paper="Mao et al. 2017, arXiv:1611.04076",
    about="least squares instead of cross-entropy, on DCGAN's networks",
    game=GameChoice("gan", {"objective": "least-squares"}),
)
