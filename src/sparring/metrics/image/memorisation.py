"""Whether samples are copies of training examples.

A copy lies far nearer to its original than to anything else. So a sample's distance to its nearest training example is
divided by that to its eleventh: typical samples, which lie near many, are not taken for copies, as they are where the
bare distance is compared. The same ratio of held-out real examples says what chance does: the threshold is well below
the least hundredth of theirs, and the exact test of Fisher (1922) asks whether samples fall below it more often. (The
two-sample view is that of Meehan et al. 2020, arXiv:2004.05675.)
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from sparring.metrics.distances import nearest_neighbours

NEIGHBOURS = 10
"""Training examples beyond the nearest."""
TAIL, MARGIN = 0.01, 0.7
"""Too close is below this share of the ratio that so many of the held-out examples fall below.

Without the margin, blurred images and images of few classes, whose neighbourhoods are others than those of held-out
images as a whole, are taken for copies (docs/measuring.md); copies with slight noise stay far below it.
"""
_ALARM = 1e-3
_SHOWN = 16


@dataclass(frozen=True)
class Memorisation:
    share: float
    """Of the samples too close to a training example; about 0.001 for new real examples, less for most models."""
    p: float
    """Of seeing so many by chance. Below 0.001, samples are copies."""
    worst: Tensor
    """The samples closest to a copy, worst first, int64 (≤ 16,)."""
    originals: Tensor
    """The training examples nearest to these."""


@dataclass(frozen=True, eq=False)
class TrainingNeighbours:
    """What could be copied, and what chance does."""

    train: Tensor
    """Features (k, d)."""
    held_out: Tensor
    """Features (m, d) of real examples never trained on; m of 500 and more lets few copies be seen."""

    @cached_property
    def held_out_ratios(self) -> Tensor:
        """Ratios of the held-out examples (m,)."""
        return self.ratios(self.held_out)[0]

    @cached_property
    def threshold(self) -> float:
        return MARGIN * float(self.held_out_ratios.quantile(TAIL))

    def ratios(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of each of x: distance to the nearest over that to the eleventh (1 where both are 0), and the nearest."""
        distances, places = nearest_neighbours(x, self.train, min(NEIGHBOURS + 1, len(self.train)))
        first, last = distances[:, 0], distances[:, -1]
        return torch.where(last > 0, first / last, 1.0).sqrt(), places[:, 0]


def memorisation(fake: Tensor, memory: TrainingNeighbours) -> Memorisation:
    """Of features (n, d)."""
    ratios, places = memory.ratios(fake)
    close, by_chance = (int((r < memory.threshold).sum()) for r in (ratios, memory.held_out_ratios))
    worst = ratios.argsort()[:_SHOWN]
    p = upper_tail(close, len(fake), by_chance, len(memory.held_out_ratios))
    return Memorisation(close / len(fake), p, worst, places[worst])


def upper_tail(hits: int, n: int, other_hits: int, m: int) -> float:
    """P(hits or more of n), given hits + other_hits of n + m in all and no difference: Fisher's exact test."""
    total = hits + other_hits
    a = torch.arange(hits, min(n, total) + 1, dtype=torch.float64)
    log_p = _log_choose(n, a) + _log_choose(m, total - a) - _log_choose(n + m, torch.tensor(float(total)).double())
    return min(1.0, float(log_p.exp().sum()))


def _log_choose(n: int, k: Tensor) -> Tensor:
    inside = (k >= 0) & (k <= n)
    k = k.clamp(0, n)
    log = torch.lgamma(torch.tensor(n + 1.0).double()) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)
    return torch.where(inside, log, -torch.inf)
