"""Fréchet distance extrapolated to infinitely many samples.

Chong & Forsyth 2020 (arXiv:1911.07023), section 3. The bias with n samples is about c / n. The paper uses random
subsets of growing size; here the samples are split into 1, 2 and 4 disjoint parts, and their mean distances regressed
on 1 / n, so that all samples have equal weight.
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
    """Half width of the 95 % confidence interval, over samples only."""


def min_samples(dimensions: int) -> int:
    """Samples needed for a full-rank covariance of a quarter of them."""
    return 2 * _PARTS[-1] * dimensions


def extrapolate(fake: Tensor, real: Moments, seed: int = 0) -> ExtrapolatedDistance:
    """Extrapolated distance of features (n, d), n ≥ `min_samples(d)`."""
    order = torch.randperm(len(fake), generator=torch.Generator().manual_seed(seed))
    shuffled = fake[order]
    margins = half_widths(lambda kept: {"value": intercept(shuffled[kept], real)}, len(fake), seed)
    return ExtrapolatedDistance(intercept(shuffled, real), margins["value"])


def intercept(fake: Tensor, real: Moments) -> float:
    """Intercept at 1 / n = 0 of the least-squares line through the mean distances of the parts."""
    x = torch.tensor(_PARTS, dtype=torch.float64) / len(fake)
    means = [
        torch.tensor([frechet_distance(Moments.of(part), real) for part in fake.tensor_split(p)]).mean() for p in _PARTS
    ]
    y = torch.stack(means).double()
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    return float(y.mean() - slope * x.mean())
