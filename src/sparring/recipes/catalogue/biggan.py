"""BigGAN: residual networks by class, told class and z in every block, with orthogonal weights.

Unlike the paper's: narrow, in batches of 64 instead of 2,048, one critic step instead of two with rates twice as high
for that, and weights averaged over fewer images. The paper's numbers are flags: `spar train biggan --generator.width 96
--generator.widest 1536 --critic.width 96 --critic.widest 1536 --lr 5e-5 --critic-lr 2e-4 --critic-steps 2`.
"""

from sparring.recipes.recipe import GameChoice, Network, Recipe

BIGGAN = Recipe(
    name="biggan",
    paper="Brock et al. 2019, arXiv:1809.11096",
    about="by class: class and z in every block, orthogonal weights; unlike the paper: narrow, small batches",
    generator=Network("biggan-generator", {"width": 32, "widest": 64, "attention": 16, "embedding": 64}),
    critic=Network("biggan-critic", {"width": 32, "widest": 64, "norm": "spectral", "attention": 16}),
    game=GameChoice("gan", {"conditioning": "projection", "methods": ("orthogonal",), "objective": "hinge"}),
    z=80,
    batch=64,
    images=300_000,
    lr=1e-4,
    critic_lr=4e-4,
    beta1=0.0,
    beta2=0.999,
)
