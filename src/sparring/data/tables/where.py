"""What rows are asked for: values of columns, as a mask over the options of those that are learnt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from sparring.data.tables import cells as cell
from sparring.data.tables.arrow import libraries, unpacked
from sparring.data.tables.columns import Category, Follower, Identifier, Number
from sparring.data.tables.schema import Schema
from sparring.errors import UserError, nearest, one_line


@dataclass
class Asked:
    """Of each column (by its place) that is asked for: which options will do, and what cells must be."""

    options: dict[int, Tensor] = field(default_factory=dict)
    """Bool (options,)."""
    spans: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Of numbers, in cells."""
    rare: dict[int, list[int]] = field(default_factory=dict)
    """Of categories without an option of their own, one of which it is to be."""

    def narrow(self, i: int, options: Tensor) -> None:
        self.options[i] = self.options[i] & options if i in self.options else options

    def settle(self, values: Tensor, places: Mapping[int, Tensor], g: torch.Generator) -> Tensor:
        """Cells (n, columns) whose options are as asked, with the rest of what is asked.

        Args:
            places: which rows chose a place, bool (n,), by column.
        """
        for i, (low, high) in self.spans.items():
            inside = values[:, i].nan_to_num(low).clamp(low, high)
            values[:, i] = torch.where(values[:, i].isnan(), values[:, i], inside)
        for i, indices in self.rare.items():
            drawn = torch.tensor(indices)[torch.randint(len(indices), (len(values),), generator=g)]
            values[:, i] = torch.where(places[i], drawn.double(), values[:, i])
        return values


def asked(schema: Schema, where: Mapping[str, Any]) -> Asked:
    """What these values of columns come to.

    Args:
        where: by column, a value, a list of values any of which will do, None for missing; of numbers also a pair
            (low, high) or a text "low:high", either end of which may be left out.

    Raises:
        UserError: a column or a value that is not there, or a column that can't be asked for.
    """
    found = Asked()
    for name, value in where.items():
        column, i = schema.column(name), schema.names.index(name)
        if isinstance(column, Identifier):
            raise UserError(f"'{one_line(name)}' only tells rows apart: it can't be asked for")
        if isinstance(column, Follower):
            leader = schema.column(column.leader)
            assert isinstance(leader, Category)
            found.narrow(schema.names.index(column.leader), _led(schema, leader, column, value))
        elif isinstance(column, Category):
            _categories(found, i, column, value)
        else:
            _span(found, i, column, schema, value)
    for i, options in found.options.items():
        if not options.any():
            raise UserError(f"no row can be as asked: '{one_line(schema.names[i])}' is asked for in two ways")
    return found


def _categories(found: Asked, i: int, column: Category, value: Any) -> None:
    indices = [_index(column, each) for each in _listed(value)]
    options = torch.stack([column.meets(index) for index in indices]).any(0)
    rare = [index for index in indices if index is not None and index >= column.learnt]
    if rare:
        found.rare[i] = rare
    found.narrow(i, options)


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
        hint = nearest(str(value), by_text) or f"; there are: {known}{', …' if len(by_text) > 8 else ''}"
        raise UserError(f"'{one_line(column.name)}' has no value '{one_line(value)}'{hint}")
    return by_text[str(value)]


def _span(found: Asked, i: int, column: Number, schema: Schema, value: Any) -> None:
    if value is None or value == "":
        if not column.missing:
            raise UserError(f"'{one_line(column.name)}' is never missing: ask for a value")
        options = torch.zeros(column.options, dtype=torch.bool)
        options[-1] = True
        return found.narrow(i, options)
    low, high = (_cell(column, schema, end) for end in _ends(value))
    low = column.low if low is None else max(low, column.low)
    high = column.high if high is None else min(high, column.high)
    options = column.meets(low, high)
    if low > high or not options.any():
        raise UserError(f"'{one_line(column.name)}' is never {one_line(value)} in the data: ask for what is")
    found.spans[i] = (low, high)
    found.narrow(i, options)


def _ends(value: Any) -> Sequence[Any]:
    if isinstance(value, tuple) and len(value) == 2:
        return value
    parts = value.split(":") if isinstance(value, str) and value.count(":") == 1 else [value]
    return [part.strip() or None if isinstance(part, str) else part for part in (parts[0], parts[-1])]


def _cell(column: Number, schema: Schema, value: Any) -> float | None:
    """A value of the column's type as a cell. Raises UserError for one of another type."""
    if value is None:
        return None
    _, arrow = libraries()
    kind = unpacked(schema.arrow).field(column.name).type
    try:
        if not arrow.types.is_temporal(kind):
            return (float(value) - column.origin) / column.unit
        array = arrow.array([value]).cast(kind)
        ticks = cell.plain(column.name, array)[0].as_py()
        return (ticks - column.origin) / column.unit
    except (arrow.ArrowException, TypeError, ValueError):
        raise UserError(f"'{one_line(column.name)}' is of type {kind}: '{one_line(value)}' is none") from None


def _led(schema: Schema, leader: Category, column: Follower, value: Any) -> Tensor:
    """Which of the leader's options have a follower that will do."""
    found = Asked()
    if isinstance(column.column, Category):
        _categories(found, 0, column.column, value)
    else:
        _span(found, 0, column.column, schema, value)
    cells = torch.tensor([torch.nan if each is None else each for each in column.table], dtype=torch.float64)
    fits = found.options[0][column.column.encode(cells)[0]]
    if 0 in found.spans:
        low, high = found.spans[0]
        fits &= (cells >= low) & (cells <= high)
    indices = [index if index < len(leader.values) else None for index in fits.nonzero()[:, 0].tolist()]
    indices = [index for index in indices if index is not None or leader.missing]
    none = torch.zeros(leader.options, dtype=torch.bool)
    return torch.stack([none, *(leader.meets(index) for index in indices)]).any(0)


def _listed(value: Any) -> Sequence[Any]:
    return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
