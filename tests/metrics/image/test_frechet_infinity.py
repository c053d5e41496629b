"""Against distances known in closed form."""

import numpy as np
import pytest
import torch

from sparring.metrics.image.frechet import Moments, frechet_distance
from sparring.metrics.image.frechet_infinity import _PARTS, ExtrapolatedDistance, extrapolate, intercept, min_samples
from sparring.metrics.jackknife import half_widths

D = 8
EXACT = Moments(torch.zeros(D).double(), torch.eye(D).double())
"""N(0, I) itself, so that the samples alone are finite in number."""


def samples(seed, n=400):
    return 1.5 * torch.randn(n, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_bias_goes_and_the_interval_covers():
    truth = D * 0.5**2
    found = [extrapolate(samples(i), EXACT) for i in range(60)]
    plain = sum(frechet_distance(Moments.of(samples(i)), EXACT) for i in range(60)) / 60
    mean = sum(one.value for one in found) / 60
    assert abs(mean - truth) < 0.25 * abs(plain - truth)
    assert sum(abs(one.value - truth) < one.half_width for one in found) >= 52


def test_least_keeps_parts_of_full_rank():
    assert min_samples(D) / 4 == 2 * D


def test_the_interval_of_a_mean_is_students():
    x = torch.randn(500, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = 2.262 * float(x.std()) / 500**0.5
    widths = [half_widths(lambda kept: {"mean": float(x[kept].mean())}, 500, seed)["mean"] for seed in range(40)]
    assert sum(widths) / 40 == pytest.approx(expected, rel=0.1)


def cloud(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_extrapolation_is_a_line_through_the_whole_its_halves_and_its_quarters():
    fake, real = cloud(90, 2, 0), Moments.of(cloud(200, 2, 1))
    x = [p / 90 for p in (1, 2, 4)]
    y = [np.mean([frechet_distance(Moments.of(part), real) for part in fake.tensor_split(p)]) for p in (1, 2, 4)]
    assert _PARTS == (1, 2, 4) and min_samples(7) == 56
    assert intercept(fake, real) == pytest.approx(np.polyfit(x, y, 1)[1], rel=1e-6)
    order = torch.randperm(90, generator=torch.Generator().manual_seed(5))
    margin = half_widths(lambda kept: {"v": intercept(fake[order][kept], real)}, 90, 5)["v"]
    assert extrapolate(fake, real, 5) == ExtrapolatedDistance(intercept(fake[order], real), margin)
