"""Modes found and how sharply: for samples of a mixture whose modes are known.

A sample is of high quality within 3σ of a mode (Lin et al. 2018, arXiv:1712.04086, section 4.1). A mode is found when
it gets a quarter or more of its fair share of the samples: stricter than the paper's single one.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_REACH = 3.0
"""In σ."""
FAIR_SHARE = 0.25
REAL_SHARE = 1 - math.exp(-(_REACH**2) / 2)
"""Of real points within 3σ of their mode, in the plane: 98.9 %."""


@dataclass(frozen=True)
class ModeCount:
    modes: int
    """Found."""
    high_quality: float
    """Share of the samples."""
    kl: float
    """KL(samples ‖ real) over the modes and "near none", in nats; 0 for a perfect sampler."""
    least: float
    """What the mode with the fewest samples near it gets, as a share of what is fair."""


def count_modes(points: Tensor, modes: Tensor, sigma: float) -> ModeCount:
    """Of points (n, 2) by modes (k, 2)."""
    distance, nearest = torch.cdist(points.double(), modes.double()).min(1)
    good = nearest[distance <= _REACH * sigma]
    k, n = len(modes), len(points)
    hits = torch.bincount(good, minlength=k).double()
    p = torch.cat([hits, hits.new_tensor([n - hits.sum()])]) / n
    q = torch.tensor([REAL_SHARE / k] * k + [1 - REAL_SHARE], dtype=torch.float64)
    kl = torch.special.xlogy(p, p / q).sum()
    shares = hits * k / (n * REAL_SHARE)
    return ModeCount(int((shares >= FAIR_SHARE).sum()), float(hits.sum() / n), float(kl), float(shares.min()))
