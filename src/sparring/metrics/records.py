"""How near made rows come to single training rows."""

import torch
from torch import Tensor

from sparring.data.tables.binned import compared
from sparring.data.tables.columns import Category
from sparring.data.tables.schema import Schema
from sparring.metrics.taught import bare

SEARCHED = 1_000
"""Rows whose closest record is looked for."""
CELLS = 2**24
"""Distances worked out at once."""


def copied(schema: Schema, made: Tensor, train: Tensor) -> float:
    """The share of the rows that are training rows, in every column but identifiers."""
    kept = compared(schema)
    known = {row.tobytes() for row in train[:, kept].numpy()}
    return sum(row.tobytes() in known for row in made[:, kept].numpy()) / len(made)


def closest(schema: Schema, made: Tensor, train: Tensor) -> Tensor:
    """The distance to the closest training row of the first rows, (at most 1000,): the mean over columns of 1 for
    another category, and of a number's gap in spans from its 5th to its 95th percentile, 1 at most."""
    made = made[:SEARCHED]
    return torch.cat(
        [_distances(schema, part, train).min(1).values for part in made.split(max(1, CELLS // len(train)))]
    )


def _distances(schema: Schema, made: Tensor, train: Tensor) -> Tensor:
    kept = compared(schema)
    total = torch.zeros(len(made), len(train))
    for i in kept:
        a, b = made[:, i, None].nan_to_num(-1e9), train[None, :, i].nan_to_num(-1e9)
        if isinstance(bare(schema.columns[i]), Category):
            total += (a != b).float()
            continue
        present = train[:, i][~train[:, i].isnan()]
        low, high = present.quantile(torch.tensor([0.05, 0.95], dtype=torch.float64)) if len(present) else (0.0, 1.0)
        span = float(high - low) or float(present.max() - present.min()) if len(present) else 1.0
        total += ((a - b).abs() / (span or 1.0)).clamp(max=1).float()
    return total / len(kept)
