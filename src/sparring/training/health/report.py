"""A report's health: what was watched, and the alarms it raises."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from torch import Tensor

from sparring.metrics.judge import Judge
from sparring.training.health.alarms import ALARMS, Raised, RunDiverged, ailing, examine
from sparring.training.health.detectors import infinite
from sparring.training.health.monitors import HealthMetrics
from sparring.training.run.journal import Entry

WORN = 10
"""Times every training example was seen; before, there are hardly copies to look for."""


def with_health(entry: Entry, seen_share: float, told: HealthMetrics, earlier: Sequence[Entry]) -> Entry:
    """The entry with its health: `share` of the run that is over, `vitals`, `alarms`, and whether it is `suspicious`,
    for it shows what is fatal if it stays."""
    entry = entry | {"share": round(seen_share, 4), "vitals": told}
    reports = [*earlier, entry]
    return entry | {"alarms": [asdict(raised) for raised in examine(reports)], "suspicious": ailing(reports)}


def recheck_round(last: Entry | None, period: int) -> int:
    """The round after which to look again, half a period after a suspicious report that came at its time; 0 if none."""
    if last is None or not last.get("suspicious") or last["rounds"] % period:
        return 0
    return last["rounds"] + period // 2


def sample_diagnostics(judge: Judge, samples: Tensor, epochs: float) -> HealthMetrics:
    """What the samples show."""
    return judge.diagnostics(samples) | (judge.copy_test(samples) if epochs > WORN else {})


def fatal_alarms(entry: Entry) -> list[Raised]:
    """The fatal alarms of a report."""
    return [Raised(**raised) for raised in entry.get("alarms", ()) if ALARMS[raised["name"]].fatal]


def check(entry: Entry) -> None:
    """Raises Ruined for a report with a fatal alarm."""
    if raised := fatal_alarms(entry):
        raise RunDiverged(raised[0], entry["images"])


def check_finite(losses: Mapping[str, float], images: int) -> None:
    """Raises Ruined for a loss that is not finite."""
    if saw := infinite(losses):
        raise RunDiverged(Raised("not finite", saw), images)
