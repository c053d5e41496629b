"""From named pictures to one pool: labels, sizes, decoding in threads, and the cache of the outcome."""

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
from sparring.data.image.channels import CHANNEL_COUNTS, stack_images
from sparring.data.image.file import Header, UnreadableImage, read_header, read_image
from sparring.data.options import Options
from sparring.data.sources.item import FileItem, FileSource, Label, LabelFile, with_folder_labels
from sparring.data.sources.labels import assign_labels, parse_labels, read_labels
from sparring.errors import UserError

LARGEST_BY_DEFAULT = 64
VERSION = 1
"""Of what is cached: raise it when the same files would be decoded otherwise."""
SkippedList = list[tuple[str, str]]
T = TypeVar("T")


def read_images(source: FileSource, options: Options) -> UnsplitDataset:
    """The usable images of a source as one tensor, from the cache if neither files nor options have changed.

    Images are turned upright (EXIF), laid on white unless transparency is kept, and brought to one size: by default a
    square of the largest multiple of 8 the shorter sides' median allows, 8 to 64. Smaller images are enlarged.

    A label file goes before the classes of folders. One named by the options must be readable and fit; a dataset.json
    that came along is listed as left out if it does not. Images without a label are left out then, and names that are
    no image's are listed.

    Raises:
        UserError: a label file that can't be read or fits nothing.
    """
    file = read_labels(Path(options.labels).expanduser()) if options.labels else source.labels
    key = cache_key(source, options, file)
    pool = cache.find(key)
    if pool is None:
        pool = _decoded(source, options, file)
        cache.store(key, pool)
    return pool


def read_headers(source: FileSource) -> list[Header | None]:
    """What each file says of itself; None for one that can't be used."""
    return _parallel(_header, source.items)


def default_size(found: Sequence[Header | None]) -> tuple[int, int]:
    """The size images are brought to when none is asked for."""
    sides = [min(each.size) for each in found if each]
    side = max(8, min(LARGEST_BY_DEFAULT, median_low(sides) // 8 * 8)) if sides else 8
    return side, side


def cache_key(source: FileSource, options: Options, file: LabelFile | None) -> str:
    digest = hashlib.sha256()
    told = (VERSION, str(source.path), source.skipped, options.size, options.fit, options.channels)
    labels = file and (file.name, hashlib.sha256(file.content).hexdigest())
    for part in (told, labels, *source.stamp):
        digest.update(repr(part).encode())
    return digest.hexdigest()


def _decoded(source: FileSource, options: Options, file: LabelFile | None) -> UnsplitDataset:
    items, attributes, broken = label_items(source, file, asked=options.labels is not None)
    size = options.size or default_size(_parallel(_header, items))
    arrays = _parallel(lambda item: _array(item, size, options.fit), items)
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
    """Items with their labels, the names of attributes, and what is left out."""
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
        return items, (), [*broken, (file.name, str(error))]
    return items, table.attributes, broken


def _by_source(source: FileSource) -> tuple[list[FileItem], SkippedList]:
    """Items of the classes they came with, if any came with one, else of their folders."""
    if not any(item.label for item in source.items):
        return with_folder_labels(source.items)
    bare = [(item.name, "of no class, where others are of one") for item in source.items if not item.label]
    return [item for item in source.items if item.label], bare


def encode_item_labels(labels: list[Label], attributes: tuple[str, ...]) -> tuple[tuple[str, ...], torch.Tensor | None]:
    if attributes:
        return attributes, torch.tensor(labels, dtype=torch.float32)
    return encode_labels([str(label) for label in labels]) if labels[0] is not None else ((), None)


def _header(item: FileItem) -> Header | None:
    try:
        return read_header(item.open)
    except UnreadableImage:
        return None


def _array(item: FileItem, size: tuple[int, int], fit: str) -> np.ndarray | str:
    """The image, or why there is none."""
    try:
        return read_image(item.open, size, fit)
    except UnreadableImage as error:
        return str(error)


def _parallel(call: Callable[[FileItem], T], items: Sequence[FileItem]) -> list[T]:
    # Pillow warns of bad EXIF and large images; what matters of that is told otherwise.
    with warnings.catch_warnings(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        warnings.simplefilter("ignore")
        return list(pool.map(call, items))
