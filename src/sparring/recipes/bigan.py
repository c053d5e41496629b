"""BiGAN on DCGAN's networks."""

from dataclasses import replace

from sparring.recipes.base import Network
from sparring.recipes.dcgan import DCGAN

BIGAN = replace(
    DCGAN,
    name="bigan",
    paper="Donahue et al. 2017, arXiv:1605.09782",
    about="an encoder learns to undo the generator: the critic sees images with their latents",
    plays="ali",
    critic=Network("dcgan-pair-critic", {"width": 32, "norm": "batch", "hidden": 256, "dropout": 0.0}),
    encoder=Network("dcgan-encoder", {"width": 32, "moments": 1}),
    z=64,
)
