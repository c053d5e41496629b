"""The files of a zip, read in place: nothing is ever unpacked to the disk."""

import stat
from functools import partial
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile, ZipInfo

from sparring.data.image.file import UnreadableImage
from sparring.data.sources.folder import LABEL_FILE_NAME, NameFilter, is_image
from sparring.data.sources.item import FileItem, FileSource, LabelFile, escapes_root, sort_items
from sparring.errors import UserError, one_line

_MAX_ENTRY_BYTES = 2**28
"""Bytes an entry may unpack to."""
BOMB_RATIO, HARMLESS = 200, 2**23
"""An entry that unpacks to this many times its packed size is a bomb, unless that is no more than so many bytes."""
ENCRYPTED = 1


class Archive:
    """A zip that threads can share; sent to another process, it is opened there. Raises as ZipFile."""

    def __init__(self, path: Path):
        self._path, self._file, self._lock = path, ZipFile(path), Lock()

    def __reduce__(self):
        return Archive, (self._path,)

    def entries(self) -> list[ZipInfo]:
        return self._file.infolist()

    def read(self, entry: ZipInfo) -> bytes:
        with self._lock:  # zipfile counts its open entries, and not safely
            return self._file.read(entry)


def zip_source(path: Path, wanted: NameFilter = is_image) -> FileSource:
    """The entries of a zip that are wanted, by the rules of a folder. Hidden entries are passed over.

    Left out unopened: entries with an absolute or climbing path, links, encrypted ones, decompression bombs.

    Raises:
        UserError: the file is no zip, or can't be read.
    """
    try:
        archive = Archive(path.resolve())
        state = path.stat()
    except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
        reason = one_line(getattr(error, "strerror", None) or error)
        raise UserError(f"{one_line(path)} is damaged or no zip ({reason}): replace it") from None
    items: dict[str, FileItem] = {}
    broken: list[tuple[str, str]] = []
    for entry in archive.entries():
        place = entry.filename.replace("\\", "/")
        if not _is_visible(place, wanted):
            continue
        name = one_line(place)
        if why := _skip_reason(entry, name) or ("the same name twice" if name in items else None):
            broken.append((name, why))
        else:
            items[name] = FileItem(name, partial(_open_entry, archive, entry))
    labels = _own_labels(archive, broken)
    return FileSource(
        path.resolve(), sort_items(list(items.values())), tuple(broken), (state.st_size, state.st_mtime_ns), labels
    )


def _is_visible(place: str, wanted: NameFilter) -> bool:
    parts = place.split("/")
    return wanted(parts[-1]) and not any(part.startswith(".") and part not in (".", "..") for part in parts)


def _skip_reason(entry: ZipInfo, name: str) -> str | None:
    """Why an entry is better not opened."""
    if escapes_root(name):
        return "its path climbs out of the zip"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a link"
    if entry.flag_bits & ENCRYPTED:
        return "encrypted"
    bomb = entry.file_size > max(HARMLESS, BOMB_RATIO * entry.compress_size)
    if bomb or entry.file_size > _MAX_ENTRY_BYTES:
        return f"unpacks to {entry.file_size:,} bytes from {entry.compress_size:,}: a decompression bomb"
    return None


def _open_entry(archive: Archive, entry: ZipInfo) -> BinaryIO:
    """In memory; zipfile gives no more bytes than the entry says it holds."""
    try:
        return BytesIO(archive.read(entry))
    except Exception as error:  # each way to pack has errors of its own
        raise UnreadableImage(f"can't be unpacked: {one_line(error)}") from None


def _own_labels(archive: Archive, broken: list[tuple[str, str]]) -> LabelFile | None:
    entry = next((entry for entry in archive.entries() if entry.filename == LABEL_FILE_NAME), None)
    if entry is None:
        return None
    if why := _skip_reason(entry, LABEL_FILE_NAME):
        broken.append((LABEL_FILE_NAME, why))
        return None
    try:
        return LabelFile(LABEL_FILE_NAME, _open_entry(archive, entry).read())
    except UnreadableImage as error:
        broken.append((LABEL_FILE_NAME, str(error)))
        return None
