"""Random masks for inpainting, (n, 1, h, w), 1 where a pixel is missing."""

import math

import torch
from torch import Tensor

from sparring.game import Draw

SEGMENTS = 6
"""Segments of a brush stroke."""
MAX_LENGTH, THICKNESS = 0.25, (0.04, 0.12)
"""Longest segment, and thickness, as shares of the shorter side."""


def boxes(low: float, high: float) -> Draw:
    """A box inside the image; its sides are the image's times U[low, high), rounded."""

    def draw(n: int, shape: tuple[int, ...], g: torch.Generator) -> Tensor:
        share, *places = torch.rand(3, n, 1, generator=g, device=g.device)
        inside = []
        for side, place in zip(shape[1:], places, strict=True):
            length = (side * (low + (high - low) * share)).round().clamp(1, side)
            start = (place * (side - length + 1)).floor()
            at = torch.arange(side, device=g.device)
            inside.append((at >= start) & (at < start + length))  # (n, side)
        return (inside[0][:, None, :, None] & inside[1][:, None, None, :]).float()

    return draw


def strokes(low: int, high: int) -> Draw:
    """Free-form masks of `low` to `high` brush strokes with round ends: Yu et al. 2019 (arXiv:1806.03589), section 3.2.

    Consecutive segments of a stroke differ by less than 90°.
    """

    def draw(n: int, shape: tuple[int, ...], g: torch.Generator) -> Tensor:
        def uniform(*size: int) -> Tensor:
            return torch.rand(n, high, *size, generator=g, device=g.device)

        height, width = shape[1:]
        side = min(height, width)
        angles = 2 * math.pi * uniform(1) + (math.pi * (uniform(SEGMENTS) - 0.5)).cumsum(2)
        moves = MAX_LENGTH * side * uniform(SEGMENTS, 1) * torch.stack([angles.sin(), angles.cos()], -1)
        start = uniform(1, 2) * torch.tensor([height, width], device=g.device)
        ends = torch.cat([start, start + moves.cumsum(2)], 2)  # (n, strokes, SEGMENTS + 1, 2)
        thick = side * (THICKNESS[0] + (THICKNESS[1] - THICKNESS[0]) * uniform(1))
        present = torch.arange(high, device=g.device) < low + (uniform(1)[:, :1, 0] * (high - low + 1)).floor()
        radius = torch.where(present, thick[..., 0] / 2, -1.0)  # (n, strokes)
        missing = torch.zeros(n, height, width, dtype=torch.bool, device=g.device)
        for stroke in range(high):
            distance = _distance(ends[:, stroke], height, width)
            missing |= distance <= radius[:, stroke, None, None]
        return missing[:, None].float()

    return draw


def _distance(ends: Tensor, height: int, width: int) -> Tensor:
    """Distances of all pixels to polylines (n, points, 2), (n, h, w), in pixels."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    at = torch.stack([rows, columns], -1).to(ends) + 0.5
    nearest = torch.full((len(ends), height, width), torch.inf, device=ends.device)
    for a, b in zip(ends[:, :-1].unbind(1), ends[:, 1:].unbind(1), strict=True):
        a, along = a[:, None, None], (b - a)[:, None, None]  # (n, 1, 1, 2)
        part = ((at - a) * along).sum(-1) / along.square().sum(-1).clamp(min=1e-9)
        nearest = torch.minimum(nearest, (at - a - part.clamp(0, 1)[..., None] * along).norm(dim=-1))
    return nearest
