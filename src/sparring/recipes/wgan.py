"""The first Wasserstein GAN: five critic steps to one, weights clipped; on DCGAN's networks without norm in the critic.

Adam with β₁ = 0 stands for the paper's RMSProp, its rate is forty times, the bound on weights ten times the paper's. On
MNIST, seed 0, after 30,000 images the Fréchet distance was 121; with a bound of .03 it was 141, with rates of 5e-4 545,
all of them with the generator on the last critic step's z; now it draws its own, as in algorithm 1.
"""

from dataclasses import replace

from sparring.recipes.base import Network
from sparring.recipes.dcgan import DCGAN

WGAN = replace(
    DCGAN,
    name="wgan",
    paper="Arjovsky et al. 2017, arXiv:1701.07875",
    about="Wasserstein distance by clipped weights, five critic steps to one",
    objective="wasserstein",
    critic=Network("dcgan-critic", {"width": 32, "norm": "none"}),
    critic_steps=5,
    fresh=True,
    clip=0.1,
    lr=2e-3,
    beta1=0.0,
)
