"""Evaluation protocol of points: mode coverage."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.metrics.diagnostics import SampleDiagnostics, relative_to_real, rms_distance
from sparring.metrics.judge import MAX_SAMPLES, Judge, JudgeSplit, SampleSet
from sparring.metrics.metric import Scores
from sparring.metrics.point.metrics import POINT_METRICS, ModeAssignment
from sparring.metrics.point.modes import REAL_SHARE, count_modes


@dataclass(frozen=True, eq=False)
class PointJudge(Judge):
    """Counts modes. The real distribution is known in closed form, so both splits are equal."""

    test: Tensor
    """Real points (n, 2)."""
    modes: Tensor
    sigma: float
    metrics = POINT_METRICS
    selection_metric = "modes"
    default = ("modes",)

    def comparison(self, drawn: SampleSet, part: JudgeSplit) -> ModeAssignment:
        return ModeAssignment(drawn.values, self.modes, self.sigma)

    def describe_reference(self, part: JudgeSplit, samples: int) -> str:
        return f"{samples:,} samples against {len(self.modes)} modes, σ = {self.sigma:g}"

    def sample_count(self, part: JudgeSplit) -> int:
        return min(MAX_SAMPLES, len(self.test))

    def diagnostics(self, values: Tensor) -> Scores:
        """Diagnostics with modes as classes."""
        found = count_modes(values, self.modes, self.sigma)
        diagnostics = SampleDiagnostics(
            found.high_quality, found.modes / len(self.modes), found.least, rms_distance(values)
        )
        return relative_to_real(diagnostics, SampleDiagnostics(REAL_SHARE, 1.0, 1.0, rms_distance(self.test)))

    @property
    def test_count(self) -> int:
        return len(self.test)

    def baselines(self, n: int) -> Iterator[tuple[str, SampleSet]]:
        g = torch.Generator().manual_seed(0)
        mean, spread = self.test.mean(0), self.test.std(0)
        yield "real", SampleSet(self.test[:n])
        yield "mean", SampleSet(mean.expand(n, -1))
        yield "gaussian", SampleSet(mean + spread * torch.randn(n, self.test.shape[1], generator=g))
