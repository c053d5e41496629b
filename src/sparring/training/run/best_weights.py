"""The best weights of a run, when play goes back to before the report that they are of."""

from copy import deepcopy
from pathlib import Path

from sparring.storage import atomic
from sparring.training.health.report import fatal
from sparring.training.loop.loop import Loop, under
from sparring.training.run import checkpoint
from sparring.training.run.journal import Journal, best
from sparring.training.run.snapshot import Settled


def taken_back(folder: Path, journal: Journal, score: str, loop: Loop, settled: Settled) -> None:
    """Where the best weights are of a report yet to come, those of the best one before take their place, if its
    checkpoint is kept; else there are none until a report is better. The journal is still that of the old course."""
    saved = [entry for entry in journal.entries if not fatal(entry)]
    now, left = best(saved, score), best([entry for entry in saved if entry["images"] <= loop.seen], score)
    if now is None or now is left:
        return
    state = left and checkpoint.at(folder / "checkpoints", left["images"], loop.device)
    if not state:
        return atomic.remove(folder / "model" / "best.safetensors")
    players = loop.ema.players
    latest = deepcopy(players.state_dict())
    players.load_state_dict(under("ema.", state))
    settled().save(folder / "model", "best")
    players.load_state_dict(latest)
