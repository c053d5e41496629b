"""Per-image statistics, collected in one pass; about 1 kB per image."""

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
"""Side of the grey thumbnail, and frequencies per axis kept of its cosine transform."""
_DIRECTIONS, _CELLS, _COLOUR_CELLS = 8, 5, 4
"""Edge directions; cells per side of edge histograms; cells per side of colour means."""
_MIN_EDGE = 0.02
"""Regulariser of edge histograms: fainter edges, for values in [0, 1], count for little."""


class ImageStats(NamedTuple):
    digests: list[bytes]
    """Hash of the pixels."""
    spreads: np.ndarray
    """(n,): largest standard deviation over channels, for pixels in 0..255."""
    waves: np.ndarray
    """float16 (n, 63): lowest frequencies of the cosine transform, without the mean."""
    features: np.ndarray
    """float32 (n, d): edge histograms, colour means and deviations of cells."""


def image_stats(chunks: Iterable[Tensor]) -> ImageStats:
    """Statistics of chunks of images, uint8 (k, c, h, w)."""
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
    """(n, c, h, w) → (n, 1, h, w): luma of RGB(A), else the channel mean."""
    return rgb_to_luma(unit[:, :3]) if unit.shape[1] in (3, 4) else unit.mean(1, keepdim=True)


def low_frequencies(plane: Tensor) -> Tensor:
    """Lowest frequencies of the DCT-II of images (n, 1, s, s), without the mean: (n, 63)."""
    side = plane.shape[-1]
    points = (torch.arange(side) + 0.5) * math.pi / side
    basis = torch.cos(torch.arange(_LOW)[:, None] * points)  # (frequencies, places)
    coefficients = basis @ plane.squeeze(1) @ basis.T
    return coefficients.flatten(1)[:, 1:].round(decimals=2)  # rounding makes zeros exact


def _edge_histograms(plane: Tensor) -> Tensor:
    """Histograms of edge directions, (n, 8 · 5 · 5); a coarse form of HOG (Dalal and Triggs 2005)."""
    right = plane[:, :, 1:-1, 2:] - plane[:, :, 1:-1, :-2]
    down = plane[:, :, 2:, 1:-1] - plane[:, :, :-2, 1:-1]
    angle = torch.atan2(down, right).remainder(math.pi)
    direction = (angle / math.pi * _DIRECTIONS).long().clamp(0, _DIRECTIONS - 1)
    strengths = torch.zeros(len(plane), _DIRECTIONS, _SIDE - 2, _SIDE - 2)
    cells = F.adaptive_avg_pool2d(strengths.scatter_(1, direction, (right**2 + down**2).sqrt()), _CELLS).flatten(1)
    return (cells / (cells.norm(dim=1, keepdim=True) + _MIN_EDGE)).sqrt()


def _colours(unit: Tensor) -> Tensor:
    """Mean and standard deviation of each channel and cell, (n, 2 · c · 4 · 4)."""
    means, squares = F.adaptive_avg_pool2d(unit, _COLOUR_CELLS), F.adaptive_avg_pool2d(unit**2, _COLOUR_CELLS)
    return torch.cat([means.flatten(1), (squares - means**2).clamp_min(0).sqrt().flatten(1)], 1)
