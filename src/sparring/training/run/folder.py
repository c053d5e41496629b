"""The folder of a run: made before the first round, and recognised when torchrun starts the run again."""

import json
import sys
from dataclasses import replace
from pathlib import Path

from sparring.data import Dataset
from sparring.errors import UserError
from sparring.storage.atomic import atomic_folder, write_bytes
from sparring.training.config.config import Config
from sparring.training.distributed.processes import restarts
from sparring.training.run.data import DataRecord

LISTED = 10
"""Skipped files named on standard error, at most."""
QUARANTINE = "quarantine.json"


def is_restart(folder: Path, config: Config) -> bool:
    """Whether torchrun restarted the processes of the run in this folder.

    Raises UserError for a folder that exists otherwise.
    """
    if not folder.exists():
        return False
    if not restarts():
        raise UserError(f"{folder} exists already: choose another --out, or go on with: spar resume {folder}")
    saved = Config.load(folder)[0]
    # What was measured on this machine or added since is not part of the command line.
    measured = {name: getattr(config, name) for name in ("machine", "micro_batches", "precision")}
    if config.open_length:  # the data decided it
        recipe = config.recipe.with_horizon(saved.examples)
        config = replace(config, examples=saved.examples, recipe=recipe, open_length=False)
    if replace(saved, adjustments=(), **measured).to_json() != config.to_json():
        raise UserError(f"{folder} is another run's, with other settings: choose another --out")
    return True


def make_run_folder(folder: Path, config: Config, data: Dataset) -> None:
    """Makes the whole folder or nothing. Raises UserError where it can't be made."""
    _print_skipped(folder, data)
    with atomic_folder(folder) as aside:
        (aside / "samples").mkdir()
        config.save(aside, data.fingerprint)
        DataRecord.of(config, folder).save(aside)
        if data.skipped:
            reasons = [{"file": file, "reason": reason} for file, reason in data.skipped]
            write_bytes(aside / QUARANTINE, json.dumps(reasons, indent=1).encode())


def _print_skipped(folder: Path, data: Dataset) -> None:
    for path, reason in data.skipped[:LISTED]:
        print(f"left out: {path} ({reason})", file=sys.stderr)
    if len(data.skipped) > LISTED:
        print(f"… and {len(data.skipped) - LISTED:,} more: {folder / QUARANTINE}", file=sys.stderr)
