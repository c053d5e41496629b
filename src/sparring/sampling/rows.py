"""Sampling rows of a table, with values of some columns and with constraints.

A generator of tables decides column by column. For given values, the options of those columns are restricted, each row
gets the probability that its values would have been generated without the restriction, and rows are drawn with it: by
rejection, or by importance resampling if too few are accepted (Rubin 1988, "Using the SIR algorithm to simulate
posterior distributions"). So the other columns have the model's conditional distribution.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from sparring.data.table.conditions import RowConditions, parse_conditions
from sparring.data.table.schema import Schema
from sparring.errors import UserError, one_line
from sparring.errors.bounds import check_bounds
from sparring.models.model import CHUNK, Inputs, Model
from sparring.networks.rows import RowGenerator
from sparring.parallel import parallel_map
from sparring.progress import with_progress
from sparring.rng import CLASS, derived_seed

MIN_POOL, MAX_POOL = 4_000, 200_000
"""Candidate rows that rows with given values are drawn from."""
MAX_DRAWS, MAX_VAIN = 100, 20
"""Attempts to draw enough rows that satisfy all constraints, and to draw the first one."""


def sample_rows(model: Model, n: int, seed: int = 0, where: Mapping[str, Any] | None = None) -> Tensor:
    """n rows as the table stores them, float64 (n, columns).

    Args:
        where: values of columns, as for `sparring.data.table.conditions.parse_conditions`.

    Raises:
        UserError: a model without a table, unknown values, or constraints that are hardly ever satisfied.
    """
    schema = schema_of(model)
    check_bounds(n=n, seed=seed)
    conditions = parse_conditions(schema, where or {})

    def draw(n: int, attempt: int) -> Tensor:
        key = derived_seed(seed, attempt) if attempt else seed
        if not conditions.options:
            return _unconditional(model, schema, n, key)
        rows = _conditional(model, schema, n, key, conditions)
        return rows[conditions.holds(rows)]  # a total that is computed may have left its condition

    return _constrained(schema, n, draw) if schema.constraints else draw(n, 0)


def schema_of(model: Model) -> Schema:
    """The schema of a model's table. Raises UserError for a model of another modality."""
    if not isinstance(model.spec.facts, Schema):
        raise UserError(f"{model.spec.recipe.name} makes {model.modality.words.examples}, not rows of a table")
    return model.spec.facts


def _constrained(schema: Schema, n: int, draw: Callable[[int, int], Tensor]) -> Tensor:
    """n rows that satisfy all constraints."""
    rows = torch.zeros(0, len(schema.columns), dtype=torch.float64)
    for attempt in range(MAX_DRAWS):
        rows = torch.cat([rows, draw(max(n, CHUNK), attempt)])
        rows = rows[schema.holds(rows)]
        if len(rows) >= n:
            return rows[:n]
        if attempt >= MAX_VAIN and not len(rows):
            break
    constraints = one_line(", ".join(map(str, schema.constraints)))
    raise UserError(
        f"only {len(rows):,} of {n:,} rows satisfy all constraints ({constraints}) and conditions: "
        "ask for fewer rows, or relax one"
    )


Parts = dict[int, tuple[Tensor, Tensor]]
"""By index of a column that the network sees: its options int64 (n,) and positions (n,)."""


def _unconditional(model: Model, schema: Schema, n: int, seed: int) -> Tensor:
    """The rows of `model.sample`, computed without one-hot columns."""

    def rows(inputs: Inputs) -> Tensor:
        return schema.join(len(inputs[0]), _decide(model, schema, inputs)[0])

    map_chunks = parallel_map if model.device.type == "cpu" else map
    return torch.cat(list(with_progress(map_chunks(rows, model.chunks(n, seed)), -(-n // model.chunk), "rows")))


def _conditional(model: Model, schema: Schema, n: int, seed: int, conditions: RowConditions) -> Tensor:
    g = torch.Generator().manual_seed(derived_seed(seed, CLASS))
    allowed = [None if (s := conditions.options.get(i)) is None or (s == 1).all() else s for i in schema.learnt]
    pool, log = _pool(model, schema, n, seed, allowed)
    if not log.isfinite().any():
        raise UserError("no sampled row satisfies all conditions: relax one")
    drawn = _resample(log, n, g)
    chosen = {i: (option[drawn], position[drawn]) for i, (option, position) in pool.items()}
    parts = {i: (o, conditions.place(i, schema.columns[i], o, p, g)) for i, (o, p) in chosen.items()}
    return schema.complete(conditions.clamp(schema.join(n, parts)))


def _pool(model: Model, schema: Schema, n: int, seed: int, allowed: list[Tensor | None]) -> tuple[Parts, Tensor]:
    """Rows with the given values, and the log-probability of those values, float64 (m,); at most `MAX_POOL` rows, fewer
    if n of them will be accepted."""
    pool, logs = [], []
    for k in range(-(-MAX_POOL // model.chunk)):
        parts, log = _decide(model, schema, model.draw_inputs(seed, k), allowed)
        pool.append(parts)
        logs.append(log)
        if (k + 1) * model.chunk >= MIN_POOL and _acceptance(torch.cat(logs)).sum() > 1.2 * n + 50:
            break
    joined = {i: (torch.cat([p[i][0] for p in pool]), torch.cat([p[i][1] for p in pool])) for i in schema.learnt}
    return joined, torch.cat(logs)


@torch.no_grad()
def _decide(
    model: Model, schema: Schema, inputs: Inputs, allowed: list[Tensor | None] | None = None
) -> tuple[Parts, Tensor]:
    """The columns of rows, and the log-probability of the allowed options, float64 (n,)."""
    assert isinstance(model.G, RowGenerator)
    z, *condition = inputs
    rows = model.G.generate(z.to(next(model.G.parameters())), *condition, allowed=allowed)
    none = torch.zeros(len(z))
    columns = zip(schema.learnt, rows.options, rows.positions, strict=True)
    parts = {i: (o.cpu(), none if p is None else p.float().cpu()) for i, o, p in columns}
    return parts, rows.log_allowed.double().cpu()


def _acceptance(log: Tensor) -> Tensor:
    """Each row's probability relative to the largest, (n,)."""
    return (log - log.max()).exp().nan_to_num()


def _resample(log: Tensor, n: int, g: torch.Generator) -> Tensor:
    """Indices of n rows, int64 (n,): by rejection, without duplicates; with duplicates if fewer than n are accepted."""
    p = _acceptance(log)
    accepted = (torch.rand(len(p), generator=g, dtype=torch.float64) < p).nonzero()[:, 0]
    if len(accepted) >= n:
        return accepted[torch.randperm(len(accepted), generator=g)[:n]]
    return torch.multinomial(p, n, replacement=True, generator=g)
