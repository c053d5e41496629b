"""The first Wasserstein GAN: five critic steps to one, weights clipped; on DCGAN's networks without batch norm in the
critic. Adam with β₁ = 0 stands for the paper's RMSProp."""

from dataclasses import replace

from sparring.recipes.base import Network
from sparring.recipes.dcgan import DCGAN

WGAN = replace(
    DCGAN,
    name="wgan",
    paper="Arjovsky et al. 2017, arXiv:1701.07875",
    about="Wasserstein distance by clipped weights, five critic steps to one",
    objective="wasserstein",
    critic=Network("dcgan-critic", {"width": 32, "norm": "layer"}),
    critic_steps=5,
    clip=0.01,
    lr=5e-5,
    beta1=0.0,
)
