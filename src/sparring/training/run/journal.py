"""`journal.jsonl`: one line a report, flushed before the report's checkpoint. A line torn by a power cut is ignored,
and gone once the run goes on."""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sparring.storage import atomic
from sparring.storage.atomic import from_json

Entry = dict[str, Any]
NEEDED = {"images": int, "seconds": (int, float), "scores": dict}
"""What a run goes on by."""


class Journal:
    def __init__(self, path: Path):
        self.path = path
        self.entries: list[Entry] = list(_read(path)) if path.exists() else []

    def rewind(self, images: int) -> None:
        """Forgets what was written after `images` images: the rounds since the checkpoint are played again."""
        self.entries = [entry for entry in self.entries if entry["images"] <= images]
        whole = b"".join(map(_line, self.entries))
        if not self.path.exists() or self.path.read_bytes() != whole:
            atomic.write_bytes(self.path, whole)

    def add(self, entry: Entry) -> None:
        atomic.append_bytes(self.path, _line(entry))
        self.entries.append(entry)

    def at(self, images: int) -> Entry | None:
        """The report of exactly so many images."""
        return next((entry for entry in reversed(self.entries) if entry["images"] == images), None)

    def best(self, score: str) -> Entry | None:
        """The report with the lowest finite value of a score; None without one."""
        return best(self.entries, score)

    @property
    def seconds(self) -> float:
        return self.entries[-1]["seconds"] if self.entries else 0.0

    @property
    def scoring(self) -> float:
        """The share of the time that went into scores."""
        return sum(entry.get("scoring_seconds", 0.0) for entry in self.entries) / max(self.seconds, 1e-9)


def best(entries: Iterable[Entry], score: str) -> Entry | None:
    """The entry with the lowest finite value of a score; None without one."""
    scored = [entry for entry in entries if math.isfinite(entry["scores"].get(score, math.nan))]
    return min(scored, key=lambda entry: entry["scores"][score], default=None)


def _line(entry: Entry) -> bytes:
    return (json.dumps(entry) + "\n").encode()


def _read(path: Path) -> Iterator[Entry]:
    """Those lines that are whole."""
    for line in path.read_bytes().splitlines():
        try:
            entry = from_json(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and all(isinstance(entry.get(name), kind) for name, kind in NEEDED.items()):
            yield entry
