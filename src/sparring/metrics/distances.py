"""Squared Euclidean distances between many points, a block of rows at a time, so that the whole table is never held."""

from collections.abc import Iterator

import torch
from torch import Tensor

MAX_DISTANCES = 8_000_000
"""Distances held at once: 64 MB."""


def distance_blocks(x: Tensor, y: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Rows of x (n, d) and their squared distances (rows, m) to all of y (m, d), in the order of x.

    By ‖x‖² + ‖y‖² − 2 xᵀy, in float64: exact to about 1e-15 of the norms, which is why features come in float64.
    """
    rows = max(1, MAX_DISTANCES // len(y))
    y_squared = y.square().sum(1)
    for start in range(0, len(x), rows):
        part = x[start : start + rows]
        table = torch.addmm(y_squared[None], part, y.T, alpha=-2).add_(part.square().sum(1)[:, None]).clamp_(min=0)
        yield slice(start, start + len(part)), table


def nearest_neighbours(x: Tensor, y: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """Squared distances (n, k) from each of x (n, d) to the k nearest of y (m, d), by distance; and which they are."""
    found = [table.topk(k, largest=False) for _, table in distance_blocks(x, y)]
    return torch.cat([values for values, _ in found]), torch.cat([places for _, places in found])


def neighbour_radii(x: Tensor, k: int) -> Tensor:
    """Squared distance (n,) from each of x (n, d) to the k-th nearest of the others."""
    found = []
    for rows, table in distance_blocks(x, x):
        table[torch.arange(len(table)), torch.arange(rows.start, rows.stop)] = torch.inf
        found.append(table.kthvalue(k).values)
    return torch.cat(found)
