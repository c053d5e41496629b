"""Exponential moving average of the players that a model contains."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from sparring.game import Game
from sparring.schedules import Number, at


class EMA:
    """θ̄ ← θ + β(θ̄ − θ), β = ½^(batch / half-life); buffers are copied.

    Args:
        half_life: images after which an old weight counts half; 0 copies the latest weights.
        ramp: upper limit of the half-life as a share of the images seen, so that the average does not contain the
            initial weights (Karras et al. 2020, arXiv:2006.06676). 0 for no limit.
    """

    def __init__(self, game: Game, half_life: Number, ramp: float = 0.05):
        self.half_life, self.ramp = half_life, ramp
        self.source = {name: game.players[name] for name in game.averaged}
        self.players = nn.ModuleDict({name: deepcopy(player) for name, player in self.source.items()})
        self.players.eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, seen: int, batch: int) -> None:
        """Moves the average towards the current weights, after `seen` images, by one batch."""
        half_life = at(self.half_life, seen)
        half_life = min(half_life, self.ramp * seen) if self.ramp else half_life
        beta = 0.5 ** (batch / half_life) if half_life > 0 else 0.0
        for name, player in self.source.items():
            average = self.players[name]
            old: list[Tensor] = list(average.parameters())
            new: list[Tensor] = list(player.parameters())
            torch._foreach_lerp_(old, new, 1 - beta)  # pyright: ignore[reportPrivateImportUsage]
            for old_buffer, new_buffer in zip(average.buffers(), player.buffers(), strict=True):
                old_buffer.copy_(new_buffer)
