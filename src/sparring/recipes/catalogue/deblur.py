"""Blur, undone: `denoise` on other damage."""

from dataclasses import replace

from sparring.recipes.catalogue.denoise import DENOISE

DEBLUR = replace(
    DENOISE,
    name="deblur",
    about="sharp pictures of blurred ones, from sharp ones alone: blur is made on the fly",
    game=DENOISE.game.with_options(degradations=("blur:0.5-2", "noise:0.005-0.02")),
)
