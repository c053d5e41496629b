"""A turn's loss as a module that `torch.compile` accepts: tensors in, loss terms and notes out.

`Round` is created inside `forward`, so that the compiler sees only tensors as inputs.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from sparring.game import Game, Parts, Round, Sample, Turn, map_sample

Latent = Mapping[str, Tensor]


class _Compilable(nn.Module):
    def __init__(self, game: Game, backend: str | None, autocast: torch.dtype | None):
        super().__init__()
        self.game, self.autocast = game, autocast
        # Static shapes: with dynamic ones, inductor fails on a network called under several `requires_grad` settings.
        # The bound method, because a compiled module as an attribute would register itself as its own child.
        self.run: Callable = torch.compile(self.forward, backend=backend, dynamic=False) if backend else self.forward

    def precision(self, real: Sample) -> torch.autocast:
        device = (real[0] if isinstance(real, tuple) else real).device.type
        return torch.autocast(device, self.autocast, enabled=self.autocast is not None)


class CompiledTurn(_Compilable):
    def __init__(self, game: Game, turn: Turn, backend: str | None = None, autocast: torch.dtype | None = None):
        super().__init__(game, backend, autocast)
        self.turn = turn

    def forward(
        self, real: Sample, given: Tensor | None, latent: Latent, fake: Sample | None
    ) -> tuple[Parts, dict[str, Tensor]]:
        round = Round(real, given, latent, fake)
        with self.precision(real):
            return self.turn.loss(round), round.notes


class CompiledGenerator(_Compilable):
    def forward(self, real: Sample, given: Tensor | None, latent: Latent) -> Sample:
        with self.precision(real):
            fake = self.game.generate(Round(real, given, latent))
        dtype = (real[0] if isinstance(real, tuple) else real).dtype
        return map_sample(lambda x: x.to(dtype), fake)
