"""Hinge loss and spectral norm by class: the critic's features are projected on a vector of the class.

The paper's generator takes the class by conditional batch norm; here it is an input beside z.
"""

from dataclasses import replace

from sparring.recipes.hinge import HINGE

PROJECTION = replace(
    HINGE,
    name="projection",
    paper="Miyato & Koyama 2018, arXiv:1802.05637",
    about="by class: the critic's features projected on the class, with hinge loss and spectral norm",
    conditioning="projection",
)
