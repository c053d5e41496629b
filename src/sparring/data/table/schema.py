"""Table schema: columns, types, constraints; stored in `model.json`."""

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
from sparring.data.table.dependencies import find_followers, find_formulas
from sparring.data.table.formulas import Formula, in_order
from sparring.data.table.infer import Kind, infer
from sparring.errors import UserError, lookup, one_line

_MIN_ROWS = 12
"""Minimum rows of a table."""


@dataclass(frozen=True)
class Schema:
    __pydantic_config__ = FORBID_UNKNOWN

    columns: tuple[Column, ...]
    arrow: str
    """The Arrow schema, as by `schema_to_text`."""
    constraints: tuple[Constraint, ...] = ()
    target: str = ""
    """Target column for ML efficacy."""

    @staticmethod
    def of(
        table: Any, kinds: Mapping[str, Kind] = {}, constraints: Sequence[str] = (), target: str = ""
    ) -> tuple["Schema", Tensor]:
        """Infers the schema of an Arrow table; returns it and the cells, float64 (n, columns).

        Raises UserError for a table that is too small, columns that can't be learnt, unknown column names, and
        constraints that the data violate.
        """
        for name in kinds:
            lookup(dict.fromkeys(table.column_names), "column", name)
        table = table.drop_columns([name for name, settings in kinds.items() if settings.kind == "drop"])
        if table.num_rows < _MIN_ROWS or not table.num_columns:
            size = f"{table.num_rows:,} rows" if table.num_columns else "no columns"
            raise UserError(f"a table of {size} is too small: give {_MIN_ROWS} rows or more")
        arrays = {name: cell.plain_array(name, table.column(name)) for name in table.column_names}
        columns = [_column(name, table.column(name), array, kinds.get(name)) for name, array in arrays.items()]
        read = [cell.read_cells(column, array) for column, array in zip(columns, arrays.values(), strict=True)]
        values = torch.from_numpy(np.stack(read, 1))
        bare = Schema(
            tuple(find_followers(columns, values)), schema_to_text(table.schema), target=_target(columns, target)
        )
        if not bare.learnt:
            raise UserError("every column is constant or an identifier: give a table with a column that varies")
        parsed = [parse_constraint(text, bare.columns, values) for text in constraints]
        others = [constraint for constraint in parsed if not isinstance(constraint, Formula)]
        known = in_order([constraint for constraint in parsed if isinstance(constraint, Formula)])
        kept = {name for name, settings in kinds.items() if settings.kind}
        return replace(
            bare,
            constraints=(*others, *find_formulas(bare.columns, values, known, kept)),  # pyright: ignore
        ), values

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @cached_property
    def learnt(self) -> tuple[int, ...]:
        """Indices of columns that networks learn; the others are constants, followers or identifiers."""
        return tuple(i for i, column in enumerate(self.columns) if column.options > 1 or column.places)

    @property
    def choices(self) -> list[int]:
        """Number of options of each learnt column."""
        return [self.columns[i].options for i in self.learnt]

    @property
    def places(self) -> list[int]:
        """Number of options with a position, of each learnt column."""
        return [self.columns[i].places for i in self.learnt]

    @cached_property
    def conditions(self) -> tuple[int, ...]:
        """Learnt category columns: the condition in CTGAN's training by sampling."""
        return tuple(i for i in self.learnt if isinstance(self.columns[i], Category) and self.columns[i].options > 1)

    @property
    def option_shares(self) -> tuple[tuple[float, ...], ...]:
        """Option shares of each learnt column in the data; empty for columns that are not conditions."""
        found = [self.columns[i] if i in self.conditions else None for i in self.learnt]
        return tuple(column.shares if isinstance(column, Category) else () for column in found)

    def option(self, i: int, values: Tensor) -> Tensor:
        """Option of column i in each row of cells (n, columns), int64 (n,)."""
        column = self.columns[i]
        assert isinstance(column, Number | Category)
        return column.encode(values[:, i].cpu().contiguous())[0]

    def shares(self, values: Tensor) -> list[Tensor]:
        """Option shares (options,) of each learnt column in rows of cells (n, columns)."""
        counts = [self.option(i, values).bincount(minlength=self.columns[i].options) for i in self.learnt]  # pyright: ignore
        return [count / len(values) for count in counts]

    @property
    def shape(self) -> tuple[int]:
        """Shape of an encoded row: one-hot options of each learnt column, then the positions."""
        return (sum(self.choices) + sum(places > 0 for places in self.places),)

    def shape_of(self, values: Tensor) -> tuple[int, ...]:
        """As `shape`, whatever the cells."""
        return self.shape

    @property
    def layout(self) -> "dict[str, list[int] | int]":
        """Options of each learnt column, and how many of them have positions."""
        return {"choices": self.choices, "places": self.places}

    @property
    def condition_width(self) -> int:
        """Options of all learnt columns."""
        return sum(self.choices)

    def encode(self, values: Tensor) -> Tensor:
        """Cells (n, columns) → network input float32 (n, width), on the cells' device."""
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
        """Network output (n, width) → cells (n, columns), on the CPU."""
        return self.join(len(shown), self.parts(shown))

    def parts(self, shown: Tensor) -> dict[int, tuple[Tensor, Tensor]]:
        """Option (argmax) int64 (n,) and position (n,) of each learnt column, from network output (n, width)."""
        *options, positions = shown.cpu().split([*self.choices, self.shape[0] - sum(self.choices)], 1)
        taken, none = iter(positions.unbind(1)), torch.zeros(len(shown))
        return {
            i: (option.max(1).indices, next(taken) if self.columns[i].places else none)
            for i, option in zip(self.learnt, options, strict=True)
        }

    def join(self, n: int, parts: Mapping[int, tuple[Tensor, Tensor]]) -> Tensor:
        """Cells of n rows from the options and positions of all learnt columns."""
        values = torch.zeros(n, len(self.columns), dtype=torch.float64)
        for i, (option, position) in parts.items():
            column = self.columns[i]
            assert isinstance(column, Number | Category)
            values[:, i] = column.decode(option, position)
        return self.complete(values)

    def complete(self, values: Tensor) -> Tensor:
        """Fills in constants, followers and totals."""
        for i, column in enumerate(self.columns):
            if isinstance(column, Number | Category) and i not in self.learnt:
                values[:, i] = column.decode(torch.zeros(len(values), dtype=torch.long), torch.zeros(len(values)))
            if isinstance(column, Follower):
                values[:, i] = column.follow(values[:, self.names.index(column.leader)])
        for constraint in self.constraints:
            values = constraint.complete(values, self.columns)
        return values

    def holds(self, values: Tensor) -> Tensor:
        """Whether each row satisfies all constraints, with totals within the bounds of their columns, bool (n,)."""
        satisfied = torch.ones(len(values), dtype=torch.bool)
        for constraint in self.constraints:
            satisfied &= constraint.holds(values, self.columns)
            if isinstance(constraint, Formula):
                satisfied &= constraint.within_bounds(values, self.columns)
        return satisfied

    def cells(self, table: Any) -> Tensor:
        """Cells of an Arrow table with these columns; rows with unknown categories are dropped.

        Raises UserError for missing columns, and if no row is left.
        """
        for name in self.names:
            lookup(dict.fromkeys(table.column_names), "column", name)
        read = [cell.read_cells(c, cell.plain_array(c.name, table.column(c.name))) for c in self.columns]
        values = torch.from_numpy(np.stack(read, 1))
        bare = [c.column if isinstance(c, Follower) else c for c in self.columns]
        unknown = torch.tensor([isinstance(c, Category) for c in bare]) & (values == cell.UNKNOWN)
        if len(values) and unknown.any(1).all():
            name = self.names[int(unknown[0].long().argmax())]
            raise UserError(f"every row has an unknown category, the first one in '{one_line(name)}': use other rows")
        return values[~unknown.any(1)]

    def table(self, values: Tensor, start: int = 0) -> Any:
        """Arrow table of cells (n, columns), with the data's types; identifiers are numbered from `start`."""
        _, arrow = libraries()
        types = schema_from_text(self.arrow)
        arrays = [
            cell.write_cells(column, values[:, i].numpy(), types.field(column.name).type, start)
            for i, column in enumerate(self.columns)
        ]
        return arrow.Table.from_arrays(arrays, schema=types)

    def column(self, name: str) -> Column:
        """The column of this name. Raises UserError for an unknown name."""
        return lookup({column.name: column for column in self.columns}, "column", name)


def _column(name: str, found: Any, array: Any, settings: Kind | None) -> Column:
    """Column of an Arrow column `found` and its plain array."""
    _, arrow = libraries()
    settings = settings or Kind()
    if not settings.kind and arrow.types.is_temporal(found.type) and array.null_count < len(array):
        settings = replace(settings, kind="number")  # consecutive dates are not identifiers
    column = infer(name, array, settings)
    if isinstance(column, Identifier):  # fail now, not after training, if the type is too small for new identifiers
        cell.write_cells(column, np.zeros(1), found.type, len(array) - 1)
    if isinstance(column, Category) and arrow.types.is_dictionary(found.type):
        order = found.combine_chunks().dictionary.to_pylist()
        return replace(column, order=tuple(value for value in order if value is not None))
    return column


def _target(columns: Sequence[Column], name: str) -> str:
    """Name of the target column; by default the last one that is not an identifier."""
    known = {column.name: column for column in columns if not isinstance(column, Identifier)}
    return lookup(known, "column", name).name if name else next(reversed(known), "")
