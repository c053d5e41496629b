"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparring.errors import UserError


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


def _disk(error: Exception) -> str | None:
    """Why the disk refused, if it did; safetensors reports it as a text of its own."""
    if isinstance(error, OSError):
        return error.strerror
    return str(error) if "os error" in str(error).lower() else None


def cache() -> Path:
    """Where downloads and fitted judges are kept: $XDG_CACHE_HOME/sparring, or ~/.cache/sparring."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sparring"
