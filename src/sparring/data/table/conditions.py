"""Conditions on sampled rows, as weights of column options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.data.table import csv_cells as cell
from sparring.data.table.arrow import libraries, schema_from_text
from sparring.data.table.columns import Category, Column, Follower, Identifier, Number
from sparring.data.table.constraints import Sum
from sparring.data.table.schema import Schema
from sparring.errors import UserError, did_you_mean, one_line


@dataclass
class RowConditions:
    """Conditions by column index."""

    options: dict[int, Tensor] = field(default_factory=dict)
    """Share of each option that satisfies the condition, float64 (options,)."""
    spans: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Bounds of numbers, in cells."""
    rare: dict[int, list[int]] = field(default_factory=dict)
    """Allowed categories without an option of their own."""
    indices: dict[int, list[int | None]] = field(default_factory=dict)
    """All allowed categories; None for missing."""

    def narrow(self, i: int, column: Category, indices: Sequence[int | None]) -> None:
        """Restricts column i to these categories, and to those it was restricted to before."""
        new = dict.fromkeys(indices)
        both = [index for index in new if i not in self.indices or index in self.indices[i]]
        none = torch.zeros(column.options, dtype=torch.float64)
        self.indices[i] = both
        self.options[i] = torch.stack([none, *(column.match_shares(index) for index in both)]).sum(0).clamp(max=1)
        self.rare[i] = [index for index in both if index is not None and index >= column.learnt]

    def place(self, i: int, column: Column, option: Tensor, position: Tensor, g: torch.Generator) -> Tensor:
        """Positions of column i, (n,), moved inside the condition for the chosen options."""
        if i in self.spans and isinstance(column, Number) and column.places:
            start, end = column.interval_positions(*self.spans[i])[option.clamp(max=column.places - 1)].unbind(1)
            return start + (position.double() + 1) / 2 * (end - start)
        if isinstance(column, Category) and (rare := self.rare.get(i)):
            counts = torch.tensor([column.counts[index] for index in rare], dtype=torch.float64)
            drawn = torch.multinomial(counts, len(position), replacement=True, generator=g)
            return column.centre_position(torch.tensor(rare)[drawn])
        return position

    def clamp(self, values: Tensor) -> Tensor:
        """Clamps cells (n, columns) to the bounds of the conditions, which rounding may leave."""
        for i, (low, high) in self.spans.items():
            values[:, i] = values[:, i].clamp(low, high)
        return values


def parse_conditions(schema: Schema, where: Mapping[str, Any]) -> RowConditions:
    """Parses conditions on columns.

    Args:
        where: column → a value, a list of allowed values, or None for missing; for numbers also a pair (low, high) or
            a text "low:high", either end of which may be omitted.

    Raises:
        UserError: an unknown column or value, or a column that can't be conditioned on.
    """
    found = RowConditions()
    for name, value in where.items():
        column, i = schema.column(name), schema.names.index(name)
        _check_free(schema, name)
        if isinstance(column, Identifier):
            raise UserError(f"'{one_line(name)}' is an identifier and can't be conditioned on: leave it out")
        if isinstance(column, Follower):
            leader = schema.column(column.leader)
            assert isinstance(leader, Category)
            found.narrow(schema.names.index(column.leader), leader, _leader_indices(schema, leader, column, value))
        elif isinstance(column, Category):
            found.narrow(i, column, [_index(column, each) for each in _listed(value)])
        else:
            _span(found, i, column, schema, value)
    for i, options in found.options.items():
        if not options.any():
            raise UserError(f"the conditions on '{one_line(schema.names[i])}' contradict each other: relax one")
    return found


def _check_free(schema: Schema, name: str) -> None:
    for constraint in schema.constraints:
        if isinstance(constraint, Sum) and constraint.total == name:
            raise UserError(
                f"'{one_line(name)}' is computed ('{one_line(constraint)}') and can't be conditioned on: "
                f"set its parts, {one_line(', '.join(constraint.parts))}"
            )


def _index(column: Category, value: Any) -> int | None:
    if value is None or value == "":
        if not column.missing and "" not in column.index:
            raise UserError(f"'{one_line(column.name)}' is never missing: ask for a value")
        return column.index.get("")
    if value in column.index:
        return column.index[value]
    by_text = {str(known): index for known, index in column.index.items()}
    if str(value) not in by_text:
        known = ", ".join(list(by_text)[:8])
        hint = did_you_mean(str(value), by_text) or f"; there are: {known}{', …' if len(by_text) > 8 else ''}"
        raise UserError(f"'{one_line(column.name)}' has no value '{one_line(value)}'{hint}")
    return by_text[str(value)]


def _span(found: RowConditions, i: int, column: Number, schema: Schema, value: Any) -> None:
    if value is None or value == "":
        if not column.missing:
            raise UserError(f"'{one_line(column.name)}' is never missing: ask for a value")
        found.options[i] = torch.zeros(column.options, dtype=torch.float64)
        found.options[i][-1] = 1
        return
    low, high = (_cell(column, schema, end) for end in _ends(value))
    low = column.low if low is None else max(low, column.low)
    high = column.high if high is None else min(high, column.high)
    if column.whole:
        low, high = float(np.ceil(low)), float(np.floor(high))
    options = column.match_shares(low, high)
    if low > high or not options.any():
        raise UserError(f"'{one_line(column.name)}' is never {one_line(value)} in the data: choose another value")
    found.spans[i], found.options[i] = (low, high), options


def _ends(value: Any) -> Sequence[Any]:
    if isinstance(value, tuple) and len(value) == 2:
        return value
    parts = value.split(":") if isinstance(value, str) and value.count(":") == 1 else [value]
    return [part.strip() or None if isinstance(part, str) else part for part in (parts[0], parts[-1])]


def _cell(column: Number, schema: Schema, value: Any) -> float | None:
    """Cell of a value. Raises UserError for a value of another type than the column's."""
    if value is None:
        return None
    _, arrow = libraries()
    kind = schema_from_text(schema.arrow).field(column.name).type
    try:
        if not arrow.types.is_temporal(kind):
            return (float(value) - column.origin) / column.unit
        array = arrow.array([value]).cast(kind)
        ticks = cell.plain_array(column.name, array)[0].as_py()
        return (ticks - column.origin) / column.unit
    except (arrow.ArrowException, TypeError, ValueError):
        raise UserError(f"'{one_line(column.name)}' is of type {kind}, which '{one_line(value)}' is not") from None


def _leader_indices(schema: Schema, leader: Category, column: Follower, value: Any) -> list[int | None]:
    """Indices of the leader whose follower satisfies the condition; None for a missing leader."""
    cells = torch.tensor([torch.nan if each is None else each for each in column.table], dtype=torch.float64)
    fits = _fitting(cells, schema, column.column, value).nonzero()[:, 0].tolist()
    indices = [index if index < len(leader.values) else None for index in fits]
    return [index for index in indices if index is not None or leader.missing]


def _fitting(cells: Tensor, schema: Schema, column: Number | Category, value: Any) -> Tensor:
    """Whether each cell satisfies the condition, bool (n,)."""
    if isinstance(column, Category):
        wanted = [_index(column, each) for each in _listed(value)]
        known = torch.tensor([index for index in wanted if index is not None], dtype=torch.float64)
        return torch.isin(cells, known) | (cells.isnan() & (None in wanted))
    found = RowConditions()
    _span(found, 0, column, schema, value)
    low, high = found.spans.get(0, (torch.nan, torch.nan))
    return (cells >= low) & (cells <= high) if found.spans else cells.isnan()


def _listed(value: Any) -> Sequence[Any]:
    return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
