"""The best weights of a run, when play goes back to before the report that they are of."""

from copy import deepcopy
from pathlib import Path

from sparring.storage import atomic
from sparring.training.health.report import fatal_alarms
from sparring.training.loop.loop import Loop, strip_prefix
from sparring.training.run import checkpoint
from sparring.training.run.journal import Journal, best
from sparring.training.run.snapshot import CalibratedSnapshot


def rollback_best(folder: Path, journal: Journal, score: str, loop: Loop, settled: CalibratedSnapshot) -> None:
    """Where the best weights are of a report yet to come, those of the best one before take their place, if its
    checkpoint is kept; else there are none until a report is better. The journal is still that of the old course."""
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
    settled().save(folder / "model", "best")
    players.load_state_dict(latest)
