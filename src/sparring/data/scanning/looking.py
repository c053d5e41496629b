"""From a SPEC to the images that are looked at."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from sparring.data import found, load, pictures, ready
from sparring.data.channels import CALLED
from sparring.data.decoding import headers
from sparring.data.items import Source
from sparring.data.options import Options
from sparring.data.scanning.looked import Looked, across
from sparring.data.sets import Data, Examples, Pool, split
from sparring.errors import UserError, one_line


def looking(spec: str | Path, options: Options) -> Looked | None:
    """What a SPEC holds, in the parts that training would have; None for points. Raises UserError as `load`."""
    name = str(spec)
    if ready(name):
        return _of_data(load(name, replace(options, size=None)))
    source = pictures(name)
    pool = found(spec, options if source else replace(options, size=None))
    sizes = _sizes(source, pool.files) if source else ()
    return _of_pool(pool, sizes)


def both(spec: str | Path, other: str | Path, options: Options) -> Looked:
    """What two SPECs hold, without classes: the first is the train part, the second, of the same size, the test part.

    Raises UserError as `load`, and for points.
    """
    first = looking(spec, options)
    if first is None or not len(first):
        raise UserError(f"{one_line(spec)} holds no images to compare with {one_line(other)}")
    channels = CALLED.get(first.shape[0], "auto")
    second = looking(other, replace(options, size=first.shape[1:], channels=channels, labels=None))
    if second is None or not len(second) or second.shape != first.shape:
        raise UserError(f"{one_line(other)} holds no images like those of {one_line(spec)} to be compared with")
    n = len(first)

    def take(which: torch.Tensor) -> torch.Tensor:
        result = torch.empty(len(which), *first.shape, dtype=torch.uint8)
        result[which < n], result[which >= n] = first.take(which[which < n]), second.take(which[which >= n] - n)
        return result

    where = [f"{one_line(side)}: {each}" for side, held in ((spec, first), (other, second)) for each in held.where]
    return Looked(take, where, np.arange(len(where)) >= n)


def _of_data(data: Data) -> Looked | None:
    if data.medium != "image":
        return None
    train, test = len(data.train), len(data.test)
    where = [*(f"train {i}" for i in range(train)), *(f"test {i}" for i in range(test))]
    labels = None if data.train.labels is None or data.test.labels is None else [data.train.labels, data.test.labels]
    classes = _classes(None if labels is None else torch.cat(labels))
    take = across(data.train.values, data.test.values)
    return Looked(take, where, np.arange(train + test) >= train, classes, data.names)


def _of_pool(pool: Pool, sizes: Sequence[tuple[int, int]]) -> Looked:
    n = len(pool.examples)
    test = np.zeros(n, bool)
    if n > 1:
        test[split(Examples(torch.arange(n), pool.examples.labels))[1].values.numpy()] = True
    where = pool.files or [f"image {i}" for i in range(n)]
    values = pool.examples.values
    return Looked(values.__getitem__, where, test, _classes(pool.examples.labels), pool.names, sizes)


def _classes(labels: torch.Tensor | None) -> np.ndarray | None:
    return None if labels is None or labels.is_floating_point() else labels.numpy()


def _sizes(source: Source, files: Sequence[str]) -> list[tuple[int, int]]:
    """As the files' headers have them."""
    seen = zip(source.items, headers(source), strict=True)
    sizes = {item.name: header.size for item, header in seen if header}
    return [sizes[name] for name in files]
