"""Progressive growing: from small images to large ones, each size faded in, under WGAN-GP.

The penalty looks at images of the full size, in which the gradient of a smaller image is smaller than the paper's by
the factor between the sides.
"""

from sparring.recipes.recipe import GameChoice, Network, Recipe

_SIZE = {"width": 16, "widest": 64}
PROGAN = Recipe(
    name="progan",
    paper="Karras et al. 2018, arXiv:1710.10196",
    about="sizes faded in one by one, equalised rates, WGAN-GP; unlike the paper: narrow, and a short growth",
    game=GameChoice(
        "progressive", {"objective": "wasserstein", "penalties": ("lipschitz", "drift"), "images_per_phase": 80_000}
    ),
    generator=Network("progan-generator", _SIZE),
    critic=Network("progan-critic", _SIZE),
    weights={"lipschitz": 10.0, "drift": 0.001},
    z=128,
    batch=32,
    lr=1e-3,
    beta1=0.0,
    beta2=0.99,
)
