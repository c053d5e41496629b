"""The first Wasserstein GAN: five critic steps to one, weights clipped; on DCGAN's networks without norm in the critic.

Adam with β₁ = 0 stands for the paper's RMSProp, and its rate is four times the paper's: after 60,000 digits of 8×8 the
Fréchet distance was 69, and 841 with 5e-5, the generator on the last critic step's z.
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
    clip=0.01,
    lr=2e-4,
    beta1=0.0,
)
