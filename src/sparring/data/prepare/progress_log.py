"""What of a set is prepared already: a file of a JSON object a line, one of each piece that was decoded."""

import os
from pathlib import Path

from sparring.storage.atomic import from_json


def read_progress(path: Path) -> tuple[set[int], dict[int, str], bool]:
    """The items that were decoded before, those of them that were left out, and whether suspects are among these.

    A torn last line is no line, and is cut off: what is noted next is to be a line of its own.
    """
    suspected, done, whole = False, set(), 0
    broken: dict[int, str] = {}
    if not path.exists():
        return done, broken, suspected
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            held = from_json(line)
        except ValueError:
            break
        if not line.endswith(b"\n"):
            break
        whole += len(line)
        done.update(held["items"])
        broken |= {int(i): why for i, why in held["broken"]}
        suspected |= held.get("suspected", False)
    os.truncate(path, whole)
    return done, broken, suspected
