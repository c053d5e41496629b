"""How near made rows come to single training rows."""

import torch
from torch import Tensor

from sparring.data.table.binned import compared_columns
from sparring.data.table.columns import Category
from sparring.data.table.schema import Schema
from sparring.metrics.image.train_on_synthetic import underlying_column

_SEARCHED, _MAX_TRAINING_ROWS = 1_000, 100_000
"""Rows whose closest record is looked for, and training rows it is looked for among, evenly taken."""
_MAX_CELLS = 2**24
"""Distances worked out at once."""
_MISSING = -1e9
"""Where missing values stand, in spans."""


def copied_share(schema: Schema, made: Tensor, train: Tensor) -> float:
    """The share of the rows that are training rows, in every column but identifiers."""
    kept = compared_columns(schema)
    known = {row.tobytes() for row in train[:, kept].numpy()}
    return sum(row.tobytes() in known for row in made[:, kept].numpy()) / len(made)


def closest_distances(schema: Schema, made: Tensor, train: Tensor) -> Tensor:
    """The distance to the closest training row (of 100,000 at most) of the first rows, (at most 1,000,): the mean over
    columns of 1 for another category, and of a number's gap in spans from its 5th to its 95th percentile, 1 at most."""
    made, train = made[:_SEARCHED], train[:: -(-len(train) // _MAX_TRAINING_ROWS)]
    scaled = [_scaled(schema, i, made[:, i], train[:, i]) for i in compared_columns(schema)]
    found = []
    for rows in torch.arange(len(made)).split(max(1, _MAX_CELLS // len(train))):
        total = torch.zeros(len(rows), len(train))
        for a, b in scaled:
            total += (a[rows, None] - b).abs_().clamp_(max=1)
        found.append(total.min(1).values)
    return torch.cat(found) / len(scaled)


def _scaled(schema: Schema, i: int, made: Tensor, train: Tensor) -> tuple[Tensor, Tensor]:
    """The cells of column i in spans, float32; another category is a span away and more."""
    low, span, present = 0.0, 1.0, train[~train.isnan()]
    if len(present) and not isinstance(underlying_column(schema.columns[i]), Category):
        low, high = present.quantile(torch.tensor([0.05, 0.95], dtype=torch.float64)).tolist()
        span = high - low or float(present.max() - present.min()) or 1.0
    return tuple(((x - low) / span).nan_to_num(_MISSING).float() for x in (made, train))  # pyright: ignore
