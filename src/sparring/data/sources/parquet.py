"""Images in a column of a parquet file, in Hugging Face's layout.

Needs pyarrow (extra `parquet`).
"""

from bisect import bisect_right
from functools import partial
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from sparring.data.files import FileItem, FileSource
from sparring.data.image.file import UnreadableImage
from sparring.data.table.arrow import check_packed, image_column
from sparring.errors import UserError, one_line
from sparring.storage.atomic import from_json

LABEL_COLUMNS = ("label", "labels", "class")
"""Names of class columns, of integers or text."""


def parquet_source(path: Path) -> FileSource:
    """One item per row of the first column of bytes, or of structs with a field `bytes`; named "row 0", "row 1", ….

    Classes come from the column `label`, `labels` or `class`, if present, with the names of its Hugging Face feature;
    rows without a class are then skipped.

    Raises:
        UserError: pyarrow is not installed, or the file is damaged or has no such column.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise UserError("reading parquet needs pyarrow: pip install 'sparring[parquet]'") from None
    try:
        state = path.stat()
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            check_packed(path, file.metadata)
            column = ParquetColumn(path, image_column(schema, path), file.metadata)
            label = next((name for name in LABEL_COLUMNS if name in schema.names), None)
            labels = file.read(columns=[label]).column(label).to_pylist() if label else None
    except (arrow.ArrowException, OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error).partition("\n")[0]
        raise UserError(f"{one_line(path)} is damaged or not a parquet file ({one_line(reason)}): replace it") from None
    items = tuple(FileItem(f"row {i}", partial(_open_cell, column, i)) for i in range(len(column)))
    stamp = (state.st_size, state.st_mtime_ns)
    if label is None or labels is None:
        return FileSource(path.resolve(), items, (), stamp)
    names = _class_names(schema.metadata, label)
    classes = [class_of(value, names) for value in labels]
    kept = tuple(FileItem(item.name, item.open, of) for item, of in zip(items, classes, strict=True) if of is not None)
    unlabelled = tuple((item.name, f"no {label}") for item, of in zip(items, classes, strict=True) if of is None)
    return FileSource(path.resolve(), kept, unlabelled, stamp)


class ParquetColumn:
    """Values of one column, read one row group at a time, as a file may exceed memory."""

    def __init__(self, path: Path, name: str, about: Any):
        self._path, self._name = path.absolute(), name
        groups = range(about.num_row_groups)
        self._starts = [0, *accumulate(about.row_group(group).num_rows for group in groups)]

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, row: int) -> Any:
        group = bisect_right(self._starts, row) - 1
        return _row_groups.values(self, group)[row - self._starts[group]].as_py()

    def read(self, group: int) -> Any:
        import pyarrow.parquet as parquet

        with parquet.ParquetFile(self._path) as file:
            return file.read_row_group(group, columns=[self._name]).column(self._name)


class _RowGroupCache:
    """The row group read last; the only one in memory, whatever the number of files."""

    def __init__(self):
        self._lock, self._of, self._values = Lock(), None, None

    def values(self, column: ParquetColumn, group: int) -> Any:
        with self._lock:
            if self._of != (column, group):
                self._of = self._values = None  # free it before reading the next one
                self._values = column.read(group)
                self._of = column, group
            return self._values


_row_groups = _RowGroupCache()


def _open_cell(column: ParquetColumn, row: int) -> BinaryIO:
    try:
        value = column[row]
    except (OSError, ValueError) as error:  # Arrow's errors derive from these
        raise UnreadableImage(f"can't be read: {one_line(str(error).partition(chr(10))[0])}") from None
    content = value.get("bytes") if isinstance(value, dict) else value
    if content is None:
        raise UnreadableImage("no image in this row")
    return BytesIO(content)


def class_of(value: Any, names: list[str]) -> str | None:
    """Class name of a label, None for unlabelled. Hugging Face marks unlabelled rows with −1 if classes have names."""
    if isinstance(value, str):
        return one_line(value)
    if not isinstance(value, int) or (names and value < 0):
        return None
    return names[value] if 0 <= value < len(names) else str(value)


def _class_names(metadata: dict[bytes, bytes] | None, label: str) -> list[str]:
    """Class names of a Hugging Face `ClassLabel` column; empty for other columns."""
    try:
        features = from_json((metadata or {})[b"huggingface"])["info"]["features"]
        return [one_line(name) for name in features[label]["names"]]
    except (KeyError, TypeError, ValueError):
        return []
