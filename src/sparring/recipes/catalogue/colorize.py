"""Colour for grey pictures: pix2pix of one channel to three, on a network that large pictures go through tile by
tile."""

from dataclasses import replace

from sparring.recipes.catalogue.denoise import DENOISE

COLORIZE = replace(
    DENOISE,
    name="colorize",
    paper="Isola et al. 2017, arXiv:1611.07004",
    about="colour for grey pictures, from coloured ones alone",
    game=DENOISE.game.with_options(degradations=("grey",), methods=("matching",)),
    weights={"l1": 30.0, "matching": 2.0, "generator": 1.0},
    selection_metric="frechet",
)
