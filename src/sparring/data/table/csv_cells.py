"""Conversion between Arrow columns and cells: float64 (n,), NaN if missing."""

from typing import Any

import numpy as np

from sparring.data.table.arrow import arrow_compute, libraries
from sparring.data.table.columns import Category, Column, Follower, Identifier
from sparring.errors import UserError, one_line

_MAX_INT64 = 2**63 - 1
"""Largest signed 64-bit integer."""


def plain_array(name: str, array: Any) -> Any:
    """Converts an Arrow column to one array of numbers, text or booleans; times become integers, NaN missing.

    Raises UserError for nested and binary columns, and for infinite values.
    """
    _, arrow = libraries()
    kind = array.type
    if isinstance(array, arrow.ChunkedArray):
        array = array.combine_chunks()
    if arrow.types.is_dictionary(kind):
        array = array.cast(kind.value_type)
        kind = array.type
    if arrow.types.is_null(kind):
        return array.cast(arrow.float64())
    if arrow.types.is_temporal(kind):
        return array.cast(arrow.int32() if kind.bit_width == 32 else arrow.int64()).cast(arrow.int64())
    if arrow.types.is_decimal(kind) or arrow.types.is_floating(kind):
        array = array.cast(arrow.float64())
        array = arrow_compute().if_else(arrow_compute().is_nan(array), None, array)
        bad = arrow_compute().is_inf(array)
        if arrow_compute().any(bad).as_py():
            row = bad.to_pylist().index(True)
            raise UserError(
                f"column '{one_line(name)}' has an infinite value in row {row}: replace it, or leave it empty"
            )
        return array
    if arrow.types.is_integer(kind):
        return array if kind == arrow.uint64() else array.cast(arrow.int64())
    if arrow.types.is_boolean(kind):
        return array
    if arrow.types.is_string(kind) or arrow.types.is_large_string(kind) or str(kind) == "string_view":
        return array.cast(arrow.large_string())
    raise UserError(f"column '{one_line(name)}' is of the unsupported type {kind}: leave it out")


UNKNOWN = -1.0
"""Cell of an unknown category."""


def read_cells(column: Column, array: Any) -> np.ndarray:
    """Cells of an array from `plain_array`."""
    if isinstance(column, Follower):
        return read_cells(column.column, array)
    if isinstance(column, Identifier):
        return np.zeros(len(array))
    if isinstance(column, Category):
        return _indices(column, array)
    _, arrow = libraries()
    if column.whole and not arrow.types.is_floating(array.type):
        missing = np.asarray(array.is_null())
        whole = array.fill_null(column.origin).to_numpy(zero_copy_only=False)
        cells = ((whole - np.asarray(column.origin, whole.dtype)) // column.unit).astype(np.float64)
        return np.where(missing, np.nan, cells)
    values = array.cast(arrow.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    return (values - column.origin) / column.unit if column.whole else values


def _indices(column: Category, array: Any) -> np.ndarray:
    coded = array.dictionary_encode()
    values = coded.dictionary.to_pylist()
    places = [np.nan if value is None else column.index.get(value, UNKNOWN) for value in values]
    return np.array([*places, np.nan])[coded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)]


def write_cells(column: Column, cells: np.ndarray, kind: Any, start: int = 0) -> Any:
    """Arrow array of type `kind` from cells (n,); identifiers are numbered from `start`."""
    if isinstance(column, Follower):
        return write_cells(column.column, cells, kind)
    if isinstance(column, Identifier):
        return _numbered(column, len(cells), kind, start)
    _, arrow = libraries()
    missing = np.isnan(cells)
    if isinstance(column, Category):
        values = arrow.array([*column.values, None]) if column.values else arrow.nulls(1)
        index = np.where(missing, len(column.values), np.nan_to_num(cells)).astype(np.int64)
        result = values.take(arrow.array(index))
        return (
            _listed(result, column, kind) if arrow.types.is_dictionary(kind) and column.order else _cast(result, kind)
        )
    if column.whole:
        exact = np.uint64 if column.origin + column.high * column.unit > _MAX_INT64 else np.int64
        whole = np.nan_to_num(cells).astype(exact) * exact(column.unit) + exact(column.origin)
        return _cast(arrow.array(whole, mask=missing), kind)
    return _cast(arrow.array(cells, mask=missing), kind)


def _listed(array: Any, column: Category, kind: Any) -> Any:
    """Encodes with the dictionary of the original data."""
    _, arrow = libraries()
    values = _cast(arrow.array(list(column.order)), kind.value_type)
    index = arrow_compute().index_in(_cast(array, kind.value_type), value_set=values).cast(kind.index_type)
    return arrow.DictionaryArray.from_arrays(index, values, ordered=kind.ordered)


def _numbered(column: Identifier, n: int, kind: Any, start: int) -> Any:
    """New identifiers. Raises UserError if the type is too small for them."""
    _, arrow = libraries()
    first = column.first + start
    try:
        return _written(column, range(first, first + n), kind)
    except (arrow.ArrowException, OverflowError):
        raise UserError(
            f"column '{one_line(column.name)}' is of type {kind}, which is too small for {n:,} new identifiers from "
            f"{first:,}: give it a wider type, or drop it"
        ) from None


def _written(column: Identifier, numbers: range, kind: Any) -> Any:
    _, arrow = libraries()
    if arrow.types.is_integer(kind) or arrow.types.is_floating(kind):
        exact = arrow.uint64() if numbers.stop > _MAX_INT64 else arrow.int64()
        return arrow.array(numbers, exact).cast(kind)
    return _cast(arrow.array([f"{column.prefix}{number:0{column.digits}d}" for number in numbers]), kind)


def _cast(array: Any, kind: Any) -> Any:
    """Casts to the original type; the inverse of `plain_array`."""
    _, arrow = libraries()
    if arrow.types.is_dictionary(kind):
        return _cast(array, kind.value_type).dictionary_encode().cast(kind)
    if arrow.types.is_temporal(kind) and not arrow.types.is_null(array.type):
        return array.cast(arrow.int32() if kind.bit_width == 32 else arrow.int64()).cast(kind)
    return array.cast(kind, safe=False) if arrow.types.is_floating(array.type) else array.cast(kind)
