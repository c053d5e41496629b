"""Loads image pairs and two-domain data sets.

Layouts: `trainA` and `trainB` (with `testA`, `testB`), `A/train` and `B/train`, `A` and `B`, or both images side by
side in one file. Files of the same name form a pair. The image of B is the example and that of A its condition;
`--direction BtoA` swaps them.
"""

from collections.abc import Mapping
from dataclasses import replace
from os.path import splitext

import torch

from sparring.data.dataset import Dataset, Split, UnsplitDataset, split
from sparring.data.files import FileItem, FileSource, Skipped
from sparring.data.image.channels import CHANNEL_NAMES
from sparring.data.image.read import default_size, read_headers, read_images
from sparring.data.options import Options
from sparring.errors import UserError, one_line

SPLIT_FOLDERS = {"train": ("train",), "test": ("test", "val")}
_LISTED = 3
"""Unmatched names listed in a message."""
DomainFolders = dict[tuple[str, str], FileSource]
"""Sources by domain ("A", "B") and split ("train", "test")."""


def find_domains(source: FileSource, direction: str) -> DomainFolders | None:
    """Sources of two domains, or None if the folders are no domains.

    Plain `A` and `B` may be classes: they count as domains only if a direction is set.
    """
    found: dict[tuple[str, str], list[FileItem]] = {}
    for item in source.items:
        places = _domain_and_split(item.name, direction)
        if places:
            found.setdefault(places, []).append(item)
    if not {("A", "train"), ("B", "train")} <= set(found):
        return None
    return {key: _source(source, items, "".join(key)) for key, items in found.items()}


def _domain_and_split(name: str, direction: str) -> tuple[str, str] | None:
    """Domain and split of a file, from the innermost matching folders of its path."""
    folders = name.split("/")[:-1]
    for i in reversed(range(len(folders))):
        for part, words in SPLIT_FOLDERS.items():
            if folders[i][:-1] in words and folders[i][-1:] in ("A", "B"):
                return folders[i][-1], part
            if folders[i] in words and i and folders[i - 1] in ("A", "B"):
                return folders[i - 1], part
        if folders[i] in ("A", "B") and direction:
            return folders[i], "train"
    return None


def _source(source: FileSource, items: list[FileItem], key: str) -> FileSource:
    return replace(source, items=tuple(items), path=source.path / key, stamp=(*source.stamp, key), labels=None)


def load_domains(spec: str, folders: DomainFolders, options: Options) -> Dataset:
    """Loads two-domain folders. Raises UserError for a folder without usable images."""
    if options.labels:
        raise UserError("label files apply to a single domain: leave out --labels")
    size = options.size or default_size(read_headers(folders["B", "train"]))
    pools = _pools(folders, replace(options, size=size))
    broken: Skipped = tuple(dict.fromkeys(entry for pool in pools.values() for entry in pool.skipped))
    for (side, part), pool in pools.items():
        if not len(pool.examples):
            raise UserError(f"{one_line(spec)}: {part}{side} has no usable images")
    names = {key: [_stem(file) for file in pool.files] for key, pool in pools.items()}
    values = {key: pool.examples.values for key, pool in pools.items()}
    a, b = ("B", "A") if options.direction == "BtoA" else ("A", "B")
    parts, why = [], ""
    for part in SPLIT_FOLDERS:
        if (a, part) in values and (b, part) in values:
            sides = {side: (names[side, part], values[side, part]) for side in (a, b)}
            why = why or _mismatch(part, {side: sides[side][0] for side in sides})
            parts.append(_match(sides[a], sides[b]))
    train, test = (parts[0], parts[1]) if len(parts) > 1 else split(parts[0])
    train = train[torch.randperm(len(train), generator=torch.Generator().manual_seed(0))]  # files were sorted by name
    return Dataset.of(spec, train, test, (), broken, mirrored=options.flip, unpaired=why)


def _pools(folders: DomainFolders, options: Options) -> dict[tuple[str, str], UnsplitDataset]:
    """Images by domain and split; the test split is read with the channels of the train split."""
    pools: dict[tuple[str, str], UnsplitDataset] = {}
    for side, part in sorted(folders, key=lambda key: list(SPLIT_FOLDERS).index(key[1])):
        known = pools.get((side, "train"))
        same = options if known is None else _with_same_channels(known, options)
        pools[side, part] = read_images(folders[side, part], same)
    return pools


def _with_same_channels(pool: UnsplitDataset, options: Options) -> Options:
    """Options to read images with the channels of `pool`."""
    return replace(options, channels=CHANNEL_NAMES[pool.examples.values.shape[1]])


def load_side_by_side(spec: str, source: FileSource, options: Options) -> Dataset:
    """Loads files with A in the left half and B in the right, in folders `train` and `test` (or `val`), or in one."""
    height, width = options.size or default_size(read_headers(source))
    wide = replace(options, size=(height, 2 * width), fit="stretch")
    folders: dict[str, list[FileItem]] = {part: [] for part in SPLIT_FOLDERS}
    for item in source.items:
        words = item.name.split("/")[:-1]
        part = next((part for part, known in SPLIT_FOLDERS.items() if words and words[-1] in known), "train")
        folders[part].append(item)
    parts, broken = [], []
    for part, items in folders.items():
        if items:
            pool = read_images(_source(source, items, f"beside-{part}"), wide)  # the key of the cache
            wide = _with_same_channels(pool, wide)
            left, right = pool.examples.values.split(width, 3)
            a, b = (right, left) if options.direction == "BtoA" else (left, right)
            parts.append(Split(b.contiguous(), condition=a.contiguous()))
            broken += pool.skipped
    if not parts or not len(parts[0]):
        raise UserError(f"{one_line(spec)} has no usable side-by-side images")
    train, test = (parts[0], parts[1]) if len(parts) > 1 and len(parts[1]) else split(parts[0])
    return Dataset.of(spec, train, test, (), tuple(broken), mirrored=options.flip)


def _stem(name: str) -> str:
    return splitext(name.rsplit("/", 1)[-1])[0]


def _mismatch(part: str, names: Mapping[str, list[str]]) -> str:
    """Why the files form no pairs; empty if each has exactly one partner."""
    (a, first), (b, second) = sorted(names.items())
    alone = sorted(set(first) ^ set(second))
    if not alone and len(first) == len(second) == len(set(first)):
        return ""
    listed = ", ".join(alone[:_LISTED]) + (f" and {len(alone) - _LISTED} more" if len(alone) > _LISTED else "")
    counts = f"{part}{a} has {len(first)} images, {part}{b} {len(second)}"
    return f"{counts}; without a partner of the same name: {listed or 'none, but a name occurs twice'}"


def _match(a: tuple[list[str], torch.Tensor], b: tuple[list[str], torch.Tensor]) -> Split:
    """Images of B with those of A as condition: matched by name, or else in order, repeating the shorter list."""
    names, more = a
    if len(set(names)) == len(names) and sorted(names) == sorted(b[0]):
        at = {name: i for i, name in enumerate(names)}
        return Split(b[1], condition=more[torch.tensor([at[name] for name in b[0]])])
    every = torch.arange(max(len(more), len(b[1])))
    return Split(b[1][every % len(b[1])], condition=more[every % len(more)])
