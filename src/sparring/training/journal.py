"""`journal.jsonl`: one line a report. Each line is flushed whole; a torn last line, after a power cut, is ignored."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Entry = dict[str, Any]
NEEDED = {"images": int, "seconds": (int, float), "scores": dict}
"""What a run goes on by."""


class Journal:
    def __init__(self, path: Path):
        self.path = path
        self.entries: list[Entry] = list(_read(path)) if path.exists() else []

    def rewind(self, images: int) -> None:
        """Forgets what was written after `images` images: the rounds since the checkpoint are played again."""
        kept = [entry for entry in self.entries if entry["images"] <= images]
        if kept == self.entries:
            return
        self.entries = kept
        text = "".join(json.dumps(entry) + "\n" for entry in self.entries)
        aside = self.path.with_suffix(".part")
        aside.write_text(text)
        os.replace(aside, self.path)

    def add(self, entry: Entry) -> None:
        with open(self.path, "a") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.entries.append(entry)

    def best(self, score: str) -> float:
        """The lowest value of a score so far; infinity when it was never taken."""
        return min((entry["scores"][score] for entry in self.entries), default=float("inf"))

    @property
    def seconds(self) -> float:
        return self.entries[-1]["seconds"] if self.entries else 0.0

    @property
    def scoring(self) -> float:
        """The share of the time that went into scores."""
        return sum(entry.get("scoring_seconds", 0.0) for entry in self.entries) / max(self.seconds, 1e-9)


def _read(path: Path) -> Iterator[Entry]:
    """Up to the first line that is torn."""
    for line in path.read_bytes().splitlines():
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(entry, dict) or not entry.keys() >= NEEDED.keys():
            return
        if not all(isinstance(entry[name], kind) for name, kind in NEEDED.items()):
            return
        yield entry
