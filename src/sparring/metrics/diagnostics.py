"""Quick sample diagnostics for training health, relative to real examples."""

from dataclasses import asdict, dataclass

from torch import Tensor

from sparring.metrics.metric import Scores

_MIN_REAL = 0.05
"""Lower bound on the denominator, for few real examples."""


@dataclass(frozen=True)
class SampleDiagnostics:
    precision: float
    """Share of samples near real examples."""
    coverage: float
    """Share of real examples with a sample nearby."""
    least: float
    """Coverage of the least covered class; `coverage` without classes."""
    spread: float
    """Root mean squared distance between samples."""


def rms_distance(x: Tensor) -> float:
    """Root mean squared distance √E‖x − x′‖² between points of x (n, d); 0 for one point."""
    if len(x) < 2:
        return 0.0
    return float((2 * x.double().var(0).sum()).sqrt())


def relative_to_real(found: SampleDiagnostics, unseen: SampleDiagnostics) -> Scores:
    """Diagnostics as ratios to those of unseen real examples; 1 is as good as real."""
    pairs = asdict(found), asdict(unseen)
    return {name: pairs[0][name] / max(pairs[1][name], _MIN_REAL) for name in pairs[0]}
