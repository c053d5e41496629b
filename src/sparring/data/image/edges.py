"""Two domains of one set: images, and edge maps of others. Liu & Tuzel 2016 (arXiv:1606.07536), section 4.

The SPEC `X+edges`: an example is an image of X and, behind its channels, the edges of another image of X, so nothing
tells which edges belong to which image.
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
"""Images whose floats are held at once."""


def strip_edges_suffix(spec: str) -> str | None:
    """X, if this is `X+edges`; None for any other SPEC, such as a path that ends so and exists."""
    if not spec.endswith(EDGES_SUFFIX) or os.path.exists(os.path.expanduser(spec)):
        return None
    return spec.removesuffix(EDGES_SUFFIX)


def edge_maps(images: Tensor) -> Tensor:
    """uint8 (n, c, h, w) → uint8, the same shape: the morphological gradient of each channel, the greatest less the
    least of the 3×3 pixels around, as far as they are in the image."""
    found = torch.empty_like(images)
    for start in range(0, len(images), _CHUNK):
        x = images[start : start + _CHUNK].float()
        found[start : start + _CHUNK] = (max_pool2d(x, 3, 1, 1) + max_pool2d(-x, 3, 1, 1)).to(torch.uint8)
    return found


def derangement(n: int) -> Tensor:
    """For each of n ≥ 2 another one, int64 (n,): one round through all of them, by a fixed seed."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(_SEED))
    partners = torch.empty_like(order)
    partners[order] = order.roll(1)
    return partners


def add_edge_domain(data: Dataset, spec: str) -> Dataset:
    """Images (c, h, w) of a set as pairs (2c, h, w), labelled as the image is; train and test part apart.

    Raises UserError for points, for pairs, and for a part with a single image.
    """
    if data.medium != "image":
        raise UserError(
            f"{one_line(data.spec)} is of {data.medium}s, and only images have edges: leave {EDGES_SUFFIX} out"
        )
    if strip_edges_suffix(data.spec) is not None:
        raise UserError(f"{one_line(data.spec)} is of pairs already: leave one {EDGES_SUFFIX} out")
    if min(len(data.train), len(data.test)) < 2:
        raise UserError(
            f"{one_line(data.spec)} has a single test image, and none to pair it with: give more images of each class"
        )
    train, test = _pair_with_edges(data.train), _pair_with_edges(data.test)
    return Dataset.of(spec, train, test, data.names, data.skipped, mirrored=data.mirrored)


def _pair_with_edges(part: Split) -> Split:
    return Split(torch.cat([part.values, edge_maps(part.values)[derangement(len(part))]], 1), part.labels)
