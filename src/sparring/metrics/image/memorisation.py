"""Tests whether samples are copies of training examples.

The statistic is the distance of a sample to its nearest training example divided by that to its eleventh: unlike the
bare distance, it does not flag typical samples, which are near many. The threshold is derived from the ratios of
held-out real examples, and Fisher's exact test (1922) asks whether samples fall below it more often than these (a
two-sample test as in Meehan et al. 2020, arXiv:2004.05675).
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from sparring.metrics.distances import nearest_neighbours

NEIGHBOURS = 10
"""Rank of the reference neighbour behind the nearest."""
TAIL, MARGIN = 0.01, 0.7
"""The threshold is `MARGIN` × the `TAIL` quantile of the held-out examples' ratios.

Without the margin, blurred images and images of few classes are flagged (docs/measured/metrics.md); slightly noisy
copies stay far below it.
"""
_ALARM = 1e-3
_SHOWN = 16


@dataclass(frozen=True)
class Memorisation:
    share: float
    """Share of samples below the threshold; about 0.001 for new real examples."""
    p: float
    """p-value; below 0.001, some samples are copies."""
    worst: Tensor
    """Indices of the samples with the smallest ratios, ascending, int64 (≤ 16,)."""
    originals: Tensor
    """Indices of their nearest training examples."""


@dataclass(frozen=True, eq=False)
class TrainingNeighbours:
    """Features of the training examples and of held-out real ones."""

    train: Tensor
    """Features (k, d)."""
    held_out: Tensor
    """Features (m, d) of real examples outside the training set; with m ≥ 500, few copies are detected."""

    @cached_property
    def held_out_ratios(self) -> Tensor:
        """Ratios of the held-out examples (m,)."""
        return self.ratios(self.held_out)[0]

    @cached_property
    def threshold(self) -> float:
        return MARGIN * float(self.held_out_ratios.quantile(TAIL))

    def ratios(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Distance of x (n, d) to the nearest over that to the eleventh (1 if both are 0), and the nearest's index."""
        distances, places = nearest_neighbours(x, self.train, min(NEIGHBOURS + 1, len(self.train)))
        first, last = distances[:, 0], distances[:, -1]
        return torch.where(last > 0, first / last, 1.0).sqrt(), places[:, 0]


def memorisation(fake: Tensor, memory: TrainingNeighbours) -> Memorisation:
    """Memorisation test of features (n, d)."""
    ratios, places = memory.ratios(fake)
    close, by_chance = (int((r < memory.threshold).sum()) for r in (ratios, memory.held_out_ratios))
    worst = ratios.argsort()[:_SHOWN]
    p = upper_tail(close, len(fake), by_chance, len(memory.held_out_ratios))
    return Memorisation(close / len(fake), p, worst, places[worst])


def upper_tail(hits: int, n: int, other_hits: int, m: int) -> float:
    """One-sided p-value of Fisher's exact test for hits of n against other_hits of m."""
    total = hits + other_hits
    a = torch.arange(hits, min(n, total) + 1, dtype=torch.float64)
    log_p = _log_choose(n, a) + _log_choose(m, total - a) - _log_choose(n + m, torch.tensor(float(total)).double())
    return min(1.0, float(log_p.exp().sum()))


def _log_choose(n: int, k: Tensor) -> Tensor:
    inside = (k >= 0) & (k <= n)
    k = k.clamp(0, n)
    log = torch.lgamma(torch.tensor(n + 1.0).double()) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)
    return torch.where(inside, log, -torch.inf)
