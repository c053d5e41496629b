"""Copies: equal images, and images that are nearly the same, found without comparing every pair.

The hash of an image has 63 bits: whether each low frequency of its cosine transform is above the set's median (as in
pHash, Zauner 2010, but that each bit is set for half of the set, so that images which are all alike still differ).
Locality-sensitive hashing (Indyk and Motwani 1998) then compares only images which agree in some random choice of bits,
and what they show in 16×16 cells decides.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sparring.data.scan.image_stats import ImageStats

_TABLES, _BITS = 16, 14
"""Random choices, and bits of each. A copy with 4 bits changed is met with probability .9995, with 8 of .92."""
_NEIGHBOURS = 32
"""Images of one choice that each is compared with, those of nearest hashes: bounds the work where all are alike."""
_MAX_BIT_DISTANCE = 10
"""Bits that may differ."""
_CELLS, _MIN_CORRELATION = 16, 0.98
"""Cells a side whose means are compared, and how much those of copies are correlated at least."""
_MIN_DEVIATION = 4.0
"""The standard deviation, of 255, up to which images are alike for showing little: they are not taken for copies."""


class Copies(NamedTuple):
    equal: np.ndarray
    """(n,): the first image with the same pixels, itself if there is none before it."""
    near: np.ndarray
    """(n,): the same of images that are nearly the same, or like one that is."""


def find_near_duplicates(traits: ImageStats, take: Callable[[Tensor], Tensor], rows: int) -> Copies:
    """Groups of copies. `rows` images are compared at once."""
    first: dict[bytes, int] = {}
    equal = np.array([first.setdefault(digest, i) for i, digest in enumerate(traits.digests)], np.int64)
    lone = np.flatnonzero((equal == np.arange(len(equal))) & (traits.spreads > _MIN_DEVIATION))
    near, found = equal.copy(), np.arange(len(lone))
    for pairs in _candidate_pairs(traits.waves[lone]):
        pairs = pairs[:, found[pairs[0]] != found[pairs[1]]]
        for start in range(0, pairs.shape[1], rows):
            some = pairs[:, start : start + rows]
            a, b = (take(torch.from_numpy(lone[side])) for side in some)
            found = merge_groups(found, *some[:, correlation(a, b).numpy() >= _MIN_CORRELATION])
    near[lone] = lone[found]
    return Copies(equal, near[equal])


def _candidate_pairs(waves: np.ndarray):
    """Pairs (2, m) that may be copies, a table at a time."""
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
    """Groups, each called by its least member, when a[i] and b[i] are of one group for every i."""
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
    """Of the cells of pairs, (n, c, h, w) both, over all channels together: (n,)."""
    a, b = (F.adaptive_avg_pool2d(x.float(), _CELLS).flatten(1) for x in (a, b))
    a, b = (x - x.mean(1, keepdim=True) for x in (a, b))
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)).clamp_min(1e-6)
