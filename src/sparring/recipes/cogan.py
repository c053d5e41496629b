"""CoGAN: two domains, no pairs: `spar train cogan --data digits+edges`."""

from dataclasses import replace

from sparring.recipes.base import Network
from sparring.recipes.dcgan import DCGAN

COGAN = replace(
    DCGAN,
    name="cogan",
    paper="Liu & Tuzel 2016, arXiv:1606.07536",
    about="pairs of two domains, learnt without pairs, by shared weights; unlike the paper: DCGAN's layers and steps",
    generator=Network("coupled-generator", {"width": 32, "own": 1}),
    critic=Network("coupled-critic", {"width": 32, "norm": "batch", "own": 1}),
)
