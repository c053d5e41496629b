"""SN-GAN: residual networks, hinge loss, and spectral norm in the critic.

The paper's numbers are flags: `spar train sngan --generator.width 256 --generator.widest 256 --critic.width 128
--critic.widest 128 --critic-steps 5`. Here networks are smaller, and a critic's step for each of the generator's makes
up for it with a rate of its own (TTUR), as in the paper's successors.
"""

from sparring.recipes.recipe import GameChoice, Network, Recipe

SNGAN = Recipe(
    name="sngan",
    paper="Miyato et al. 2018, arXiv:1802.05957",
    about="residual networks, hinge loss, spectral norm; unlike the paper: narrow, one critic step, averaged weights",
    generator=Network("resnet-generator", {"width": 32, "widest": 64, "attention": 0, "spectral": False}),
    critic=Network("resnet-critic", {"width": 32, "widest": 64, "norm": "spectral", "attention": 0}),
    game=GameChoice("gan", {"objective": "hinge"}),
    batch=64,
    images=300_000,
    lr=2e-4,
    critic_lr=4e-4,
    beta1=0.0,
    beta2=0.9,
)
