"""Pictures of any size, tile by tile, in bounded memory.

Where a network's answer depends on nothing farther than `reach` pixels, tiles are cut with so much around them, and
what comes out is what the whole picture would have given. Where it depends on the whole, as by instance norm, tiles
overlap and are faded into each other, and how far they disagreed is told.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

LAP = 4
"""Faded tiles overlap by one in so many of their side."""
ApplyFn = Callable[[Tensor], Tensor]
"""Pictures uint8 (n, c, h, w) → uint8 (n, c', scale·h, scale·w)."""
Window = tuple[slice, slice]


@dataclass(frozen=True)
class TiledResult:
    made: Tensor
    """uint8 (n, c', scale·h, scale·w)."""
    apart: float = 0.0
    """By how much tiles disagreed where they overlap, of 255: the mean; 0 for those that can't."""


def apply_in_tiles(
    make: ApplyFn, x: Tensor, tile: int, reach: int | None, grain: int = 1, scale: int = 1
) -> TiledResult:
    """
    Args:
        make: the network on a part of a picture.
        x: uint8 (n, c, h, w).
        tile: side in pixels of the input; 0 for the whole picture at once.
        reach: how far a pixel of the answer looks; None: everywhere.
        grain: corners of tiles are multiples of it.
    """
    if not tile or max(x.shape[2:]) <= tile:
        return TiledResult(make(x))
    return _blended(make, x, tile, scale) if reach is None else TiledResult(_exact(make, x, tile, reach, grain, scale))


def _exact(make: ApplyFn, x: Tensor, tile: int, reach: int, grain: int, scale: int) -> Tensor:
    height, width = x.shape[2:]
    step, around = max(grain, tile // grain * grain), -(-reach // grain) * grain
    whole: Tensor | None = None
    for top in range(0, height, step):
        for left in range(0, width, step):
            y0, x0 = max(0, top - around), max(0, left - around)
            part = make(x[:, :, y0 : top + step + around, x0 : left + step + around])
            if whole is None:
                whole = part.new_empty(*part.shape[:2], scale * height, scale * width)
            core = part[:, :, scale * (top - y0) :, scale * (left - x0) :][:, :, : scale * step, : scale * step]
            whole[:, :, scale * top : scale * (top + step), scale * left : scale * (left + step)] = core[
                :, :, : scale * (height - top), : scale * (width - left)
            ]
    assert whole is not None
    return whole


def _blended(make: ApplyFn, x: Tensor, tile: int, scale: int) -> TiledResult:
    height, width = x.shape[2:]
    weights, squares, counts = torch.zeros(3, scale * height, scale * width)
    total = torch.zeros(0)
    for rows, columns in _windows(height, width, tile):
        part = make(x[:, :, rows, columns]).float()
        if not total.numel():
            total = part.new_zeros(*part.shape[:2], scale * height, scale * width)
        at = slice(scale * rows.start, scale * rows.stop), slice(scale * columns.start, scale * columns.stop)
        weight = _ramp(part.shape[2])[:, None] * _ramp(part.shape[3])
        total[:, :, *at] += weight * part
        squares[at] += weight * part.square().mean((0, 1))
        weights[at] += weight
        counts[at] += 1
    mean = total / weights
    variance = squares / weights - mean.square().mean((0, 1))
    apart = float(variance[counts > 1].clamp(min=0).sqrt().mean())
    return TiledResult(mean.round().clamp(0, 255).to(torch.uint8), apart)


def _windows(height: int, width: int, tile: int) -> Iterator[Window]:
    for rows in _spans(height, tile):
        for columns in _spans(width, tile):
            yield rows, columns


def _spans(side: int, tile: int) -> list[slice]:
    """As many as it takes, spread evenly, each a tile long, or the side if that is less."""
    if side <= tile:
        return [slice(0, side)]
    count = 1 + -(-(side - tile) // max(1, tile - tile // LAP))
    return [slice(start, start + tile) for start in (i * (side - tile) // (count - 1) for i in range(count))]


def _ramp(side: int) -> Tensor:
    """Up from the edge over the overlap, 1 in the middle, down again."""
    at = torch.arange(side) + 0.5
    return (torch.minimum(at, side - at) / max(1, side // LAP)).clamp(max=1)
