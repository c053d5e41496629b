"""Constraints on table rows, parsed from text.

    "low <= high"           (or <, >=, >)           numbers, dates
    "part + other = total"                          the total is computed
    "unique(a, b)"                                  no two rows are equal in these columns
    "only(a, b)"                                    only combinations that occur in the data

A row with a missing value satisfies any comparison. A constraint that the data violate is rejected.
"""

import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from sparring.data.table.columns import FORBID_UNKNOWN, Column, Follower, Number
from sparring.errors import UserError, lookup, one_line

_COMPARISONS = {"<=": operator.le, "<": operator.lt, ">=": operator.ge, ">": operator.gt}
_SUM_TOLERANCE = 1e-9
"""Tolerance of sums, relative to the largest total."""


@dataclass(frozen=True)
class Inequality:
    __pydantic_config__ = FORBID_UNKNOWN
    left: str
    sense: Literal["<=", "<", ">=", ">"]
    right: str
    kind: Literal["inequality"] = "inequality"

    def holds(self, values: Tensor, columns: Sequence[Column]) -> Tensor:
        """Whether each row of cells (n, columns) satisfies the constraint, bool (n,)."""
        left, right = (_numbers(values, columns, name) for name in (self.left, self.right))
        return _COMPARISONS[self.sense](left, right) | left.isnan() | right.isnan()

    def complete(self, values: Tensor, columns: Sequence[Column]) -> Tensor:
        return values

    def __str__(self) -> str:
        return f"{self.left} {self.sense} {self.right}"


@dataclass(frozen=True)
class Sum:
    __pydantic_config__ = FORBID_UNKNOWN
    parts: tuple[str, ...]
    total: str
    kind: Literal["sum"] = "sum"

    def holds(self, values: Tensor, columns: Sequence[Column]) -> Tensor:
        total = _numbers(values, columns, self.total)
        error = (self._sum(values, columns) - total).abs()
        return (error <= _SUM_TOLERANCE * total.nan_to_num().abs().max().clamp(min=1)) | error.isnan()

    def complete(self, values: Tensor, columns: Sequence[Column]) -> Tensor:
        """Computes the total, rounded like its column."""
        place, column = _number_column(columns, self.total)
        cells = (self._sum(values, columns) - column.origin) / column.unit
        if column.whole:
            cells = cells.round()
        elif column.decimals is not None:
            cells = cells.round(decimals=column.decimals)
        values[:, place] = cells
        return values

    def _sum(self, values: Tensor, columns: Sequence[Column]) -> Tensor:
        return torch.stack([_numbers(values, columns, name) for name in self.parts]).sum(0)

    def __str__(self) -> str:
        return f"{' + '.join(self.parts)} = {self.total}"


@dataclass(frozen=True)
class Unique:
    __pydantic_config__ = FORBID_UNKNOWN
    names: tuple[str, ...]
    kind: Literal["unique"] = "unique"

    def holds(self, values: Tensor, columns: Sequence[Column]) -> Tensor:
        """False for all but the first of equal rows."""
        groups = _groups(values, columns, self.names)
        first = torch.full((int(groups.max()) + 1,), len(groups)).scatter_reduce_(
            0, groups, torch.arange(len(groups)), "amin"
        )
        return first[groups] == torch.arange(len(groups))

    def complete(self, values: Tensor, columns: Sequence[Column]) -> Tensor:
        return values

    def __str__(self) -> str:
        return f"unique({', '.join(self.names)})"


@dataclass(frozen=True)
class Only:
    __pydantic_config__ = FORBID_UNKNOWN
    names: tuple[str, ...]
    combinations: tuple[tuple[float | None, ...], ...]
    """Allowed tuples of cells."""
    kind: Literal["only"] = "only"

    @cached_property
    def _known(self) -> set[tuple[float | None, ...]]:
        return set(self.combinations)

    def holds(self, values: Tensor, columns: Sequence[Column]) -> Tensor:
        rows = _combinations(values, columns, self.names)
        return torch.tensor([row in self._known for row in rows], dtype=torch.bool)

    def complete(self, values: Tensor, columns: Sequence[Column]) -> Tensor:
        return values

    def __str__(self) -> str:
        return f"only({', '.join(self.names)})"


Constraint = Inequality | Sum | Unique | Only


def parse_constraint(text: str, columns: Sequence[Column], values: Tensor) -> Constraint:
    """Parses a constraint and checks it on the table's cells.

    Raises UserError for a syntax error, an unknown column, and a constraint that the data violate.
    """
    constraint = _read(text, columns, values)
    satisfied = constraint.holds(values, columns)
    if not satisfied.all():
        row = int((~satisfied).nonzero()[0])
        raise UserError(f"row {row} violates '{one_line(text)}': correct the row, or leave out the constraint")
    return constraint


def _read(text: str, columns: Sequence[Column], values: Tensor) -> Constraint:
    known = {column.name: column for column in columns}

    def names(texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(lookup(known, "column", name.strip()).name for name in texts)

    if found := re.fullmatch(r"\s*(unique|only)\s*\((.+)\)\s*", text):
        listed = names(found[2].split(","))
        if found[1] == "unique":
            return Unique(listed)
        return Only(listed, tuple(sorted(set(_combinations(values, columns, listed)), key=str)))
    if found := re.fullmatch(r"(.+?)(<=|>=|<|>)(.+)", text):
        left, right = names([found[1], found[3]])
        for name in (left, right):
            _number_column(columns, name)
        return Inequality(left, found[2], right)  # pyright: ignore[reportArgumentType]
    if "=" in text:
        parts, total = text.rsplit("=", 1)
        summed = Sum(names(parts.split("+")), names([total])[0])
        for name in (*summed.parts, summed.total):
            _number_column(columns, name)
        return summed
    raise UserError(
        f"invalid constraint '{one_line(text)}': write 'low <= high', 'part + other = total', "
        "'unique(a, b)' or 'only(a, b)'"
    )


def _number_column(columns: Sequence[Column], name: str) -> tuple[int, Number]:
    """Index and type of a number column. Raises UserError for other columns."""
    place = [column.name for column in columns].index(name)
    column = columns[place]
    bare = column.column if isinstance(column, Follower) else column
    if not isinstance(bare, Number):
        raise UserError(f"column '{one_line(name)}' is not numeric: it can't be compared or added")
    return place, bare


def _numbers(values: Tensor, columns: Sequence[Column], name: str) -> Tensor:
    place, column = _number_column(columns, name)
    return values[:, place] * column.unit + column.origin


def _combinations(values: Tensor, columns: Sequence[Column], names: Sequence[str]) -> list[tuple[float | None, ...]]:
    places = [[column.name for column in columns].index(name) for name in names]
    return [tuple(None if cell != cell else cell for cell in row) for row in values[:, places].tolist()]


def _groups(values: Tensor, columns: Sequence[Column], names: Sequence[str]) -> Tensor:
    """Group index of each row, int64 (n,): equal for rows that are equal in these columns."""
    places = [[column.name for column in columns].index(name) for name in names]
    return values[:, places].nan_to_num(-1e308).unique(dim=0, return_inverse=True)[1]
