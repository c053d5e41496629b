"""Values of conditions on columns: from what users write to cells."""

import datetime
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from sparring.data.table.arrow import arrow_compute, libraries, schema_from_text
from sparring.data.table.columns import Category, Number
from sparring.data.table.csv_cells import plain_array
from sparring.data.table.schema import Schema
from sparring.errors import UserError, did_you_mean, one_line

Span = tuple[float, float]
"""Lowest and highest cell that satisfy a condition, both included."""
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?")
"""A time of day; hours alone would make ranges such as 10:00:12:00 ambiguous."""


def is_missing(value: Any) -> bool:
    """Whether a value stands for a missing one: None, "", NaN, pandas' NA and NaT."""
    pandas, _ = libraries()
    if isinstance(value, str) or not pandas.api.types.is_scalar(value):
        return value == "" if isinstance(value, str) else False
    try:
        return bool(pandas.isna(value))
    except ArithmeticError:  # a signalling NaN of `decimal`
        return True


def alternatives(value: Any) -> list[Any]:
    """The values of a list, a tuple, a set, an array or a series; a single value as a list of one."""
    if isinstance(value, list | tuple | set | frozenset | range) or getattr(value, "ndim", 0) == 1:
        return list(value)
    return [value]


def category_index(column: Category, value: Any) -> int | None:
    """Index of a category, by value or text; None for missing. Raises UserError for an unknown one."""
    if is_missing(value) and not (isinstance(value, str) and "" in column.index):
        _check_missing(column)
        return None
    by_text = {str(known): index for known, index in column.index.items()}
    try:
        return column.index[value]
    except (KeyError, TypeError):  # of another type, or of one without a hash
        if str(value) in by_text:
            return by_text[str(value)]
    known = ", ".join(list(by_text)[:8])
    hint = did_you_mean(str(value), by_text) or f"; there are: {known}{', …' if len(by_text) > 8 else ''}"
    raise UserError(one_line(f"'{column.name}' has no value '{value}'{hint}"))


def number_spans(column: Number, schema: Schema, value: Any) -> tuple[list[Span], bool]:
    """Disjoint spans of cells, ascending, and whether missing cells satisfy the condition too.

    Raises UserError for values of another type, and for those that the column never has.
    """
    wanted = [value] if isinstance(value, tuple) and len(value) == 2 else alternatives(value)
    present = [each for each in wanted if not is_missing(each)]
    if len(present) < len(wanted):
        _check_missing(column)
    merged: list[Span] = []
    for low, high in sorted(_span(column, schema, each) for each in present):
        if merged and low <= merged[-1][1]:
            low, high = merged[-1][0], max(high, merged.pop()[1])
        merged.append((low, high))
    return merged, len(present) < len(wanted)


def _check_missing(column: Number | Category) -> None:
    if not column.missing:
        raise UserError(f"'{one_line(column.name)}' is never missing: ask for a value")


def _span(column: Number, schema: Schema, value: Any) -> Span:
    cell_of = _cell_reader(column, schema)
    low, high = _ends(value, cell_of)
    if low is not None and low == high and column.decimals is not None:
        low = high = round(low, column.decimals)
    low = column.low if low is None else max(low, column.low)
    high = column.high if high is None else min(high, column.high)
    decimals = 0 if column.whole else column.decimals
    if decimals is not None:  # inward, to values that the column can have
        low, high = np.ceil(np.round(low * 10**decimals, 6)), np.floor(np.round(high * 10**decimals, 6))
        low, high = float(low / 10**decimals), float(high / 10**decimals)
    if not (low <= high and column.match_shares(low, high).any()):
        raise UserError(f"'{one_line(column.name)}' is never {one_line(value)} in the data: choose another value")
    return low, high


def _ends(value: Any, cell_of: Callable[[Any], float]) -> tuple[float | None, float | None]:
    """Cells of the ends of a range, None for an open end; twice the same cell for a value.

    Times contain colons too: a text is a range only if it is no value, and is split where both parts are values.
    """

    def end(part: Any) -> float | None:
        return None if is_missing(part) else cell_of(part)

    if isinstance(value, tuple) and len(value) == 2:
        return end(value[0]), end(value[1])
    if not isinstance(value, str) or ":" not in value:
        cell = cell_of(value)
        return cell, cell
    colons = [k for k, character in enumerate(value) if character == ":"]
    ranges = [(value[:k].strip(), value[k + 1 :].strip()) for k in colons]
    found = []
    for low, high in [(value, value), *ranges]:
        with suppress(UserError):
            found.append((end(low), end(high)))
        if low == high and found:
            return found[0]
    if len(found) > 1:
        raise UserError(f"'{one_line(value)}' can be read as several ranges: write both times with seconds")
    return found[0] if found else (cell_of(value), None)


def _cell_reader(column: Number, schema: Schema) -> Callable[[Any], float]:
    """A function from a value to its cell. It raises UserError for a value of another type than the column's."""
    _, arrow = libraries()
    kind = schema_from_text(schema.arrow).field(column.name).type

    def cell(value: Any) -> float:
        try:
            if not arrow.types.is_temporal(kind):
                return (_exact_number(value) - column.origin) / column.unit
            ticks = plain_array(column.name, _time(value, kind))[0].as_py()
            return (ticks - column.origin) / column.unit
        except (arrow.ArrowException, TypeError, ValueError, OverflowError):
            raise UserError(f"'{one_line(column.name)}' is of type {kind}, which '{one_line(value)}' is not") from None

    return cell


def _exact_number(value: Any) -> int | float:
    """The number of a value or text; integers exactly, whatever their size."""
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,40}\s*", value):
        return int(value)
    return int(value) if hasattr(value, "__index__") else float(value)


def _time(value: Any, kind: Any) -> Any:
    """An Arrow array of one date, time of day, moment or duration. Raises ValueError or ArrowException for others.

    A text without a time zone is local time of the column.
    """
    pandas, arrow = libraries()
    if not isinstance(value, str):
        return arrow.array([value]).cast(kind)
    if arrow.types.is_time(kind):
        if not _CLOCK.fullmatch(value):
            raise ValueError(value)
        return arrow.array([datetime.time.fromisoformat(f"{value:0>{len(value) + (value[1] == ':')}}")]).cast(kind)
    if arrow.types.is_duration(kind):
        return arrow.array([pandas.Timedelta(value)]).cast(kind)
    if arrow.types.is_timestamp(kind) and kind.tz:
        try:
            return arrow.array([value]).cast(kind)
        except arrow.ArrowInvalid:
            return arrow_compute().assume_timezone(arrow.array([value]).cast(arrow.timestamp(kind.unit)), kind.tz)
    return arrow.array([value]).cast(kind)
