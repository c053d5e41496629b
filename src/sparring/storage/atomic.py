"""Atomic file and folder writes that survive power cuts."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sparring.errors import UserError
from sparring.storage.paths import file_ending

T = TypeVar("T")

PART = ".part"
"""Suffix of unfinished files."""


def from_json(text: str | bytes) -> Any:
    """Parses JSON. Raises ValueError for invalid JSON, and for JSON nested deeper than Python can parse."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yields a temporary path, then flushes the file, renames it to `path` and flushes the folder.

    After a power cut `path` has either its old or its new content. On an error the temporary file is deleted and `path`
    is unchanged. Raises UserError for a full disk and an unwritable folder.
    """
    aside = _temporary_path(path)
    with _disk_errors(path):
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
    """Writes a file with `atomic_write`."""
    with atomic_write(path) as aside:
        file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            _write_all(file, content)
        finally:
            os.close(file)


def append_bytes(path: Path, content: bytes) -> None:
    """Appends to an existing file and flushes it. On an error, truncates it to its old size and raises UserError.

    After a power cut a part of `content` may be there.
    """
    with _disk_errors(path):
        file = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            size = os.fstat(file).st_size
            try:
                _write_all(file, content)
                os.fsync(file)
            except BaseException:
                with suppress(OSError):
                    os.ftruncate(file, size)
                raise
        finally:
            os.close(file)


def remove_file(path: Path) -> None:
    """Deletes a file if it exists. Raises UserError if it can't be deleted."""
    with _disk_errors(path):
        path.unlink(missing_ok=True)


def ensure_folder(folder: Path) -> None:
    """Creates a folder and its parents, flushed to disk. Raises UserError if that fails."""
    if folder.is_dir():
        return
    ensure_folder(folder.parent)
    with _disk_errors(folder):
        folder.mkdir(exist_ok=True)
        _flush(folder.parent)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yields a temporary folder, then renames it to `folder`, which so exists complete or not at all.

    Raises UserError if `folder` exists and is not empty, or can't be created.
    """
    ensure_folder(folder.parent)
    aside = _temporary_path(folder)
    with _disk_errors(folder):
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
    """Deletes unfinished files of killed writers; no other process may be writing into the folder."""
    for path in folder.rglob(".*" + PART):
        remove_file(path)


def _temporary_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}{PART}")


def _write_all(file: int, content: bytes) -> None:
    """Writes all bytes: one call of `os.write` may write fewer."""
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
def _disk_errors(path: Path) -> Iterator[None]:
    """Converts disk errors to UserError."""
    try:
        yield
    except Exception as error:
        if reason := _disk_reason(error):
            raise UserError(f"can't write {path}: {reason}; the previous file is unchanged") from None
        raise


@contextmanager
def output_target(out: Path, forms: Mapping[str, T], what: str) -> Iterator[T]:
    """Yields the format of the path's ending, in capitals or not ("" stands for a folder).

    Raises UserError for another ending, an existing path, and a path that can't be written.
    """
    if (ending := file_ending(out)) not in forms:
        endings = ", ".join(suffix or "no ending (a folder)" for suffix in forms)
        raise UserError(f"can't write {what} as '{ending}': end --out with one of {endings}")
    if out.exists():
        raise UserError(f"{out} exists already: choose another --out")
    if ending and not out.parent.is_dir():
        raise UserError(f"there is no folder {out.parent} to write {out.name} into")
    try:
        yield forms[ending]
    except OSError as error:
        raise UserError(f"can't write {out}: {error.strerror}") from None


def _disk_reason(error: Exception) -> str | None:
    """The reason of a disk error, or None for other errors; safetensors reports it in its message."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error) if "os error" in str(error).lower() else None


def cache_folder() -> Path:
    """The cache for downloads and feature extractors: $XDG_CACHE_HOME/sparring, or ~/.cache/sparring."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sparring"
