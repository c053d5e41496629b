"""Pictures of several classes, each to be moved to any other: `spar train stargan --data FOLDER`, whose sub-folders are
the classes. Unlike the paper: least squares (`--objective wasserstein --penalties lipschitz --weight.lipschitz 10
--critic-steps 5 --lr 1e-4 --batch 16 --weight.identity 0` is its own), half the channels, 4 residual blocks and two
halvings in the critic for small pictures, averaged weights.

And the class is not told in planes behind the channels, which an instance norm takes out again but for the padding at
the border, but by a gain and a bias of its own in every norm; and pictures that are asked to stay of their class stay
as they are, without which hues changed places (docs/guide/image-to-image.md)."""

from dataclasses import replace

from sparring.recipes.catalogue.cyclegan import CYCLEGAN
from sparring.recipes.recipe import GameChoice, Network
from sparring.schedules import Linear

IMAGES = 60_000

STARGAN = replace(
    CYCLEGAN,
    name="stargan",
    paper="Choi et al. 2018, arXiv:1711.09020",
    about="pictures of several classes, each moved to any other by one generator: there, and back to the same",
    generator=Network("translator", {"width": 32, "blocks": 4, "smooth": True}),
    critic=Network("domain-critic", {"width": 32, "layers": 2, "norm": "none"}),
    game=GameChoice("stargan", {"objective": "least-squares", "conditioning": "auxiliary"}),
    weights={"class": 1.0, "cycle": 10.0, "identity": 5.0},
    batch=8,
    images=IMAGES,
    lr=Linear(2e-4, 2e-5, IMAGES),
)
