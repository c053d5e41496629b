"""What a metric is: a named function with the sense of its scores and the least it can be taken of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sparring.errors import UserError

Scores = dict[str, float]
Better = Literal["less", "more", "as real", "neither"]
"""What is better of a score: less, more, what the real row has; or it is an alarm or a margin, and no contest."""


Requirement = Callable[[Any, int], str]
"""(case, samples) → what a metric misses there and what to do, in words; nothing if it can be taken."""


def needs_at_least(count: int) -> Requirement:
    """Samples, that is."""
    return lambda case, samples: too_few(count, samples)


def too_few(count: int, samples: int) -> str:
    if samples >= count:
        return ""
    return (
        f"needs {count:,} samples or more, here there are {samples:,}: draw more (--samples), or leave it out "
        "(kernel is the one for few samples)"
    )


ALWAYS = needs_at_least(2)


@dataclass(frozen=True)
class Metric:
    protocol: str
    """How it is taken, in the words of the protocol."""
    better: Mapping[str, Better]
    """Its scores, in order."""
    compute: Callable[[Any], Scores]
    """From what the judge lays before it: `sparring.metrics.image.views.Case` for images."""
    requirement: Requirement = ALWAYS


def compute_scores(metrics: Mapping[str, Metric], case: Any, samples: int) -> Scores:
    """All scores of the case. Raises UserError when a metric lacks something there."""
    scores: Scores = {}
    for name, metric in metrics.items():
        if lack := metric.requirement(case, samples):
            raise UserError(f"{name} {lack}")
        scores |= metric.compute(case)
    return scores


def is_better(better: Better, score: float, other: float, real: float) -> bool:
    """Whether a score is better than another, where real examples have `real`."""
    return _IS_BETTER[better](score, other, real)


_IS_BETTER: dict[Better, Callable[[float, float, float], bool]] = {
    "less": lambda score, other, real: score < other,
    "more": lambda score, other, real: score > other,
    "as real": lambda score, other, real: abs(score - real) < abs(other - real),
    "neither": lambda score, other, real: False,
}
