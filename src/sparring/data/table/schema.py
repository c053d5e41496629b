"""A table's schema: all that is known of its columns, found once and kept with the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from sparring.data.table import csv_cells as cell
from sparring.data.table.arrow import libraries, schema_from_text, schema_to_text
from sparring.data.table.columns import FORBID_UNKNOWN, Category, Column, Follower, Identifier, Number
from sparring.data.table.constraints import Constraint, parse_constraint
from sparring.data.table.infer import ColumnKind, infer
from sparring.errors import UserError, lookup, one_line

_MIN_ROWS = 12
"""Rows."""
_MIN_FOLLOWER_ROWS, _MIN_ROWS_PER_VALUE = 100, 10
"""Rows, in all and for each value of a column, from which on another one can be seen to follow it."""
_QUICK_ROWS = 5_000


@dataclass(frozen=True)
class Schema:
    __pydantic_config__ = FORBID_UNKNOWN

    columns: tuple[Column, ...]
    arrow: str
    """The Arrow schema, packed."""
    constraints: tuple[Constraint, ...] = ()
    target: str = ""
    """The column that the others are to foretell, when rows are scored."""

    @staticmethod
    def of(
        table: Any, kinds: Mapping[str, ColumnKind] = {}, constraints: Sequence[str] = (), target: str = ""
    ) -> tuple["Schema", Tensor]:
        """The schema of an Arrow table, and the table's cells, float64 (n, columns).

        Raises UserError for a table that is too small, columns that can't be learnt, kinds of columns that are not
        there, and constraints that do not hold.
        """
        for name in kinds:
            lookup(dict.fromkeys(table.column_names), "column", name)
        table = table.drop_columns([name for name, said in kinds.items() if said.kind == "drop"])
        if table.num_rows < _MIN_ROWS or not table.num_columns:
            held = f"{table.num_rows:,} rows" if table.num_columns else "no columns"
            raise UserError(f"a table of {held} has nothing to learn: give {_MIN_ROWS} rows or more")
        arrays = {name: cell.plain_array(name, table.column(name)) for name in table.column_names}
        columns = [_column(name, table.column(name), array, kinds.get(name)) for name, array in arrays.items()]
        read = [cell.read_cells(column, array) for column, array in zip(columns, arrays.values(), strict=True)]
        values = torch.from_numpy(np.stack(read, 1))
        bare = Schema(
            tuple(_find_followers(columns, values)), schema_to_text(table.schema), target=_target(columns, target)
        )
        return replace(
            bare, constraints=tuple(parse_constraint(text, bare.columns, values) for text in constraints)
        ), values

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @cached_property
    def learnt(self) -> tuple[int, ...]:
        """Which columns networks see; the others are constant, or made of these, or anew."""
        return tuple(i for i, column in enumerate(self.columns) if column.options > 1 or column.places)

    @property
    def choices(self) -> list[int]:
        """Options of each learnt column."""
        return [self.columns[i].options for i in self.learnt]

    @property
    def places(self) -> list[int]:
        """How many of them, the first, have positions."""
        return [self.columns[i].places for i in self.learnt]

    @cached_property
    def conditions(self) -> tuple[int, ...]:
        """Learnt columns of categories with a choice: what rows are given in training by sampling."""
        return tuple(i for i in self.learnt if isinstance(self.columns[i], Category) and self.columns[i].options > 1)

    @property
    def option_shares(self) -> tuple[tuple[float, ...], ...]:
        """Of each learnt column's options in the data; empty for those that are no condition."""
        found = [self.columns[i] if i in self.conditions else None for i in self.learnt]
        return tuple(column.shares if isinstance(column, Category) else () for column in found)

    def option(self, i: int, values: Tensor) -> Tensor:
        """Of column i in rows (n, columns): int64 (n,)."""
        column = self.columns[i]
        assert isinstance(column, Number | Category)
        return column.encode(values[:, i].cpu().contiguous())[0]

    def shares(self, values: Tensor) -> list[Tensor]:
        """Of each learnt column's options in rows (n, columns), (options,)."""
        counts = [self.option(i, values).bincount(minlength=self.columns[i].options) for i in self.learnt]  # pyright: ignore
        return [count / len(values) for count in counts]

    @property
    def shape(self) -> tuple[int]:
        """Of a row as networks see it: the options of each learnt column as a one-hot, then the positions."""
        return (sum(self.choices) + sum(places > 0 for places in self.places),)

    def encode(self, values: Tensor) -> Tensor:
        """Cells (n, columns) → what networks see, float32 (n, width), on the cells' device."""
        device, values = values.device, values.cpu()
        shown, positions = [], []
        for i in self.learnt:
            column = self.columns[i]
            assert isinstance(column, Number | Category)
            option, position = column.encode(values[:, i].contiguous())
            shown.append(one_hot(option, column.options).float())
            if column.places:
                positions.append(position.float())
        return torch.cat([*shown, *(position[:, None] for position in positions)], 1).to(device)

    def decode(self, shown: Tensor) -> Tensor:
        """Its inverse, on the CPU."""
        return self.join(len(shown), self.parts(shown))

    def parts(self, shown: Tensor) -> dict[int, tuple[Tensor, Tensor]]:
        """By learnt column, the option int64 (n,), of each one-hot the largest, and the position (n,)."""
        *options, positions = shown.cpu().split([*self.choices, self.shape[0] - sum(self.choices)], 1)
        taken, none = iter(positions.unbind(1)), torch.zeros(len(shown))
        return {
            i: (option.max(1).indices, next(taken) if self.columns[i].places else none)
            for i, option in zip(self.learnt, options, strict=True)
        }

    def join(self, n: int, parts: Mapping[int, tuple[Tensor, Tensor]]) -> Tensor:
        """Cells of n rows, from the parts of all learnt columns."""
        values = torch.zeros(n, len(self.columns), dtype=torch.float64)
        for i, (option, position) in parts.items():
            column = self.columns[i]
            assert isinstance(column, Number | Category)
            values[:, i] = column.decode(option, position)
        return self.complete(values)

    def complete(self, values: Tensor) -> Tensor:
        """Cells with those of constants, followers, and sums filled in."""
        for i, column in enumerate(self.columns):
            if isinstance(column, Number | Category) and i not in self.learnt:
                values[:, i] = column.decode(torch.zeros(len(values), dtype=torch.long), torch.zeros(len(values)))
            if isinstance(column, Follower):
                values[:, i] = column.follow(values[:, self.names.index(column.leader)])
        for constraint in self.constraints:
            values = constraint.complete(values, self.columns)
        return values

    def holds(self, values: Tensor) -> Tensor:
        """Rows in which all constraints hold, bool (n,)."""
        held = torch.ones(len(values), dtype=torch.bool)
        for constraint in self.constraints:
            held &= constraint.holds(values, self.columns)
        return held

    def cells(self, table: Any) -> Tensor:
        """Of an Arrow table with these columns; rows with a category that is unknown here are left out.

        Raises UserError for another table, and where no row is left.
        """
        for name in self.names:
            lookup(dict.fromkeys(table.column_names), "column", name)
        read = [cell.read_cells(c, cell.plain_array(c.name, table.column(c.name))) for c in self.columns]
        values = torch.from_numpy(np.stack(read, 1))
        bare = [c.column if isinstance(c, Follower) else c for c in self.columns]
        unknown = torch.tensor([isinstance(c, Category) for c in bare]) & (values == cell.UNKNOWN)
        if len(values) and unknown.any(1).all():
            name = self.names[int(unknown[0].long().argmax())]
            raise UserError(f"no row is left: each has a category that is unknown, the first one in '{one_line(name)}'")
        return values[~unknown.any(1)]

    def table(self, values: Tensor, start: int = 0) -> Any:
        """Cells as an Arrow table of the types the data had; identifiers are numbered from `start`."""
        _, arrow = libraries()
        types = schema_from_text(self.arrow)
        arrays = [
            cell.write_cells(column, values[:, i].numpy(), types.field(column.name).type, start)
            for i, column in enumerate(self.columns)
        ]
        return arrow.Table.from_arrays(arrays, schema=types)

    def column(self, name: str) -> Column:
        """Raises UserError for one that is not there."""
        return lookup({column.name: column for column in self.columns}, "column", name)


def _column(name: str, found: Any, array: Any, said: ColumnKind | None) -> Column:
    """Of an Arrow column and what it comes to as a plain array."""
    _, arrow = libraries()
    said = said or ColumnKind()
    if not said.kind and arrow.types.is_temporal(found.type) and array.null_count < len(array):
        said = replace(said, kind="number")  # counting days tells no rows apart
    column = infer(name, array, said)
    if isinstance(column, Identifier):  # as many rows as these can be made, or it is told now and not after training
        cell.write_cells(column, np.zeros(1), found.type, len(array) - 1)
    if isinstance(column, Category) and arrow.types.is_dictionary(found.type):
        order = found.combine_chunks().dictionary.to_pylist()
        return replace(column, order=tuple(value for value in order if value is not None))
    return column


def _target(columns: Sequence[Column], name: str) -> str:
    """The last column that is no identifier, unless another is named."""
    known = {column.name: column for column in columns if not isinstance(column, Identifier)}
    return lookup(known, "column", name).name if name else next(reversed(known), "")


def _find_followers(columns: list[Column], values: Tensor) -> list[Column]:
    """The columns, those that a category tells as its followers."""
    found, leaders = list(columns), set()
    for j, column in enumerate(columns):
        if not isinstance(column, Number | Category) or column.options < 2 or j in leaders:
            continue
        for i, leader in enumerate(found):
            if i == j or not isinstance(leader, Category) or leader.options < 2:
                continue
            if (table := _follower_table(leader, values[:, i], values[:, j])) is not None:
                found[j] = Follower(column, leader.name, table)
                leaders.add(i)
                break
    return found


def _follower_table(leader: Category, leading: Tensor, following: Tensor) -> tuple[float | None, ...] | None:
    """What follows each value of the leader; None where that is not one value always."""
    if len(leading) < max(_MIN_FOLLOWER_ROWS, _MIN_ROWS_PER_VALUE * len(leader.values)):
        return None
    index = leading.nan_to_num(len(leader.values)).long()
    if not _lookup_table(index[:_QUICK_ROWS], following[:_QUICK_ROWS], len(leader.values) + 1)[1]:
        return None
    table, told = _lookup_table(index, following, len(leader.values) + 1)
    return tuple(None if cell != cell else cell for cell in table.tolist()) if told else None


def _lookup_table(index: Tensor, following: Tensor, n: int) -> tuple[Tensor, bool]:
    table = torch.full((n,), torch.nan, dtype=torch.float64)
    table[index] = following
    seen = table[index]
    return table, bool(((seen == following) | (seen.isnan() & following.isnan())).all())
