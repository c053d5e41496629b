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

from sparring.data.table.conditions import RowConditions, parse_conditions
from sparring.data.table.schema import Schema
from sparring.errors import UserError
from sparring.models.model import CHUNK, Inputs, Model
from sparring.networks.rows import RowGenerator
from sparring.parallel import parallel_map
from sparring.progress import with_progress
from sparring.rng import CLASS, derived_seed

POOL, LARGEST = 4_000, 200_000
"""Rows that those with some values are drawn from, at first and at most."""
ROUNDS = 100
"""Draws for rows in which all constraints hold."""


def sample_rows(model: Model, n: int, seed: int = 0, where: Mapping[str, Any] | None = None) -> Tensor:
    """n rows, as cells (n, columns).

    Args:
        where: values of columns, as `sparring.data.table.conditions.parse_conditions` takes them.

    Raises:
        UserError: a model of something else, values that are not there, or constraints that hardly ever hold.
    """
    schema = schema_of(model)
    if n < 1:
        raise UserError(f"can't draw {n} rows: ask for 1 or more")
    wanted = parse_conditions(schema, where or {})

    def draw(n: int, again: int) -> Tensor:
        at = derived_seed(seed, again) if again else seed
        return _conditioned(model, schema, n, at, wanted) if wanted.options else _plain(model, schema, n, at)

    return _held(schema, n, draw) if schema.constraints else draw(n, 0)


def schema_of(model: Model) -> Schema:
    """Raises UserError for a model of something else."""
    if model.spec.schema is None:
        raise UserError(f"{model.spec.recipe.name} makes {model.spec.recipe.modality}s, not rows of a table")
    return model.spec.schema


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


Parts = dict[int, tuple[Tensor, Tensor]]
"""By learnt column, its options int64 (n,) and positions (n,)."""


def _plain(model: Model, schema: Schema, n: int, seed: int) -> Tensor:
    """What `model.sample` draws, without a one-hot of each column on the way."""

    def made(inputs: Inputs) -> Tensor:
        return schema.join(len(inputs[0]), _decided(model, schema, inputs)[0])

    of = parallel_map if next(model.G.parameters()).device.type == "cpu" else map
    return torch.cat(list(with_progress(of(made, model.chunks(n, seed)), -(-n // model.chunk), "rows")))


def _conditioned(model: Model, schema: Schema, n: int, seed: int, wanted: RowConditions) -> Tensor:
    g = torch.Generator().manual_seed(derived_seed(seed, CLASS))
    allowed = [None if (s := wanted.options.get(i)) is None or (s == 1).all() else s for i in schema.learnt]
    pool, log = _pool(model, schema, n, seed, allowed)
    if not log.isfinite().any():
        raise UserError("the model never makes such rows: ask for less at once")
    drawn = _drawn(log, n, g)
    found = {i: (option[drawn], position[drawn]) for i, (option, position) in pool.items()}
    parts = {i: (o, wanted.place(i, schema.columns[i], o, p, g)) for i, (o, p) in found.items()}
    return schema.complete(wanted.clamp(schema.join(n, parts)))


def _pool(model: Model, schema: Schema, n: int, seed: int, allowed: list[Tensor | None]) -> tuple[Parts, Tensor]:
    """Rows that are all as asked, and the log-probability of that; so many that n can be drawn, if that takes no more
    than `LARGEST`."""
    pool, logs = [], []
    for k in range(-(-LARGEST // model.chunk)):
        parts, likely = _decided(model, schema, model.draw_inputs(seed, k), allowed)
        pool.append(parts)
        logs.append(likely)
        if (k + 1) * model.chunk >= POOL and _accepted(torch.cat(logs)).sum() > 1.2 * n + 50:
            break
    joined = {i: (torch.cat([p[i][0] for p in pool]), torch.cat([p[i][1] for p in pool])) for i in schema.learnt}
    return joined, torch.cat(logs)


@torch.no_grad()
def _decided(
    model: Model, schema: Schema, inputs: Inputs, allowed: list[Tensor | None] | None = None
) -> tuple[Parts, Tensor]:
    """The parts of rows, and the log-probability of what was allowed, float64 (n,)."""
    assert isinstance(model.G, RowGenerator)
    z, *given = inputs
    made = model.G.decided(z.to(next(model.G.parameters())), *given, allowed=allowed)
    none = torch.zeros(len(z))
    of_column = zip(schema.learnt, made.options, made.positions, strict=True)
    parts = {i: (o.cpu(), none if p is None else p.float().cpu()) for i, o, p in of_column}
    return parts, made.likely.double().cpu()


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
