"""Alarms: what goes wrong in adversarial training, seen in the journal, with what it usually means and what to try.

A sign is what one report shows; signs that stay become an alarm. The thresholds stand here and nowhere else; how often
they are right is measured by `benchmarks/health.py`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from sparring.training.journal import Entry

Sign = Callable[[Sequence[Entry]], str]
"""What the last of these reports shows, in words, beside those before it; "" when all is well."""

EARLY, ROUNDS = 0.12, 350
"""Of a run, and in all: before, samples tell nothing yet."""
NOTHING = 0.03
"""Of the real examples, covered."""
ALIKE = 0.05
"""Of the mean distance between real examples: samples this close are one."""
LARGE = 300.0
"""A gradient, or logits."""
NEVER = 1e-3
"""By chance, so seldom: copies."""


@dataclass(frozen=True)
class Alarm:
    sign: Sign
    means: str
    advice: str
    reports: int = 2
    """In so many reports one after the other, before it is raised."""
    fatal: bool = False
    """The run can't come right by itself."""


@dataclass(frozen=True)
class Raised:
    name: str
    saw: str

    def text(self) -> str:
        alarm = ALARMS[self.name]
        return f"{self.name}: {self.saw}. {alarm.means}. Try {alarm.advice}"


class Ruined(Exception):
    """A fatal alarm: the run stands where it was raised; what is on the disk is older."""

    def __init__(self, alarm: Raised, images: int):
        super().__init__(alarm.text())
        self.alarm, self.images = alarm, images


def _infinite(reports: Sequence[Entry]) -> str:
    return infinite(vitals(reports[-1]))


def infinite(numbers: Mapping[str, float]) -> str:
    """Which of these are not finite."""
    wrong = [name for name, value in numbers.items() if not math.isfinite(value)]
    return f"{', '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} not finite" if wrong else ""


def _exploding(reports: Sequence[Entry]) -> str:
    """A gradient, or the logits, far beyond what they were, or large while samples are nothing."""
    now, before = vitals(reports[-1]), [vitals(entry) for entry in reports[:-1]]
    most = LARGE if _nothing(reports) else math.inf
    for name in now:
        if name.startswith(("gradient.", "logits")):
            usual = median([v[name] for v in before if name in v] or [math.inf])
            if now[name] > min(max(1e3 * usual, LARGE), most):
                return f"{_called(name)} is {now[name]:.3g}" + (f", was {usual:.3g}" if usual < math.inf else "")
    return ""


def _vanishing(reports: Sequence[Entry]) -> str:
    now, before = vitals(reports[-1]), [vitals(entry) for entry in reports[:-1]]
    for name in now:
        earlier = [v[name] for v in before if name in v]
        if name.startswith("gradient.") and earlier and now[name] < 1e-4 * median(earlier):
            return f"{_called(name)} is {now[name]:.3g}, was {median(earlier):.3g}"
    return ""


def _nothing(reports: Sequence[Entry]) -> bool:
    """Samples are nothing like real examples, though they had the time, and do not get nearer."""
    now = vitals(reports[-1])
    if "coverage" not in now or young(reports[-1]) or _nearer(reports):
        return False
    return now["coverage"] < NOTHING and now["precision"] < 0.15


def _nearer(reports: Sequence[Entry]) -> bool:
    """The score is better by a tenth than the best up to two reports ago, or half as many samples more are right."""
    earlier, now = reports[:-2], vitals(reports[-1])
    if not earlier:
        return False
    better = leading(reports[-1]) < 0.9 * min(map(leading, earlier))
    return better or 0.03 < now["precision"] > 1.5 * vitals(earlier[-1]).get("precision", math.inf)


def _beaten(reports: Sequence[Entry]) -> str:
    edge = vitals(reports[-1]).get("edge", 0.0)
    if edge < 0.98 or not _nothing(reports):
        return ""
    return f"the critic tells {edge:.1%} of real examples from fakes, and samples are nothing like real ones"


def _constant(reports: Sequence[Entry]) -> str:
    """One good sample, again and again: plain enough to need no second report."""
    now = vitals(reports[-1])
    if "spread" not in now or young(reports[-1]) or now["spread"] > ALIKE or now["precision"] < 0.5:
        return ""
    return f"samples lie {now['spread']:.1%} as far apart as real examples"


def _collapsed(reports: Sequence[Entry]) -> str:
    now = vitals(reports[-1])
    if "coverage" not in now or young(reports[-1]) or (_nothing(reports) and now["spread"] > 0.3):
        return ""
    if _nearer(reports) and now["spread"] > ALIKE:
        return ""
    if now["coverage"] > 0.05 and (now["coverage"] > 0.6 or now["spread"] > 0.3):
        return ""
    return f"samples cover {now['coverage']:.0%} of what real examples do, {now['spread']:.0%} as far apart"


def _astray(reports: Sequence[Entry]) -> str:
    if not _nothing(reports) or _beaten(reports):
        return ""
    now = vitals(reports[-1])
    return f"{now['precision']:.1%} of the samples are near real examples, {now['coverage']:.1%} of these near a sample"


def _missing(reports: Sequence[Entry]) -> str:
    """A class that fares worse than the rest, and no better than two reports ago."""
    now, before = vitals(reports[-1]), vitals(reports[max(0, len(reports) - 3)])
    if "least" not in now or "least" not in before or young(reports[-1], 0.25) or now["coverage"] < 0.05:
        return ""
    share = now["least"] / now["coverage"]
    if share > 0.15 or now["least"] > 1.1 * before["least"] + 0.01:
        return ""
    return f"the class that fares worst is covered {share:.0%} as well as all are"


def _drifting(reports: Sequence[Entry]) -> str:
    sizes = [v["logits"] for v in map(vitals, reports) if "logits" in v]
    third = sizes[: max(1, len(sizes) // 3)]
    if len(sizes) < 4 or sizes[-1] < max(20, 10 * median(third)):
        return ""
    return f"the critic's logits are {sizes[-1]:.3g}, and were {median(third):.3g}"


def _oscillating(reports: Sequence[Entry]) -> str:
    scores = [leading(entry) for entry in reports[-6:]]
    steps = [b - a for a, b in pairwise(scores)]
    turns = sum(a * b < 0 for a, b in pairwise(steps))
    swing = median(abs(step) for step in steps) / max(median(scores), 1e-9) if steps else 0.0
    if len(scores) < 6 or turns < 4 or swing < 0.4:
        return ""
    return f"the score went up and down {turns} times in six reports, by {swing:.0%} of itself"


def _range(reports: Sequence[Entry]) -> str:
    now = vitals(reports[-1])
    if now.get("extent", 0.0) < 0.25 or young(reports[-1]):
        return ""
    return f"the darkest or brightest pixels of samples are off by {now['extent']:.0%} of the range"


def _copying(reports: Sequence[Entry]) -> str:
    now = vitals(reports[-1])
    if now.get("copied_p", 1.0) > NEVER or now["copied"] < 0.01:
        return ""
    return f"{now['copied']:.1%} of the samples are copies of training examples"


def _resting(reports: Sequence[Entry]) -> str:
    span = max(5, (2 * len(reports)) // 5)
    scores = [leading(entry) for entry in reports]
    if len(scores) < 2 * span:
        return ""
    before, lately = min(scores[:-span]), min(scores[-span:])
    if lately < 0.98 * before:
        return ""
    return f"the best score of the last {span} reports is {lately:.4g}, and {before:.4g} was reached before"


ALARMS: dict[str, Alarm] = {
    "not finite": Alarm(
        _infinite,
        "A number overflowed: the rate is too high, a penalty is missing, or the data holds a number that is no number",
        "a lower --lr, or a penalty such as r1",
        reports=1,
        fatal=True,
    ),
    "exploding": Alarm(
        _exploding,
        "A player's steps run away",
        "a lower --lr, a stronger penalty, or spectral norm",
        fatal=True,
    ),
    "critic won": Alarm(
        _beaten,
        "The critic has nothing left to teach, and the generator nothing to follow",
        "a lower --critic-lr, a penalty such as r1, --noise, or a larger generator",
        fatal=True,
    ),
    "constant": Alarm(
        _constant,
        "The generator makes one thing, whatever its noise",
        "a lower --lr, a penalty such as r1, --pack 2, or relativistic pairing (r3gan)",
        reports=1,
        fatal=True,
    ),
    "collapse": Alarm(
        _collapsed,
        "The generator makes few things, whatever its noise",
        "a lower --lr, a penalty such as r1, --pack 2, or relativistic pairing (r3gan)",
        fatal=True,
    ),
    "astray": Alarm(
        _astray,
        "The generator has not found the data, or has lost it",
        "a lower --lr, the recipe as it comes, or a larger network",
        fatal=True,
    ),
    "missing class": Alarm(
        _missing,
        "Part of the data is left out",
        "more images, a conditional recipe where classes are known, or --pack 2",
        reports=3,
    ),
    "range": Alarm(
        _range,
        "Samples do not span the values that the data does: the generator's last layer, or how the data was scaled",
        "a network of your own that ends in [−1, 1], as images are given to it",
        reports=3,
    ),
    "copies": Alarm(
        _copying,
        "The generator repeats what it was shown",
        "--augment diffaugment, fewer images, a smaller network, or more data",
    ),
    "drift": Alarm(
        _drifting, "The critic grows ever surer, and its slopes steeper", "a penalty such as r1, or spectral norm"
    ),
    "vanishing": Alarm(_vanishing, "A player has next to nothing left to follow", "another objective, or a penalty"),
    "oscillation": Alarm(
        _oscillating, "The players chase one another", "a lower --lr, a longer --half-life, or a penalty such as r1", 1
    ),
    "plateau": Alarm(
        _resting,
        "More images will not help",
        "stopping here, a larger network, or a rate that falls (--lr 2e-4:0:N)",
        reports=1,
    ),
}
"""In the order in which they are told; the first fatal one is what a run is healed of."""


def examine(reports: Sequence[Entry]) -> list[Raised]:
    """The alarms that the last of these reports raises."""
    raised = []
    for name, alarm in ALARMS.items():
        if saw := alarm.sign(reports):
            earlier = (reports[: len(reports) - k] for k in range(1, alarm.reports))
            if all(before and alarm.sign(before) for before in earlier):
                raised.append(Raised(name, saw))
    return raised


def healthy(reports: Sequence[Entry]) -> bool:
    """Whether the last of these reports shows no sign of what is fatal, and samples that are something already."""
    now = reports[-1]
    grown = vitals(now)["coverage"] > NOTHING if "coverage" in vitals(now) else now["share"] >= EARLY
    return grown and not any(alarm.fatal and alarm.sign(reports) for alarm in ALARMS.values())


def vitals(entry: Entry) -> dict[str, float]:
    return entry.get("vitals", {})


def leading(entry: Entry) -> float:
    """The first score, by which the best weights are chosen."""
    return next(iter(entry["scores"].values()))


def young(entry: Entry, until: float = EARLY) -> bool:
    """Whether it is from so early in the run that it tells nothing of the samples."""
    return entry["share"] < until or entry["rounds"] < ROUNDS


def _called(name: str) -> str:
    kind, _, player = name.partition(".")
    return f"{player}'s gradient" if kind == "gradient" else "the size of the critic's logits"
