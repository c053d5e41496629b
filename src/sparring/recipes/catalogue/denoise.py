"""Noise, undone: `spar train denoise --data pictures --damage noise:0.05-0.5`, σ of brightness 0 to 1. The critic
weighs little beside the distances, for what a denoiser is scored by are the distances; `--weight.generator` makes it
sharper."""

from sparring.recipes.recipe import GameChoice, Network, Recipe
from sparring.schedules import Cosine

IMAGES = 200_000

DENOISE = Recipe(
    name="denoise",
    paper="Yu et al. 2019, arXiv:1806.03589; Isola et al. 2017, arXiv:1611.07004",
    about="pictures without their noise, from clean ones alone: noise is made on the fly",
    generator=Network("gated-unet", {"width": 24, "levels": 2, "dilations": [1, 2]}),
    critic=Network("patch-critic", {"width": 24, "layers": 2, "scales": 1, "norm": "spectral"}),
    game=GameChoice(
        "restoration",
        {"objective": "hinge", "degradations": ("noise:0.5",), "methods": ("structure",), "warm_up": IMAGES // 2},
    ),
    modality="pair",
    weights={"l1": 100.0, "structure": 20.0, "generator": 0.1},
    z=0,
    batch=16,
    images=IMAGES,
    lr=Cosine(1e-3, 1e-5, IMAGES),
    critic_lr=2e-4,
    ema_half_life=2_000,
)
