"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sparring.errors import UserError

T = TypeVar("T")


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside `path`; what is written there is flushed to the disk and renamed to `path`.

    When anything fails the temporary file goes and `path` stays what it was. Raises UserError for a full disk and for
    a folder that can't be written.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield aside
        with open(aside, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(aside, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except Exception as error:
        aside.unlink(missing_ok=True)
        if reason := _disk(error):
            raise UserError(f"can't write {path}: {reason}; what was there before is unharmed") from None
        raise


@contextmanager
def to_write(out: Path, forms: Mapping[str, T], what: str) -> Iterator[T]:
    """Gives the form that the path's ending names ("" is a folder's), for `out` to be written in.

    Raises UserError for another ending, a path that exists, and one that can't be written.
    """
    if out.suffix not in forms:
        endings = ", ".join(suffix or "no ending (a folder)" for suffix in forms)
        raise UserError(f"can't write {what} as '{out.suffix}': end --out with one of {endings}")
    if out.exists():
        raise UserError(f"{out} exists already: choose another --out")
    if out.suffix and not out.parent.is_dir():
        raise UserError(f"there is no folder {out.parent} to write {out.name} into")
    try:
        yield forms[out.suffix]
    except OSError as error:
        raise UserError(f"can't write {out}: {error.strerror}") from None


def _disk(error: Exception) -> str | None:
    """Why the disk refused, if it did; safetensors reports it as a text of its own."""
    if isinstance(error, OSError):
        return error.strerror
    return str(error) if "os error" in str(error).lower() else None


def cache() -> Path:
    """Where downloads and fitted judges are kept: $XDG_CACHE_HOME/sparring, or ~/.cache/sparring."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sparring"
