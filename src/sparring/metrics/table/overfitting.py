"""Overfitting of small tables: the likelihood of held-out rows, and distances to training rows."""

import math

import torch
from torch import Tensor

from sparring.data.table.schema import Schema
from sparring.metrics.table.nearest_record import closest_distances
from sparring.networks.rows import RowGenerator

_DRAWS = 8
"""Latents per row for its likelihood."""
TOO_NEAR = 0.8
"""Ratio of distances to training rows, of samples and of real rows, below which samples are too near."""


@torch.no_grad()
def negative_log_likelihood(G: RowGenerator, schema: Schema, cells: Tensor, inputs: list[Tensor]) -> float:
    """Mean −log p of rows of cells (n, columns) in nats per learnt column, up to a constant.

    Args:
        inputs: the latents z (m, z), and conditions of as many rows; m is at least 8. Each row gets several of them.
    """
    device = next(G.parameters()).device
    rows = schema.encode(cells).to(device)
    drawn = [[x.to(device).roll(-k, 0)[torch.arange(len(rows)) % len(x)] for x in inputs] for k in range(_DRAWS)]
    log = torch.stack([-G.nll(rows, *each) for each in drawn])
    return float(math.log(_DRAWS) - log.logsumexp(0).double().mean()) / len(schema.learnt)


def relative_nearness(schema: Schema, generated: Tensor, real: Tensor, train: Tensor) -> float:
    """Median distance of generated rows to the closest training row, relative to that of real rows; 1 if that is 0."""
    a, b = (float(closest_distances(schema, rows, train).median()) for rows in (generated, real))
    return a / b if b else 1.0
