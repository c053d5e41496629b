"""What is measured of every image in one pass: about a kilobyte each."""

import hashlib
import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sparring.data.image.pixels import rgb_to_luma

_SIDE, _LOW = 32, 8
"""Of the grey image a hash and the edges are taken of; and of the corner of its cosine transform that is kept."""
_DIRECTIONS, _CELLS, _COLOUR_CELLS = 8, 5, 4
"""Of edges, in so many cells a side; and cells a side of colours."""
_MIN_EDGE = 0.02
"""Edges fainter than this, of a range of 1, count for little."""


class ImageStats(NamedTuple):
    digests: list[bytes]
    """Equal for equal pixels."""
    spreads: np.ndarray
    """(n,): the largest standard deviation of a channel, of 255."""
    waves: np.ndarray
    """float16 (n, 63): the lowest frequencies of the cosine transform, but for the mean."""
    features: np.ndarray
    """float32 (n, d): edges by direction, colours and their deviations, in cells."""


def image_stats(chunks: Iterable[Tensor]) -> ImageStats:
    """Of images uint8 (k, c, h, w) chunk by chunk."""
    rows = [_of(chunk) for chunk in chunks]
    digests = [each for row in rows for each in row.digests]
    return ImageStats(digests, *(np.concatenate([row[i] for row in rows]) for i in (1, 2, 3)))


def _of(images: Tensor) -> ImageStats:
    digests = [hashlib.blake2b(image.numpy().data, digest_size=16).digest() for image in images.contiguous()]
    unit = images.float() / 255
    spreads = unit.flatten(2).std(2, correction=0).amax(1) * 255
    plane = _grey(unit)
    small = F.interpolate(plane, (_SIDE, _SIDE), mode="bilinear", antialias=True, align_corners=False)
    features = torch.cat([_edge_histograms(small), _colours(unit[:, :3])], 1)
    return ImageStats(digests, spreads.numpy(), low_frequencies(small).half().numpy(), features.numpy())


def _grey(unit: Tensor) -> Tensor:
    """(n, c, h, w) → (n, 1, h, w): luma of RGB, the mean of any other channels."""
    return rgb_to_luma(unit[:, :3]) if unit.shape[1] in (3, 4) else unit.mean(1, keepdim=True)


def low_frequencies(plane: Tensor) -> Tensor:
    """The lowest frequencies of the discrete cosine transform (type II) of (n, 1, s, s), without the mean: (n, 63)."""
    side = plane.shape[-1]
    points = (torch.arange(side) + 0.5) * math.pi / side
    basis = torch.cos(torch.arange(_LOW)[:, None] * points)  # (frequencies, places)
    found = basis @ plane.squeeze(1) @ basis.T
    return found.flatten(1)[:, 1:].round(decimals=2)  # what is nothing must not differ in its rounding


def _edge_histograms(plane: Tensor) -> Tensor:
    """Histograms of the directions of edges, (n, 8 · 5 · 5); a coarse form of Dalal and Triggs 2005."""
    right = plane[:, :, 1:-1, 2:] - plane[:, :, 1:-1, :-2]
    down = plane[:, :, 2:, 1:-1] - plane[:, :, :-2, 1:-1]
    angle = torch.atan2(down, right).remainder(math.pi)
    direction = (angle / math.pi * _DIRECTIONS).long().clamp(0, _DIRECTIONS - 1)
    strengths = torch.zeros(len(plane), _DIRECTIONS, _SIDE - 2, _SIDE - 2)
    cells = F.adaptive_avg_pool2d(strengths.scatter_(1, direction, (right**2 + down**2).sqrt()), _CELLS).flatten(1)
    return (cells / (cells.norm(dim=1, keepdim=True) + _MIN_EDGE)).sqrt()


def _colours(unit: Tensor) -> Tensor:
    """Mean and deviation of each channel in each cell, (n, 2 · c · 4 · 4)."""
    means, squares = F.adaptive_avg_pool2d(unit, _COLOUR_CELLS), F.adaptive_avg_pool2d(unit**2, _COLOUR_CELLS)
    return torch.cat([means.flatten(1), (squares - means**2).clamp_min(0).sqrt().flatten(1)], 1)
