"""What the folders of a data set mean: splits, classes, or nothing."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import takewhile

import torch

from sparring.data.dataset import Split, UnsplitDataset, split
from sparring.data.files import FileItem

SPLIT_FOLDERS = {
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "val": ("val", "valid", "validation", "eval"),
}
"""Names of folders, in lower case, by split."""
_MIN_TRAIN, _MIN_TEST = 12, 2
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
    below = _below_splits([item.name for item in items])
    folders = [name.partition("/")[0] if "/" in name else None for name in below]
    outside = folders.count(None)
    numbered = all(map(_STYLEGAN_NAME.fullmatch, below))
    if numbered or len({*folders} - {None}) < 2 or outside > len(folders) - outside:
        return list(items), []
    pairs = list(zip(items, folders, strict=True))
    skipped = [(item.name, "outside the class folders") for item, folder in pairs if folder is None]
    return [replace(item, label=folder) for item, folder in pairs if folder is not None], skipped


def _below_splits(names: Sequence[str]) -> list[str]:
    """Paths below wrapping folders, and below those of splits."""
    for _ in range(2):
        wrap = len(wrapping_folders(names)[-1])
        is_split = bool(folder_splits(names))
        names = [name[wrap:] for name in names]
        if not is_split:
            break
        names = [name.partition("/")[2] for name in names]
    return list(names)


def split_pool(pool: UnsplitDataset) -> tuple[Split, Split, tuple[str, ...]]:
    """Train and test split, and remarks on what the folders were taken for.

    Folders of splits are used as such: `test`, or else `val`, is the test split. Without them, or with too few images
    in them, every sixth image is for testing.
    """
    parts = folder_splits(pool.files) if pool.files else []
    if not parts:
        return *split(pool.examples), _mixed_levels(pool)
    held_out = "test" if "test" in parts else "val"
    train, test = (torch.tensor([part == name for part in parts]).nonzero()[:, 0] for name in ("train", held_out))
    if len(train) < _MIN_TRAIN or len(test) < _MIN_TEST:
        counts = f"{len(train)} and {len(test)}"
        remark = f"folders of splits hold too few images ({counts}): every sixth image is for testing"
        return *split(pool.examples), (remark,)
    spare = len(parts) - len(train) - len(test)
    unused = f"; {spare:,} of val are not used" if spare else ""
    remark = f"folders are splits: {len(train):,} images for training, {len(test):,} of {held_out} for testing{unused}"
    shuffled = train[torch.randperm(len(train), generator=torch.Generator().manual_seed(0))]  # files are sorted by name
    return pool.examples[shuffled], pool.examples[test], (remark,)


def _mixed_levels(pool: UnsplitDataset) -> tuple[str, ...]:
    """A remark if there are images both beside folders and in them, which are one set without classes."""
    below = _below_splits(pool.files)
    top = sum("/" not in name for name in below)
    if pool.names or not 0 < top < len(below):
        return ()
    advice = "for classes, move every image into a folder"
    return (f"{top:,} images beside folders and {len(below) - top:,} in them are one set without classes; {advice}",)
