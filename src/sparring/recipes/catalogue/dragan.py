"""A critic that is smooth near real images, on DCGAN's networks without norm in the critic.

After 60,000 digits of 8×8 the Fréchet distance was 176, and 480 with layer norm (at lr 4e-4); after 60,000 of MNIST 46
with a rate of 2e-3, and 59 with DCGAN's own.
"""

from dataclasses import replace

from sparring.recipes.catalogue.dcgan import DCGAN
from sparring.recipes.recipe import GameChoice, Network

DRAGAN = replace(
    DCGAN,
    name="dragan",
    paper="Kodali et al. 2017, arXiv:1705.07215",
    about="gradient penalty near real images, on DCGAN's networks",
    critic=Network("dcgan-critic", {"width": 32, "norm": "none"}),
    game=GameChoice("gan", {"penalties": ("dragan",)}),
    weights={"dragan": 10.0},
    lr=2e-3,
)
