"""Summary and checks of tables."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sparring.data.dataset import Split, split
from sparring.data.options import Options
from sparring.data.scan.finding import Issue, ScanSummary, issue_lines
from sparring.data.table.arrow import read_table_file
from sparring.data.table.csv_cells import plain_array
from sparring.data.table.infer import Kind, infer
from sparring.errors import UserError, one_line

_MISSING = 0.5
"""Share of missing values above which a column is suspect."""
_LEAK_SHARE, _ROWS_PER_VALUE = 0.999, 2
"""Share of rows whose target a leaking column determines; minimum rows per value, as unique values always do."""
_LISTED = 40
"""Columns listed."""


@dataclass(frozen=True)
class TableScan(ScanSummary):
    """Scan result of a table; examples are rows."""

    columns: dict[str, str]
    """Kind by column: number, category, identifier, drop, or "can't be learnt"."""
    missing: dict[str, int]
    """Number of missing values by column, where any."""
    target: str
    findings: tuple[Issue, ...]

    def table(self) -> str:
        """Human-readable summary."""
        rows = [f"rows      {self.examples:,}", f"columns   {len(self.columns):,}, target {self.target}"]
        for name, kind in list(self.columns.items())[:_LISTED]:
            gone = self.missing.get(name, 0)
            rows.append(f"  {name}: {kind}" + (f", {gone:,} missing" if gone else ""))
        more = len(self.columns) - _LISTED
        rows += [f"  and {more:,} more"] if more > 0 else []
        return "\n".join([one_line(self.spec), *rows, *issue_lines(self.findings)])


def scan_table(spec: str, path: Path, options: Options) -> TableScan:
    """Summarises and checks a table. Raises UserError for other files and for unknown columns in the options."""
    table = read_table_file(path)
    if not table.num_rows:
        raise UserError(f"{one_line(spec)} has no rows: give a table with a header and rows")
    kinds_by_name = {name: Kind(kind) for name, kind in options.columns}
    target = options.target or (table.column_names[-1] if table.column_names else "")
    if strange := [name for name in [*kinds_by_name, target] if name not in table.column_names]:
        raise UserError(f"{one_line(spec)} has no column '{one_line(strange[0])}'")
    columns = {name: table.column(name).combine_chunks() for name in table.column_names}
    kinds, unlearnt = _kinds(columns, kinds_by_name)
    missing = {one_line(name): column.null_count for name, column in columns.items() if column.null_count}
    encoded = {name: column for name, column in map(_encoded, columns.items()) if column is not None}
    found = [
        unlearnt,
        _missing(missing, table.num_rows),
        _constant(encoded),
        _duplicate_columns(encoded),
        _leaking(encoded, target),
        *_rows(encoded, table.num_rows),
    ]
    findings = tuple(each for each in found if each.where)
    return TableScan(spec, table.num_rows, kinds, missing, one_line(target), findings)


def _kinds(columns: Mapping[str, Any], kinds_by_name: Mapping[str, Kind]) -> tuple[dict[str, str], Issue]:
    kinds, where = {}, []
    for name, column in columns.items():
        kind = kinds_by_name.get(name, Kind())
        try:
            learnt = (
                "drop" if kind.kind == "drop" else type(infer(name, plain_array(name, column), kind)).__name__.lower()
            )
        except UserError as error:
            learnt = "can't be learnt"
            where.append((one_line(name), str(error)))
        kinds[one_line(name)] = learnt
    what = f"{len(where):,} columns can't be learnt"
    return kinds, Issue("unlearnable", what, tuple(where), "use --columns NAME=drop, or another kind")


def _encoded(pair: tuple[str, Any]) -> tuple[str, Any]:
    """A dictionary-encoded column, values in order of appearance; None if its type can't be encoded."""
    import pyarrow as arrow

    name, column = pair
    try:
        return name, column if arrow.types.is_dictionary(column.type) else column.dictionary_encode()
    except arrow.ArrowException:
        return name, None


def _codes(column: Any) -> np.ndarray:
    """Value indices, int64 (n,); missing values get one past the last index."""
    return column.indices.cast("int64").fill_null(len(column.dictionary)).to_numpy(zero_copy_only=False)


def _missing(missing: Mapping[str, int], rows: int) -> Issue:
    where = tuple((name, f"{n / rows:.0%} of its values") for name, n in missing.items() if n > _MISSING * rows)
    what = f"{len(where):,} columns have most of their values missing"
    return Issue("missing", what, where, "drop them (--columns NAME=drop), or fix the source")


def _constant(encoded: Mapping[str, Any]) -> Issue:
    found = [name for name, column in encoded.items() if len(np.unique(_codes(column))) == 1]
    where = tuple((one_line(name), "the same value in every row") for name in found)
    return Issue("constant", f"{len(where):,} columns are constant", where, "drop them (--columns NAME=drop)")


def _duplicate_columns(encoded: Mapping[str, Any]) -> Issue:
    """Columns that partition rows like an earlier one; mostly unique columns must also have equal values."""
    first: dict[tuple[bytes, Any], str] = {}
    where = []
    for name, column in encoded.items():
        codes = _codes(column)
        several = len(np.unique(codes))
        values = str(column.dictionary.to_pylist()) if 2 * several > len(codes) else ""
        key = hashlib.blake2b(codes.tobytes()).digest(), hashlib.blake2b(values.encode()).digest()
        other = first.setdefault(key, name)
        if other != name and several > 1:
            where.append((one_line(name), f"equivalent to {one_line(other)}"))
    what = f"{len(where):,} columns duplicate another"
    return Issue("duplicate-columns", what, tuple(where), "drop the duplicates (--columns NAME=drop)")


def _leaking(encoded: Mapping[str, Any], target: str) -> Issue:
    """Columns that leak the target: nearly every value occurs with a single target value."""
    where = []
    if target in encoded:
        target_codes = _codes(encoded[target])
        usual = np.bincount(target_codes).max(initial=0)
        for name, column in encoded.items():
            codes = _codes(column)
            pairs, counts = np.unique(codes * (target_codes.max(initial=0) + 1) + target_codes, return_counts=True)
            owners = pairs // (target_codes.max(initial=0) + 1)
            starts = np.flatnonzero(np.diff(owners, prepend=-1))
            hits = np.maximum.reduceat(counts, starts).sum() if len(starts) else 0
            if (
                name != target
                and len(starts) * _ROWS_PER_VALUE <= len(codes)
                and usual < _LEAK_SHARE * len(codes) <= hits
            ):
                where.append((one_line(name), f"determines {one_line(target)} in {hits / len(codes):.2%} of the rows"))
    what = f"{len(where):,} columns leak the target"
    todo = "drop them if they are unknown when the target is to be predicted"
    return Issue("leaking-columns", what, tuple(where), todo)


def _rows(encoded: Mapping[str, Any], rows: int) -> tuple[Issue, Issue]:
    """Duplicate rows, and test rows that repeat a training row."""
    factors = np.random.default_rng(0).integers(1, 2**63, max(1, len(encoded)), dtype=np.uint64) | np.uint64(1)
    sums = np.zeros(rows, np.uint64)
    for factor, column in zip(factors, encoded.values(), strict=False):
        codes = (_codes(column).astype(np.uint64) + np.uint64(1)) * factor
        sums = (sums ^ codes ^ (codes >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)
    _, first, group = np.unique(sums, return_index=True, return_inverse=True)
    repeats = np.flatnonzero(first[group] != np.arange(rows)) if encoded else np.array([], int)
    where = tuple((f"row {i}", f"the same as row {first[group[i]]}") for i in repeats)
    what = f"{len(repeats):,} rows repeat an earlier one"
    todo = "check whether they were collected twice; with few, coarse columns, equal rows are normal"
    repeated = Issue("duplicate-rows", what, where, todo, tuple(map(int, repeats)))
    train, test = (part.values.numpy() for part in split(Split(torch.arange(rows))))
    leaked = np.sort(test[np.isin(group[test], group[train])]) if encoded else test[:0]
    where = tuple((f"row {i}", "the same as a training row") for i in leaked)
    what = f"{len(leaked):,} test rows repeat a training row: scores on them are too good"
    return repeated, Issue("leaks", what, where, "remove repeated rows", tuple(map(int, leaked)))
