"""Squared Euclidean distances between point sets, in blocks of rows."""

from collections.abc import Iterator

import torch
from torch import Tensor

MAX_DISTANCES = 8_000_000
"""Distances in memory at once: 64 MB."""


def distance_blocks(x: Tensor, y: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Yields slices of x (n, d) and their squared distances (rows, m) to all of y (m, d).

    Computed as ‖x‖² + ‖y‖² − 2 xᵀy, which needs float64: the error is about 1e-15 of the squared norms.
    """
    rows = max(1, MAX_DISTANCES // len(y))
    y_squared = y.square().sum(1)
    for start in range(0, len(x), rows):
        part = x[start : start + rows]
        table = torch.addmm(y_squared[None], part, y.T, alpha=-2).add_(part.square().sum(1)[:, None]).clamp_(min=0)
        yield slice(start, start + len(part)), table


def nearest_neighbours(x: Tensor, y: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """Squared distances (n, k) from x (n, d) to the k nearest points of y (m, d), ascending, and their indices."""
    found = [table.topk(k, largest=False) for _, table in distance_blocks(x, y)]
    return torch.cat([values for values, _ in found]), torch.cat([places for _, places in found])


def neighbour_radii(x: Tensor, k: int) -> Tensor:
    """Squared distance (n,) of each point of x (n, d) to its k-th nearest neighbour in x."""
    found = []
    for rows, table in distance_blocks(x, x):
        table[torch.arange(len(table)), torch.arange(rows.start, rows.stop)] = torch.inf
        found.append(table.kthvalue(k).values)
    return torch.cat(found)
