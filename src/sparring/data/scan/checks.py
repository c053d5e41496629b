"""Every finding of images; the dict is the registry."""

from collections.abc import Callable, Sequence

from sparring.data.scan.copies import contradictory, duplicates, leaks, near_duplicates
from sparring.data.scan.finding import Issue
from sparring.data.scan.image_set import ScannedImages
from sparring.data.scan.images import blank, outliers, tiny
from sparring.data.scan.labels import imbalance, mislabelled
from sparring.data.sources.item import Skipped
from sparring.errors import lookup

CHECKS: dict[str, Callable[[ScannedImages], Issue]] = {
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
DROPPABLE = tuple(name for name in CHECKS if name not in ("leaks", "imbalance"))
"""Those whose suspects can be left out: leaks go with the copies they are, and a class can't help being rare."""


def run_checks(looked: ScannedImages, names: Sequence[str] = tuple(CHECKS)) -> tuple[Issue, ...]:
    """Those that found something, in the order of the names."""
    found = [CHECKS[name](looked) for name in names] if len(looked) else []
    return tuple(each for each in found if each.where)


def unusable_files(broken: Skipped) -> tuple[Issue, ...]:
    """What could not be read at all, as a finding."""
    what = f"{len(broken):,} files can't be used"
    todo = "replace them, or go on: training and spar data prepare leave them out"
    return (Issue("broken", what, broken, todo),) if broken else ()


def parse_drop(names: str) -> tuple[str, ...]:
    """What is to be left out, by names with commas between. Raises UserError for one that can't be."""
    wanted = tuple(dict.fromkeys(name.strip() for name in names.split(","))) if names else ()
    for name in wanted:
        lookup(dict.fromkeys(DROPPABLE), "finding to drop", name)
    return wanted
