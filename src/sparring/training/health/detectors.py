"""Signs of what goes wrong in adversarial training: what one report shows, beside those before it."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import median

from sparring.training.run.journal import Entry

Detector = Callable[[Sequence[Entry]], str]
"""What the last of these reports shows, in words, beside those before it; "" when all is well."""

EARLY, ROUNDS = 0.12, 350
"""Of a run, and in all: before, samples tell nothing yet."""
NO_COVERAGE = 0.03
"""Of the real examples, covered."""
ALIKE = 0.1
"""Of the mean distance between real examples: samples this close are one."""
FEW = 0.25
"""Of what samples as near real examples as these would cover if they were as varied."""
LARGE = 300.0
"""A gradient, or logits."""
NEVER = 1e-3
"""By chance, so seldom: copies."""


def not_finite(reports: Sequence[Entry]) -> str:
    return describe_non_finite(metrics_of(reports[-1]))


def describe_non_finite(numbers: Mapping[str, float]) -> str:
    """Which of these are not finite."""
    wrong = [name for name, value in numbers.items() if not math.isfinite(value)]
    return f"{', '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} not finite" if wrong else ""


def exploding(reports: Sequence[Entry]) -> str:
    """A gradient, or the logits, far beyond what they were, or large while samples are nothing."""
    now, before = metrics_of(reports[-1]), [metrics_of(entry) for entry in reports[:-1]]
    most = LARGE if _nothing(reports) else math.inf
    for name in now:
        if name.startswith(("gradient.", "logits")):
            usual = median([v[name] for v in before if name in v] or [math.inf])
            if now[name] > min(max(1e3 * usual, LARGE), most):
                return f"{_called(name)} is {now[name]:.3g}" + (f", was {usual:.3g}" if usual < math.inf else "")
    return ""


def vanishing(reports: Sequence[Entry]) -> str:
    now, before = metrics_of(reports[-1]), [metrics_of(entry) for entry in reports[:-1]]
    for name in now:
        earlier = [v[name] for v in before if name in v]
        if name.startswith("gradient.") and earlier and now[name] < 1e-4 * median(earlier):
            return f"{_called(name)} is {now[name]:.3g}, was {median(earlier):.3g}"
    return ""


def _nothing(reports: Sequence[Entry]) -> bool:
    """Samples are nothing like real examples, though they had the time, and do not get nearer."""
    now = metrics_of(reports[-1])
    if "coverage" not in now or is_early(reports[-1]) or _nearer(reports):
        return False
    return now["coverage"] < NO_COVERAGE and now["precision"] < 0.15


def _nearer(reports: Sequence[Entry]) -> bool:
    """The score gets better, or half as many samples more are right than two reports ago."""
    earlier, now = reports[:-2], metrics_of(reports[-1])
    if not earlier:
        return False
    return _better(reports) or 0.03 < now["precision"] > 1.5 * metrics_of(earlier[-1]).get("precision", math.inf)


def _better(reports: Sequence[Entry]) -> bool:
    """The score is the best yet, a tenth better than up to two reports ago."""
    before = [selection_score(entry) for entry in reports[:-1]]
    return bool(before[:-1]) and selection_score(reports[-1]) < min(*before, 0.9 * min(before[:-1]))


def critic_won(reports: Sequence[Entry]) -> str:
    edge = metrics_of(reports[-1]).get("edge", 0.0)
    if edge < 0.98 or not _nothing(reports):
        return ""
    return f"the critic tells {edge:.1%} of real examples from fakes, and samples are nothing like real ones"


def constant(reports: Sequence[Entry]) -> str:
    """One good sample, again and again: plain enough to need no second report."""
    now = metrics_of(reports[-1])
    if "spread" not in now or is_early(reports[-1]) or now["spread"] > ALIKE or now["precision"] < 0.5:
        return ""
    return f"samples lie {now['spread']:.1%} as far apart as real examples"


def collapsed(reports: Sequence[Entry]) -> str:
    """Samples that are good and cover little, or that cover next to nothing or lie close together and get no better."""
    now = metrics_of(reports[-1])
    if "coverage" not in now or is_early(reports[-1]) or (_nothing(reports) and now["spread"] > 0.3):
        return ""
    few = 0.5 < now["precision"] > now["coverage"] / FEW and not _better(reports)
    close = now["spread"] <= 0.3
    little = now["coverage"] <= (0.6 if close else 0.05)
    improves = (_better(reports) if close else _nearer(reports)) and now["spread"] > ALIKE
    if not few and (not little or improves):
        return ""
    return f"samples cover {now['coverage']:.0%} of what real examples do, {now['spread']:.0%} as far apart"


def astray(reports: Sequence[Entry]) -> str:
    if not _nothing(reports) or critic_won(reports):
        return ""
    now = metrics_of(reports[-1])
    return f"{now['precision']:.1%} of the samples are near real examples, {now['coverage']:.1%} of these near a sample"


def missing_class(reports: Sequence[Entry]) -> str:
    """A class that fares worse than the rest, and no better than two reports ago."""
    now, before = metrics_of(reports[-1]), metrics_of(reports[max(0, len(reports) - 3)])
    if "least" not in now or "least" not in before or is_early(reports[-1], 0.25) or now["coverage"] < 0.05:
        return ""
    share = now["least"] / now["coverage"]
    if share > 0.15 or now["least"] > 1.1 * before["least"] + 0.01:
        return ""
    return f"the class that fares worst is covered {share:.0%} as well as all are"


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
    return f"the score went up and down {turns} times in six reports, by {swing:.0%} of itself"


def out_of_range(reports: Sequence[Entry]) -> str:
    now = metrics_of(reports[-1])
    if now.get("extent", 0.0) < 0.25 or is_early(reports[-1]):
        return ""
    return f"the darkest or brightest pixels of samples are off by {now['extent']:.0%} of the range"


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
    """The first score, by which the best weights are chosen."""
    return next(iter(entry["scores"].values()))


def is_early(entry: Entry, until: float = EARLY) -> bool:
    """Whether it is from so early in the run that it tells nothing of the samples."""
    return entry["progress"] < until or entry["rounds"] < ROUNDS


def _called(name: str) -> str:
    kind, _, player = name.partition(".")
    return f"{player}'s gradient" if kind == "gradient" else "the size of the critic's logits"
