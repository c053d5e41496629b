"""One thing that was found in a data set."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sparring.data.sources.item import Skipped
from sparring.errors import one_line

_LISTED = 10
"""Suspects of a finding that are listed for a person."""


@dataclass(frozen=True)
class Issue:
    name: str
    what: str
    """What was found, with a count, in a sentence."""
    where: Skipped
    """Each suspect with the reason."""
    todo: str
    which: tuple[int, ...] = ()
    """Indices of the suspects among the examples; empty where they are no examples, but classes or columns."""
    beside: tuple[int, ...] = ()
    """Of each suspect, the example it is to be compared with, if there is one."""


@dataclass(frozen=True)
class ScanSummary:
    """What a SPEC holds."""

    spec: str
    examples: int
    """Usable ones."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def summary_table(spec: str, rows: Mapping[str, str], findings: Sequence[Issue]) -> str:
    """For a person: a line a fact, those that say nothing left out, then the findings."""
    facts = [f"{name:<10}  {text}" for name, text in rows.items() if text]
    return "\n".join([one_line(spec), *facts, *issue_lines(findings)])


def count_values(words: Iterable[str]) -> dict[str, int]:
    """Counts, most first, then by the alphabet."""
    return dict(sorted(Counter(words).items(), key=lambda pair: (-pair[1], pair[0])))


def counts_text(counts: Mapping[str, int], most: int) -> str:
    """For a person, in a line."""
    shown = ", ".join(f"{name}: {n:,}" for name, n in list(counts.items())[:most])
    return shown + (f", and {len(counts) - most:,} more" if len(counts) > most else "")


def issue_lines(findings: Sequence[Issue]) -> list[str]:
    """For a person, in lines."""
    lines = []
    for found in findings:
        more = len(found.where) - _LISTED
        lines += [f"{found.name}: {found.what}", *(f"  {name}: {why}" for name, why in found.where[:_LISTED])]
        lines += [*([f"  and {more:,} more"] if more > 0 else []), f"  → {found.todo}"]
    return lines or ["nothing suspicious was found"]
