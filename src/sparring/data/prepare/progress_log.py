"""Progress log of `data prepare`: one JSON line per decoded batch."""

import os
from pathlib import Path

from sparring.storage.atomic import from_json


def read_progress(path: Path) -> tuple[set[int], dict[int, str], bool]:
    """Decoded items, skipped items with the reason, and whether suspects were searched.

    Truncates a partially written last line, so that the next entry starts on a new line.
    """
    suspected, done, valid_bytes = False, set(), 0
    skipped: dict[int, str] = {}
    if not path.exists():
        return done, skipped, suspected
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            entry = from_json(line)
        except ValueError:
            break
        if not line.endswith(b"\n"):
            break
        valid_bytes += len(line)
        done.update(entry["items"])
        skipped |= {int(i): why for i, why in entry["broken"]}
        suspected |= entry.get("suspected", False)
    os.truncate(path, valid_bytes)
    return done, skipped, suspected
