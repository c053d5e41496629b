"""Holes, filled; what is known stays to the bit. Unlike the paper: one stage, as small pictures need no more; dilated
convolutions in the place of contextual attention."""

from dataclasses import replace

from sparring.recipes.catalogue.denoise import DENOISE
from sparring.recipes.recipe import Network

INPAINT = replace(
    DENOISE,
    name="inpaint",
    paper="Yu et al. 2019, arXiv:1806.03589",
    about="holes filled by gated convolutions, known pixels untouched; holes are made on the fly",
    generator=Network("gated-unet", {"width": 24, "levels": 2, "dilations": [1, 2, 4, 4]}),
    game=DENOISE.game.with_options(degradations=("box:0.2-0.5", "strokes:1-4")),
    weights={"l1": 100.0, "structure": 10.0, "generator": 0.2},
)
