"""Train and test split of images, by their folders or by chance."""

import torch

from sparring.data.dataset import Split, UnsplitDataset, split
from sparring.data.layout import below_splits, folder_splits

_MIN_TRAIN, _MIN_TEST = 12, 2


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
    below = below_splits(pool.files)
    top = sum("/" not in name for name in below)
    if pool.names or not 0 < top < len(below):
        return ()
    advice = "for classes, move every image into a folder"
    return (f"{top:,} images beside folders and {len(below) - top:,} in them are one set without classes; {advice}",)
