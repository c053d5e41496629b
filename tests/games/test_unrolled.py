"""Unrolled critic steps in closed form."""

import torch
from torch import nn

from sparring.game import CriticOutput, Round
from sparring.games.unrolled import UnrolledGAN
from sparring.losses.objectives import wasserstein
from sparring.priors import normal


class Slope(nn.Module):
    """D(x) = w x²/2, and a head without a loss."""

    def __init__(self):
        super().__init__()
        self.w, self.head = nn.Parameter(torch.tensor(2.0)), nn.Parameter(torch.tensor(5.0))

    def forward(self, x):
        return CriticOutput(self.w * x.square() / 2, {"head": self.head * x})


def test_unrolled_steps_descend_the_critics_objective():
    """Wasserstein: each step is w' = w + η (E x²/2 − E f²/2); the generator's gradient passes through both."""
    G, D = nn.Linear(1, 1, bias=False), Slope()
    nn.init.constant_(G.weight, 3.0)
    game = UnrolledGAN(G, D, wasserstein, latents={"z": normal(1)}, steps=2, rate=0.1)
    x, z = torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0], [-1.0]])
    critic, ahead = game.turns(0)
    assert ahead.coupled and not critic.coupled
    parts = ahead.loss(Round(x, None, {"z": z}, G(z)))
    # E x²/2 = 1.25, E f²/2 = 4.5 g²/9 = g²/2: w'' = 2 + 2 · .1 · (1.25 − g²/2)
    expected = lambda g: -(2 + 0.2 * (1.25 - g**2 / 2)) * g**2 / 2  # noqa: E731
    torch.testing.assert_close(parts["generator"].mean(), torch.tensor(expected(3.0)))
    parts["generator"].mean().backward()
    slope = (expected(3.001) - expected(2.999)) / 0.002
    torch.testing.assert_close(G.weight.grad, torch.tensor([[slope]]), rtol=1e-3, atol=0)
    assert D.w.grad is None and D.w.item() == 2  # D itself stays
