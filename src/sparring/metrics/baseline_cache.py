"""Trivial rows of a data set, scored once and kept: they depend on nothing but the data and the protocol."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sparring.errors import UserError
from sparring.metrics.report import ReportRow
from sparring.storage.atomic import atomic_write

_ROWS = TypeAdapter(list[ReportRow])


class BaselineCache:
    """Keeps them in a folder; `about` is what tells the data from any other, such as its fingerprint."""

    def __init__(self, folder: Path, about: str):
        self.folder, self.about = folder, about
        self._scored: dict[Path, list[ReportRow]] = {}

    def __call__(self, protocol: str, score: Callable[[], list[ReportRow]]) -> list[ReportRow]:
        """What `score` says of the data by this protocol, or said of it once."""
        told = f"{self.about}\n{protocol}\n{version('sparring')}"
        path = self.folder / f"{hashlib.sha256(told.encode()).hexdigest()[:16]}.json"
        if path not in self._scored:
            self._scored[path] = _read(path) or _written(path, score())
        return self._scored[path]


def _read(path: Path) -> list[ReportRow]:
    try:
        return _ROWS.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return []


def _written(path: Path, rows: list[ReportRow]) -> list[ReportRow]:
    """A full or closed cache costs time, and nothing else."""
    with suppress(OSError, UserError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as aside:
            aside.write_text(json.dumps([asdict(row) for row in rows]))
    return rows
