"""StyleGAN2: styles modulate the layers of a generator that starts from a constant; R1 and path length, both lazy.

Unlike the paper's: narrow enough for a CPU (there w and z have 512 numbers, the mapping network 8 layers), smallest
maps from 4 to 7 pixels, R1 weighed as for CIFAR-10 by Karras et al. 2020 (arXiv:2006.06676), path lengths measured on
whole batches, not on half of one. By class or attributes: `--conditioning own`.
"""

from sparring.recipes.recipe import GameChoice, Network, Recipe

_SIZES = {"width": 16, "widest": 128}

STYLEGAN2 = Recipe(
    name="stylegan2",
    paper="Karras et al. 2020, arXiv:1912.04958",
    about="styles, noise and skips; lazy R1 and path length; unlike the paper: narrow, w and z of 128 numbers",
    generator=Network("stylegan2-generator", {"w": 128, **_SIZES, "mapping": 4, "mixing": 0.9}),
    critic=Network("stylegan2-critic", {**_SIZES, "mapping": 4}),
    game=GameChoice(
        "gan", {"methods": ("path-length",), "penalties": ("r1",), "penalty_every": 16, "generator_penalty_every": 4}
    ),
    weights={"r1": 0.01},
    z=128,
    batch=32,
    images=300_000,
    lr=2e-3,
    beta1=0.0,
    beta2=0.99,
)
