"""FastGAN, for images that are few: the small maps of the generator excite the large, the critic decodes what it saw.

Unlike the paper's: narrow, decoded images compared pixel by pixel (its LPIPS is a network trained on other images), no
second critic on small copies of the images, as the authors' code has one, and no spectral norm beside batch norm. The
authors' numbers for 256×256 are flags: `spar train fastgan --generator.width 32 --generator.widest 1024 --critic.width
16 --batch 8`.
"""

from sparring.recipes.recipe import GameChoice, Network, Recipe

FASTGAN = Recipe(
    name="fastgan",
    paper="Liu et al. 2021, arXiv:2101.04775",
    about="for few images: excited channels, a critic that decodes; unlike the paper: narrow, pixels for LPIPS",
    generator=Network("fastgan-generator", {"width": 16, "widest": 256}),
    critic=Network("fastgan-critic", {"width": 16, "widest": 256, "norm": "batch"}),
    game=GameChoice("gan", {"methods": ("reconstruction",), "objective": "hinge", "augment": ("diffaugment",)}),
    z=256,
    batch=16,
    images=200_000,
    lr=2e-4,
    beta1=0.5,
    beta2=0.999,
)
