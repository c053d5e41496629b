"""How a game is played, apart from the game itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from sparring.schedules import Number
from sparring.training.loop.optim import Adam


@dataclass(frozen=True)
class Settings:
    """How a game is played, apart from the game itself."""

    batch: int = 64
    seed: int = 0
    optimisers: Mapping[str, Adam] = field(default_factory=dict)
    """By player; the others get `Adam()`."""
    weights: Mapping[str, Number] = field(default_factory=dict)
    """By the name of a loss part; the others weigh 1."""
    half_life: Number = 10_000
    """Of the averaged players, in images."""
    ramp: float = 0.05
    micro_batches: int = 1
    compiled: str | None = None
    """A `torch.compile` backend for the losses."""
    autocast: torch.dtype | None = None
