"""By class: the critic embeds images near their class and away from other classes' images, with hinge loss.

The paper's networks are BigGAN's; here they are DCGAN's under spectral norm, and the class is an input beside z.
"""

from dataclasses import replace

from sparring.recipes.catalogue.hinge import HINGE

REACGAN = replace(
    HINGE,
    name="reacgan",
    paper="Kang et al. 2021, arXiv:2111.01118",
    about="by class: the critic contrasts embeddings, with hinge loss and spectral norm",
    game=HINGE.game.with_options(conditioning="contrastive"),
)
