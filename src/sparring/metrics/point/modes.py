"""Mode coverage of samples from a known Gaussian mixture.

A sample is of high quality within 3σ of a mode (Lin et al. 2018, arXiv:1712.04086, section 4.1). A mode is covered if
it gets at least a quarter of its expected samples; the paper requires only one sample.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.metrics.metric import FAIR_SHARE

_REACH = 3.0
"""Radius of a mode, in σ."""
REAL_SHARE = 1 - math.exp(-(_REACH**2) / 2)
"""Share of real points within 3σ of their mode, in two dimensions: 98.9 %."""


@dataclass(frozen=True)
class ModeCount:
    modes: int
    """Number of covered modes."""
    high_quality: float
    """Share of high-quality samples."""
    kl: float
    """KL(samples ‖ real) over the modes and "outside all modes", in nats; 0 for a perfect sampler."""
    least: float
    """Samples of the least covered mode, relative to its expected number."""


def count_modes(points: Tensor, modes: Tensor, sigma: float) -> ModeCount:
    """Mode coverage of points (n, 2) for modes (k, 2)."""
    distance, nearest = torch.cdist(points.double(), modes.double()).min(1)
    good = nearest[distance <= _REACH * sigma]
    k, n = len(modes), len(points)
    hits = torch.bincount(good, minlength=k).double()
    p = torch.cat([hits, hits.new_tensor([n - hits.sum()])]) / n
    q = torch.tensor([REAL_SHARE / k] * k + [1 - REAL_SHARE], dtype=torch.float64)
    kl = torch.special.xlogy(p, p / q).sum()
    shares = hits * k / (n * REAL_SHARE)
    return ModeCount(int((shares >= FAIR_SHARE).sum()), float(hits.sum() / n), float(kl), float(shares.min()))
