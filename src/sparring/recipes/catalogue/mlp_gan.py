"""The first GAN, in the form of the well-known MNIST tutorials: the yardstick."""

from sparring.recipes.recipe import GameChoice, Network, Recipe

MLP_GAN = Recipe(
    name="mlp-gan",
    paper="Goodfellow et al. 2014, arXiv:1406.2661",
    about="two multi-layer perceptrons; the yardstick every other recipe is measured by",
    generator=Network("mlp-generator", {"widths": [256, 512, 1024]}),
    critic=Network("mlp-critic", {"widths": [1024, 512, 256], "dropout": 0.3}),
    # As in the tutorials, the generator learns on fakes that the critic has not just been trained on.
    game=GameChoice("gan", {"resample_each_turn": True}),
    batch=100,
    images=3_000_000,
    ema_half_life=0,  # the tutorials do not average weights
)
