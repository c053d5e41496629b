"""Files that are there whole or not at all."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sparring.errors import UserError

T = TypeVar("T")

PART = ".part"
"""The ending of what is not finished."""


def from_json(text: str | bytes) -> Any:
    """What JSON says. Raises ValueError if it is none, or nested deeper than Python reads."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside `path`; what is written there is flushed to the disk and renamed to `path`, and the
    folder is flushed too: after a power cut either the old content is there or the new one.

    When anything fails the temporary file goes and `path` stays what it was. Raises UserError for a full disk and for
    a folder that can't be written.
    """
    aside = _aside(path)
    with _refusals(path):
        try:
            yield aside
            _flush(aside, os.O_RDWR)
            os.replace(aside, path)
            _flush(path.parent)
        except BaseException:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            raise


def write_bytes(path: Path, content: bytes) -> None:
    """Makes this the content of the file, as `written_aside` does."""
    with atomic_write(path) as aside:
        file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            _put(file, content)
        finally:
            os.close(file)


def append_bytes(path: Path, content: bytes) -> None:
    """Adds to a file that is there, and flushes it. When that fails the file is cut to what it was, and UserError says
    why; a power cut may leave a part of what was to be added."""
    with _refusals(path):
        file = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            size = os.fstat(file).st_size
            try:
                _put(file, content)
                os.fsync(file)
            except BaseException:
                with suppress(OSError):
                    os.ftruncate(file, size)
                raise
        finally:
            os.close(file)


def remove_file(path: Path) -> None:
    """Deletes a file, if it is there. Raises UserError if that can't be."""
    with _refusals(path):
        path.unlink(missing_ok=True)


def ensure_folder(folder: Path) -> None:
    """Makes a folder and those above it, where they are missing, so that they outlive a power cut. Raises UserError."""
    if folder.is_dir():
        return
    ensure_folder(folder.parent)
    with _refusals(folder):
        folder.mkdir(exist_ok=True)
        _flush(folder.parent)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Gives a new folder beside `folder`, which is renamed to it once it is filled: the folder is there with all that
    was put into it, or not at all. Raises UserError if it exists by then, with anything in it, or can't be made."""
    ensure_folder(folder.parent)
    aside = _aside(folder)
    with _refusals(folder):
        try:
            aside.mkdir()
            yield aside
            _flush(aside)
            os.rename(aside, folder)
            _flush(folder.parent)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise


def remove_partial_files(folder: Path) -> None:
    """Deletes what writers left behind when they were killed; nobody else may be writing there."""
    for left in folder.rglob(".*" + PART):
        remove_file(left)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}{PART}")


def _put(file: int, content: bytes) -> None:
    """All of it: the system may take less at a time."""
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]


def _flush(path: Path, flags: int = os.O_RDONLY) -> None:
    file = os.open(path, flags)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Says in one line that the disk refused."""
    try:
        yield
    except Exception as error:
        if reason := _disk(error):
            raise UserError(f"can't write {path}: {reason}; what was there before is unharmed") from None
        raise


@contextmanager
def output_target(out: Path, forms: Mapping[str, T], what: str) -> Iterator[T]:
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
        return error.strerror or str(error)
    return str(error) if "os error" in str(error).lower() else None


def cache_folder() -> Path:
    """Where downloads and fitted judges are kept: $XDG_CACHE_HOME/sparring, or ~/.cache/sparring."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sparring"
