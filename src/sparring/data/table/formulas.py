"""Columns computed from others: sums, products and ratios."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

import torch
from torch import Tensor

from sparring.data.table.columns import FORBID_UNKNOWN, Column, Follower, Number
from sparring.errors import UserError, one_line

_RELATIVE, _OF_LARGEST = 1e-6, 1e-9
"""Tolerance of totals that are not rounded, relative to the total and to the largest total."""


@dataclass(frozen=True)
class Formula:
    """total = parts[0] ∘ parts[1] ∘ …"""

    __pydantic_config__ = FORBID_UNKNOWN

    parts: tuple[str, ...]
    total: str
    own_missing: bool = False
    """Whether the total is missing independently of the parts; by default it is missing where a part is."""

    symbol = ""
    slack = 0.5
    """Largest error of a total that is rounded, in units of its last digit."""

    @staticmethod
    def combine(parts: Tensor) -> Tensor:
        """Totals (…) of parts (parts, …)."""
        raise NotImplementedError

    def holds(self, values: Tensor, columns: Sequence[Column]) -> Tensor:
        """Whether each row of cells (n, columns) satisfies the formula, bool (n,); a row with a missing value does."""
        error = (self.computed(values, columns) - column_numbers(values, columns, self.total)).abs()
        return (error <= self.tolerance(values, columns)) | ~error.isfinite()

    def tolerance(self, values: Tensor, columns: Sequence[Column]) -> Tensor:
        """Largest error in each row, (n,)."""
        _, column = number_column(columns, self.total)
        total = column_numbers(values, columns, self.total).nan_to_num().abs()
        if column.whole or column.decimals is not None:
            step = 1.0 if column.whole else 10.0 ** -(column.decimals or 0)
            return torch.full_like(total, self.slack * step * (1 + _RELATIVE)) + 1e-12 * total
        return _RELATIVE * total + _OF_LARGEST * total.max().clamp(min=1)

    def complete(self, values: Tensor, columns: Sequence[Column]) -> Tensor:
        """Computes the total, rounded like its column."""
        place, column = number_column(columns, self.total)
        cells = (self.computed(values, columns) - column.origin) / column.unit
        if column.whole:
            cells = cells.round()
        elif column.decimals is not None:
            cells = cells.round(decimals=column.decimals)
        before, alone = values[:, place], self.own_missing or not column.missing
        kept = ~cells.isfinite() | before.isnan() if alone else cells.isinf()
        values[:, place] = torch.where(kept, before, cells)
        return values

    def within_bounds(self, values: Tensor, columns: Sequence[Column]) -> Tensor:
        """Whether each total is within the bounds of its column, or missing, bool (n,)."""
        place, column = number_column(columns, self.total)
        cells = values[:, place]
        return ((cells >= column.low) & (cells <= column.high)) | cells.isnan()

    def with_missing(self, values: Tensor, columns: Sequence[Column]) -> Self:
        """The formula with `own_missing` as in these rows of cells."""
        part = torch.stack([column_numbers(values, columns, name).isnan() for name in self.parts]).any(0)
        return replace(self, own_missing=bool((column_numbers(values, columns, self.total).isnan() != part).any()))

    def computed(self, values: Tensor, columns: Sequence[Column]) -> Tensor:
        """Totals (n,) of the parts in cells (n, columns), not rounded."""
        return self.combine(torch.stack([column_numbers(values, columns, name) for name in self.parts]))


@dataclass(frozen=True)
class SumFormula(Formula):
    kind: Literal["sum"] = "sum"
    symbol = "+"

    @staticmethod
    def combine(parts: Tensor) -> Tensor:
        return parts.sum(0)

    def __str__(self) -> str:
        return f"{' + '.join(self.parts)} = {self.total}"


@dataclass(frozen=True)
class ProductFormula(Formula):
    kind: Literal["product"] = "product"
    symbol = "*"
    slack = 1.0  # some data are cut off, not rounded

    @staticmethod
    def combine(parts: Tensor) -> Tensor:
        return parts.prod(0)

    def __str__(self) -> str:
        return f"{self.total} = {' * '.join(self.parts)}"


@dataclass(frozen=True)
class RatioFormula(Formula):
    """parts[0] / parts[1]; not computed where parts[1] is 0."""

    kind: Literal["ratio"] = "ratio"
    symbol = "/"
    slack = 1.0

    @staticmethod
    def combine(parts: Tensor) -> Tensor:
        return parts[0] / parts[1]

    def __str__(self) -> str:
        return f"{self.total} = {' / '.join(self.parts)}"


AnyFormula = SumFormula | ProductFormula | RatioFormula
FORMULAS: tuple[type[AnyFormula], ...] = (SumFormula, ProductFormula, RatioFormula)


def parse_formula(text: str, names: Sequence[str]) -> AnyFormula | None:
    """The formula of a text such as "a = b / c" or "a + b = c"; None for other text, and for unknown names.

    Names may contain the symbols: a text is split where every part is a name.
    """
    left, equals, right = (part.strip() for part in text.replace("==", "=").partition("="))
    known = set(names)
    for total, terms in ((left, right), (right, left)):
        for kind in FORMULAS if equals and total in known else ():
            parts = _terms(terms, kind.symbol, known)
            least = 1 if kind is SumFormula and total == right else 2
            if least <= len(parts) <= (2 if kind is RatioFormula else len(known)):
                return kind(parts, total)
    return None


def _terms(text: str, symbol: str, names: Collection[str]) -> tuple[str, ...]:
    """The names between the symbols of a text; () if they are no names."""
    if text.strip() in names:
        return (text.strip(),)
    for k in (k for k, character in enumerate(text) if character == symbol):
        if text[:k].strip() in names and (rest := _terms(text[k + 1 :], symbol, names)):
            return (text[:k].strip(), *rest)
    return ()


def in_order(formulas: Sequence[Formula]) -> list[Formula]:
    """The formulas, each after those that compute its parts. Raises UserError for two of one total, and for circles."""
    left, ordered = {formula.total: formula for formula in formulas}, []
    if twice := [formula for formula in formulas if left[formula.total] is not formula]:
        raise UserError(f"'{one_line(twice[0].total)}' is computed twice, as '{one_line(twice[0])}' too: leave one out")
    while left:
        ready = [formula for formula in left.values() if not set(formula.parts) & left.keys()]
        if not ready:
            circle = ", ".join(f"'{one_line(formula)}'" for formula in left.values())
            raise UserError(f"the formulas {circle} need each other's totals: leave one out")
        for formula in ready:
            ordered.append(left.pop(formula.total))
    return ordered


def number_column(columns: Sequence[Column], name: str) -> tuple[int, Number]:
    """Index and type of a number column. Raises UserError for other columns."""
    place = [column.name for column in columns].index(name)
    column = columns[place]
    bare = column.column if isinstance(column, Follower) else column
    if not isinstance(bare, Number):
        raise UserError(f"column '{one_line(name)}' is not numeric: it can't be compared or computed with")
    return place, bare


def column_numbers(values: Tensor, columns: Sequence[Column], name: str) -> Tensor:
    """Numbers of a column, float64 (n,), from cells (n, columns)."""
    place, column = number_column(columns, name)
    return values[:, place] * column.unit + column.origin
