"""Precision, recall, density and coverage of features.

Precision and recall: Kynkäänniemi et al. 2019 (arXiv:1904.06991); density and coverage: Naeem et al. 2020
(arXiv:2002.09797), whose strict inequality and k = 5 are used for all four.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.metrics.distances import distance_blocks, neighbour_radii

K = 5


@dataclass(frozen=True)
class Support:
    precision: float
    """Share of samples inside a real example's ball, whose radius is the distance to its k-th nearest neighbour."""
    recall: float
    """Share of real examples inside a sample's ball."""
    density: float
    """Mean number of real balls that contain a sample, over k; may exceed 1."""
    coverage: float
    """Share of real balls that contain a sample."""


def support(fake: Tensor, real: Tensor, k: int = K) -> Support:
    """Scores of float64 features (n, d) and (m, d), n, m > k. Memory: O(n + m) and one block of distances."""
    return overlap(fake, neighbour_radii(fake, k), real, neighbour_radii(real, k), k)


def overlap(fake: Tensor, fake_radii: Tensor, real: Tensor, real_radii: Tensor, k: int = K) -> Support:
    """As `support`, with given squared radii (n,) and (m,)."""
    around = torch.zeros(len(fake), dtype=torch.int64)
    recalled, covered = torch.empty(len(real), dtype=torch.bool), torch.empty(len(real), dtype=torch.bool)
    for rows, table in distance_blocks(real, fake):
        inside = table < real_radii[rows, None]
        around += inside.sum(0)
        covered[rows] = inside.any(1)
        recalled[rows] = (table < fake_radii).any(1)
    return Support(*(float(x.double().mean()) for x in (around > 0, recalled, around.double() / k, covered)))
