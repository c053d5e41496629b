"""Quick diagnostics of few image samples, by their features."""

from functools import partial

import torch
from torch import Tensor

from sparring.metrics.diagnostics import SampleDiagnostics, relative_to_real, rms_distance
from sparring.metrics.distances import distance_blocks, neighbour_radii
from sparring.metrics.image.precision_recall import K
from sparring.metrics.metric import Scores

DIAGNOSTIC_SAMPLES = 1_000
"""Samples and real examples used."""


def mutual_coverage(fake: Tensor, real: Tensor, reach: Tensor) -> tuple[Tensor, Tensor]:
    """Whether each sample (n, d) is within a real example's radius, (n,), and whether each real (m, d) has one, (m,).

    Args:
        reach: squared radius of each real example, (m,).
    """
    around, covered = torch.zeros(len(fake), dtype=torch.bool), torch.empty(len(real), dtype=torch.bool)
    for rows, table in distance_blocks(real, fake):
        inside = table < reach[rows, None]
        around |= inside.any(0)
        covered[rows] = inside.any(1)
    return around, covered


def diagnose_features(fake: Tensor, real: Tensor, reach: Tensor, labels: Tensor | None = None) -> SampleDiagnostics:
    """Diagnostics of float64 features (n, d), given real ones (m, d) with squared radii (m,) and classes (m,)."""
    around, covered = mutual_coverage(fake, real, reach)
    classes = [] if labels is None else [labels == c for c in labels.unique()]
    shares = [float(covered[which].double().mean()) for which in classes]
    coverage = float(covered.double().mean())
    return SampleDiagnostics(float(around.double().mean()), coverage, min(shares, default=coverage), rms_distance(fake))


class DiagnosticsReference:
    """Computes sample diagnostics relative to real examples.

    Args:
        real: features (m, d) of real examples.
        labels: their classes (m,), or None.
        unseen: features (n, d) of real examples outside the training set.
    """

    def __init__(self, real: Tensor, labels: Tensor | None, unseen: Tensor):
        k = min(K, len(real) - 1)
        self._look = partial(diagnose_features, real=real, reach=neighbour_radii(real, k), labels=labels)
        self.unseen = self._look(unseen)

    def __call__(self, fake: Tensor) -> Scores:
        """Relative diagnostics of features (n, d)."""
        return relative_to_real(self._look(fake), self.unseen)


def range_error(fake: Tensor, real: Tensor) -> float:
    """Largest difference of the 0.1 % and 99.9 % pixel quantiles of uint8 images, as a share of 255."""
    ends = [_ends(x) for x in (fake, real)]
    return float((ends[0] - ends[1]).abs().max()) / 255


def _ends(x: Tensor) -> Tensor:
    """0.1 % and 99.9 % quantile of pixels."""
    shares = x.flatten().bincount(minlength=256).double().cumsum(0) / x.numel()
    low, high = torch.searchsorted(shares, torch.tensor([0.001, 0.999], dtype=torch.float64))
    return torch.stack([low, high]).double()
