"""Loads image pairs and two-domain data sets.

Layouts: `trainA` and `trainB` (with `testA`, `testB`), `train_A` and `train_B`, `A/train` and `B/train`, `A` and `B`,
or both images side by side in one file. Files of the same path below these folders form a pair. The image of B is the
example and that of A its condition; `--direction BtoA` swaps them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import splitext
from statistics import median
from unicodedata import normalize

import torch
from torch import Tensor

from sparring.data.dataset import Dataset, Split, UnsplitDataset, split
from sparring.data.files import FileItem, FileSource, Skipped
from sparring.data.image.channels import CHANNEL_NAMES
from sparring.data.image.file import Header
from sparring.data.image.read import default_size, read_headers, read_images
from sparring.data.layout import SPLIT_FOLDERS
from sparring.data.options import Options
from sparring.errors import UserError, one_line

_PARTNER = "its partner is left out"
_BESIDE = 1.5, 2.7
"""Width over height of a file with two images side by side, which need not be square."""
_LISTED = 3
"""Unmatched names listed in a message."""
DomainFolders = dict[tuple[str, str], FileSource]
"""Sources by domain ("A", "B") and split ("train", "test", "val")."""


def find_domains(source: FileSource, direction: str) -> DomainFolders | None:
    """Sources of two domains, or None if the folders are no domains.

    Plain `A` and `B` may be classes: they count as domains only if a direction is set.
    """
    found: dict[tuple[str, str], list[FileItem]] = {}
    for item in source.items:
        if place := _place(item.name):
            domain, part, _ = place
            if part or direction:
                found.setdefault((domain, part or "train"), []).append(item)
    if not {("A", "train"), ("B", "train")} <= set(found):
        return None
    return {key: _source(source, items, "".join(key)) for key, items in found.items()}


def _place(name: str) -> tuple[str, str, str] | None:
    """Domain, split ("" for plain `A` and `B`) and path below, by the innermost matching folders; None without any.

    The path has no ending and is in Unicode's composed form, so that it can be compared.
    """
    *folders, _ = words = normalize("NFC", splitext(name)[0]).split("/")
    for i in reversed(range(len(folders))):
        below = "/".join(words[i + 1 :])
        split_name, domain = re.sub("[-_ ]$", "", folders[i][:-1]).lower(), folders[i][-1:]
        for part, known in SPLIT_FOLDERS.items():
            if split_name in known and domain in ("A", "B"):
                return domain, part, below
            if folders[i].lower() in known and i and folders[i - 1] in ("A", "B"):
                return folders[i - 1], part, below
        if folders[i] in ("A", "B"):
            return folders[i], "", below
    return None


def _source(source: FileSource, items: list[FileItem], key: str) -> FileSource:
    return replace(source, items=tuple(items), path=source.path / key, stamp=(*source.stamp, key), labels=None)


def load_domains(spec: str, folders: DomainFolders, options: Options) -> Dataset:
    """Loads two-domain folders. Raises UserError for a folder without usable images.

    Without `test`, `val` is the test split; beside it, `val` is not read. An image with a damaged partner is left out.
    """
    if options.labels:
        raise UserError("label files apply to a single domain: leave out --labels")
    folders, unread = _without_spare_split(folders)
    size = options.size or default_size(read_headers(folders["B", "train"]))
    pools = _pools(folders, replace(options, size=size))
    for (side, part), pool in pools.items():
        if not len(pool.examples):
            raise UserError(f"{one_line(spec)}: {part}{side} has no usable images")
    left_out = [entry for pool in pools.values() for entry in pool.skipped]
    a, b = ("B", "A") if options.direction == "BtoA" else ("A", "B")
    parts, why = [], ""
    for part in SPLIT_FOLDERS:
        if (a, part) in pools and (b, part) in pools:
            sides = {side: _Side.of(pools[side, part]) for side in (a, b)}
            both = {a: sides[a].without_partners_of(sides[b]), b: sides[b].without_partners_of(sides[a])}
            if not _mismatch(part, both):
                left_out += [(file, _PARTNER) for side in (a, b) for file in {*sides[side].files} - {*both[side].files}]
                sides = both
            why = why or _mismatch(part, sides)
            parts.append(_match(sides[a], sides[b]))
    train, test = (parts[0], parts[1]) if len(parts) > 1 else split(parts[0])
    train = train[torch.randperm(len(train), generator=torch.Generator().manual_seed(0))]  # files were sorted by name
    skipped: Skipped = tuple(dict.fromkeys([*sorted(left_out), *unread]))
    return Dataset.of(spec, train, test, (), skipped, mirrored=options.flip, unpaired=why)


def _without_spare_split(folders: DomainFolders) -> tuple[DomainFolders, Skipped]:
    """The folders without those of `val` if there are some of `test`, and a remark that these are not read."""
    if not any(part == "test" for _, part in folders) or not any(part == "val" for _, part in folders):
        return folders, ()
    return {key: source for key, source in folders.items() if key[1] != "val"}, (("val", "not read, as there is test"),)


@dataclass(frozen=True, eq=False)
class _Side:
    """Images of a domain, with what they are matched by."""

    files: list[str]
    keys: list[str]
    values: Tensor
    damaged: set[str]
    """Keys of images left out."""

    @staticmethod
    def of(pool: UnsplitDataset) -> "_Side":
        files = list(pool.files)
        return _Side(files, [_key(f) for f in files], pool.examples.values, {_key(f) for f, _ in pool.skipped})

    def without_partners_of(self, other: "_Side") -> "_Side":
        """Without the images whose partner in `other` is damaged."""
        kept = [i for i, key in enumerate(self.keys) if key not in other.damaged or key in other.keys]
        files, keys = ([values[i] for i in kept] for values in (self.files, self.keys))
        return replace(self, files=files, keys=keys, values=self.values[kept])


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
    """Loads files with A in the left half and B in the right, in folders `train` and `test` (or `val`), or in one.

    Raises UserError for files that are not about twice as wide as high, unless the size of a half is given.
    """
    headers = [header for header in read_headers(source) if header]
    if options.size is None and headers and not _BESIDE[0] <= (shape := _median_ratio(headers)) <= _BESIDE[1]:
        raise UserError(
            f"{one_line(spec)} holds images {shape:.2g} times as wide as high, where two side by side are twice: use "
            "folders trainA and trainB, or give the size of a half (--size HEIGHTxWIDTH)"
        )
    height, width = options.size or default_size(headers)
    wide = replace(options, size=(height, 2 * width))
    folders: dict[str, list[FileItem]] = {part: [] for part in SPLIT_FOLDERS}
    for item in source.items:
        words = item.name.split("/")[:-1]
        part = next((part for part, known in SPLIT_FOLDERS.items() if words and words[-1].lower() in known), "train")
        folders[part].append(item)
    parts, broken = [], []
    for part, items in folders.items():
        if items and not (part == "val" and folders["test"]):
            pool = read_images(_source(source, items, f"halves-{part}"), wide, halves=True)  # the key of the cache
            wide = _with_same_channels(pool, wide)
            left, right = pool.examples.values.split(width, 3)
            a, b = (right, left) if options.direction == "BtoA" else (left, right)
            parts.append(Split(b.contiguous(), condition=a.contiguous()))
            broken += pool.skipped
    if not parts or not len(parts[0]):
        raise UserError(f"{one_line(spec)} has no usable side-by-side images")
    train, test = (parts[0], parts[1]) if len(parts) > 1 and len(parts[1]) else split(parts[0])
    return Dataset.of(spec, train, test, (), tuple(broken), mirrored=options.flip)


def _key(name: str) -> str:
    """What pairs are matched by."""
    place = _place(name)
    return place[2] if place else name


def _median_ratio(headers: Sequence[Header]) -> float:
    return median(header.size[1] / header.size[0] for header in headers)


def _mismatch(part: str, sides: Mapping[str, _Side]) -> str:
    """Why the files form no pairs; empty if each has exactly one partner."""
    (a, first), (b, second) = sorted((name, side.keys) for name, side in sides.items())
    alone = sorted(set(first) ^ set(second))
    if not alone and len(first) == len(second) == len(set(first)):
        return ""
    listed = ", ".join(alone[:_LISTED]) + (f" and {len(alone) - _LISTED} more" if len(alone) > _LISTED else "")
    counts = f"{part}{a} has {len(first)} images, {part}{b} {len(second)}"
    return f"{counts}; without a partner of the same name: {listed or 'none, but a name occurs twice'}"


def _match(a: _Side, b: _Side) -> Split:
    """Images of B with those of A as condition: matched by key, or else in order, repeating the shorter list."""
    if len(set(a.keys)) == len(a.keys) and sorted(a.keys) == sorted(b.keys):
        at = {key: i for i, key in enumerate(a.keys)}
        return Split(b.values, condition=a.values[torch.tensor([at[key] for key in b.keys])])
    every = torch.arange(max(len(a.values), len(b.values)))
    return Split(b.values[every % len(b.values)], condition=a.values[every % len(a.values)])
