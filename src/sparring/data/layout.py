"""What the folders of a data set mean: splits, classes, or nothing. Needs no torch, as decoding processes import it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import takewhile

from sparring.data.files import FileItem

SPLIT_FOLDERS = {
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "val": ("val", "valid", "validation", "eval"),
}
"""Names of folders, in lower case, by split."""
_STYLEGAN_NAME = re.compile(r"\d{5}/img\d{8}\.\w+")


def wrapping_folders(names: Iterable[str]) -> list[str]:
    """Folders that hold all files, from "" to the innermost, such as "", "data/", "data/images/"."""
    levels = zip(*(name.split("/")[:-1] for name in names), strict=False)
    common = [folders[0] for folders in takewhile(lambda folders: len(set(folders)) == 1, levels)]
    return ["".join(f"{name}/" for name in common[:i]) for i in range(len(common) + 1)]


def folder_splits(names: Sequence[str]) -> list[str]:
    """The split of each file, of "train", "test" and "val", by the outermost folder that not all files share.

    Empty unless every file is in such a folder, and some are for training and others not.
    """
    wrap = len(wrapping_folders(names)[-1])
    split_of = {folder: part for part, folders in SPLIT_FOLDERS.items() for folder in folders}
    parts = [split_of.get(name[wrap:].partition("/")[0].lower() if "/" in name[wrap:] else "", "") for name in names]
    return parts if all(parts) and "train" in parts and len(set(parts)) > 1 else []


def with_folder_labels(items: tuple[FileItem, ...]) -> tuple[list[FileItem], list[tuple[str, str]]]:
    """Items labelled with their class folders, and the items skipped because they lie outside of any.

    Class folders are the first below wrapping folders and folders of splits. Items stay unlabelled with a single class
    folder, with more images outside of class folders than in them, and in numbered folders of 1,000 images as
    StyleGAN's tools write them.
    """
    below = below_splits([item.name for item in items])
    folders = [name.partition("/")[0] if "/" in name else None for name in below]
    outside = folders.count(None)
    numbered = all(map(_STYLEGAN_NAME.fullmatch, below))
    if numbered or len({*folders} - {None}) < 2 or outside > len(folders) - outside:
        return list(items), []
    pairs = list(zip(items, folders, strict=True))
    skipped = [(item.name, "outside the class folders") for item, folder in pairs if folder is None]
    return [replace(item, label=folder) for item, folder in pairs if folder is not None], skipped


def below_splits(names: Sequence[str]) -> list[str]:
    """Paths below wrapping folders, and below those of splits."""
    for _ in range(2):
        wrap = len(wrapping_folders(names)[-1])
        is_split = bool(folder_splits(names))
        names = [name[wrap:] for name in names]
        if not is_split:
            break
        names = [name.partition("/")[2] for name in names]
    return list(names)
