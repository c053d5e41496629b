"""Alarms: what a detector finds in enough reports in a row, with its usual cause and advice.

Their precision is measured by `experiments/health.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sparring.training.health import detectors
from sparring.training.health.detectors import NO_COVERAGE, Detector, is_early, metrics_of
from sparring.training.journal import Entry


@dataclass(frozen=True)
class Alarm:
    detect: Detector
    explanation: str
    advice: str
    reports: int = 2
    """Consecutive reports with the sign before the alarm is raised. For a fatal alarm, any fatal sign counts in the
    earlier ones."""
    fatal: bool = False
    """The run can't recover without an adjustment."""


@dataclass(frozen=True)
class RaisedAlarm:
    name: str
    evidence: str

    def text(self) -> str:
        alarm = ALARMS[self.name]
        return f"{self.name}: {self.evidence}. {alarm.explanation}. Try {alarm.advice}"


class RunDiverged(Exception):
    """A fatal alarm. The files of the run are from before it."""

    def __init__(self, alarm: RaisedAlarm, examples: int):
        super().__init__(alarm.text())
        self.alarm, self.examples = alarm, examples


VARIETY = "a lower --lr, a penalty such as r1, --pack 2, or relativistic pairing (r3gan)"
"""Advice against mode collapse."""
ALARMS: dict[str, Alarm] = {
    "not finite": Alarm(
        detectors.not_finite,
        "A number overflowed: the rate is too high, a penalty is missing, or the data contains NaN or infinity",
        "a lower --lr, or a penalty such as r1",
        reports=1,
        fatal=True,
    ),
    "exploding": Alarm(
        detectors.exploding,
        "A player's gradients or logits diverge",
        "a lower --lr, a stronger penalty, or spectral norm",
        fatal=True,
    ),
    "range": Alarm(
        detectors.out_of_range,
        "Samples do not span the range of the data: check the generator's last layer and the scaling of the data; or "
        "the critic won before the generator learnt the range",
        "a generator whose output is in [−1, 1], as its training images are",
    ),
    "critic won": Alarm(
        detectors.critic_won,
        "The critic separates real from fake perfectly, and the generator gets no useful gradient",
        "a lower --critic-lr, a penalty such as r1, --noise, or a larger generator",
        fatal=True,
    ),
    "constant": Alarm(
        detectors.constant, "The generator makes one sample, whatever its latent", VARIETY, reports=1, fatal=True
    ),
    "collapse": Alarm(
        detectors.collapsed, "Mode collapse: the generator makes few different samples", VARIETY, fatal=True
    ),
    "astray": Alarm(
        detectors.astray,
        "Samples do not resemble the data",
        "a lower --lr, the recipe's defaults, or a larger network",
        fatal=True,
    ),
    "missing class": Alarm(
        detectors.missing_class,
        "A class of the data is missing in the samples",
        "more examples, a conditional recipe where classes are known, or --pack 2",
        reports=3,
    ),
    "copies": Alarm(
        detectors.copying,
        "The generator copies training examples",
        "--augment diffaugment, fewer examples, a smaller network, or more data",
    ),
    "drift": Alarm(
        detectors.drifting, "The critic's logits and gradients keep growing", "a penalty such as r1, or spectral norm"
    ),
    "vanishing": Alarm(detectors.vanishing, "A player's gradients vanish", "another objective, or a penalty"),
    "oscillation": Alarm(
        detectors.oscillating,
        "The players oscillate around each other",
        "a lower --lr, a longer --half-life, or a penalty such as r1",
        1,
    ),
    "plateau": Alarm(
        detectors.plateaued,
        "Further training does not help",
        "stopping here, a larger network, or a decaying learning rate (--lr 2e-4:0:N)",
        reports=1,
    ),
}
"""In the order of the report; recovery responds to the first fatal one."""


def raised_alarms(reports: Sequence[Entry]) -> list[RaisedAlarm]:
    """The alarms of the last of these reports."""
    raised = []
    for name, alarm in ALARMS.items():
        if evidence := alarm.detect(reports):
            earlier = (reports[: len(reports) - k] for k in range(1, alarm.reports))
            if all(
                before and (shows_fatal_sign(before) if alarm.fatal else alarm.detect(before)) for before in earlier
            ):
                raised.append(RaisedAlarm(name, evidence))
    return raised


def shows_fatal_sign(reports: Sequence[Entry]) -> bool:
    """Whether a fatal alarm's detector fires on the last of these reports."""
    return any(alarm.fatal and alarm.detect(reports) for alarm in ALARMS.values())


def is_healthy(reports: Sequence[Entry]) -> bool:
    """Whether the last of these reports shows no fatal sign, is late enough to show one, and its samples cover some of
    the data."""
    now = reports[-1]
    return not is_early(now) and metrics_of(now).get("coverage", 1.0) > NO_COVERAGE and not shows_fatal_sign(reports)
