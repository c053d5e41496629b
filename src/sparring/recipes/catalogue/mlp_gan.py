"""The first GAN, in the form of the well-known MNIST tutorials: the yardstick."""

from sparring.recipes.recipe import Network, Recipe

MLP_GAN = Recipe(
    name="mlp-gan",
    paper="Goodfellow et al. 2014, arXiv:1406.2661",
    about="two multi-layer perceptrons; the yardstick every other recipe is measured by",
    generator=Network("mlp-generator", {"widths": [256, 512, 1024]}),
    critic=Network("mlp-critic", {"widths": [1024, 512, 256], "dropout": 0.3}),
    fresh=True,  # as the tutorials do, the generator learns on fakes the critic has not just been trained on
    batch=100,
    images=3_000_000,
    half_life=0,  # the tutorials keep the last weights, not an average
)
