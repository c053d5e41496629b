"""Definition of a metric: function, direction of scores, requirements."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from sparring.errors import UserError

Scores = dict[str, float]
Better = Literal["less", "more", "as real", "neither"]
"""Whether lower, higher, or closer to the real examples' score is better; "neither" for alarms and margins."""
ARROWS: dict[Better, str] = {"less": " ↓", "more": " ↑"}
"""Suffix of a score's name in tables."""
FAIR_SHARE = 0.25
"""Share of its expected samples from which a class or mode counts as covered."""
Requirement = Callable[[Any, int], str]
"""(comparison, samples) → why a metric can't be computed and what to do; empty if it can."""


def needs_at_least(count: int) -> Requirement:
    """Requires this many samples."""
    return lambda case, samples: too_few(count, samples)


def too_few(count: int, samples: int) -> str:
    if samples >= count:
        return ""
    return (
        f"needs {count:,} samples or more, there are {samples:,}: draw more (--samples), or use --metrics kernel, "
        "which suits small sample counts"
    )


ALWAYS = needs_at_least(2)


@dataclass(frozen=True)
class Metric:
    protocol: str
    """Description of the estimator; part of the judge's protocol."""
    better: Mapping[str, Better]
    """Direction of each score, in order."""
    compute: Callable[[Any], Scores]
    """Scores of a `Judge.comparison`."""
    requirement: Requirement = ALWAYS

    def without(self, scores: Collection[str]) -> "Metric":
        """The metric without these scores; one without scores if only margins and alarms would be left."""
        left = {name: how for name, how in self.better.items() if name not in scores}
        if len(left) == len(self.better):
            return self
        if all(how == "neither" for how in left.values()):
            left = {}
        return replace(
            self, better=left, compute=lambda case: {name: x for name, x in self.compute(case).items() if name in left}
        )


def compute_scores(metrics: Mapping[str, Metric], case: Any, samples: int) -> Scores:
    """All scores of a comparison. Raises UserError if a metric's requirement is not met."""
    scores: Scores = {}
    for name, metric in metrics.items():
        if lack := metric.requirement(case, samples):
            raise UserError(f"{name} {lack}")
        scores |= metric.compute(case)
    return scores


def is_better(better: Better, score: float, other: float, real: float) -> bool:
    """Whether `score` is better than `other`, given the real examples' score `real`."""
    return _IS_BETTER[better](score, other, real)


_IS_BETTER: dict[Better, Callable[[float, float, float], bool]] = {
    "less": lambda score, other, real: score < other,
    "more": lambda score, other, real: score > other,
    "as real": lambda score, other, real: abs(score - real) < abs(other - real),
    "neither": lambda score, other, real: False,
}
