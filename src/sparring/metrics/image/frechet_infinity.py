"""The Fréchet distance of infinitely many samples: Chong & Forsyth 2020 (arXiv:1911.07023), section 3.

The distance of n samples is too large by about c / n. The paper draws subsets of growing size; here the samples are cut
into 1, 2 and 4 parts that do not overlap, whose mean distances are regressed on 1 / n: every sample counts alike.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.metrics.image.frechet import Moments, frechet_distance
from sparring.metrics.jackknife import half_widths

_PARTS = (1, 2, 4)


@dataclass(frozen=True)
class ExtrapolatedDistance:
    value: float
    half_width: float
    """Of the 95 % interval, over the samples; the real side is taken as it is."""


def min_samples(dimensions: int) -> int:
    """Samples needed, so that even a quarter of them has a covariance of full rank."""
    return 2 * _PARTS[-1] * dimensions


def extrapolate(fake: Tensor, real: Moments, seed: int = 0) -> ExtrapolatedDistance:
    """Of features (n, d), n ≥ `least(d)`."""
    order = torch.randperm(len(fake), generator=torch.Generator().manual_seed(seed))
    shuffled = fake[order]
    margins = half_widths(lambda kept: {"value": intercept(shuffled[kept], real)}, len(fake), seed)
    return ExtrapolatedDistance(intercept(shuffled, real), margins["value"])


def intercept(fake: Tensor, real: Moments) -> float:
    """At 1 / n = 0, of the least-squares line through the mean distances of the parts."""
    x = torch.tensor(_PARTS, dtype=torch.float64) / len(fake)
    means = [
        torch.tensor([frechet_distance(Moments.of(part), real) for part in fake.tensor_split(p)]).mean() for p in _PARTS
    ]
    y = torch.stack(means).double()
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    return float(y.mean() - slope * x.mean())
