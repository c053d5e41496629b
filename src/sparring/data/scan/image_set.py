"""Images under scan, with names, labels and original sizes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sparring.data.scan.duplicates import Copies, find_near_duplicates
from sparring.data.scan.image_stats import ImageStats, image_stats
from sparring.progress import progress_range

_CHUNK = 2**24
"""Pixel values processed at once, to bound memory."""


@dataclass(frozen=True, eq=False)
class ScannedImages:
    take: Callable[[Tensor], Tensor]
    """Indices (k,) → images uint8 (k, c, h, w); pixels may be memory-mapped."""
    where: Sequence[str]
    """Name of each image."""
    test: np.ndarray
    """bool (n,): whether each image is in the test split."""
    labels: np.ndarray | None = None
    """Class indices (n,); None if unlabelled."""
    names: tuple[str, ...] = ()
    """Class names."""
    sizes: Sequence[tuple[int, int]] = ()
    """Original height and width of each image, before resizing; empty if unknown."""

    def __len__(self) -> int:
        return len(self.where)

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """(c, h, w)"""
        c, h, w = self.take(torch.tensor([0])).shape[1:]
        return c, h, w

    @cached_property
    def stats(self) -> ImageStats:
        return image_stats(self._chunks())

    @cached_property
    def copies(self) -> Copies:
        return find_near_duplicates(self.stats, self.take, _CHUNK // int(np.prod(self.shape)) or 1)

    def _chunks(self) -> Iterator[Tensor]:
        rows = _CHUNK // int(np.prod(self.shape)) or 1
        for i in progress_range(-(-len(self) // rows), "scanning"):
            yield self.take(torch.arange(i * rows, min(len(self), (i + 1) * rows)))


def index_concatenated(*parts: Tensor) -> Callable[[Tensor], Tensor]:
    """`ScannedImages.take` over several tensors in sequence, without concatenating them."""
    starts = np.cumsum([0, *map(len, parts)])

    def take(which: Tensor) -> Tensor:
        result = torch.empty(len(which), *parts[0].shape[1:], dtype=parts[0].dtype)
        for part, start in zip(parts, starts, strict=False):
            mine = (which >= start) & (which < start + len(part))
            result[mine] = part[which[mine] - int(start)]
        return result

    return take
