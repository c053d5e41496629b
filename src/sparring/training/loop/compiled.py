"""A turn as a module: tensors in, parts and notes out. This is what is compiled, and what private gradients
differentiate; the `Round` a turn sees is made here, so that a compiler sees nothing but tensors come in."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from sparring.game import Game, Parts, Round, Sample, Turn, map_sample

Latent = Mapping[str, Tensor]


class _Compilable(nn.Module):
    def __init__(self, game: Game, backend: str | None, autocast: torch.dtype | None):
        super().__init__()
        self.game, self.autocast = game, autocast
        # Shapes are fixed in training, and inductor fails on one network called under several gradient requirements
        # when they are not.
        # The bound method, for a module that held itself would be its own child.
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
