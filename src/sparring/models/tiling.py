"""Images of any size, tile by tile, in bounded memory.

Where an output pixel depends on input within `reach` pixels, tiles are cut with that margin, and the output equals that
of the whole image. Where it depends on the whole image (instance norm), tiles overlap and are blended, and the result
says how far they disagreed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

OVERLAP = 4
"""Blended tiles overlap by 1/OVERLAP of their side."""
ApplyFn = Callable[[Tensor], Tensor]
"""Images uint8 (n, c, h, w) → uint8 (n, c', scale·h, scale·w)."""
Window = tuple[slice, slice]


@dataclass(frozen=True)
class TiledResult:
    output: Tensor
    """uint8 (n, c', scale·h, scale·w)."""
    disagreement: float = 0.0
    """Mean standard deviation of blended tiles where they overlap, of 255; 0 without blending."""


def apply_in_tiles(
    apply: ApplyFn, x: Tensor, tile: int, reach: int | None, grain: int = 1, scale: int = 1
) -> TiledResult:
    """
    Args:
        apply: the network on a part of an image.
        x: uint8 (n, c, h, w).
        tile: side in pixels of the input; 0 for the whole image at once.
        reach: radius of the receptive field in pixels; None: the whole image.
        grain: corners of tiles are multiples of it.
    """
    if not tile or max(x.shape[2:]) <= tile:
        return TiledResult(apply(x))
    return (
        _blended(apply, x, tile, scale) if reach is None else TiledResult(_exact(apply, x, tile, reach, grain, scale))
    )


def _exact(apply: ApplyFn, x: Tensor, tile: int, reach: int, grain: int, scale: int) -> Tensor:
    height, width = x.shape[2:]
    step, margin = max(grain, tile // grain * grain), -(-reach // grain) * grain
    whole: Tensor | None = None
    for top in range(0, height, step):
        for left in range(0, width, step):
            y0, x0 = max(0, top - margin), max(0, left - margin)
            part = apply(x[:, :, y0 : top + step + margin, x0 : left + step + margin])
            if whole is None:
                whole = part.new_empty(*part.shape[:2], scale * height, scale * width)
            core = part[:, :, scale * (top - y0) :, scale * (left - x0) :][:, :, : scale * step, : scale * step]
            whole[:, :, scale * top : scale * (top + step), scale * left : scale * (left + step)] = core[
                :, :, : scale * (height - top), : scale * (width - left)
            ]
    assert whole is not None
    return whole


def _blended(apply: ApplyFn, x: Tensor, tile: int, scale: int) -> TiledResult:
    height, width = x.shape[2:]
    weights, squares, counts = torch.zeros(3, scale * height, scale * width)
    total = torch.zeros(0)
    for rows, columns in _windows(height, width, tile):
        part = apply(x[:, :, rows, columns]).float()
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
    disagreement = float(variance[counts > 1].clamp(min=0).sqrt().mean())
    return TiledResult(mean.round().clamp(0, 255).to(torch.uint8), disagreement)


def _windows(height: int, width: int, tile: int) -> Iterator[Window]:
    for rows in _spans(height, tile):
        for columns in _spans(width, tile):
            yield rows, columns


def _spans(side: int, tile: int) -> list[slice]:
    """Evenly spread, each a tile long, or the side if that is less."""
    if side <= tile:
        return [slice(0, side)]
    count = 1 + -(-(side - tile) // max(1, tile - tile // OVERLAP))
    return [slice(start, start + tile) for start in (i * (side - tile) // (count - 1) for i in range(count))]


def _ramp(side: int) -> Tensor:
    """Weights (side,): linear over the overlap at both ends, 1 in between."""
    position = torch.arange(side) + 0.5
    return (torch.minimum(position, side - position) / max(1, side // OVERLAP)).clamp(max=1)
