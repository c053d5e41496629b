"""CTGAN: Wasserstein with a gradient penalty on packs of ten, rows given one of their categories, sampled by its
logarithm. Numbers are encoded as all tables are here, not by mixtures; there is no weight decay."""

from sparring.recipes.recipe import GameChoice, Network, Recipe

CTGAN = Recipe(
    name="ctgan",
    paper="Xu et al. 2019, arXiv:1907.00503",
    about="for tables: Wasserstein by gradient penalty, packs of ten, a category given with each row",
    generator=Network("ctgan-generator", {"width": 256, "blocks": 2, "tau": 0.2}),
    critic=Network("ctgan-critic", {"widths": [256, 256], "dropout": 0.5}),
    game=GameChoice(
        "gan",
        {
            "objective": "wasserstein",
            "penalties": ("lipschitz",),
            "conditioning": "input",
            "methods": ("asked",),
            "pack": 10,
        },
    ),
    weights={"lipschitz": 10.0},
    modality="table",
    z=128,
    batch=500,
    images=6_750_000,
    most_epochs=300,
    lr=2e-4,
    beta1=0.5,
    beta2=0.9,
    ema_half_life=0.0,
)
