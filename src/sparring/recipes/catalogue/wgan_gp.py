"""Wasserstein with a gradient penalty and the paper's five critic steps, on DCGAN's networks; layer norm in the critic,
for the penalty is an example's own (section 4).

The rate is ten times the paper's. On MNIST, seed 0, after 60,000 images the Fréchet distance was 10.0, with 3e-3 12.8,
and with the paper's 1e-4 675, the generator on the last critic step's z; now it draws its own, as in algorithm 1.
"""

from dataclasses import replace

from sparring.recipes.catalogue.dcgan import DCGAN
from sparring.recipes.recipe import GameChoice, Network

WGAN_GP = replace(
    DCGAN,
    name="wgan-gp",
    paper="Gulrajani et al. 2017, arXiv:1704.00028",
    about="Wasserstein distance by gradient penalty, five critic steps to one",
    game=GameChoice(
        "gan", {"objective": "wasserstein", "penalties": ("lipschitz",), "critic_steps": 5, "resample_each_turn": True}
    ),
    critic=Network("dcgan-critic", {"width": 32, "norm": "layer"}),
    weights={"lipschitz": 10.0},
    lr=1e-3,
    beta1=0.0,
    beta2=0.9,
)
