"""The best weights of a run that rolls back to before the report they are from."""

from copy import deepcopy
from pathlib import Path

from sparring.storage import atomic
from sparring.training import checkpoint
from sparring.training.health.report import fatal_alarms
from sparring.training.journal import Journal, best
from sparring.training.loop.loop import Loop, strip_prefix
from sparring.training.run.snapshot import CalibratedSnapshot


def rollback_best(folder: Path, journal: Journal, score: str, loop: Loop, calibrated: CalibratedSnapshot) -> None:
    """Replaces the best weights, if they are from after `loop.seen`, by those of the best report until then; deletes
    them if its checkpoint is no longer there. Call before the journal is rewound."""
    saved = [entry for entry in journal.entries if not fatal_alarms(entry)]
    now, left = best(saved, score), best([entry for entry in saved if entry["examples"] <= loop.seen], score)
    if now is None or now is left:
        return
    state = left and checkpoint.checkpoint_at(folder / "checkpoints", left["examples"], loop.device)
    if not state:
        return atomic.remove_file(folder / "model" / "best.safetensors")
    players = loop.ema.players
    latest = deepcopy(players.state_dict())
    players.load_state_dict(strip_prefix("ema.", state))
    calibrated().save(folder / "model", "best")
    players.load_state_dict(latest)
