"""Gradients of the relativistic objectives, whose averages are differentiated too: Jolicoeur-Martineau 2018
(arXiv:1807.00734)."""

import math

import pytest
import torch

from sparring.game import Verdict
from sparring.losses.objectives import relativistic, relativistic_average

REAL, FAKE = [0.7, -1.3, 0.4], [0.2, 2.5, -0.6]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def gradients(side) -> tuple[list[float], list[float]]:
    """Of the mean loss in the real logits and in the fake ones."""
    real, fake = (torch.tensor(x, dtype=torch.float64).view(3, 1).requires_grad_() for x in (REAL, FAKE))
    parts = side(Verdict(lambda x: x, real, fake))
    torch.stack([part.mean() for part in parts.values()]).sum().backward()
    assert real.grad is not None and fake.grad is not None
    return real.grad.flatten().tolist(), fake.grad.flatten().tolist()


def averaged(sign: float) -> tuple[list[float], list[float]]:
    """Of L = mean softplus(−s (rᵢ − f̄)) + mean softplus(s (fⱼ − r̄)): the critic's with s = 1, the generator's with −1.

    With pᵢ = σ(−s (rᵢ − f̄)) and qⱼ = σ(s (fⱼ − r̄)), ∂L/∂rᵢ = −s (pᵢ + q̄) / n and ∂L/∂fⱼ = s (qⱼ + p̄) / n.
    """
    n = len(REAL)
    mean_real, mean_fake = sum(REAL) / n, sum(FAKE) / n
    p = [sigmoid(-sign * (r - mean_fake)) for r in REAL]
    q = [sigmoid(sign * (f - mean_real)) for f in FAKE]
    return [-sign * (a + sum(q) / n) / n for a in p], [sign * (b + sum(p) / n) / n for b in q]


@pytest.mark.parametrize(("side", "sign"), [("critic", 1), ("generator", -1)])
def test_the_averages_of_ragan_are_differentiated(side, sign):
    actual, expected = gradients(getattr(relativistic_average, side)), averaged(sign)
    assert actual[0] == pytest.approx(expected[0], rel=1e-9)
    assert actual[1] == pytest.approx(expected[1], rel=1e-9)


@pytest.mark.parametrize(("side", "sign"), [("critic", 1), ("generator", -1)])
def test_both_sides_of_a_pair_are_differentiated(side, sign):
    """L = mean softplus(−s (rᵢ − fᵢ)): ∂L/∂rᵢ = −s σ(−s (rᵢ − fᵢ)) / n = −∂L/∂fᵢ."""
    actual = gradients(getattr(relativistic, side))
    expected = [-sign * sigmoid(-sign * (r - f)) / 3 for r, f in zip(REAL, FAKE, strict=True)]
    assert actual[0] == pytest.approx(expected, rel=1e-9)
    assert actual[1] == pytest.approx([-x for x in expected], rel=1e-9)
