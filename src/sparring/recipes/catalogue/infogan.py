"""A category and two codes in the latent that the critic learns to read off the fake, on DCGAN's networks.

The paper's Q shares the critic's body and is learnt with the generator; here both players learn it, in their own turns.
In the paper's game what the category becomes is an accident: at DCGAN's rates it hides in what no eye sees (MNIST,
120,000 images: 18 % agreed with the digit, in the best matching); a generator five times as fast as its critic makes it
a digit, and too few kinds of them (180,000 images: 86 and 70 %, Fréchet distances 74 and 120). So the critic also
learns to give a real image the category of the same image shifted, scaled and squeezed (Ji et al. 2019,
arXiv:1807.06653), as Ojha et al. 2020 (arXiv:1910.01112) have it do by other means, and DCGAN's rates will do: 91, 100
and 77 % after 300,000 images (seeds 0, 1, 2), Fréchet distances 4.1, 2.4 and 4.2.

Codes told of the fakes as they are become width and size of the strokes; told of fakes shifted and scaled, which say
nothing of the code, they are slant and width.
"""

from dataclasses import replace

from sparring.recipes.catalogue.dcgan import DCGAN
from sparring.recipes.recipe import GameChoice

INFOGAN = replace(
    DCGAN,
    name="infogan",
    paper="Chen et al. 2016, arXiv:1606.03657",
    about="finds categories and directions without labels: codes in the latent, told by the critic",
    game=GameChoice("gan", {"methods": ("codes", "invariance", "steady")}),
    weights={"code": 0.0, "steady": 0.5, "invariance": 5.0},
    z=16,
    categories=10,
    codes=2,
)
