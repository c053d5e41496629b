"""Modes found and how sharply: for samples of a mixture whose modes are known.

A sample is of high quality within 3σ of a mode (Lin et al. 2018, arXiv:1712.04086, section 4.1). A mode is found when
it gets a quarter or more of its fair share of the samples: stricter than the paper's single one.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

REACH = 3.0
"""In σ."""
FAIR = 0.25
SHARE = 1 - math.exp(-(REACH**2) / 2)
"""Of real points within 3σ of their mode, in the plane: 98.9 %."""


@dataclass(frozen=True)
class Count:
    modes: int
    """Found."""
    high_quality: float
    """Share of the samples."""
    kl: float
    """KL(samples ‖ real) over the modes and "near none", in nats; 0 for a perfect sampler."""
    least: float
    """What the mode with the fewest samples near it gets, as a share of what is fair."""


def count(points: Tensor, modes: Tensor, sigma: float) -> Count:
    """Of points (n, 2) by modes (k, 2)."""
    distance, nearest = torch.cdist(points.double(), modes.double()).min(1)
    good = nearest[distance <= REACH * sigma]
    k, n = len(modes), len(points)
    hits = torch.bincount(good, minlength=k).double()
    p = torch.cat([hits, hits.new_tensor([n - hits.sum()])]) / n
    q = torch.tensor([SHARE / k] * k + [1 - SHARE], dtype=torch.float64)
    kl = torch.special.xlogy(p, p / q).sum()
    shares = hits * k / (n * SHARE)
    return Count(int((shares >= FAIR).sum()), float(hits.sum() / n), float(kl), float(shares.min()))
