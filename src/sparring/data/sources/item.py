"""What a folder, a zip and a parquet file have in common: named pictures, perhaps of a class."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

Label = str | tuple[float, ...] | None
"""A class, an attribute vector, or nothing known."""
Skipped = tuple[tuple[str, str], ...]
"""Files left out, with the reason."""


@dataclass(frozen=True)
class FileItem:
    name: str
    """Path inside the source, printable, with forward slashes."""
    open: Callable[[], BinaryIO]
    """Its bytes as a seekable file. May raise `Unusable` or anything a reader raises."""
    label: Label = None


@dataclass(frozen=True)
class LabelFile:
    name: str
    """For messages."""
    content: bytes


@dataclass(frozen=True)
class FileSource:
    """Can be sent to another process."""

    path: Path
    items: tuple[FileItem, ...]
    """By name."""
    skipped: Skipped
    """What was left out unopened, with the reason."""
    stamp: tuple[object, ...]
    """Changes when a file does: names, sizes, times of change."""
    labels: LabelFile | None = None
    """The dataset.json that came along."""


def escapes_root(name: str) -> bool:
    """Whether an item's name leads out of the place that it is looked for, or written, in. It is to be the name as it
    is used in the end: making it printable takes characters away."""
    return name.startswith(("/", "\\")) or bool(re.match("[A-Za-z]:", name)) or ".." in re.split(r"[/\\]", name)


def sort_items(items: list[FileItem]) -> tuple[FileItem, ...]:
    """By name, a folder's files together."""
    return tuple(sorted(items, key=lambda item: item.name.split("/")))


def with_folder_labels(items: tuple[FileItem, ...]) -> tuple[list[FileItem], list[tuple[str, str]]]:
    """Items of the classes their folders make, and those left out: images beside the class folders.

    The folders of the first level are classes, counted from the first level that holds more than one thing (zips often
    wrap all they hold in a folder). A single folder is no class.
    """
    places = [item.name.split("/") for item in items]
    while places and all(len(place) > 1 for place in places) and len({place[0] for place in places}) == 1:
        places = [place[1:] for place in places]
    folders = [place[0] if len(place) > 1 else None for place in places]
    if len({folder for folder in folders} - {None}) < 2:
        return list(items), []
    pairs = list(zip(items, folders, strict=True))
    beside = [(item.name, "beside the class folders, so of no class") for item, folder in pairs if folder is None]
    return [replace(item, label=folder) for item, folder in pairs if folder is not None], beside
