"""Exponential moving average of the players that a model keeps."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from sparring.game import Game
from sparring.schedules import Number, at


class EMA:
    """θ̄ ← θ + β(θ̄ − θ), β = ½^(batch / half-life); buffers are copied.

    Args:
        half_life: images after which an old weight counts half; 0 keeps no memory.
        ramp: early on, the half-life is at most this share of the images seen, so that the start is forgotten
            (Karras et al. 2020, arXiv:2006.06676). 0 for no ramp.
    """

    def __init__(self, game: Game, half_life: Number, ramp: float = 0.05):
        self.half_life, self.ramp = half_life, ramp
        self.source = {name: game.players[name] for name in game.averaged}
        self.players = nn.ModuleDict({name: deepcopy(player) for name, player in self.source.items()})
        self.players.eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, seen: int, batch: int) -> None:
        half_life = at(self.half_life, seen)
        half_life = min(half_life, self.ramp * seen) if self.ramp else half_life
        beta = 0.5 ** (batch / half_life) if half_life > 0 else 0.0
        for name, player in self.source.items():
            kept = self.players[name]
            old: list[Tensor] = list(kept.parameters())
            new: list[Tensor] = list(player.parameters())
            torch._foreach_lerp_(old, new, 1 - beta)  # pyright: ignore[reportPrivateImportUsage]
            for held, latest in zip(kept.buffers(), player.buffers(), strict=True):
                held.copy_(latest)
