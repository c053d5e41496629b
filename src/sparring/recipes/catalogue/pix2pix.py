"""Pairs of pictures: `spar train pix2pix --data FOLDER`, with trainA and trainB, or `--direction AtoB` and pictures
of two side by side. Unlike the paper: instance norm, half the channels, two halvings in the critic for small pictures,
averaged weights; and no dropout, five times the rate, structure (SSIM) beside L1, by which emoji came out sharper
(docs/guide/image-to-image.md)."""

from sparring.recipes.recipe import GameChoice, Network, Recipe
from sparring.schedules import Linear

IMAGES = 60_000

PIX2PIX = Recipe(
    name="pix2pix",
    paper="Isola et al. 2017, arXiv:1611.07004",
    about="pictures to pictures, by pairs: a U-Net held to the right answer, and a critic of patches",
    generator=Network("unet", {"width": 32, "widest": 256, "levels": 0, "dropout": 0.0}),
    critic=Network("patch-critic", {"width": 32, "layers": 2, "scales": 1, "norm": "instance"}),
    game=GameChoice("pix2pix", {"methods": ("structure",), "augment": ("flip", "translation")}),
    modality="pair",
    weights={"l1": 100.0, "structure": 20.0},
    selection_metric="frechet",
    z=0,
    batch=8,
    images=IMAGES,
    lr=Linear(1e-3, 1e-4, IMAGES),
    ema_half_life=1_000,
)
