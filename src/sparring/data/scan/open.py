"""Opens a SPEC for scanning."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from sparring.data.dataset import Dataset, Split, UnsplitDataset, split
from sparring.data.files import FileSource
from sparring.data.image.channels import CHANNEL_NAMES
from sparring.data.image.file import Header
from sparring.data.image.read import read_headers, read_images
from sparring.data.load import file_source, is_ready, load_ready, read_unsplit
from sparring.data.options import Options
from sparring.data.scan.image_set import ScannedImages, index_concatenated
from sparring.errors import UserError, one_line


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """Image files with their headers and decoded images."""

    source: FileSource
    headers: Sequence[Header | None]
    """Header of each item; None if unusable."""
    pool: UnsplitDataset


OpenedSpec = Dataset | UnsplitDataset | ImageFiles
"""A loaded data set, arrays, or image files."""


def open_spec(spec: str | Path, options: Options) -> OpenedSpec:
    """Reads everything a scan needs, once. Raises UserError as `load_dataset`."""
    name = str(spec)
    if is_ready(name):
        return load_ready(name, replace(options, size=None))
    source = file_source(name)
    if source is None:
        return read_unsplit(spec, replace(options, size=None))
    return ImageFiles(source, read_headers(source), read_images(source, options))


def open_for_scan(opened: OpenedSpec) -> ScannedImages | None:
    """The images with their training splits; None for other data."""
    if isinstance(opened, Dataset):
        return _of_data(opened)
    return _of_pool(opened) if isinstance(opened, UnsplitDataset) else _of_pool(opened.pool, _sizes(opened))


def open_two(spec: str | Path, other: str | Path, options: Options) -> ScannedImages:
    """Images of two SPECs, without classes: the first as train split, the second, at the same size, as test split.

    Raises UserError as `load_dataset`, and for data other than images.
    """
    first = open_for_scan(open_spec(spec, options))
    if first is None or not len(first):
        raise UserError(f"{one_line(spec)} has no images to compare with {one_line(other)}")
    channels = CHANNEL_NAMES.get(first.shape[0], "auto")
    second = open_for_scan(open_spec(other, replace(options, size=first.shape[1:], channels=channels, labels=None)))
    if second is None or not len(second) or second.shape != first.shape:
        raise UserError(f"{one_line(other)} has no images that can be compared with those of {one_line(spec)}")
    n = len(first)

    def take(which: torch.Tensor) -> torch.Tensor:
        result = torch.empty(len(which), *first.shape, dtype=torch.uint8)
        result[which < n], result[which >= n] = first.take(which[which < n]), second.take(which[which >= n] - n)
        return result

    where = [f"{one_line(side)}: {each}" for side, opened in ((spec, first), (other, second)) for each in opened.where]
    return ScannedImages(take, where, np.arange(len(where)) >= n)


def _of_data(data: Dataset) -> ScannedImages | None:
    if data.train.values.dim() != 4:
        return None
    train, test = len(data.train), len(data.test)
    where = [*(f"train {i}" for i in range(train)), *(f"test {i}" for i in range(test))]
    labels = None if data.train.labels is None or data.test.labels is None else [data.train.labels, data.test.labels]
    classes = _classes(None if labels is None else torch.cat(labels))
    take = index_concatenated(data.train.values, data.test.values)
    return ScannedImages(take, where, np.arange(train + test) >= train, classes, data.names)


def _of_pool(pool: UnsplitDataset, sizes: Sequence[tuple[int, int]] = ()) -> ScannedImages:
    n = len(pool.examples)
    test = np.zeros(n, bool)
    if n > 1:
        test[split(Split(torch.arange(n), pool.examples.labels))[1].values.numpy()] = True
    where = pool.files or [f"image {i}" for i in range(n)]
    values = pool.examples.values
    return ScannedImages(values.__getitem__, where, test, _classes(pool.examples.labels), pool.names, sizes)


def _classes(labels: torch.Tensor | None) -> np.ndarray | None:
    return None if labels is None or labels.is_floating_point() else labels.numpy()


def _sizes(opened: ImageFiles) -> list[tuple[int, int]]:
    """Original sizes of the decoded images."""
    pairs = zip(opened.source.items, opened.headers, strict=True)
    sizes = {item.name: header.size for item, header in pairs if header}
    return [sizes[name] for name in opened.pool.files]
