"""Settings of the training loop: batch, optimisers, loss weights, averaging, precision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from sparring.build.game import default_weights
from sparring.recipes.recipe import OPTIMISER_OF, Recipe
from sparring.schedules import Number
from sparring.training.loop.optim import Adam


@dataclass(frozen=True)
class Settings:
    """Everything the loop needs besides the game and the data."""

    batch: int = 64
    seed: int = 0
    optimisers: Mapping[str, Adam] = field(default_factory=dict)
    """By player; `Adam()` for all others."""
    weights: Mapping[str, Number] = field(default_factory=dict)
    """By the name of a loss term; 1 for all others."""
    half_life: Number = 10_000
    """Of the averaged weights, in images."""
    ramp: float = 0.05
    """Upper limit of the half-life as a share of the images seen."""
    micro_batches: int = 1
    compiled: str | None = None
    """A `torch.compile` backend for the losses."""
    autocast: torch.dtype | None = None


def loop_settings(recipe: Recipe, **machine: Any) -> Settings:
    """The settings of a recipe; `machine` holds those that do not belong to it: seed, precision, micro-batches."""

    def adam(lr: Number) -> Adam:
        return Adam(lr, recipe.beta1, recipe.beta2)

    own = {"G": adam(recipe.lr), "D": adam(recipe.lr if recipe.critic_lr is None else recipe.critic_lr)}
    return Settings(
        batch=recipe.batch,
        optimisers=own | {player: own[like] for player, like in OPTIMISER_OF.items()},
        weights=default_weights(recipe) | dict(recipe.weights),
        half_life=recipe.ema_half_life,
        ramp=recipe.ema_ramp,
        **machine,
    )
