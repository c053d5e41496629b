"""How a run starts or goes on, on one process or several: what is shared, what must be the same, what the first one
makes."""

import json
import platform
import sys
from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

import torch
from pydantic import TypeAdapter

from sparring.data import Dataset
from sparring.errors import UserError
from sparring.metrics.judge import Judge
from sparring.metrics.report import Report
from sparring.storage.atomic import atomic_folder, write_bytes
from sparring.training.distributed.processes import restarts
from sparring.training.distributed.ranks import Ranks
from sparring.training.run.config import PACKAGES, Config

TOLD, QUARANTINE = 10, "quarantine.json"


def load_on_all_ranks(load: Callable[[], Dataset], config: Config, ranks: Ranks) -> Dataset:
    """The data, loaded by every process. Raises UserError if one has other settings, versions or data than the rest."""
    if ranks.world == 1:
        return load()
    versions = {f"version of {name}": version(name) for name in PACKAGES} | {"Python": platform.python_version()}
    ranks.require_same(versions | {f"setting '{name}'": value for name, value in asdict(config).items()})
    if torch.device(config.device).index is not None:
        raise UserError(f"device {config.device} is one process's: with several, say cuda, and each takes its own")
    data = ranks.on_every_rank(load)
    ranks.require_same({"fingerprint of the data": data.fingerprint})
    return data


def read_config(folder: Path, ranks: Ranks) -> tuple[Config, str]:
    """A run's configuration and the fingerprint of its data; the first process reads it to the others."""

    def read() -> list[object]:
        config, fingerprint = Config.load(folder)
        return [_plain(config), fingerprint]

    about, fingerprint = ranks.on_first_rank(read)
    return TypeAdapter(Config).validate_python(about), str(fingerprint)


def same_data(config: Config, data: Dataset, folder: Path, fingerprint: str) -> None:
    """Raises UserError for data that is not what the run in this folder began with."""
    if data.fingerprint != fingerprint:
        raise UserError(f"{config.data} is not the data {folder} was trained on: its fingerprint has changed")


def flag_changed_data(report: Report, data: Dataset, fingerprint: str) -> Report:
    """The report, saying so where its data is no longer what the run was trained on."""
    if data.fingerprint == fingerprint:
        return report
    remark = f"by data that is not what the run was trained on: the fingerprint of {data.spec} has changed"
    return replace(report, protocol=f"{report.protocol}; {remark}")


def is_restart(out: Path, config: Config) -> bool:
    """Whether it is this very run's folder, to go on in, because torchrun has started it again.

    Raises UserError for any other folder that exists.
    """
    if not out.exists():
        return False
    if not restarts():
        raise UserError(f"{out} exists already: choose another --out, or go on with: spar resume {out}")
    measured = {name: getattr(config, name) for name in ("machine", "micro_batches", "precision")}
    asked = replace(Config.load(out)[0], remedies=(), **measured)
    if _plain(asked) != _plain(config):
        raise UserError(f"{out} is another run's, with other settings: choose another --out")
    return True


def _plain(config: Config) -> dict[str, object]:
    """As JSON has it, which knows no tuples."""
    return json.loads(json.dumps(asdict(config)))


def make_judge(
    judge: Callable[[Dataset], Judge], config: Config, data: Dataset, scores: Collection[str], ranks: Ranks
) -> Judge | None:
    """The judge, of the first process alone. Raises UserError for a bar on a score that is not taken here."""

    def made() -> Judge | None:
        if not ranks.leads:
            return None
        jury = judge(data)
        if config.bar and config.bar.score not in (known := [*jury.score_names, *scores]):
            own = f"; one of your own is handed over from Python: scores={{'{config.bar.score}': …}}"
            raise UserError(f"--until {config.until!r}: there is no such score here, only {', '.join(known)}{own}")
        return jury

    return ranks.on_every_rank(made)


def make_folder(out: Path, config: Config, data: Dataset) -> None:
    """The run folder, as it is before the first round: all of it, or none. Raises UserError where it can't be made."""
    _tell(out, data)
    with atomic_folder(out) as aside:
        (aside / "samples").mkdir()
        config.save(aside, data.fingerprint)
        if data.skipped:
            reasons = [{"file": file, "reason": reason} for file, reason in data.skipped]
            write_bytes(aside / QUARANTINE, json.dumps(reasons, indent=1).encode())


def _tell(out: Path, data: Dataset) -> None:
    """Tells of the files left out: the first few of them here, all of them in the run folder."""
    for path, reason in data.skipped[:TOLD]:
        print(f"left out: {path} ({reason})", file=sys.stderr)
    if len(data.skipped) > TOLD:
        print(f"… and {len(data.skipped) - TOLD:,} more: {out / QUARANTINE}", file=sys.stderr)
