"""`journal.jsonl`: one line a report, flushed before the report's checkpoint.

A line torn by a power cut is ignored, and removed when the run goes on. Lines of version 1 are read as those of version
2, and rewritten so when the run goes on.
"""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sparring.metrics.protocol import current_protocol
from sparring.storage import atomic
from sparring.storage.atomic import from_json
from sparring.training.config.upgrade import entry_from_v1

Entry = dict[str, Any]
REQUIRED = {"examples": int, "seconds": (int, float), "scores": dict}
"""Keys of a line, without which it is ignored, and the types of their values."""


class Journal:
    def __init__(self, path: Path):
        self.path = path
        self.entries: list[Entry] = list(_read(path)) if path.exists() else []

    def rewind(self, examples: int) -> None:
        """Removes the entries after `examples` examples: the rounds since the checkpoint are played again."""
        self.entries = [entry for entry in self.entries if entry["examples"] <= examples]
        whole = b"".join(map(_line, self.entries))
        if not self.path.exists() or self.path.read_bytes() != whole:
            atomic.write_bytes(self.path, whole)

    def add(self, entry: Entry) -> None:
        atomic.append_bytes(self.path, _line(entry))
        self.entries.append(entry)

    def entry_at(self, examples: int) -> Entry | None:
        """The entry after exactly so many examples."""
        return next((entry for entry in reversed(self.entries) if entry["examples"] == examples), None)

    def best(self, score: str) -> Entry | None:
        """As `best`, of all entries."""
        return best(self.entries, score)

    @property
    def last(self) -> Entry | None:
        return self.entries[-1] if self.entries else None

    @property
    def seconds(self) -> float:
        return self.last["seconds"] if self.last else 0.0

    @property
    def scoring_share(self) -> float:
        """The share of the time that scores took."""
        return sum(entry.get("scoring_seconds", 0.0) for entry in self.entries) / max(self.seconds, 1e-9)


def best(entries: Iterable[Entry], score: str) -> Entry | None:
    """The entry with the lowest finite value of a score, of those scored by the last entry's protocol; None without
    one."""
    scored = [entry for entry in entries if math.isfinite(entry["scores"].get(score, math.nan))]
    scored = [entry for entry in scored if _comparable(entry, scored[-1])]
    return min(scored, key=lambda entry: entry["scores"][score], default=None)


def _comparable(a: Entry, b: Entry) -> bool:
    """Whether entries have the same protocol, or one has none."""
    protocols = [current_protocol(entry["protocol"]) for entry in (a, b) if "protocol" in entry]
    return len(set(protocols)) < 2


def _line(entry: Entry) -> bytes:
    return (json.dumps(entry) + "\n").encode()


def _read(path: Path) -> Iterator[Entry]:
    """The complete lines."""
    for line in path.read_bytes().splitlines():
        try:
            entry = entry_from_v1(from_json(line))
        except (ValueError, TypeError, AttributeError):
            continue
        if all(isinstance(entry.get(name), kind) for name, kind in REQUIRED.items()):
            yield entry
