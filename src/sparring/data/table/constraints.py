"""Constraints on table rows, parsed from text.

    "low <= high"           (or <, >=, >)               numbers, dates
    "part + other = total", "a = b * c", "a = b / c"    the total, alone on its side, is computed
    "unique(a, b)"                                      no two rows are equal in these columns
    "only(a, b)"                                        only combinations that occur in the data

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

from sparring.data.table.columns import FORBID_UNKNOWN, Column
from sparring.data.table.formulas import AnyFormula, column_numbers, number_column, parse_formula
from sparring.errors import UserError, lookup, one_line

_COMPARISONS = {"<=": operator.le, "<": operator.lt, ">=": operator.ge, ">": operator.gt}


@dataclass(frozen=True)
class Inequality:
    __pydantic_config__ = FORBID_UNKNOWN
    left: str
    sense: Literal["<=", "<", ">=", ">"]
    right: str
    kind: Literal["inequality"] = "inequality"

    def holds(self, values: Tensor, columns: Sequence[Column]) -> Tensor:
        """Whether each row of cells (n, columns) satisfies the constraint, bool (n,)."""
        left, right = (column_numbers(values, columns, name) for name in (self.left, self.right))
        return _COMPARISONS[self.sense](left, right) | left.isnan() | right.isnan()

    def complete(self, values: Tensor, columns: Sequence[Column]) -> Tensor:
        return values

    def __str__(self) -> str:
        return f"{self.left} {self.sense} {self.right}"


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


Constraint = Inequality | AnyFormula | Unique | Only


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
            number_column(columns, name)
        return Inequality(left, found[2], right)  # pyright: ignore[reportArgumentType]
    if formula := parse_formula(text, list(known)):
        for name in (*formula.parts, formula.total):
            number_column(columns, name)
        return formula.with_missing(values, columns)
    if "=" in text:
        names(re.split(r"[=+*/]", text))  # raises UserError for the unknown name
    raise UserError(
        f"invalid constraint '{one_line(text)}': write 'low <= high', 'part + other = total', 'a = b * c', "
        "'a = b / c', 'unique(a, b)' or 'only(a, b)'"
    )


def _combinations(values: Tensor, columns: Sequence[Column], names: Sequence[str]) -> list[tuple[float | None, ...]]:
    places = [[column.name for column in columns].index(name) for name in names]
    return [tuple(None if cell != cell else cell for cell in row) for row in values[:, places].tolist()]


def _groups(values: Tensor, columns: Sequence[Column], names: Sequence[str]) -> Tensor:
    """Group index of each row, int64 (n,): equal for rows that are equal in these columns."""
    places = [[column.name for column in columns].index(name) for name in names]
    return values[:, places].nan_to_num(-1e308).unique(dim=0, return_inverse=True)[1]
