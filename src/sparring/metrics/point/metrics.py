"""Registry of point metrics."""

from dataclasses import dataclass

from torch import Tensor

from sparring.metrics.metric import Metric, Scores
from sparring.metrics.point.modes import count_modes


@dataclass(frozen=True, eq=False)
class ModeAssignment:
    """Points and the modes of their distribution."""

    points: Tensor
    """(n, 2)."""
    modes: Tensor
    """(k, 2)."""
    sigma: float

    def of(self, kept: Tensor) -> "ModeAssignment":
        """Subset of these points."""
        return ModeAssignment(self.points[kept], self.modes, self.sigma)


def _modes(case: ModeAssignment) -> Scores:
    found = count_modes(case.points, case.modes, case.sigma)
    return {"kl": found.kl, "modes": found.modes, "high_quality": found.high_quality}


POINT_METRICS = {
    "modes": Metric(
        "of high quality within 3σ, modes found with ≥ ¼ of a fair share, KL(samples ‖ real) over modes and none",
        {"kl": "less", "modes": "more", "high_quality": "more"},
        _modes,
    )
}
