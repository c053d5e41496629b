"""Files of a zip archive, read in place."""

import stat
from functools import partial
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile, ZipInfo

from sparring.data.files import FileItem, FileSource, LabelFile, escapes_root, sort_items
from sparring.data.image.file import UnreadableImage
from sparring.data.layout import wrapping_folders
from sparring.data.limits import max_unpacked
from sparring.data.sources.folder import LABEL_FILE_NAME, SYSTEM_FOLDERS, NameFilter, is_image
from sparring.errors import UserError, one_line

_MAX_ENTRY_BYTES = 2**28
"""Size limit of an unpacked entry, in bytes."""
ENCRYPTED = 1


class Archive:
    """A thread-safe, picklable zip reader. Raises as ZipFile."""

    def __init__(self, path: Path):
        self._path, self._file, self._lock = path, ZipFile(path), Lock()

    def __reduce__(self):
        return Archive, (self._path,)

    def entries(self) -> list[ZipInfo]:
        return self._file.infolist()

    def read(self, entry: ZipInfo) -> bytes:
        with self._lock:  # zipfile's counter of open entries is not thread-safe
            return self._file.read(entry)


def zip_source(path: Path, selects: NameFilter = is_image) -> FileSource:
    """The selected entries of a zip, sorted by name. Hidden entries are ignored.

    Entries with unsafe paths, links, encrypted entries and decompression bombs are skipped without opening them.

    Raises:
        UserError: the file is not a zip, or is unreadable.
    """
    try:
        archive = Archive(path.resolve())
        state = path.stat()
    except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
        reason = one_line(getattr(error, "strerror", None) or error)
        raise UserError(f"{one_line(path)} is damaged or not a zip ({reason}): replace it") from None
    items: dict[str, FileItem] = {}
    skipped: list[tuple[str, str]] = []
    system_folders: dict[str, str] = {}
    for entry in archive.entries():
        path_in_zip = entry.filename.replace("\\", "/")
        if not _is_visible(path_in_zip, selects):
            continue
        name = one_line(path_in_zip)
        if system := next((part for part in name.split("/")[:-1] if part in SYSTEM_FOLDERS), None):
            system_folders[name.partition(f"{system}/")[0] + f"{system}/"] = "a system folder"
            continue
        if why := _skip_reason(entry, name) or ("duplicate name" if name in items else None):
            skipped.append((name, why))
        else:
            items[name] = FileItem(name, partial(_open_entry, archive, entry))
    skipped += system_folders.items()
    labels = _own_labels(archive, list(items.values()), skipped)
    return FileSource(
        path.resolve(), sort_items(list(items.values())), tuple(skipped), (state.st_size, state.st_mtime_ns), labels
    )


def _is_visible(path_in_zip: str, selects: NameFilter) -> bool:
    parts = path_in_zip.split("/")
    return selects(parts[-1]) and not any(part.startswith(".") and part not in (".", "..") for part in parts)


def _skip_reason(entry: ZipInfo, name: str) -> str | None:
    """Why an entry must not be opened, or None."""
    if escapes_root(name):
        return "its path leads outside the zip"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a link"
    if entry.flag_bits & ENCRYPTED:
        return "encrypted"
    if entry.file_size > min(_MAX_ENTRY_BYTES, max_unpacked(entry.compress_size)):
        return f"unpacks to {entry.file_size:,} bytes from {entry.compress_size:,}: a decompression bomb"
    return None


def _open_entry(archive: Archive, entry: ZipInfo) -> BinaryIO:
    """The entry in memory; zipfile returns no more bytes than its header declares."""
    try:
        return BytesIO(archive.read(entry))
    except Exception as error:  # each compression method has errors of its own
        raise UnreadableImage(f"can't be unpacked: {one_line(error)}") from None


def _own_labels(archive: Archive, items: list[FileItem], skipped: list[tuple[str, str]]) -> LabelFile | None:
    """The label file at the top, or in a folder that holds all items."""
    entries = {entry.filename: entry for entry in archive.entries()}
    names = [folder + LABEL_FILE_NAME for folder in wrapping_folders([item.name for item in items])]
    entry = next((entries[name] for name in names if name in entries), None)
    if entry is None:
        return None
    if why := _skip_reason(entry, LABEL_FILE_NAME):
        skipped.append((LABEL_FILE_NAME, why))
        return None
    try:
        return LabelFile(LABEL_FILE_NAME, _open_entry(archive, entry).read())
    except UnreadableImage as error:
        skipped.append((LABEL_FILE_NAME, str(error)))
        return None
