"""The health of a report: its metrics and the alarms it raises."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from torch import Tensor

from sparring.metrics.judge import Judge
from sparring.training.health.alarms import ALARMS, RaisedAlarm, RunDiverged, raised_alarms, shows_fatal_sign
from sparring.training.health.detectors import describe_non_finite
from sparring.training.health.monitors import HealthMetrics
from sparring.training.journal import Entry

COPY_TEST_EPOCHS = 10
"""Epochs before copies are tested for: earlier, there are hardly any."""


def with_health(entry: Entry, progress: float, metrics: HealthMetrics, earlier: Sequence[Entry]) -> Entry:
    """The entry with the run's `progress` from 0 to 1, its `health` metrics, `alarms`, and whether it is `suspicious`:
    it shows a sign that is fatal if the next report shows it too."""
    entry = entry | {"progress": round(progress, 4), "health": metrics}
    reports = [*earlier, entry]
    alarms = [asdict(raised) for raised in raised_alarms(reports)]
    return entry | {"alarms": alarms, "suspicious": shows_fatal_sign(reports)}


def recheck_round(last: Entry | None, period: int) -> int:
    """The round of an extra report, half a period after a suspicious regular one; 0 for none."""
    if last is None or not last.get("suspicious") or last["rounds"] % period:
        return 0
    return last["rounds"] + period // 2


def sample_diagnostics(judge: Judge, samples: Tensor, epochs: float) -> HealthMetrics:
    return judge.diagnostics(samples) | (judge.copy_test(samples) if epochs > COPY_TEST_EPOCHS else {})


def fatal_alarms(entry: Entry) -> list[RaisedAlarm]:
    return [RaisedAlarm(**raised) for raised in entry.get("alarms", ()) if ALARMS[raised["name"]].fatal]


def raise_if_fatal(entry: Entry) -> None:
    """Raises RunDiverged for a report with a fatal alarm."""
    if raised := fatal_alarms(entry):
        raise RunDiverged(raised[0], entry["examples"])


def check_finite(losses: Mapping[str, float], examples: int) -> None:
    """Raises RunDiverged for a loss that is not finite."""
    if evidence := describe_non_finite(losses):
        raise RunDiverged(RaisedAlarm("not finite", evidence), examples)
