"""CoGAN: two domains, no pairs: `spar train cogan --data mnist+edges`.

Shared are all layers but one: the last of the generator's, the first of the critic's; so the domains see one map of
features each way. On MNIST 99.99 % of 10,000 pairs agreed (experiment `pairs`) after 57,000 images; at width 16, 98 %
after 26,000, and the same with two layers for each domain in the critic. What is shared can couple no more than there
is to see: at 8×8 nearly every pixel is an edge, so for digits+edges ask for `--size 16`.
"""

from dataclasses import replace

from sparring.recipes.catalogue.dcgan import DCGAN
from sparring.recipes.recipe import Network

COGAN = replace(
    DCGAN,
    name="cogan",
    paper="Liu & Tuzel 2016, arXiv:1606.07536",
    about="two domains without pairs, coupled by shared weights; unlike the paper: DCGAN's layers, averaged weights",
    generator=Network("coupled-generator", {"width": 32, "own": 1}),
    critic=Network("coupled-critic", {"width": 32, "norm": "batch", "own": 1}),
)
