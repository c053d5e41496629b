"""Tables as data to train on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparring.data.dataset import Dataset, Split, split
from sparring.data.table.arrow import TABLE_SUFFIXES, read_table_file, to_arrow
from sparring.data.table.infer import ColumnKind
from sparring.data.table.schema import Schema
from sparring.errors import UserError


def is_table(path: Path) -> bool:
    """By its ending; a parquet with a column of bytes holds pictures."""
    if path.is_dir() or not path.name.lower().endswith(TABLE_SUFFIXES):
        return False
    return path.suffix.lower() != ".parquet" or not _holds_bytes(path)


def _holds_bytes(path: Path) -> bool:
    try:
        import pyarrow.parquet as parquet

        from sparring.data.sources.parquet import image_column

        image_column(parquet.read_schema(path), path)
    except (ImportError, OSError, ValueError):  # told by whoever reads it
        return True
    except UserError:
        return False
    return True


def table_data(
    spec: str,
    table: Any,
    kinds: Mapping[str, ColumnKind] = {},
    constraints: Sequence[str] = (),
    target: str = "",
    test: Any = None,
) -> Dataset:
    """A pandas frame or Arrow table as data.

    Args:
        kinds: what is said of columns, by name.
        constraints: see `sparring.data.table.constraints`.
        target: the column that rows are scored by foretelling; by default the last.
        test: rows of the same columns to score with, but for those with a category that the table has not; by default
            every sixth of the table's, drawn by a fixed seed.

    Raises:
        UserError: a table that can't be learnt, said in one line.
    """
    schema, values = Schema.of(to_arrow(table), kinds, constraints, target)
    parts = split(Split(values)) if test is None else (Split(values), Split(schema.cells(to_arrow(test))))
    return Dataset.of(spec, *parts, (), medium="table", schema=schema)


def load_table(
    spec: str, path: Path, columns: Sequence[tuple[str, str]], constraints: Sequence[str], target: str
) -> Dataset:
    """The table in a CSV or parquet file."""
    kinds = {name: ColumnKind(kind) for name, kind in columns}
    return table_data(spec, read_table_file(path), kinds, constraints, target)
