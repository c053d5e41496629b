"""Unpaired two-domain data: images and edge maps, `SPEC+edges`.

Liu & Tuzel 2016 (arXiv:1606.07536), section 4. An example is an image and, as further channels, the edge map of
another image, so that no pair is aligned.
"""

import os.path

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from sparring.data.dataset import Dataset, Split
from sparring.errors import UserError, one_line

EDGES_SUFFIX = "+edges"
_SEED = 0
_CHUNK = 4096
"""Images processed at once, to bound memory."""


def strip_edges_suffix(spec: str) -> str | None:
    """X for the SPEC `X+edges`; None for any other SPEC and for existing paths."""
    if not spec.endswith(EDGES_SUFFIX) or os.path.exists(os.path.expanduser(spec)):
        return None
    return spec.removesuffix(EDGES_SUFFIX)


def edge_maps(images: Tensor) -> Tensor:
    """Morphological gradient of each channel: maximum minus minimum over 3×3 pixels. uint8 (n, c, h, w) → uint8."""
    result = torch.empty_like(images)
    for start in range(0, len(images), _CHUNK):
        x = images[start : start + _CHUNK].float()
        result[start : start + _CHUNK] = (max_pool2d(x, 3, 1, 1) + max_pool2d(-x, 3, 1, 1)).to(torch.uint8)
    return result


def derangement(n: int) -> Tensor:
    """Permutation int64 (n,) of n ≥ 2 elements with no fixed point: one random cycle, with a fixed seed."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(_SEED))
    partners = torch.empty_like(order)
    partners[order] = order.roll(1)
    return partners


def add_edge_domain(data: Dataset, spec: str) -> Dataset:
    """Pairs (2c, h, w) of an image and another image's edge map, with the image's label, within each split.

    Raises UserError for `X+edges` itself and for a split of a single image.
    """
    if strip_edges_suffix(data.spec) is not None:
        raise UserError(f"{one_line(data.spec)} already has edges: leave out the second {EDGES_SUFFIX}")
    if min(len(data.train), len(data.test)) < 2:
        raise UserError(
            f"{one_line(data.spec)} has a single test image, and pairs need two: give more images of each class"
        )
    train, test = _pair_with_edges(data.train), _pair_with_edges(data.test)
    return Dataset.of(spec, train, test, data.names, data.skipped, mirrored=data.mirrored)


def _pair_with_edges(part: Split) -> Split:
    return Split(torch.cat([part.values, edge_maps(part.values)[derangement(len(part))]], 1), part.labels)
