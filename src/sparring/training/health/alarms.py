"""Alarms: signs that stay become one, with what it usually means and what to try.

How often they are right is measured by `experiments/health.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sparring.training.health import detectors
from sparring.training.health.detectors import NO_COVERAGE, Detector, is_early, metrics_of
from sparring.training.run.journal import Entry


@dataclass(frozen=True)
class Alarm:
    detect: Detector
    explanation: str
    advice: str
    reports: int = 2
    """In so many reports one after the other, before it is raised; of the earlier ones, a fatal one asks for any fatal
    sign."""
    fatal: bool = False
    """The run can't come right by itself."""


@dataclass(frozen=True)
class RaisedAlarm:
    name: str
    evidence: str

    def text(self) -> str:
        alarm = ALARMS[self.name]
        return f"{self.name}: {self.evidence}. {alarm.explanation}. Try {alarm.advice}"


class RunDiverged(Exception):
    """A fatal alarm: the run stands where it was raised; what is on the disk is older."""

    def __init__(self, alarm: RaisedAlarm, images: int):
        super().__init__(alarm.text())
        self.alarm, self.examples = alarm, images


VARIETY = "a lower --lr, a penalty such as r1, --pack 2, or relativistic pairing (r3gan)"
"""What may bring it back."""
ALARMS: dict[str, Alarm] = {
    "not finite": Alarm(
        detectors.not_finite,
        "A number overflowed: the rate is too high, a penalty is missing, or the data holds a number that is no number",
        "a lower --lr, or a penalty such as r1",
        reports=1,
        fatal=True,
    ),
    "exploding": Alarm(
        detectors.exploding,
        "A player's steps run away",
        "a lower --lr, a stronger penalty, or spectral norm",
        fatal=True,
    ),
    "range": Alarm(
        detectors.out_of_range,
        "Samples do not span the values that the data does: the generator's last layer, how the data was scaled, or if "
        "the critic has won, a generator that never got so far",
        "a network of your own that ends in [−1, 1], as images are given to it",
    ),
    "critic won": Alarm(
        detectors.critic_won,
        "The critic has nothing left to teach, and the generator nothing to follow",
        "a lower --critic-lr, a penalty such as r1, --noise, or a larger generator",
        fatal=True,
    ),
    "constant": Alarm(
        detectors.constant,
        "The generator makes one thing, whatever its noise",
        VARIETY,
        reports=1,
        fatal=True,
    ),
    "collapse": Alarm(
        detectors.collapsed,
        "The generator makes few things, whatever its noise",
        VARIETY,
        fatal=True,
    ),
    "astray": Alarm(
        detectors.astray,
        "The generator has not found the data, or has lost it",
        "a lower --lr, the recipe as it comes, or a larger network",
        fatal=True,
    ),
    "missing class": Alarm(
        detectors.missing_class,
        "Part of the data is left out",
        "more images, a conditional recipe where classes are known, or --pack 2",
        reports=3,
    ),
    "copies": Alarm(
        detectors.copying,
        "The generator repeats what it was shown",
        "--augment diffaugment, fewer images, a smaller network, or more data",
    ),
    "drift": Alarm(
        detectors.drifting,
        "The critic grows ever surer, and its slopes steeper",
        "a penalty such as r1, or spectral norm",
    ),
    "vanishing": Alarm(
        detectors.vanishing,
        "A player has next to nothing left to follow",
        "another objective, or a penalty",
    ),
    "oscillation": Alarm(
        detectors.oscillating,
        "The players chase one another",
        "a lower --lr, a longer --half-life, or a penalty such as r1",
        1,
    ),
    "plateau": Alarm(
        detectors.plateaued,
        "More images will not help",
        "stopping here, a larger network, or a rate that falls (--lr 2e-4:0:N)",
        reports=1,
    ),
}
"""In the order in which they are told; the first fatal one is what a run is healed of."""


def raised_alarms(reports: Sequence[Entry]) -> list[RaisedAlarm]:
    """The alarms that the last of these reports raises."""
    raised = []
    for name, alarm in ALARMS.items():
        if saw := alarm.detect(reports):
            earlier = (reports[: len(reports) - k] for k in range(1, alarm.reports))
            if all(
                before and (shows_fatal_sign(before) if alarm.fatal else alarm.detect(before)) for before in earlier
            ):
                raised.append(RaisedAlarm(name, saw))
    return raised


def shows_fatal_sign(reports: Sequence[Entry]) -> bool:
    """Whether the last of these reports shows a sign of what is fatal."""
    return any(alarm.fatal and alarm.detect(reports) for alarm in ALARMS.values())


def is_healthy(reports: Sequence[Entry]) -> bool:
    """Whether the last of these reports shows no sign of what is fatal, is not too early to show any, and samples are
    something already."""
    now = reports[-1]
    return not is_early(now) and metrics_of(now).get("coverage", 1.0) > NO_COVERAGE and not shows_fatal_sign(reports)
