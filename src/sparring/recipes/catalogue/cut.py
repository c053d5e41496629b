"""Two folders of pictures without pairs, one way. Unlike the paper: half the channels, 4 residual blocks and two
halvings in the critic for small pictures, averaged weights; and G leaves pictures of the target domain as they are, as
CycleGAN's does, without which hues changed places (docs/guide/image-to-image.md)."""

from dataclasses import replace

from sparring.recipes.catalogue.cyclegan import CYCLEGAN, SQUARE
from sparring.recipes.recipe import GameChoice, Network

CUT = replace(
    CYCLEGAN,
    name="cut",
    paper="Park et al. 2020, arXiv:2007.15651",
    about="two domains of pictures without pairs, one way: what is made shows the same, place by place",
    generator=Network("translator", {"width": 32, "blocks": 4, "smooth": True}),
    game=GameChoice("cut", {"objective": "least-squares"}),
    weights={"generator": SQUARE, "nce": 0.5, "nce_identity": 0.5, "identity": 5.0},
)
