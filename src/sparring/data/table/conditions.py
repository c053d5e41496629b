"""Conditions on sampled rows, as weights of column options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from sparring.data.table.columns import Category, Column, Follower, Identifier, Number
from sparring.data.table.condition_values import Span, alternatives, category_index, number_spans
from sparring.data.table.schema import Schema
from sparring.errors import UserError, one_line


@dataclass
class RowConditions:
    """Conditions by column index."""

    options: dict[int, Tensor] = field(default_factory=dict)
    """Share of each option that satisfies the condition, float64 (options,)."""
    spans: dict[int, list[Span]] = field(default_factory=dict)
    """Allowed cells of numbers: disjoint spans, ascending; none if only missing is allowed."""
    missing: set[int] = field(default_factory=set)
    """Numbers that may be missing."""
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

    def narrow_number(self, i: int, column: Number, spans: Sequence[Span], missing: bool) -> None:
        """Restricts column i to these disjoint spans, or to missing, and to those it was restricted to before."""
        before = self.spans.get(i, [(-torch.inf, torch.inf)])
        both = [(max(a, c), min(b, d)) for a, b in spans for c, d in before if max(a, c) <= min(b, d)]
        shares = [torch.zeros(column.options, dtype=torch.float64), *(column.match_shares(*span) for span in both)]
        allowed = torch.stack(shares).sum(0).clamp(max=1)
        if missing and (i not in self.spans or i in self.missing):
            self.missing.add(i)
            allowed[-1] = 1
        else:
            self.missing.discard(i)
        self.spans[i], self.options[i] = both, allowed

    def place(self, i: int, column: Column, option: Tensor, position: Tensor, g: torch.Generator) -> Tensor:
        """Positions of column i, (n,), moved inside the condition for the chosen options."""
        if isinstance(column, Number) and column.places and self.spans.get(i):
            return _place_in_spans(column, self.spans[i], option, position)
        if isinstance(column, Category) and (rare := self.rare.get(i)):
            counts = torch.tensor([column.counts[index] for index in rare], dtype=torch.float64)
            drawn = torch.multinomial(counts, len(position), replacement=True, generator=g)
            return column.centre_position(torch.tensor(rare)[drawn])
        return position

    def clamp(self, values: Tensor) -> Tensor:
        """Moves cells (n, columns) into the nearest allowed span: rounding may take them out."""
        for i, spans in self.spans.items():
            if spans:
                near = torch.stack([values[:, i].clamp(low, high) for low, high in spans])
                values[:, i] = near.gather(0, (near - values[:, i]).abs().argmin(0, keepdim=True))[0]
        return values

    def holds(self, values: Tensor) -> Tensor:
        """Whether each row of cells (n, columns) satisfies the conditions on numbers, bool (n,)."""
        satisfied = torch.ones(len(values), dtype=torch.bool)
        for i, spans in self.spans.items():
            cells = values[:, i]
            inside = torch.stack([torch.zeros_like(satisfied), *((cells >= a) & (cells <= b) for a, b in spans)])
            satisfied &= inside.any(0) | (cells.isnan() & (i in self.missing))
        return satisfied


def _place_in_spans(column: Number, spans: Sequence[Span], option: Tensor, position: Tensor) -> Tensor:
    """Positions (n,) in [−1, 1] of the bins, as shares of what the spans leave of each bin."""
    shares = torch.stack([column.match_shares(*span)[: column.places] for span in spans], 1)  # (bins, spans)
    starts, ends = torch.stack([column.interval_positions(*span) for span in spans], 1).unbind(2)
    bin = option.clamp(max=column.places - 1)
    before = shares.cumsum(1) - shares
    target = (position.double() + 1) / 2 * shares.sum(1)[bin]
    begun = (before[bin] <= target[:, None]) & (shares[bin] > 0)
    k = torch.where(begun, torch.arange(len(spans)), 0).amax(1)  # the last one
    part = ((target - before[bin, k]) / shares[bin, k]).clamp(0, 1).nan_to_num()
    return starts[bin, k] + part * (ends[bin, k] - starts[bin, k])


def parse_conditions(schema: Schema, where: Mapping[str, Any]) -> RowConditions:
    """Parses conditions on columns.

    Args:
        where: column → a value, a list of allowed values, or None for missing; for numbers also a pair (low, high) or
            a text "low:high", either end of which may be omitted.

    Raises:
        UserError: an unknown column or value, or a column that can't be conditioned on.
    """
    if not isinstance(where, Mapping):
        raise UserError(f"conditions are a mapping from columns to values, not a {type(where).__name__}")
    found = RowConditions()
    for name, value in where.items():
        column = schema.column(str(name))
        if not alternatives(value):
            raise UserError(f"the condition on '{one_line(name)}' allows no value: give one or more")
        if isinstance(column, Identifier):
            raise UserError(f"'{one_line(name)}' is an identifier and can't be conditioned on: leave it out")
        if isinstance(column, Follower):
            _narrow_leader(found, schema, column, value)
        elif isinstance(column, Category):
            found.narrow(schema.names.index(column.name), column, _indices(column, value))
        else:
            found.narrow_number(schema.names.index(column.name), column, *number_spans(column, schema, value))
    for i, options in found.options.items():
        if not options.any():
            raise UserError(f"the conditions on '{one_line(schema.names[i])}' contradict each other: relax one")
    return found


def _indices(column: Category, value: Any) -> list[int | None]:
    return [category_index(column, each) for each in alternatives(value)]


def _narrow_leader(found: RowConditions, schema: Schema, column: Follower, value: Any) -> None:
    """Restricts the leader to the values whose follower satisfies the condition."""
    i, leader = schema.names.index(column.leader), schema.column(column.leader)
    cells = torch.tensor([torch.nan if each is None else each for each in column.table], dtype=torch.float64)
    fits = _fitting(cells, schema, column.column, value)
    indices, missing = fits[:-1].nonzero()[:, 0].tolist(), bool(fits[-1])
    if isinstance(leader, Category):
        found.narrow(i, leader, [*indices, *([None] if missing and leader.missing else [])])
    elif isinstance(leader, Number):
        spans = [(column.keys[index], column.keys[index]) for index in indices]
        found.narrow_number(i, leader, spans, missing and leader.missing > 0)


def _fitting(cells: Tensor, schema: Schema, column: Number | Category, value: Any) -> Tensor:
    """Whether each cell satisfies the condition, bool (n,)."""
    if isinstance(column, Category):
        wanted = _indices(column, value)
        known = torch.tensor([index for index in wanted if index is not None], dtype=torch.float64)
        return torch.isin(cells, known) | (cells.isnan() & (None in wanted))
    found = RowConditions()
    found.narrow_number(0, column, *number_spans(column, schema, value))
    return found.holds(cells[:, None])
