"""DCGAN by class: generator and critic are given the label."""

from dataclasses import replace

from sparring.recipes.catalogue.dcgan import DCGAN
from sparring.recipes.recipe import GameChoice

CGAN = replace(
    DCGAN,
    name="cgan",
    paper="Mirza & Osindero 2014, arXiv:1411.1784",
    about="by class: the label is an input of both sides, on DCGAN's networks",
    game=GameChoice("gan", {"conditioning": "input"}),
)
