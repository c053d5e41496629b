"""Discretised columns, for joint distributions and associations."""

import torch
from torch import Tensor

from sparring.data.table.columns import Category, Follower, Identifier
from sparring.data.table.schema import Schema

_BINS = 10
"""Bins of a number column, with equal shares of the reference rows."""
_CATEGORIES = 30
"""Categories kept apart; the remaining ones share one bin."""


def binned(schema: Schema, like: Tensor, *tables: Tensor) -> list[Tensor]:
    """Bin indices, int64 (n, compared columns), of tables of cells (n, columns); edges are quantiles of `like`.

    Missing values have a bin of their own.
    """
    columns = [[] for _ in tables]
    for i in compared_columns(schema):
        column = schema.columns[i]
        bare = column.column if isinstance(column, Follower) else column
        edges = None if isinstance(bare, Category) else _edges(like[:, i])
        for rows, table in zip(columns, tables, strict=True):
            cells = table[:, i].contiguous()
            bins = cells.clamp(max=_CATEGORIES) if edges is None else torch.bucketize(cells, edges)
            rows.append(torch.where(cells.isnan(), float(_CATEGORIES + 1), bins.double()).long())
    return [torch.stack(rows, 1) for rows in columns]


def compared_columns(schema: Schema) -> list[int]:
    """Indices of all columns but identifiers."""
    return [i for i, column in enumerate(schema.columns) if not isinstance(column, Identifier)]


def _edges(cells: Tensor) -> Tensor:
    present = cells[~cells.isnan()]
    if not len(present):
        return torch.zeros(0, dtype=torch.float64)
    shares = torch.linspace(0, 1, _BINS + 1, dtype=torch.float64)[1:-1]
    edges = present.quantile(shares).unique()
    others = present[present != present.median()]
    if len(edges) < _BINS // 2 and len(others):  # one value dominates: add quantiles of the others
        edges = torch.cat([edges, others.quantile(shares)]).unique()[: 2 * _BINS]
    return edges


_WIDTH = _CATEGORIES + 2
"""Maximum number of bins of a column; the last is for missing values."""


def joint_distributions(bins: Tensor, i: int) -> Tensor:
    """Joint distributions of column i with each later column, float64 (later columns, bins, bins)."""
    later = bins[:, i + 1 :]
    k = later.shape[1]
    cells = bins[:, i, None] * _WIDTH + later + torch.arange(k) * _WIDTH**2
    return cells.flatten().bincount(minlength=k * _WIDTH**2).double().view(k, _WIDTH, _WIDTH) / len(bins)


def association(bins: Tensor) -> Tensor:
    """Cramér's V of each pair of columns, (k, k): 0 for independent columns, 1 if one determines the other."""
    k = bins.shape[1]
    V = torch.eye(k, dtype=torch.float64)
    for i in range(k):
        for j, p in enumerate(joint_distributions(bins, i), i + 1):
            rows, columns = p.sum(1), p.sum(0)
            expected = rows[:, None] * columns
            chi = ((p - expected).square() / expected.where(expected > 0, 1.0)).sum()
            least = min(int((rows > 0).sum()), int((columns > 0).sum())) - 1
            V[i, j] = V[j, i] = (chi / least).sqrt() if least else 0.0
    return V
