"""The first Wasserstein GAN: five critic steps to one, weights clipped; on DCGAN's networks, batch norm and all.

Adam with β₁ = 0 stands for the paper's RMSProp; its rate begins with forty times the paper's, the bound on weights is
ten times the paper's. On MNIST, seed 0, after 30,000 images at a steady rate of 2e-3 the Fréchet distance was 33; with
rates of 5e-4 90 and of 5e-3 38, with bounds of .01 89, of .03 45 and of .3 219. Without norm in the critic, and the
generator on its last step's z, it was 121. After 300,000 images a steady rate came to 17.5, and one that falls to a
tenth to 16.2.
"""

from dataclasses import replace

from sparring.recipes.catalogue.dcgan import DCGAN
from sparring.recipes.recipe import GameChoice
from sparring.schedules import Cosine

WGAN = replace(
    DCGAN,
    name="wgan",
    paper="Arjovsky et al. 2017, arXiv:1701.07875",
    about="Wasserstein distance by clipped weights, five critic steps to one",
    game=GameChoice("gan", {"objective": "wasserstein", "critic_steps": 5, "resample_each_turn": True, "clip": 0.1}),
    lr=Cosine(2e-3, 2e-4),
    beta1=0.0,
)
