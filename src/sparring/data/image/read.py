"""Decodes the images of a source in threads, with labels and cache."""

import hashlib
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median_low
from typing import TypeVar

import numpy as np
import torch

from sparring.data import cache
from sparring.data.dataset import Split, UnsplitDataset, encode_labels
from sparring.data.files import FileItem, FileSource, Label, LabelFile
from sparring.data.image.channels import CHANNEL_COUNTS, stack_images
from sparring.data.image.file import Header, UnreadableImage, read_header, read_image
from sparring.data.label_files import assign_labels, parse_labels, read_labels
from sparring.data.layout import with_folder_labels
from sparring.data.options import Options
from sparring.errors import UserError

LARGEST_BY_DEFAULT = 64
VERSION = 2
"""Version of cached images: increase it when decoding changes."""
SkippedList = list[tuple[str, str]]
T = TypeVar("T")


def read_images(source: FileSource, options: Options, halves: bool = False) -> UnsplitDataset:
    """The usable images of a source, uint8 (n, c, h, w), from the cache if files and options are unchanged.

    Images are rotated by EXIF, composited over white unless alpha is kept, and resized: by default to a square whose
    side is the median shorter side, rounded down to a multiple of 8, between 8 and 64.

    A label file takes precedence over class folders; images without a label in it are then skipped. A file set in the
    options must match; the source's own dataset.json is listed as skipped if it does not.

    Args:
        halves: each file holds two images side by side, which are resized one by one; the source's stamp tells it.

    Raises:
        UserError: an unreadable or unrelated label file.
    """
    file = read_labels(Path(options.labels).expanduser()) if options.labels else source.labels
    key = cache_key(source, options, file)
    pool = cache.find(key)
    if pool is None:
        pool = _decoded(source, options, file, halves)
        cache.store(key, pool)
    return pool


def read_headers(source: FileSource) -> list[Header | None]:
    """Header of each file; None for unusable files."""
    return _parallel(_header, source.items)


def default_size(found: Sequence[Header | None]) -> tuple[int, int]:
    """Default image size: a square of 8 to 64 pixels, by the median shorter side."""
    sides = [min(each.size) for each in found if each]
    side = max(8, min(LARGEST_BY_DEFAULT, median_low(sides) // 8 * 8)) if sides else 8
    return side, side


def cache_key(source: FileSource, options: Options, file: LabelFile | None) -> str:
    """sha256 of files, decoding options and label file."""
    digest = hashlib.sha256()
    settings = (VERSION, str(source.path), source.skipped, options.size, options.fit, options.channels)
    labels = file and (file.name, hashlib.sha256(file.content).hexdigest())
    for part in (settings, labels, *source.stamp):
        digest.update(repr(part).encode())
    return digest.hexdigest()


def _decoded(source: FileSource, options: Options, file: LabelFile | None, halves: bool) -> UnsplitDataset:
    items, attributes, broken = label_items(source, file, asked=options.labels is not None)
    size = options.size or default_size(_parallel(_header, items))
    arrays = _parallel(lambda item: _array(item, size, options.fit, halves), items)
    broken += [(item.name, why) for item, why in zip(items, arrays, strict=True) if isinstance(why, str)]
    good = [(item, array) for item, array in zip(items, arrays, strict=True) if isinstance(array, np.ndarray)]
    left = tuple(sorted({*source.skipped, *broken}))
    if not good:
        return UnsplitDataset(Split(torch.empty(0, CHANNEL_COUNTS["grey"], *size, dtype=torch.uint8)), (), left)
    values = torch.from_numpy(stack_images([array for _, array in good], options.channels))
    names, labels = encode_item_labels([item.label for item, _ in good], attributes)
    return UnsplitDataset(Split(values, labels), names, left, tuple(item.name for item, _ in good))


def label_items(
    source: FileSource, file: LabelFile | None, asked: bool
) -> tuple[list[FileItem], tuple[str, ...], SkippedList]:
    """Labelled items, attribute names, and skipped items.

    Args:
        asked: whether the user named the label file; then a mismatch raises UserError.
    """
    if file is None:
        items, broken = _by_source(source)
        return items, (), broken
    try:
        table = parse_labels(file)
        items, broken = assign_labels(source, table, file.name)
    except UserError as error:
        if asked:
            raise
        items, broken = _by_source(source)
        return items, (), [*broken, (file.name, str(error).removeprefix(f"{file.name}: "))]
    return items, table.attributes, broken


def _by_source(source: FileSource) -> tuple[list[FileItem], SkippedList]:
    """Items with the source's own classes, if any has one, else with their folders' classes."""
    if not any(item.label for item in source.items):
        return with_folder_labels(source.items)
    unlabelled = [(item.name, "no class, but others have one") for item in source.items if not item.label]
    return [item for item in source.items if item.label], unlabelled


def encode_item_labels(labels: list[Label], attributes: tuple[str, ...]) -> tuple[tuple[str, ...], torch.Tensor | None]:
    """Class or attribute names, and labels as int64 (n,) or float32 (n, k)."""
    if attributes:
        return attributes, torch.tensor(labels, dtype=torch.float32)
    return encode_labels([str(label) for label in labels]) if labels[0] is not None else ((), None)


def _header(item: FileItem) -> Header | None:
    try:
        return read_header(item.open)
    except UnreadableImage:
        return None


def _array(item: FileItem, size: tuple[int, int], fit: str, halves: bool) -> np.ndarray | str:
    """The decoded image, or the reason why it is unusable."""
    try:
        return read_image(item.open, size, fit, halves)
    except UnreadableImage as error:
        return str(error)


def _parallel(call: Callable[[FileItem], T], items: Sequence[FileItem]) -> list[T]:
    # Pillow's warnings on EXIF and image sizes are checked elsewhere.
    with warnings.catch_warnings(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        warnings.simplefilter("ignore")
        return list(pool.map(call, items))
