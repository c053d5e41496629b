"""Automatic recovery: a diverged run rolls back to its last healthy checkpoint and continues with an adjustment."""

import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

from sparring.errors import UserError
from sparring.recipes import Recipe
from sparring.training import checkpoint
from sparring.training.config.adjustments import ADJUSTMENTS, Adjustment
from sparring.training.config.config import Config
from sparring.training.distributed.ranks import Ranks
from sparring.training.health.alarms import RunDiverged, is_healthy
from sparring.training.journal import Journal

MAX_ADJUSTMENTS = 3
"""Of one run; it stops at the next divergence."""
ADJUSTMENTS_FOR = {
    "not finite": ("own rates", "a little slower", "slower"),
    "exploding": ("own rates", "slower"),
    "critic won": ("own rates", "slower critic", "slower", "stronger penalties"),
    "constant": ("own rates", "slower", "stronger penalties"),
    "collapse": ("own rates", "slower", "stronger penalties"),
    "astray": ("own rates", "slower"),
}
"""By fatal alarm: what is tried, in this order, where it applies. A number may overflow once in a healthy run, so the
first answer to it is mild."""


class RecoveryFailed(UserError):
    """The run diverged, and recovery is disabled or has been tried often enough."""


def recover(folder: Path, config: Config, fingerprint: str, divergence: RunDiverged, ranks: Ranks) -> Config:
    """Rolls the run folder back, and returns the adjusted configuration, saved in it. Raises RecoveryFailed."""
    if not config.recovery:
        raise RecoveryFailed(
            f"stopped after {divergence.examples:,} examples: {divergence} (what {folder} keeps is from before)"
        )
    if len(config.adjustments) == MAX_ADJUSTMENTS:
        raise RecoveryFailed(
            f"stopped after {MAX_ADJUSTMENTS} adjustments and {divergence.examples:,} examples: {divergence}"
        )

    def adjust() -> dict:
        # The configuration is saved last: a run killed in between diverges and recovers once more.
        adjustment = Adjustment(
            choose_adjustment(divergence, config.adjusted_recipe, config.adjustments),
            divergence.alarm.name,
            divergence.alarm.evidence,
            divergence.examples,
            rollback(folder, config.adjustments),
        )
        replace(config, adjustments=(*config.adjustments, adjustment)).save(folder, fingerprint)
        print(adjustment.text(), file=sys.stderr)
        return asdict(adjustment)

    return replace(config, adjustments=(*config.adjustments, Adjustment(**ranks.on_first_rank(adjust))))


def choose_adjustment(divergence: RunDiverged, recipe: Recipe, earlier: tuple[Adjustment, ...]) -> str:
    """The name of the first applicable adjustment that was made least often for this alarm."""
    count = Counter(adjustment.change for adjustment in earlier if adjustment.alarm == divergence.alarm.name)
    names = (name for name in ADJUSTMENTS_FOR[divergence.alarm.name] if ADJUSTMENTS[name].is_applicable(recipe))
    return min(names, key=count.__getitem__)


def rollback(folder: Path, earlier: tuple[Adjustment, ...]) -> int:
    """Deletes the checkpoints after the last healthy one, and returns the examples it had seen; 0 if there is none.

    A checkpoint from which a run diverged again after an adjustment counts as unhealthy.
    """
    entries = Journal(folder / "journal.jsonl").entries
    healthy = {entry["examples"] for i, entry in enumerate(entries) if is_healthy(entries[: i + 1])}
    healthy -= {adjustment.resumed_from for adjustment in earlier}
    saved = map(checkpoint.examples_of, checkpoint.saved_checkpoints(folder / "checkpoints"))
    last = max(healthy.intersection(saved), default=0)
    checkpoint.drop_after(folder / "checkpoints", last)
    return last
