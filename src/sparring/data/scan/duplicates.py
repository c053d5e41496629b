"""Finds exact and near-duplicate images by locality-sensitive hashing.

The hash of an image has 63 bits: whether each low frequency of its cosine transform exceeds the data set's median (as
in pHash, Zauner 2010, except that the median is per frequency, so that similar images still differ). Only images that
agree in a random subset of bits are compared (Indyk and Motwani 1998), by the correlation of their 16×16 cell means.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sparring.data.scan.image_stats import ImageStats

_TABLES, _BITS = 16, 14
"""Hash tables, and bits of each. A copy with 4 changed bits is found with probability .9995, with 8 with .92."""
_NEIGHBOURS = 32
"""Candidates compared per image and table, nearest hashes first: bounds the work on uniform data sets."""
_MAX_BIT_DISTANCE = 10
"""Bits that may differ between candidates."""
_CELLS, _MIN_CORRELATION = 16, 0.98
"""Cells per side, and the minimum correlation of their means for near-duplicates."""
_MIN_DEVIATION = 4.0
"""Standard deviation, of 255, up to which an image is too uniform to be called a copy."""


class Copies(NamedTuple):
    equal: np.ndarray
    """int64 (n,): index of the first image with the same pixels."""
    near: np.ndarray
    """int64 (n,): index of the first image of the group of near-duplicates."""


def find_near_duplicates(traits: ImageStats, take: Callable[[Tensor], Tensor], rows: int) -> Copies:
    """Groups of copies.

    Args:
        take: indices (k,) → images uint8 (k, c, h, w).
        rows: pairs compared at once, to bound memory.
    """
    first: dict[bytes, int] = {}
    equal = np.array([first.setdefault(digest, i) for i, digest in enumerate(traits.digests)], np.int64)
    candidates = np.flatnonzero((equal == np.arange(len(equal))) & (traits.spreads > _MIN_DEVIATION))
    near, found = equal.copy(), np.arange(len(candidates))
    for pairs in _candidate_pairs(traits.waves[candidates]):
        pairs = pairs[:, found[pairs[0]] != found[pairs[1]]]
        for start in range(0, pairs.shape[1], rows):
            some = pairs[:, start : start + rows]
            a, b = (take(torch.from_numpy(candidates[side])) for side in some)
            found = merge_groups(found, *some[:, correlation(a, b).numpy() >= _MIN_CORRELATION])
    near[candidates] = candidates[found]
    return Copies(equal, near[equal])


def _candidate_pairs(waves: np.ndarray):
    """Yields candidate pairs, int64 (2, m), of each hash table."""
    if len(waves) < 2:
        return
    bits = waves > np.median(waves, 0)
    code = bits @ (np.uint64(1) << np.arange(bits.shape[1], dtype=np.uint64))
    draws = np.random.default_rng(0)
    for _ in range(_TABLES):
        key = bits[:, draws.permutation(bits.shape[1])[:_BITS]] @ (1 << np.arange(_BITS))
        order = np.lexsort((code, key))
        pairs = []
        for step in range(1, min(_NEIGHBOURS, len(order) - 1) + 1):
            a, b = order[:-step], order[step:]
            close = (key[a] == key[b]) & (np.bitwise_count(code[a] ^ code[b]) <= _MAX_BIT_DISTANCE)
            pairs.append(np.stack([a[close], b[close]]))
        yield np.concatenate(pairs, 1)


def merge_groups(group: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Union of groups (n,), each labelled by its least member, after joining a[i] with b[i] for every i."""
    while (group[a] != group[b]).any():
        least = np.minimum(group[a], group[b])
        larger = group.copy()
        np.minimum.at(larger, group[a], least)
        np.minimum.at(larger, group[b], least)
        while (larger[larger] != larger).any():
            larger = larger[larger]
        group = larger
    return group


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Correlation (n,) of the cell means of image pairs (n, c, h, w), over all channels together."""
    a, b = (F.adaptive_avg_pool2d(x.float(), _CELLS).flatten(1) for x in (a, b))
    a, b = (x - x.mean(1, keepdim=True) for x in (a, b))
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)).clamp_min(1e-6)
