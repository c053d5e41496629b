"""Detectors of failures of adversarial training, from a report and those before it."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import median

from sparring.training.journal import Entry

Detector = Callable[[Sequence[Entry]], str]
"""From reports to the evidence of a failure in the last one; "" for none."""

EARLY, ROUNDS = 0.12, 350
"""The share of a run, and the rounds, before which samples are not judged."""
NO_COVERAGE = 0.03
"""Coverage of real examples at or below which samples resemble nothing."""
ALIKE = 0.1
"""Mean distance between samples, relative to real examples, at which they count as one."""
FEW = 0.25
"""Coverage relative to precision below which samples lack variety."""
LARGE = 300.0
"""A gradient norm, or logits, that may be diverging."""
NEVER = 1e-3
"""p-value below which near duplicates of training examples are copies."""


def not_finite(reports: Sequence[Entry]) -> str:
    return describe_non_finite(metrics_of(reports[-1]))


def describe_non_finite(numbers: Mapping[str, float]) -> str:
    """Which of these are not finite, in words; "" for none."""
    wrong = [name for name, value in numbers.items() if not math.isfinite(value)]
    return f"{', '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} not finite" if wrong else ""


def exploding(reports: Sequence[Entry]) -> str:
    """A gradient or the logits are far above their median, or large while samples resemble nothing."""
    now, before = metrics_of(reports[-1]), [metrics_of(entry) for entry in reports[:-1]]
    most = LARGE if _resembles_nothing(reports) else math.inf
    for name in now:
        if name.startswith(("gradient.", "logits")):
            usual = median([v[name] for v in before if name in v] or [math.inf])
            if now[name] > min(max(1e3 * usual, LARGE), most):
                return f"{_describe(name)} is {now[name]:.3g}" + (f", was {usual:.3g}" if usual < math.inf else "")
    return ""


def vanishing(reports: Sequence[Entry]) -> str:
    now, before = metrics_of(reports[-1]), [metrics_of(entry) for entry in reports[:-1]]
    for name in now:
        earlier = [v[name] for v in before if name in v]
        if name.startswith("gradient.") and earlier and now[name] < 1e-4 * median(earlier):
            return f"{_describe(name)} is {now[name]:.3g}, was {median(earlier):.3g}"
    return ""


def _resembles_nothing(reports: Sequence[Entry]) -> bool:
    """Samples resemble nothing, are late enough to be judged, and do not improve."""
    now = metrics_of(reports[-1])
    if "coverage" not in now or is_early(reports[-1]) or _approaches(reports):
        return False
    return now["coverage"] < NO_COVERAGE and now["precision"] < 0.15


def _approaches(reports: Sequence[Entry]) -> bool:
    """The score improves, or precision is 1.5 times that of two reports ago."""
    earlier, now = reports[:-2], metrics_of(reports[-1])
    if not earlier:
        return False
    return _improves(reports) or 0.03 < now["precision"] > 1.5 * metrics_of(earlier[-1]).get("precision", math.inf)


def _improves(reports: Sequence[Entry]) -> bool:
    """The score is the best so far, and 10 % better than the best up to two reports ago."""
    before = [selection_score(entry) for entry in reports[:-1]]
    return bool(before[:-1]) and selection_score(reports[-1]) < min(*before, 0.9 * min(before[:-1]))


def critic_won(reports: Sequence[Entry]) -> str:
    edge = metrics_of(reports[-1]).get("edge", 0.0)
    if edge < 0.98 or not _resembles_nothing(reports):
        return ""
    return f"the critic tells {edge:.1%} of real examples from fakes, and samples do not resemble real examples"


def constant(reports: Sequence[Entry]) -> str:
    """Samples are precise and all alike. One report is evidence enough."""
    now = metrics_of(reports[-1])
    if "spread" not in now or is_early(reports[-1]) or now["spread"] > ALIKE or now["precision"] < 0.5:
        return ""
    return f"samples lie {now['spread']:.1%} as far apart as real examples"


def collapsed(reports: Sequence[Entry]) -> str:
    """Samples are precise and cover little; or cover next to nothing, or lie close together, and do not improve."""
    now = metrics_of(reports[-1])
    if "coverage" not in now or is_early(reports[-1]) or (_resembles_nothing(reports) and now["spread"] > 0.3):
        return ""
    few = 0.5 < now["precision"] > now["coverage"] / FEW and not _improves(reports)
    close = now["spread"] <= 0.3
    little = now["coverage"] <= (0.6 if close else 0.05)
    improves = (_improves(reports) if close else _approaches(reports)) and now["spread"] > ALIKE
    if not few and (not little or improves):
        return ""
    return f"coverage is {now['coverage']:.0%} of real examples', and samples lie {now['spread']:.0%} as far apart"


def astray(reports: Sequence[Entry]) -> str:
    if not _resembles_nothing(reports) or critic_won(reports):
        return ""
    now = metrics_of(reports[-1])
    near = f"{now['precision']:.1%} of the samples are near real examples"
    return f"{near}, {now['coverage']:.1%} of real examples near a sample"


def missing_class(reports: Sequence[Entry]) -> str:
    """A class is covered far less than the average, and no better than two reports ago."""
    now, before = metrics_of(reports[-1]), metrics_of(reports[max(0, len(reports) - 3)])
    if "least" not in now or "least" not in before or is_early(reports[-1], 0.25) or now["coverage"] < 0.05:
        return ""
    share = now["least"] / now["coverage"]
    if share > 0.15 or now["least"] > 1.1 * before["least"] + 0.01:
        return ""
    return f"the coverage of the worst class is {share:.0%} of the average"


def drifting(reports: Sequence[Entry]) -> str:
    sizes = [v["logits"] for v in map(metrics_of, reports) if "logits" in v]
    third = sizes[: max(1, len(sizes) // 3)]
    if len(sizes) < 4 or sizes[-1] < max(20, 10 * median(third)):
        return ""
    return f"the critic's logits are {sizes[-1]:.3g}, and were {median(third):.3g}"


def oscillating(reports: Sequence[Entry]) -> str:
    scores = [selection_score(entry) for entry in reports[-6:]]
    steps = [b - a for a, b in pairwise(scores)]
    turns = sum(a * b < 0 for a, b in pairwise(steps))
    swing = median(abs(step) for step in steps) / max(median(scores), 1e-9) if steps else 0.0
    if len(scores) < 6 or turns < 4 or swing < 0.4:
        return ""
    return f"the score changed direction {turns} times in six reports, by {swing:.0%} of its median"


def out_of_range(reports: Sequence[Entry]) -> str:
    now = metrics_of(reports[-1])
    if now.get("extent", 0.0) < 0.25 or is_early(reports[-1]):
        return ""
    return f"the darkest or brightest values of samples are off by {now['extent']:.0%} of the range"


def copying(reports: Sequence[Entry]) -> str:
    now = metrics_of(reports[-1])
    if now.get("copied_p", 1.0) > NEVER or now["copied"] < 0.01:
        return ""
    return f"{now['copied']:.1%} of the samples are copies of training examples"


def plateaued(reports: Sequence[Entry]) -> str:
    span = max(5, (2 * len(reports)) // 5)
    scores = [selection_score(entry) for entry in reports]
    if len(scores) < 2 * span:
        return ""
    before, lately = min(scores[:-span]), min(scores[-span:])
    if lately < 0.98 * before:
        return ""
    return f"the best score of the last {span} reports is {lately:.4g}, and {before:.4g} was reached before"


def metrics_of(entry: Entry) -> dict[str, float]:
    return entry.get("health", {})


def selection_score(entry: Entry) -> float:
    """The first score, which selects the best weights."""
    return next(iter(entry["scores"].values()))


def is_early(entry: Entry, until: float = EARLY) -> bool:
    """Whether the report is too early in the run to judge its samples."""
    return entry["progress"] < until or entry["rounds"] < ROUNDS


def _describe(name: str) -> str:
    kind, _, player = name.partition(".")
    return f"{player}'s gradient" if kind == "gradient" else "the size of the critic's logits"
