"""A dense generator of brightness in [0, 1] against a convolutional critic, as in the well-known small tutorials.

By itself the pair collapsed onto one image within an epoch of MNIST, at 2·10⁻⁴ for both and at these rates. A critic
that sees how alike a batch is prevents that.
"""

from sparring.recipes.recipe import GameChoice, Network, Recipe

DENSE_CONV = Recipe(
    name="dense-conv",
    paper="Goodfellow et al. 2014, arXiv:1406.2661; critic after Radford et al. 2016, arXiv:1511.06434",
    about="a dense generator 128-128 against a convolutional critic 64-128 that sees how alike a batch is",
    generator=Network("mlp-generator", {"widths": [128, 128], "output": "sigmoid"}),
    critic=Network("conv-critic", {"widths": [64, 128], "dropout": 0.3}),
    game=GameChoice("gan", {"methods": ("minibatch-discrimination",), "resample_each_turn": True}),
    batch=100,
    lr=1e-3,
    critic_lr=1e-4,
)
