"""A run that can't come right by itself goes back to its last checkpoint without a sign of it, and on with a remedy."""

import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

from sparring.errors import UserError
from sparring.recipes import Recipe
from sparring.training.distributed.ranks import Ranks
from sparring.training.health.adjustments import CHANGES, Adjustment
from sparring.training.health.alarms import RunDiverged, healthy
from sparring.training.run import checkpoint
from sparring.training.run.config import Config
from sparring.training.run.journal import Journal

MOST = 3
"""Remedies a run is given, before it is stopped."""
REMEDIES = {
    "not finite": ("own rates", "a little slower", "slower"),
    "exploding": ("own rates", "slower"),
    "critic won": ("own rates", "slower critic", "slower", "stronger penalties"),
    "constant": ("own rates", "slower", "stronger penalties"),
    "collapse": ("own rates", "slower", "stronger penalties"),
    "astray": ("own rates", "slower"),
}
"""What is done about an alarm, in turn, where it fits. A number that overflows may do so once in a run that is well."""


class RecoveryFailed(UserError):
    """A run that no remedy may, or did, help."""


def recover(folder: Path, config: Config, fingerprint: str, ruined: RunDiverged, ranks: Ranks) -> Config:
    """The configuration with which the run goes on, from its newest checkpoint if there still is one.

    Raises Unhealed where it is not to be healed, or was often enough.
    """
    if not config.heal:
        raise RecoveryFailed(f"stopped after {ruined.images:,} images: {ruined} (what {folder} keeps is from before)")
    if len(config.remedies) == MOST:
        raise RecoveryFailed(f"stopped after {MOST} remedies and {ruined.images:,} images: {ruined}")

    def done() -> dict:
        # In this order: interrupted in between, the run is ruined and healed once more.
        remedy = Adjustment(
            choose_adjustment(ruined, config.played, config.remedies),
            ruined.alarm.name,
            ruined.alarm.saw,
            ruined.images,
            rollback(folder, config.remedies),
        )
        replace(config, remedies=(*config.remedies, remedy)).save(folder, fingerprint)
        print(remedy.text(), file=sys.stderr)
        return asdict(remedy)

    return replace(config, remedies=(*config.remedies, Adjustment(**ranks.on_first_rank(done))))


def choose_adjustment(ruined: RunDiverged, recipe: Recipe, before: tuple[Adjustment, ...]) -> str:
    """What to change about it, given what was done: the first of what was done least about this alarm."""
    done = Counter(remedy.change for remedy in before if remedy.alarm == ruined.alarm.name)
    return min((name for name in REMEDIES[ruined.alarm.name] if CHANGES[name].fits(recipe)), key=done.__getitem__)


def rollback(folder: Path, before: tuple[Adjustment, ...]) -> int:
    """Takes a run back to its last healthy checkpoint, and tells after how many images it was made; 0 if none is. One
    that a remedy started from in vain was not healthy."""
    entries = Journal(folder / "journal.jsonl").entries
    well = {e["images"] for i, e in enumerate(entries) if healthy(entries[: i + 1])}
    well -= {remedy.back for remedy in before}
    back = max(
        well.intersection(map(checkpoint.images, checkpoint.saved_checkpoints(folder / "checkpoints"))), default=0
    )
    checkpoint.forget_after(folder / "checkpoints", back)
    return back
