"""What a metric is: a named function with the sense of its scores and the least it can be taken of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sparring.errors import UserError

Scores = dict[str, float]
Better = Literal["less", "more", "as real", "neither"]
"""What is better of a score: less, more, what the real row has; or it is an alarm or a margin, and no contest."""


@dataclass(frozen=True)
class Metric:
    estimator: str
    """How it is taken, in the words of the protocol."""
    better: Mapping[str, Better]
    """Its scores, in order."""
    compute: Callable[[Any], Scores]
    """From what the judge lays before it: `sparring.metrics.views.Case` for images."""
    least: Callable[[Any], int] = lambda case: 2
    """Samples, for such a case."""


def scored(metrics: Mapping[str, Metric], case: Any, samples: int) -> Scores:
    """All scores of the case. Raises UserError when there are too few samples for one."""
    scores: Scores = {}
    for name, metric in metrics.items():
        if samples < (least := metric.least(case)):
            raise UserError(
                f"{name} needs {least:,} samples or more, here there are {samples:,}: "
                "draw more (--samples), or leave it out (kernel is the one for few samples)"
            )
        scores |= metric.compute(case)
    return scores


def beats(better: Better, score: float, other: float, real: float) -> bool:
    """Whether a score is better than another, where real examples have `real`."""
    return SENSES[better](score, other, real)


SENSES: dict[Better, Callable[[float, float, float], bool]] = {
    "less": lambda score, other, real: score < other,
    "more": lambda score, other, real: score > other,
    "as real": lambda score, other, real: abs(score - real) < abs(other - real),
    "neither": lambda score, other, real: False,
}
