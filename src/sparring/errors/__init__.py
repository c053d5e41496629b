"""The one error a person sees."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar


class UserError(Exception):
    """Bad input: one line that says what, where and what to do.

    The command line prints it and exits with 2, without a traceback.
    """

    reporting_rank_env: str | None = "LOCAL_RANK"
    """The number in the environment that is 0 in the processes that tell of it; None: all of them do. Of an error made
    by a command's own words, one process a node tells."""


class SharedError(UserError):
    """One that every process of a run raises, and the first one tells."""

    reporting_rank_env = "RANK"


class LostProcess(UserError):
    """Other processes of the run are gone, or can't be reached; which of those left will be heard can't be known."""

    reporting_rank_env = None


class MachineError(UserError):
    """What the machine did: memory, a device or a disk failed, or something was waited for too long."""

    reporting_rank_env = None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Text to add to an error: ` (did you mean 'x'?)` for the name most like this one in any case, "" for none."""
    known = {candidate.lower(): candidate for candidate in names}
    found = get_close_matches(name.lower(), known, n=1)
    return f" (did you mean '{known[found[0]]}'?)" if found else ""


def one_line(text: object) -> str:
    """A path or a foreign error as text that can be printed on one line: unprintable characters become spaces."""
    line = str(text)
    return (line if line.isprintable() else "".join(c if c.isprintable() else " " for c in line)).strip()


def shorten(error: Exception) -> str:
    """What a foreign error says, at most 160 characters of it, on one line."""
    return one_line(" ".join(str(error).split()))[:160] or type(error).__name__


T = TypeVar("T")


def lookup(entries: Mapping[str, T], what: str, name: str) -> T:
    """Raises UserError for a name that is not there, with the nearest one that is."""
    if name not in entries:
        raise UserError(f"no {what} '{name}'{did_you_mean(name, entries)}; there are: {', '.join(entries)}")
    return entries[name]
