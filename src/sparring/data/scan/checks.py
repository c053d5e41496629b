"""Registry of image checks."""

from collections.abc import Callable, Sequence

from sparring.data.files import Skipped
from sparring.data.scan.copies import contradictory, duplicates, leaks, near_duplicates
from sparring.data.scan.finding import Issue
from sparring.data.scan.image_set import ScannedImages
from sparring.data.scan.images import blank, outliers, tiny
from sparring.data.scan.labels import imbalance, mislabelled
from sparring.errors import lookup

IMAGE_CHECKS: dict[str, Callable[[ScannedImages], Issue]] = {
    "duplicates": duplicates,
    "near-duplicates": near_duplicates,
    "contradictory": contradictory,
    "leaks": leaks,
    "blank": blank,
    "tiny": tiny,
    "outliers": outliers,
    "mislabelled": mislabelled,
    "imbalance": imbalance,
}
DROPPABLE = tuple(name for name in IMAGE_CHECKS if name not in ("leaks", "imbalance"))
"""Checks whose suspects `data prepare --drop` can leave out; leaks are removed as duplicates."""


def run_checks(images: ScannedImages, names: Sequence[str] = tuple(IMAGE_CHECKS)) -> tuple[Issue, ...]:
    """Runs the named checks; returns the issues they found."""
    found = [IMAGE_CHECKS[name](images) for name in names] if len(images) else []
    return tuple(each for each in found if each.where)


def unusable_files(skipped: Skipped) -> tuple[Issue, ...]:
    """An issue that lists the skipped files; empty without any."""
    what = f"{len(skipped):,} files are unusable"
    todo = "replace them, or ignore this: training and spar data prepare skip them"
    return (Issue("broken", what, skipped, todo),) if skipped else ()


def parse_drop(names: str) -> tuple[str, ...]:
    """Names of checks from a comma-separated list. Raises UserError for a name not in `DROPPABLE`."""
    wanted = tuple(dict.fromkeys(name.strip() for name in names.split(","))) if names else ()
    for name in wanted:
        lookup(dict.fromkeys(DROPPABLE), "check to drop", name)
    return wanted
