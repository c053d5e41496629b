"""Two folders of pictures without pairs; style transfer is the same. Unlike the paper: half the channels, 4 residual
blocks and two halvings in the critic for small pictures, averaged weights."""

from sparring.recipes.recipe import GameChoice, Network, Recipe
from sparring.schedules import Linear

SQUARE = 2.0
"""Times the objective's ½(D(G(x)) − 1)² is what the paper minimises (section 4), beside which its λ stand."""
IMAGES = 30_000

CYCLEGAN = Recipe(
    name="cyclegan",
    paper="Zhu et al. 2017, arXiv:1703.10593",
    about="two domains of pictures without pairs: there, and back to the same",
    generator=Network("translator", {"width": 32, "blocks": 4}),
    critic=Network("patch-critic", {"width": 32, "layers": 2, "scales": 1, "norm": "instance"}),
    game=GameChoice("cyclegan", {"objective": "least-squares"}),
    modality="pair",
    weights={"fools_D": SQUARE, "fools_C": SQUARE, "cycle": 10.0, "identity": 5.0},
    z=0,
    batch=1,
    images=IMAGES,
    lr=Linear(2e-4, 2e-5, IMAGES),
    ema_half_life=500,
)
