"""The smallest pair of the tutorials: one hidden layer or two of 128 on both sides, brightness in [0, 1]."""

from sparring.recipes.base import Network, Recipe

DENSE = Recipe(
    name="dense",
    paper="Goodfellow et al. 2014, arXiv:1406.2661",
    about="two layers of 128 on both sides: the least that makes digits",
    generator=Network("mlp-generator", {"widths": [128, 128], "output": "sigmoid"}),
    critic=Network("mlp-critic", {"widths": [128, 128], "dropout": 0.0}),
    fresh=True,
    batch=100,
    images=3_000_000,
)
