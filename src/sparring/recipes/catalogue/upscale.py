"""Pictures four times as large: `--damage downscale:2` for twice; for pictures as they are found,
`--damage blur:0.2-1.5,downscale:4,noise:0.005-0.05,jpeg:40-95`. Half of the images by L1, then against the critic;
`--warm-up` of all of them for the nearest, and less sharp, pictures.

Unlike the paper: 4 blocks of 32 channels; the critic's own layers in the place of VGG's, and its plain objective;
nothing is interpolated between both stages, but the averaged weights."""

from sparring.recipes.recipe import GameChoice, Network, Recipe
from sparring.schedules import Cosine

IMAGES = 100_000

UPSCALE = Recipe(
    name="upscale",
    paper="Wang et al. 2018, arXiv:1809.00219",
    about="pictures enlarged 2 or 4 times: by distance first, then against a critic",
    generator=Network("rrdb", {"width": 32, "growth": 16, "blocks": 4}),
    critic=Network("patch-critic", {"width": 32, "layers": 2, "scales": 1, "norm": "spectral"}),
    game=GameChoice(
        "restoration",
        {"objective": "hinge", "methods": ("matching",), "degradations": ("downscale:4",), "warm_up": IMAGES // 2},
    ),
    modality="pair",
    weights={"l1": 10.0, "matching": 2.0, "generator": 1.0},
    selection_metric="frechet",
    z=0,
    batch=16,
    images=IMAGES,
    lr=Cosine(5e-4, 5e-5, IMAGES),
    critic_lr=2e-4,
    beta1=0.9,
    beta2=0.99,
    ema_half_life=5_000,
)
