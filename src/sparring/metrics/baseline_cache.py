"""Cache of baseline scores, by data set and protocol."""

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
from sparring.storage.atomic import atomic_write, cache_folder

_ROWS = TypeAdapter(list[ReportRow])


class BaselineCache:
    """Stores baseline scores in a folder; `about` identifies the data, such as its fingerprint."""

    def __init__(self, folder: Path, about: str):
        self.folder, self.about = folder, about
        self._scored: dict[Path, list[ReportRow]] = {}

    def __call__(self, protocol: str, score: Callable[[], list[ReportRow]]) -> list[ReportRow]:
        """Scores of the baselines by this protocol, from the cache or by `score`."""
        key = f"{self.about}\n{protocol}\n{version('sparring')}"
        path = self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
        if path not in self._scored:
            self._scored[path] = _read(path) or _written(path, score())
        return self._scored[path]


def baseline_cache(fingerprint: str) -> BaselineCache:
    """In the user's cache folder, for the data with this fingerprint."""
    return BaselineCache(cache_folder() / "rows", fingerprint)


def _read(path: Path) -> list[ReportRow]:
    try:
        return _ROWS.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return []


def _written(path: Path, rows: list[ReportRow]) -> list[ReportRow]:
    """Writes the rows. Write errors are ignored: the cache is optional."""
    with suppress(OSError, UserError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as aside:
            aside.write_text(json.dumps([asdict(row) for row in rows]))
    return rows
