"""Rows of a table from a model: as many as are asked for, with the values that are asked for, within constraints.

A generator of tables decides column by column. So for rows with some values, the columns that are asked for are decided
among what will do, each row is given the probability that this would have come by itself, and rows are drawn by it:
rejection, or importance resampling where too few are left (Rubin 1988, "Using the SIR algorithm to simulate posterior
distributions"). The values are always those that were asked for, and the other columns keep the distribution that the
model has beside them.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from sparring.data.tables.schema import Schema
from sparring.data.tables.where import Asked, asked
from sparring.errors import UserError
from sparring.model import CHUNK, Model
from sparring.networks.table import RowGenerator
from sparring.training.random import CLASS, stream

POOL, LARGEST = 4_000, 200_000
"""Rows that those with some values are drawn from, at first and at most."""
ROUNDS = 100
"""Draws for rows in which all constraints hold."""


def rows(model: Model, n: int, seed: int = 0, where: Mapping[str, Any] | None = None) -> Tensor:
    """n rows, as cells (n, columns).

    Args:
        where: values of columns, as `sparring.data.tables.where.asked` takes them.

    Raises:
        UserError: a model of something else, values that are not there, or constraints that hardly ever hold.
    """
    schema = schema_of(model)
    if n < 1:
        raise UserError(f"can't draw {n} rows: ask for 1 or more")
    wanted = asked(schema, where or {})

    def draw(n: int, again: int) -> Tensor:
        at = stream(seed, again) if again else seed
        return _conditioned(model, schema, n, at, wanted) if wanted.options else model.sample(n, at)

    return _held(schema, n, draw) if schema.constraints else draw(n, 0)


def schema_of(model: Model) -> Schema:
    """Raises UserError for a model of something else."""
    if model.description.schema is None:
        raise UserError(
            f"{model.description.recipe.name} makes {model.description.recipe.medium}s, not rows of a table"
        )
    return model.description.schema


def _held(schema: Schema, n: int, draw: Callable[[int, int], Tensor]) -> Tensor:
    """Rows in which all constraints hold."""
    kept = torch.zeros(0, len(schema.columns), dtype=torch.float64)
    for again in range(ROUNDS):
        kept = torch.cat([kept, draw(max(n, CHUNK), again)])
        kept = kept[schema.holds(kept)]
        if len(kept) >= n:
            return kept[:n]
    told = ", ".join(map(str, schema.constraints))
    raise UserError(
        f"only {len(kept):,} of {n:,} rows were found in which all constraints hold ({told}): ask for fewer"
    )


def _conditioned(model: Model, schema: Schema, n: int, seed: int, wanted: Asked) -> Tensor:
    G, g = model.G, torch.Generator().manual_seed(stream(seed, CLASS))
    assert isinstance(G, RowGenerator)
    allowed = [None if (s := wanted.options.get(i)) is None or (s == 1).all() else s for i in schema.learnt]
    shown, log = _pool(model, G, n, seed, allowed)
    if not log.isfinite().any():
        raise UserError("the model never makes such rows: ask for less at once")
    found = schema.parts(shown[_drawn(log, n, g)])
    parts = {i: (o, wanted.placed(i, schema.columns[i], o, p, g)) for i, (o, p) in found.items()}
    return schema.completed(wanted.held(schema.joined(n, parts)))


def _pool(model: Model, G: RowGenerator, n: int, seed: int, allowed: list[Tensor | None]) -> tuple[Tensor, Tensor]:
    """Rows as networks see them, all as asked, and the log-probability of that; so many that n can be drawn, if that
    takes no more than `LARGEST`."""
    like, pool, logs = next(G.parameters()), [], []
    for k in range(-(-LARGEST // model.chunk)):
        z, *given = model.inputs(seed, k)
        with torch.no_grad():
            shown, likely = G.decided(z.to(like), *given, allowed=allowed)
        pool.append(shown.float().cpu())
        logs.append(likely.double().cpu())
        if (k + 1) * model.chunk >= POOL and _accepted(torch.cat(logs)).sum() > 1.2 * n + 50:
            break
    return torch.cat(pool), torch.cat(logs)


def _accepted(log: Tensor) -> Tensor:
    """Each row's probability beside the largest, (n,)."""
    return (log - log.max()).exp().nan_to_num()


def _drawn(log: Tensor, n: int, g: torch.Generator) -> Tensor:
    """Indices of n rows, int64 (n,): by rejection, so none comes twice; with rows that come again where these are too
    few."""
    p = _accepted(log)
    found = (torch.rand(len(p), generator=g, dtype=torch.float64) < p).nonzero()[:, 0]
    if len(found) >= n:
        return found[torch.randperm(len(found), generator=g)[:n]]
    return torch.multinomial(p, n, replacement=True, generator=g)
