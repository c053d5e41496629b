"""R3GAN: relativistic pairing, zero-centred penalties on both sides, and modern residual networks without norms. Narrow
and short, for a CPU or a first try, and so at five times the paper's rate; the paper's own sizes are in
`r3gan_presets.py`."""

from dataclasses import replace

from sparring.recipes.recipe import GameChoice, Network, Recipe
from sparring.schedules import Cosine


def scheduled(recipe: Recipe, images: int, gamma: float, p: float, half_life: float) -> Recipe:
    """The recipe over so many images: γ falls to a tenth, the rate to a quarter; the probability of augmentation, the
    half-life of the average (from 0) and β₂ rise."""
    falling = Cosine(gamma, gamma / 10)
    return replace(
        recipe,
        images=images,
        weights={"r1": falling, "r2": falling},
        game=recipe.game.with_options(augment_p=Cosine(0.0, p)),
        lr=Cosine(2e-4, 5e-5),
        beta2=Cosine(0.9, 0.99),
        ema_half_life=Cosine(0.0, half_life),
    )


def sized(recipe: Recipe, **size: int) -> Recipe:
    """The recipe with both networks of this size."""
    generator, critic = replace(recipe.generator, numbers=size), replace(recipe.critic, numbers=size)
    return replace(recipe, generator=generator, critic=critic)


PLAIN = Recipe(
    name="r3gan",
    paper="Huang et al. 2024, arXiv:2501.05441",
    about="each real image against a fake one, R1 and R2, residual networks without norms; narrow and short",
    generator=Network("r3gan-generator"),
    critic=Network("r3gan-critic"),
    game=GameChoice("gan", {"objective": "relativistic", "penalties": ("r1", "r2"), "resample_each_turn": True}),
    z=64,
    beta1=0.0,
    ema_ramp=0.0,
)
NARROW = sized(PLAIN, width=16, widest=128, blocks=1, group=16)
R3GAN = replace(scheduled(NARROW, 600_000, gamma=1.0, p=0.0, half_life=20_000), lr=Cosine(1e-3, 2.5e-4))
