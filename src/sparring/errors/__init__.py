"""Errors caused by the user or the machine, and helpers for their messages."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar


class UserError(Exception):
    """Bad input: one line that says what, where and what to do.

    The command line prints it and exits with 2, without a traceback.
    """

    reporting_rank_env: str | None = "LOCAL_RANK"
    """Environment variable that is 0 in the processes that print the error; None: all print it."""


class SharedError(UserError):
    """Raised by every process of a run; only the first prints it."""

    reporting_rank_env = "RANK"


class LostProcess(UserError):
    """Other processes of the run have ended or can't be reached; every remaining process prints it."""

    reporting_rank_env = None


class Interrupted(UserError):
    """Ctrl-C or SIGTERM ended work that has no result without its end."""


class MachineError(UserError):
    """Memory, a device or a disk failed, or an operation timed out."""

    reporting_rank_env = None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Suffix for an error: ` (did you mean 'x'?)` with the closest name, ignoring case; "" if none is close."""
    known = {candidate.lower(): candidate for candidate in names}
    matches = get_close_matches(name.lower(), known, n=1)
    return f" (did you mean '{known[matches[0]]}'?)" if matches else ""


def one_line(text: object) -> str:
    """A path or error as one printable line; unprintable characters become spaces."""
    line = str(text)
    return (line if line.isprintable() else "".join(c if c.isprintable() else " " for c in line)).strip()


def shorten(error: Exception) -> str:
    """The message of an error on one line, at most 160 characters; its type if the message is empty."""
    return one_line(" ".join(str(error).split()))[:160] or type(error).__name__


T = TypeVar("T")


def lookup(entries: Mapping[str, T], what: str, name: str) -> T:
    """The entry of this name. Raises UserError for an unknown name, with the closest known one."""
    if name not in entries:
        raise UserError(one_line(f"no {what} '{name}'{did_you_mean(name, entries)}; there are: {', '.join(entries)}"))
    return entries[name]
