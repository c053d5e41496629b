"""Infers a column's type and parameters from an Arrow array."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sparring.data.table.arrow import arrow_compute
from sparring.data.table.columns import Category, Column, Identifier, Number, Value, with_bounds
from sparring.errors import UserError, lookup, one_line

_MAX_CATEGORIES = 500
"""Categories with an option of their own, at most: bounds memory."""
_MAX_BINS, _MIN_ROWS_PER_BIN = 32, 20
"""Maximum bins of a number column, and minimum rows per bin."""
_FEW_VALUES = 150
"""Number of distinct values up to which the lower spike threshold applies."""
_SPIKE_SHARE_OF_FEW, _SPIKE_SHARE, _MIN_SPIKE_ROWS = 5e-4, 1e-2, 5
"""Minimum share of rows of a spike, for few and for many distinct values; and minimum rows."""
_FREE_TEXT_WORDS = 4.0
"""Mean words per value from which mostly unique text counts as free text."""
_IDENTIFIER_NAMES = re.compile(r"(^|[^a-z])(id|uuid|guid|key|index|number|no|nr)$|[a-z](Id|ID|Key)$")
"""Names of integer identifier columns."""
_MIN_ROWS = 20
"""Minimum rows to infer an identifier from unique values."""


@dataclass(frozen=True)
class Kind:
    """User settings of a column that override inference."""

    kind: str = ""
    """'number', 'category', 'identifier' or 'drop'; empty: inferred."""
    low: float | None = None
    high: float | None = None
    """Bounds of numbers; by default those of the data."""
    decimals: int | None = None


def infer(name: str, array: Any, wanted: Kind = Kind()) -> Column:
    """Infers the column of an array from `plain_array`. Raises UserError for free text and unsuitable kinds."""
    kind = wanted.kind or _inferred(name, array)
    return lookup(_KINDS, "kind of column", kind)(name, array, wanted)


def _inferred(name: str, array: Any) -> str:
    import pyarrow as arrow

    present = len(array) - array.null_count
    if not present or arrow.types.is_boolean(array.type):
        return "category"
    different = len(array.unique()) - (array.null_count > 0)
    if not arrow.types.is_large_string(array.type):
        return "identifier" if different == present and _is_identifier(name, array) else "number"
    return _kind_of_texts(name, array, different, present)


def _is_identifier(name: str, array: Any) -> bool:
    """Whether unique integers are identifiers: by the column's name, or because they count the rows."""
    import pyarrow as arrow

    if not arrow.types.is_integer(array.type) or len(array) < _MIN_ROWS or array.null_count:
        return False
    values = array.to_numpy(zero_copy_only=False)
    return bool(_IDENTIFIER_NAMES.search(name) or (values[1:] - values[:-1] == 1).all())


def _kind_of_texts(name: str, array: Any, different: int, present: int) -> str:
    if present < _MIN_ROWS or different <= max(50, present / 2):
        return "category"
    words = 1 + arrow_compute().mean(arrow_compute().count_substring(array.drop_null(), " ")).as_py()
    if words >= _FREE_TEXT_WORDS:
        raise UserError(
            f"column '{one_line(name)}' looks like free text ({different:,} distinct values of {words:.0f} words): "
            "set its kind to 'drop', 'category' or 'identifier'"
        )
    return "identifier" if different == present else "category"


def _category(name: str, array: Any, wanted: Kind) -> Category:
    values: list[tuple[Value, int]] = [
        (each["values"], each["counts"]) for each in array.value_counts().to_pylist() if each["values"] is not None
    ]
    values.sort(key=lambda pair: (-pair[1], str(pair[0])))
    return Category(
        name,
        tuple(value for value, _ in values),
        tuple(count for _, count in values),
        min(len(values), _MAX_CATEGORIES),
        array.null_count / len(array),
    )


def _identifier(name: str, array: Any, wanted: Kind) -> Identifier:
    import pyarrow as arrow

    if arrow.types.is_boolean(array.type):
        raise UserError(f"column '{one_line(name)}' is boolean, not an identifier: set its kind to 'category'")
    if not arrow.types.is_large_string(array.type):
        known = array.drop_null().to_pylist()
        if any(value != int(value) for value in known):
            raise UserError(f"column '{one_line(name)}' has fractional numbers: set its kind to 'number'")
        return Identifier(name, "", int(max(known, default=0)) + 1)
    values = [str(value) for value in array.drop_null().to_pylist()]
    parts = [re.fullmatch(r"(.*?)(\d{1,15})", value, re.DOTALL) for value in values]
    prefixes = {part[1] if part else None for part in parts}
    if len(prefixes) == 1 and None not in prefixes:
        numbers = [part[2] for part in parts if part]
        return Identifier(name, str(prefixes.pop()), max(map(int, numbers)) + 1, max(map(len, numbers)))
    prefix = f"{name}-"
    while any(value.startswith(prefix) for value in values):
        prefix += "x-"
    return Identifier(name, prefix, 1)


def _number(name: str, array: Any, wanted: Kind) -> Number:
    import pyarrow as arrow

    if arrow.types.is_large_string(array.type) or arrow.types.is_boolean(array.type):
        raise UserError(f"column '{one_line(name)}' is not numeric: set its kind to 'category' or 'identifier'")
    values = array.drop_null().to_numpy(zero_copy_only=False)
    if not len(values):
        raise UserError(f"column '{one_line(name)}' has no values: leave its kind unset, or drop it")
    missing = array.null_count / len(array)
    if values.dtype.kind == "f":
        decimals = _decimals(values) if wanted.decimals is None else wanted.decimals
        edges, spikes = _edges_and_spikes(values, 10.0**-decimals if decimals is not None else 0.0)
        column = Number(name, edges, spikes, missing, decimals, low=float(values.min()), high=float(values.max()))
        return with_bounds(column, wanted.low, wanted.high)
    origin = int(values.min())
    steps = (values - values.min()).astype(np.uint64)
    unit = int(np.gcd.reduce(steps)) or 1
    cells = (steps // np.uint64(unit)).astype(np.float64)
    edges, spikes = _edges_and_spikes(cells, 1.0)
    column = Number(name, edges, spikes, missing, None, origin, unit, True, 0.0, float(cells.max()))
    low, high = (None if bound is None else (bound - origin) / unit for bound in (wanted.low, wanted.high))
    return with_bounds(column, low, high)


def _decimals(values: np.ndarray) -> int | None:
    """Decimals that represent all values exactly; None if more than six."""
    return next((d for d in range(7) if (np.round(values, d) == values).all()), None)


def _edges_and_spikes(values: np.ndarray, step: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Bin edges and spikes. Values are multiples of `step`, unless it is 0."""
    different, counts = np.unique(values, return_counts=True)
    threshold = max(
        _MIN_SPIKE_ROWS, (_SPIKE_SHARE_OF_FEW if len(different) <= _FEW_VALUES else _SPIKE_SHARE) * len(values)
    )
    is_spike = counts >= threshold
    if (~is_spike).sum() <= 1:  # a single value makes no bin
        is_spike[:] = True
    rest = values[np.isin(values, different[~is_spike])]
    spikes = tuple(map(float, different[is_spike]))
    if not len(rest):
        return (), spikes
    bins = min(_MAX_BINS, max(1, len(rest) // _MIN_ROWS_PER_BIN))
    edges = np.quantile(rest, np.linspace(0, 1, bins + 1))
    if step:  # edges lie between values, so that the first and last value of a bin get their full share
        edges = (np.floor(np.round(edges / step, 6)) + 0.5) * step
        edges[0] -= step
    return tuple(map(float, np.unique(edges))), spikes


_KINDS: dict[str, Callable[[str, Any, Kind], Column]] = {
    "number": _number,
    "category": _category,
    "identifier": _identifier,
}
