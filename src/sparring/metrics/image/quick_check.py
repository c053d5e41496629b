"""A quick look at few samples, for those who watch over training: not how good they are, but what is wrong with them.

Every number is a share of what as many real examples get that were never trained on: 1 is as good as real.
"""

from dataclasses import asdict, dataclass
from functools import partial

import torch
from torch import Tensor

from sparring.metrics.distances import distance_blocks, neighbour_radii
from sparring.metrics.image.precision_recall import K
from sparring.metrics.metric import Scores

DIAGNOSTIC_SAMPLES = 1_000
"""Samples, and real examples."""
_MIN_REAL = 0.05
"""What real examples get counts as at least so much, where they are few."""


@dataclass(frozen=True)
class SampleDiagnostics:
    precision: float
    """Share of the samples near real examples."""
    coverage: float
    """Share of the real examples that have a sample nearby."""
    least: float
    """The same within the class in which it is least; where nothing is known of classes, `coverage`."""
    spread: float
    """Root of the mean squared distance between samples."""


def mutual_coverage(fake: Tensor, real: Tensor, reach: Tensor) -> tuple[Tensor, Tensor]:
    """Which of the samples (n, d) are within a real example's reach, (n,), and which of the real (m, d) have one, (m,).

    Args:
        reach: of each real example, squared, (m,).
    """
    around, covered = torch.zeros(len(fake), dtype=torch.bool), torch.empty(len(real), dtype=torch.bool)
    for rows, table in distance_blocks(real, fake):
        inside = table < reach[rows, None]
        around |= inside.any(0)
        covered[rows] = inside.any(1)
    return around, covered


def sample_diagnostics(fake: Tensor, real: Tensor, reach: Tensor, labels: Tensor | None = None) -> SampleDiagnostics:
    """Of float64 features (n, d), before real ones (m, d) with their reach (m,) and classes (m,)."""
    around, covered = mutual_coverage(fake, real, reach)
    classes = [] if labels is None else [labels == c for c in labels.unique()]
    shares = [float(covered[which].double().mean()) for which in classes]
    coverage = float(covered.double().mean())
    return SampleDiagnostics(float(around.double().mean()), coverage, min(shares, default=coverage), rms_distance(fake))


def rms_distance(x: Tensor) -> float:
    """√E‖x − x′‖² of two of (n, d)."""
    return float((2 * x.double().var(0).sum()).sqrt())


class DiagnosticsReference:
    """Looks at samples beside real examples.

    Args:
        real: features (m, d) of real examples; labels: their classes (m,), or None.
        unseen: features (n, d) of real examples that were never trained on.
    """

    def __init__(self, real: Tensor, labels: Tensor | None, unseen: Tensor):
        k = min(K, len(real) - 1)
        self._look = partial(sample_diagnostics, real=real, reach=neighbour_radii(real, k), labels=labels)
        self.unseen = self._look(unseen)

    def __call__(self, fake: Tensor) -> Scores:
        """Of features (n, d)."""
        return relative_to_real(self._look(fake), self.unseen)


def relative_to_real(found: SampleDiagnostics, unseen: SampleDiagnostics) -> Scores:
    """As shares of what real examples get."""
    pairs = asdict(found), asdict(unseen)
    return {name: pairs[0][name] / max(pairs[1][name], _MIN_REAL) for name in pairs[0]}


def range_error(fake: Tensor, real: Tensor) -> float:
    """How far apart the darkest, or the brightest, thousandths of the pixels of uint8 images are, as a share of 255."""
    ends = [_ends(x) for x in (fake, real)]
    return float((ends[0] - ends[1]).abs().max()) / 255


def _ends(x: Tensor) -> Tensor:
    """The values that a thousandth of the pixels are below or at, and above or at."""
    shares = x.flatten().bincount(minlength=256).double().cumsum(0) / x.numel()
    low, high = torch.searchsorted(shares, torch.tensor([0.001, 0.999], dtype=torch.float64))
    return torch.stack([low, high]).double()
