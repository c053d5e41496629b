"""Tables: relativistic pairing with zero-centred penalties on both sides (R3GAN's game) on small residual perceptrons;
every column is a choice, drawn hard, by a head that knows the columns before it; real rows are to be likely, too."""

from sparring.recipes.recipe import GameChoice, Network, Recipe
from sparring.schedules import Cosine

GAMMA = Cosine(0.5, 0.05)

TABLE = Recipe(
    name="table",
    paper="Huang et al. 2024, arXiv:2501.05441; choices after Liu et al. 2023, arXiv:2304.08612",
    about="for tables: each real row against a made one, R1 and R2, residual perceptrons, column by column",
    generator=Network("table-generator", {"width": 128, "blocks": 2, "head": 64, "tau": 1.0}),
    critic=Network("table-critic", {"width": 256, "blocks": 2}),
    game=GameChoice(
        "gan",
        {
            "objective": "relativistic",
            "penalties": ("r1", "r2"),
            "methods": ("likelihood",),
            "resample_each_turn": True,
        },
    ),
    weights={"r1": GAMMA, "r2": GAMMA, "likelihood": 0.1},
    modality="table",
    z=64,
    batch=512,
    images=600_000,
    most_epochs=600,
    lr=Cosine(1e-3, 1e-4),
    beta1=0.0,
    beta2=0.99,
    ema_half_life=200_000,
)
