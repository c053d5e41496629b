"""Distance of generated rows to their nearest training row."""

import torch
from torch import Tensor

from sparring.data.table.binned import compared_columns
from sparring.data.table.columns import Category
from sparring.data.table.schema import Schema
from sparring.metrics.table.train_on_synthetic import underlying_column

_SEARCHED, _MAX_TRAINING_ROWS = 1_000, 100_000
"""Generated rows searched for, and training rows searched, evenly spaced, at most."""
_MAX_CELLS = 2**24
"""Distances computed at once."""
_MISSING = -1e9
"""Scaled value of missing cells, far from all others."""


def copied_share(schema: Schema, generated: Tensor, train: Tensor) -> float:
    """Share of generated rows that equal a training row in all columns but identifiers."""
    kept = compared_columns(schema)
    known = {row.tobytes() for row in train[:, kept].numpy()}
    return sum(row.tobytes() in known for row in generated[:, kept].numpy()) / len(generated)


def closest_distances(schema: Schema, generated: Tensor, train: Tensor) -> Tensor:
    """Distance of the first 1,000 generated rows to the closest of up to 100,000 training rows, (≤ 1000,).

    Gower-like: the mean over columns of 1 for different categories, and for numbers of their difference, at most 1, in
    units of the range from the 5th to the 95th percentile.
    """
    generated, train = generated[:_SEARCHED], train[:: -(-len(train) // _MAX_TRAINING_ROWS)]
    scaled = [_scaled(schema, i, generated[:, i], train[:, i]) for i in compared_columns(schema)]
    found = []
    for rows in torch.arange(len(generated)).split(max(1, _MAX_CELLS // len(train))):
        total = torch.zeros(len(rows), len(train))
        for a, b in scaled:
            total += (a[rows, None] - b).abs_().clamp_(max=1)
        found.append(total.min(1).values)
    return torch.cat(found) / len(scaled)


def _scaled(schema: Schema, i: int, generated: Tensor, train: Tensor) -> tuple[Tensor, Tensor]:
    """Generated and training cells of column i in units of its range, float32; categories differ by 1 or more."""
    low, span, present = 0.0, 1.0, train[~train.isnan()]
    if len(present) and not isinstance(underlying_column(schema.columns[i]), Category):
        low, high = present.quantile(torch.tensor([0.05, 0.95], dtype=torch.float64)).tolist()
        span = high - low or float(present.max() - present.min()) or 1.0
    return tuple(((x - low) / span).nan_to_num(_MISSING).float() for x in (generated, train))  # pyright: ignore
