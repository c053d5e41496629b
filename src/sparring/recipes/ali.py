"""ALI on DCGAN's networks."""

from dataclasses import replace

from sparring.recipes.base import Network
from sparring.recipes.dcgan import DCGAN

ALI = replace(
    DCGAN,
    name="ali",
    paper="Dumoulin et al. 2017, arXiv:1606.00704",
    about="as bigan, with a stochastic encoder: it tells a latent's mean and variance",
    plays="ali",
    critic=Network("dcgan-pair-critic", {"width": 32, "norm": "batch", "hidden": 256, "dropout": 0.2}),
    encoder=Network("dcgan-encoder", {"width": 32, "moments": 2}),
    z=64,
)
