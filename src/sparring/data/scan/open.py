"""From a SPEC to the images that are looked at."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from sparring.data.dataset import Dataset, Split, UnsplitDataset, split
from sparring.data.image.channels import CHANNEL_NAMES
from sparring.data.image.file import Header
from sparring.data.image.read import read_headers, read_images
from sparring.data.load import file_source, is_ready, load_dataset, read_unsplit
from sparring.data.options import Options
from sparring.data.scan.image_set import ScannedImages, index_concatenated
from sparring.data.sources.item import FileSource
from sparring.errors import UserError, one_line


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """What files hold, however little."""

    source: FileSource
    headers: Sequence[Header | None]
    """Of its items."""
    pool: UnsplitDataset


OpenedSpec = Dataset | UnsplitDataset | ImageFiles
"""A set that is ready, whole arrays, or files."""


def open_spec(spec: str | Path, options: Options) -> OpenedSpec:
    """All that is looked at in a SPEC, opened and read once. Raises UserError as `load`."""
    name = str(spec)
    if is_ready(name):
        return load_dataset(name, replace(options, size=None))
    source = file_source(name)
    if source is None:
        return read_unsplit(spec, replace(options, size=None))
    return ImageFiles(source, read_headers(source), read_images(source, options))


def open_for_scan(held: OpenedSpec) -> ScannedImages | None:
    """The images, in the parts that training would have; None for points."""
    if isinstance(held, Dataset):
        return _of_data(held)
    return _of_pool(held) if isinstance(held, UnsplitDataset) else _of_pool(held.pool, _sizes(held))


def open_two(spec: str | Path, other: str | Path, options: Options) -> ScannedImages:
    """What two SPECs hold, without classes: the first is the train part, the second, of the same size, the test part.

    Raises UserError as `load`, and for points.
    """
    first = open_for_scan(open_spec(spec, options))
    if first is None or not len(first):
        raise UserError(f"{one_line(spec)} holds no images to compare with {one_line(other)}")
    channels = CHANNEL_NAMES.get(first.shape[0], "auto")
    second = open_for_scan(open_spec(other, replace(options, size=first.shape[1:], channels=channels, labels=None)))
    if second is None or not len(second) or second.shape != first.shape:
        raise UserError(f"{one_line(other)} holds no images like those of {one_line(spec)} to be compared with")
    n = len(first)

    def take(which: torch.Tensor) -> torch.Tensor:
        result = torch.empty(len(which), *first.shape, dtype=torch.uint8)
        result[which < n], result[which >= n] = first.take(which[which < n]), second.take(which[which >= n] - n)
        return result

    where = [f"{one_line(side)}: {each}" for side, held in ((spec, first), (other, second)) for each in held.where]
    return ScannedImages(take, where, np.arange(len(where)) >= n)


def _of_data(data: Dataset) -> ScannedImages | None:
    if data.medium != "image":
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


def _sizes(held: ImageFiles) -> list[tuple[int, int]]:
    """As the files' headers have them."""
    seen = zip(held.source.items, held.headers, strict=True)
    sizes = {item.name: header.size for item, header in seen if header}
    return [sizes[name] for name in held.pool.files]
