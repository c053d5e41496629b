"""The smallest pair of the tutorials: two hidden layers of 128 on both sides, brightness in [0, 1].

Its rate is five times the usual one. With 2·10⁻⁴ it collapsed on MNIST, and the worse the longer it played: a Fréchet
distance of 374 at best in 3,000,000 images, 109 after 400,000 with 10⁻³. Dropout in the critic, label smoothing and
instance noise did not help.
"""

from sparring.recipes.recipe import GameChoice, Network, Recipe

DENSE = Recipe(
    name="dense",
    paper="Goodfellow et al. 2014, arXiv:1406.2661",
    about="two layers of 128 on both sides: the least that makes digits",
    generator=Network("mlp-generator", {"widths": [128, 128], "output": "sigmoid"}),
    critic=Network("mlp-critic", {"widths": [128, 128], "dropout": 0.0}),
    game=GameChoice("gan", {"resample_each_turn": True}),
    batch=100,
    images=3_000_000,
    lr=1e-3,
)
