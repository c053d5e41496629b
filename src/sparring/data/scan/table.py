"""A table as it was found: columns with their kinds, and what may be wrong with them and with rows."""

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
from sparring.data.table.infer import ColumnKind, infer
from sparring.errors import UserError, one_line

_MISSING = 0.5
"""The share of missing values from which on a column is suspected."""
_LEAK_SHARE, _ROWS_PER_VALUE = 0.999, 2
"""Of rows whose target a column gives away; and rows its values have on average, or any column would give it away."""
_LISTED = 40
"""Columns that are listed for a person."""


@dataclass(frozen=True)
class TableScan(ScanSummary):
    """Of a table, whose examples are its rows."""

    columns: dict[str, str]
    """Kind by name: number, category, identifier, drop, or why it can't be learnt."""
    missing: dict[str, int]
    """Values that are missing, by column, where any are."""
    target: str
    findings: tuple[Issue, ...]

    def table(self) -> str:
        """For a person."""
        rows = [f"rows      {self.examples:,}", f"columns   {len(self.columns):,}, the target is {self.target}"]
        for name, kind in list(self.columns.items())[:_LISTED]:
            gone = self.missing.get(name, 0)
            rows.append(f"  {name}: {kind}" + (f", {gone:,} missing" if gone else ""))
        more = len(self.columns) - _LISTED
        rows += [f"  and {more:,} more"] if more > 0 else []
        return "\n".join([one_line(self.spec), *rows, *issue_lines(self.findings)])


def scan_table(spec: str, path: Path, options: Options) -> TableScan:
    """Raises UserError for a file that is no table, and for a column that is spoken of and not there."""
    table = read_table_file(path)
    if not table.num_rows:
        raise UserError(f"{one_line(spec)} has no rows: give a table with a line of names and rows below")
    said = {name: ColumnKind(kind) for name, kind in options.columns}
    target = options.target or (table.column_names[-1] if table.column_names else "")
    if strange := [name for name in [*said, target] if name not in table.column_names]:
        raise UserError(f"{one_line(spec)} has no column '{one_line(strange[0])}'")
    columns = {name: table.column(name).combine_chunks() for name in table.column_names}
    kinds, unlearnt = _kinds(columns, said)
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


def _kinds(columns: Mapping[str, Any], said: Mapping[str, ColumnKind]) -> tuple[dict[str, str], Issue]:
    kinds, where = {}, []
    for name, column in columns.items():
        kind = said.get(name, ColumnKind())
        try:
            learnt = (
                "drop" if kind.kind == "drop" else type(infer(name, plain_array(name, column), kind)).__name__.lower()
            )
        except UserError as error:
            learnt = "can't be learnt"
            where.append((one_line(name), str(error)))
        kinds[one_line(name)] = learnt
    what = f"{len(where):,} columns can't be learnt as they are"
    return kinds, Issue("unlearnable", what, tuple(where), "say --columns NAME=drop, or another kind")


def _encoded(pair: tuple[str, Any]) -> tuple[str, Any]:
    """A column as indices into its different values, in the order in which they come; None if it has no such."""
    import pyarrow as arrow

    name, column = pair
    try:
        return name, column if arrow.types.is_dictionary(column.type) else column.dictionary_encode()
    except arrow.ArrowException:
        return name, None


def _codes(column: Any) -> np.ndarray:
    """int64 (n,), one past the last for a missing value."""
    return column.indices.cast("int64").fill_null(len(column.dictionary)).to_numpy(zero_copy_only=False)


def _missing(missing: Mapping[str, int], rows: int) -> Issue:
    where = tuple((name, f"{n / rows:.0%} of its values") for name, n in missing.items() if n > _MISSING * rows)
    what = f"{len(where):,} columns have most of their values missing"
    return Issue("missing", what, where, "drop them (--columns NAME=drop), or find out why")


def _constant(encoded: Mapping[str, Any]) -> Issue:
    found = [name for name, column in encoded.items() if len(np.unique(_codes(column))) == 1]
    where = tuple((one_line(name), "the same value in every row") for name in found)
    return Issue("constant", f"{len(where):,} columns hold one value", where, "nothing is to be learnt: drop them")


def _duplicate_columns(encoded: Mapping[str, Any]) -> Issue:
    """Columns that tell rows apart as one before them does; where most values differ, they must be the same."""
    first: dict[tuple[bytes, Any], str] = {}
    where = []
    for name, column in encoded.items():
        codes = _codes(column)
        several = len(np.unique(codes))
        values = str(column.dictionary.to_pylist()) if 2 * several > len(codes) else ""
        key = hashlib.blake2b(codes.tobytes()).digest(), hashlib.blake2b(values.encode()).digest()
        other = first.setdefault(key, name)
        if other != name and several > 1:
            where.append((one_line(name), f"says the same as {one_line(other)}"))
    what = f"{len(where):,} columns repeat another"
    return Issue("duplicate-columns", what, tuple(where), "drop one of each two (--columns NAME=drop)")


def _leaking(encoded: Mapping[str, Any], target: str) -> Issue:
    """Columns that give the target away: nearly every value goes with one value of the target."""
    where = []
    if target in encoded:
        aim = _codes(encoded[target])
        usual = np.bincount(aim).max(initial=0)
        for name, column in encoded.items():
            codes = _codes(column)
            pairs, counts = np.unique(codes * (aim.max(initial=0) + 1) + aim, return_counts=True)
            owners = pairs // (aim.max(initial=0) + 1)
            starts = np.flatnonzero(np.diff(owners, prepend=-1))
            told = np.maximum.reduceat(counts, starts).sum() if len(starts) else 0
            if (
                name != target
                and len(starts) * _ROWS_PER_VALUE <= len(codes)
                and usual < _LEAK_SHARE * len(codes) <= told
            ):
                where.append((one_line(name), f"foretells {one_line(target)} in {told / len(codes):.2%} of the rows"))
    what = f"{len(where):,} columns give the target away"
    todo = "drop them, if they would not be known before the target is"
    return Issue("leaking-columns", what, tuple(where), todo)


def _rows(encoded: Mapping[str, Any], rows: int) -> tuple[Issue, Issue]:
    """Rows that repeat one before them, and those of the test part that repeat one of the train part."""
    factors = np.random.default_rng(0).integers(1, 2**63, max(1, len(encoded)), dtype=np.uint64) | np.uint64(1)
    sums = np.zeros(rows, np.uint64)
    for factor, column in zip(factors, encoded.values(), strict=False):
        codes = (_codes(column).astype(np.uint64) + np.uint64(1)) * factor
        sums = (sums ^ codes ^ (codes >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)
    _, first, group = np.unique(sums, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[group] != np.arange(rows)) if encoded else np.array([], int)
    where = tuple((f"row {i}", f"the same as row {first[group[i]]}") for i in again)
    what = f"{len(again):,} rows repeat one before them"
    todo = "see whether they were collected twice; where columns are few and coarse, rows may well be equal"
    repeated = Issue("duplicate-rows", what, where, todo, tuple(map(int, again)))
    train, test = (part.values.numpy() for part in split(Split(torch.arange(rows))))
    leaked = np.sort(test[np.isin(group[test], group[train])]) if encoded else test[:0]
    where = tuple((f"row {i}", "the same as one of the train part") for i in leaked)
    what = f"{len(leaked):,} rows of the test part repeat one of the train part: scores on it flatter"
    return repeated, Issue("leaks", what, where, "leave out repeated rows", tuple(map(int, leaked)))
