"""A category and two codes in the latent that the critic learns to read off the fake, on DCGAN's networks.

The paper's Q shares the critic's body and is learnt with the generator; here both players learn it, in their own turns.
Its generator learns five times as fast as its critic, and so it must at first: at one rate the category hides in what
no eye sees (18 % agreed with the digit, in the best matching, after 120,000 images). What else makes a category a digit
was found on MNIST, 45,000 images each, a seed or two: less noise beside the codes (45 % with z of 16, 32 % with 62); a
shift of what the critic sees, which no hidden mark outlives (75 and 78 %); and codes that weigh .5, not .1, for else
categories take slant and width upon themselves (83 %). At those rates digits stay too much alike and some are never
drawn (seed 0, 180,000 images: 86 %, Fréchet distance 74), so the rates meet at DCGAN's (61 %, Fréchet distance 26).
"""

from dataclasses import replace

from sparring.recipes.dcgan import DCGAN
from sparring.training.schedules import Linear

INFOGAN = replace(
    DCGAN,
    name="infogan",
    paper="Chen et al. 2016, arXiv:1606.03657",
    about="finds categories and directions without labels: codes in the latent, told by the critic",
    methods=("codes",),
    weights={"code": 0.5},
    augment=("translation",),
    z=16,
    categories=10,
    codes=2,
    batch=128,
    lr=Linear(1e-3, 4e-4, 60_000),
    critic_lr=Linear(2e-4, 4e-4, 60_000),
    beta2=0.999,
)
