"""Named files of a data source, with optional labels."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
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


_STYLEGAN_NAME = re.compile(r"\d{5}/img\d{8}\.\w+")


def escapes_root(name: str) -> bool:
    """Whether a name is absolute or has a ".." part. Pass the printable name: printing removes characters."""
    return name.startswith(("/", "\\")) or bool(re.match("[A-Za-z]:", name)) or ".." in re.split(r"[/\\]", name)


def normal_name(name: str) -> str:
    """The name in Unicode's form C: file systems and label files write the same letters in other forms."""
    return unicodedata.normalize("NFC", name)


def wrapping_folders(items: Sequence[FileItem]) -> list[str]:
    """Folders that hold all items, from "" to the innermost, such as "", "data/", "data/images/"."""
    levels = zip(*(item.name.split("/")[:-1] for item in items), strict=False)
    names = [folders[0] for folders in takewhile(lambda folders: len(set(folders)) == 1, levels)]
    return ["".join(f"{name}/" for name in names[:i]) for i in range(len(names) + 1)]


def sort_items(items: list[FileItem]) -> tuple[FileItem, ...]:
    """Sorted by path components, so that a folder's files stay together."""
    return tuple(sorted(items, key=lambda item: item.name.split("/")))


def with_folder_labels(items: tuple[FileItem, ...]) -> tuple[list[FileItem], list[tuple[str, str]]]:
    """Items labelled with their class folders, and the items skipped because they lie outside of any.

    Class folders are those of the first level with more than one entry (zips often wrap everything in one folder). With
    a single folder, items stay unlabelled; so do those in numbered folders as StyleGAN's tools write them, which hold
    1,000 images each.
    """
    wrap = len(wrapping_folders(items)[-1])
    paths = [item.name[wrap:].split("/") for item in items]
    folders = [path[0] if len(path) > 1 else None for path in paths]
    numbered = all(_STYLEGAN_NAME.fullmatch(item.name[wrap:]) for item in items)
    if numbered or len({*folders} - {None}) < 2:
        return list(items), []
    pairs = list(zip(items, folders, strict=True))
    outside = [(item.name, "outside the class folders") for item, folder in pairs if folder is None]
    return [replace(item, label=folder) for item, folder in pairs if folder is not None], outside
