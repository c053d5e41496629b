"""A category and two codes in the latent that the critic learns to read off the fake, on DCGAN's networks.

The paper's Q shares the critic's body and is learnt with the generator; here both players learn it, in their own turns.
"""

from dataclasses import replace

from sparring.recipes.dcgan import DCGAN

INFOGAN = replace(
    DCGAN,
    name="infogan",
    paper="Chen et al. 2016, arXiv:1606.03657",
    about="finds categories and directions without labels: codes in the latent, told by the critic",
    methods=("codes",),
    z=62,
    categories=10,
    codes=2,
)
