"""Issues found in a data set, and their text."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sparring.data.files import Skipped
from sparring.errors import one_line

_LISTED = 10
"""Suspects listed per issue."""


@dataclass(frozen=True)
class Issue:
    name: str
    what: str
    """One sentence, with a count."""
    where: Skipped
    """(suspect, reason) pairs."""
    todo: str
    """Recommended action."""
    which: tuple[int, ...] = ()
    """Example indices of the suspects; empty if they are classes or columns."""
    beside: tuple[int, ...] = ()
    """Index of the example each suspect resembles, if any."""


@dataclass(frozen=True)
class ScanSummary:
    """Scan result of a SPEC."""

    spec: str
    examples: int
    """Number of usable examples."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON-serialisable values."""
        return asdict(self)


def summary_table(spec: str, rows: Mapping[str, str], findings: Sequence[Issue]) -> str:
    """Text summary: one line per non-empty row, then the issues."""
    lines = [f"{name:<10}  {text}" for name, text in rows.items() if text]
    return "\n".join([one_line(spec), *lines, *issue_lines(findings)])


def count_values(words: Iterable[str]) -> dict[str, int]:
    """Number of occurrences, most frequent first, ties alphabetically."""
    return dict(sorted(Counter(words).items(), key=lambda pair: (-pair[1], pair[0])))


def counts_text(counts: Mapping[str, int], most: int) -> str:
    """One line such as "a: 3, b: 1, and 2 more"."""
    shown = ", ".join(f"{name}: {n:,}" for name, n in list(counts.items())[:most])
    return shown + (f", and {len(counts) - most:,} more" if len(counts) > most else "")


def issue_lines(findings: Sequence[Issue]) -> list[str]:
    """Text lines of the issues, with up to 10 suspects each."""
    lines = []
    for found in findings:
        more = len(found.where) - _LISTED
        lines += [f"{found.name}: {found.what}", *(f"  {name}: {why}" for name, why in found.where[:_LISTED])]
        lines += [*([f"  and {more:,} more"] if more > 0 else []), f"  → {found.todo}"]
    return lines or ["no issues found"]
