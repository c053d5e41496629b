"""Named files of a data source, with optional labels."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

Label = str | tuple[float, ...] | None
"""A class name, an attribute vector, or None for unlabelled."""
Skipped = tuple[tuple[str, str], ...]
"""(file, reason) for each file left out."""


@dataclass(frozen=True)
class FileItem:
    name: str
    """Printable path inside the source, with forward slashes."""
    open: Callable[[], BinaryIO]
    """Opens the file for reading, seekable. May raise `UnreadableImage` or any error of the reader."""
    label: Label = None


@dataclass(frozen=True)
class LabelFile:
    name: str
    """Printable; for messages and for its suffix."""
    content: bytes


@dataclass(frozen=True)
class FileSource:
    """The files of a folder, archive or table. Picklable."""

    path: Path
    items: tuple[FileItem, ...]
    """Sorted by name."""
    skipped: Skipped
    """Files left out without opening them."""
    stamp: tuple[object, ...]
    """Names, sizes and modification times: changes if a file changes."""
    labels: LabelFile | None = None
    """The dataset.json of the source, if it has one."""


def escapes_root(name: str) -> bool:
    """Whether a name is absolute or has a ".." part. Pass the printable name: printing removes characters."""
    return name.startswith(("/", "\\")) or bool(re.match("[A-Za-z]:", name)) or ".." in re.split(r"[/\\]", name)


def normal_name(name: str) -> str:
    """The name in Unicode's form C: file systems and label files write the same letters in other forms."""
    return unicodedata.normalize("NFC", name)


def sort_items(items: list[FileItem]) -> tuple[FileItem, ...]:
    """Sorted by path components, so that a folder's files stay together."""
    return tuple(sorted(items, key=lambda item: item.name.split("/")))
