"""Helpers of closed-form tests: affine players, one turn of a game in the training loop, central differences."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from sparring.game import Game
from sparring.training.loop.batches import MicroBatch
from sparring.training.loop.loop import Loop
from sparring.training.loop.optim import Adam
from sparring.training.loop.settings import Settings

Numbers = dict[str, np.ndarray]


class Affine(nn.Module):
    """x → gain · x + offset."""

    def __init__(self, gain: float, offset: float):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain, dtype=torch.float64))
        self.offset = nn.Parameter(torch.tensor(offset, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.gain * x + self.offset


class Batch:
    """A data set of one batch."""

    def __init__(self, real: Tensor, given: Tensor | None = None):
        self.real, self.given = real, given

    def __len__(self) -> int:
        return len(self.real)

    def __getitem__(self, i: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.real[i], None if self.given is None else self.given[i]


@dataclass
class Played:
    parts: dict[str, float]
    """Means over the batch, unweighted."""
    gradients: Numbers
    """Of the players that learn in this turn, as "player.parameter"."""
    batch: MicroBatch
    """The examples in the order in which they were drawn, with what was drawn beside them."""


def play_turn(
    game: Game, name: str, real: Tensor, given: Tensor | None = None, weights: Mapping[str, float] | None = None
) -> Played:
    """Plays one turn of a game in the loop, at rate 0, so that every player stays what it is."""
    [turn] = [turn for turn in game.turns(0) if turn.name == name]
    game.turns = lambda seen: [turn]  # type: ignore[method-assign]
    rates = {player: Adam(lr=0.0) for player in game.players}
    loop = Loop(game, Batch(real, given), Settings(len(real), optimisers=rates, weights=weights or {}))
    game.zero_grad()
    parts = {key.removeprefix(f"{name}."): float(value) for key, value in loop.round().items()}
    gradients = {key: p.grad.numpy().copy() for key, p in game.players.named_parameters() if p.grad is not None}
    assert loop.latest is not None
    return Played(parts, gradients, loop.latest)


def numbers(module: nn.Module) -> Numbers:
    """All parameters as arrays, by name."""
    return {name: p.detach().numpy().copy() for name, p in module.named_parameters()}


def numerical_gradients(loss: Callable[[Numbers], float], at: Numbers, step: float = 1e-6) -> Numbers:
    """The gradient of a formula at these numbers, by central differences."""
    actual = {name: np.zeros_like(value) for name, value in at.items()}
    for name, value in at.items():
        for i in np.ndindex(value.shape):
            ends = []
            for sign in (1, -1):
                moved = value.copy()
                moved[i] += sign * step
                ends.append(loss({**at, name: moved}))
            actual[name][i] = (ends[0] - ends[1]) / (2 * step)
    return actual


def assert_gradients(actual: Numbers, expected: Numbers) -> None:
    """The same players have a gradient, and the same one."""
    assert set(actual) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(actual[name], value, rtol=1e-5, atol=1e-8, err_msg=name)


def random_images(n: int, channels: int, side: int, seed: int) -> Tensor:
    """Float64 (n, channels, side, side) in [−1, 1]."""
    g = torch.Generator().manual_seed(seed)
    return torch.rand(n, channels, side, side, generator=g, dtype=torch.float64) * 2 - 1


def per_image(x: np.ndarray) -> np.ndarray:
    """The mean over all axes but the first."""
    return x.reshape(len(x), -1).mean(1)


def distance_l1(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return per_image(np.abs(a - b))
