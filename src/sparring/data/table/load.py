"""Loads tables as data sets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparring.data.dataset import Dataset, Split, split
from sparring.data.table.arrow import TABLE_SUFFIXES, image_column, read_table_file, to_arrow
from sparring.data.table.infer import Kind
from sparring.data.table.schema import Schema
from sparring.errors import UserError


def is_table(path: Path) -> bool:
    """Whether a file is a table, by its suffix; parquet files with a column of bytes hold images."""
    if path.is_dir() or not path.name.lower().endswith(TABLE_SUFFIXES):
        return False
    return path.suffix.lower() != ".parquet" or not _holds_bytes(path)


def _holds_bytes(path: Path) -> bool:
    try:
        import pyarrow.parquet as parquet

        image_column(parquet.read_schema(path), path)
    except (ImportError, OSError, ValueError):  # the image reader reports the error
        return True
    except UserError:
        return False
    return True


def table_data(
    spec: str,
    table: Any,
    kinds: Mapping[str, Kind] = {},
    constraints: Sequence[str] = (),
    target: str = "",
    test: Any = None,
) -> Dataset:
    """A data set from a pandas DataFrame or Arrow table.

    Args:
        kinds: settings by column name.
        constraints: see `sparring.data.table.constraints`.
        target: target column for ML efficacy; by default the last column.
        test: test rows with the same columns; rows with unknown categories are dropped. By default, a random sixth of
            the table, with a fixed seed.

    Raises:
        UserError: the table can't be learnt.
    """
    schema, values = Schema.of(to_arrow(table), kinds, constraints, target)
    parts = split(Split(values)) if test is None else (Split(values), Split(schema.cells(to_arrow(test))))
    return Dataset.of(spec, *parts, (), modality="table", facts=schema)


def load_table(
    spec: str, path: Path, columns: Sequence[tuple[str, str]], constraints: Sequence[str], target: str
) -> Dataset:
    """A data set from a CSV or parquet file."""
    kinds = {name: Kind(kind) for name, kind in columns}
    return table_data(spec, read_table_file(path), kinds, constraints, target)
