"""Reads and writes tables: pandas, Arrow, CSV and parquet.

Every table is converted to an Arrow table and written back with the same schema. Needs the extra `tables`.
"""

import csv
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sparring.data.limits import max_unpacked
from sparring.data.table.frames import plain_frame
from sparring.errors import UserError, one_line

_SNIFFED = 1 << 16
"""Characters from which the delimiter is inferred."""
DELIMITERS = ",;\t|"
ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
"""Encoding by byte order mark."""
_MISSING_TEXTS = ["?", ""]
"""Texts for a missing value in a CSV, besides those of pandas (NA, NaN, null, None, …)."""
MOST_COLUMNS = 10_000
"""Limit: the work grows with the square of the number of columns."""
TABLE_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".parquet")


def libraries() -> tuple[Any, Any]:
    """The modules pandas and pyarrow. Raises UserError if they are not installed."""
    try:
        import pandas
        import pyarrow
    except ImportError:
        raise UserError("tables need pandas and pyarrow: pip install 'sparring[tables]'") from None
    return pandas, pyarrow


def arrow_compute() -> Any:
    """The module pyarrow.compute."""
    from importlib import import_module

    return import_module("pyarrow.compute")


def to_arrow(frame: Any) -> Any:
    """Converts a pandas DataFrame or Arrow table to an Arrow table; `restored_frame` is the inverse for frames.

    Raises:
        UserError: another type, duplicate column names, or a column of mixed types.
    """
    pandas, arrow = libraries()
    if isinstance(frame, arrow.Table):
        _check_names(frame.column_names)
        return frame
    if not isinstance(frame, pandas.DataFrame):
        raise UserError(f"a {type(frame).__name__} is not a table: give a pandas DataFrame or a pyarrow Table")
    _check_names([str(name) for name in frame.columns])
    frame, about = plain_frame(frame)
    for name in frame.columns:
        _check_types(name, frame[name])
    try:
        table = arrow.Table.from_pandas(frame, preserve_index=False)
        return table.replace_schema_metadata({**(table.schema.metadata or {}), **about})
    except (arrow.ArrowException, ValueError, TypeError) as error:
        raise UserError(f"this table can't be read ({one_line(str(error).partition(chr(10))[0])})") from None
    except OverflowError:
        long = next(name for name in frame.columns if frame[name].dtype == object and _exceeds_64_bits(frame[name]))
        raise UserError(
            f"column '{one_line(long)}' has integers of more than 64 bits: convert them to text, or drop the column"
        ) from None


def _check_names(names: list[str]) -> None:
    if len(names) > MOST_COLUMNS:
        raise UserError(f"a table of {len(names):,} columns is too wide: the limit is {MOST_COLUMNS:,}")
    if twice := sorted(name for name, count in Counter(names).items() if count > 1):
        raise UserError(f"duplicate column name '{one_line(twice[0])}': make column names unique")


def _check_types(name: str, column: Any) -> None:
    """Raises UserError for a column that mixes types, such as numbers and text."""
    if column.dtype != object:
        return
    kinds = {type(value) for value in column if value is not None and value == value}
    numbers = {kind for kind in kinds if issubclass(kind, int | float) and kind is not bool}
    if len(kinds) > 1 and kinds != numbers:
        found = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise UserError(f"column '{one_line(name)}' has values of several types ({found}): convert them to one")


def _exceeds_64_bits(column: Any) -> bool:
    """Whether a column has integers of more than 64 bits."""
    return any(isinstance(value, int) and value.bit_length() >= 64 for value in column)


def read_table_file(path: Path) -> Any:
    """Reads a CSV or parquet file as an Arrow table.

    For CSV, delimiter and encoding are inferred, blanks around values are stripped, and "?" is a missing value.

    Raises:
        UserError: a damaged or empty file, or another format.
    """
    pandas, arrow = libraries()
    readers: dict[str, Callable[[Path], Any]] = {".parquet": _parquet}
    try:
        return readers.get(path.suffix.lower(), _csv)(path)
    except UserError:
        raise
    except (
        arrow.ArrowException,
        OSError,
        ValueError,
        UnicodeError,
        EOFError,
        csv.Error,
        pandas.errors.ParserError,
    ) as error:
        reason = one_line(str(getattr(error, "strerror", None) or error).partition("\n")[0])
        raise UserError(f"{one_line(path)} can't be read as a table ({reason}): replace it") from None


def _parquet(path: Path) -> Any:
    import pyarrow.parquet as parquet

    with parquet.ParquetFile(path) as file:
        _check_names(file.schema_arrow.names)
        check_packed(path, file.metadata)
    return parquet.read_table(path)


def check_packed(path: Path, about: Any) -> None:
    """Raises UserError for a parquet file whose metadata declare a decompression bomb.

    Cells count too, at a byte each: any number of equal cells packs into a few bytes.
    """
    most = max_unpacked(path.stat().st_size)
    declared = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
    if max(declared, about.num_rows * about.num_columns) > most:
        raise UserError(f"{one_line(path)} unpacks to more than {most:,} bytes: a decompression bomb")


def _csv(path: Path) -> Any:
    import pandas

    start, how = _start(path)
    if not start.strip():
        raise UserError(f"{one_line(path)} is empty: give a table with a header and rows")
    delimiter = _delimiter(start)
    about: dict[str, Any] = {"sep": delimiter, "encoding": how, "skipinitialspace": True, "index_col": False}
    _check_names(_names(start, delimiter))  # before pandas, which renames duplicates
    with warnings.catch_warnings():
        warnings.simplefilter("error", pandas.errors.ParserWarning)  # the warning means that values are dropped
        try:
            frame = pandas.read_csv(path, na_values=_MISSING_TEXTS, low_memory=False, **about)
        except pandas.errors.ParserWarning:
            raise UserError(f"{one_line(path)} has rows with more values than its header: name every column") from None
    frame.columns = [str(name).strip() for name in frame.columns]
    _check_names(list(frame.columns))
    texts = [name for name in frame.columns if pandas.api.types.is_string_dtype(frame[name].dtype)]
    for name in texts:
        stripped = frame[name].map(lambda value: value.strip() if isinstance(value, str) else value)
        frame[name] = stripped.mask(stripped.isin(_MISSING_TEXTS))
    return to_arrow(frame)


def _names(start: str, delimiter: str) -> list[str]:
    """Column names in the first non-blank line."""
    rows = csv.reader(start.splitlines(keepends=True), delimiter=delimiter, skipinitialspace=True)
    return next(([name.strip() for name in row] for row in rows if len(row) > 1 or "".join(row).strip()), [])


def _start(path: Path) -> tuple[str, str]:
    """The beginning of the file, and its encoding: by byte order mark, else UTF-8, Windows-1252 or Latin-1."""
    import gzip

    most = max_unpacked(path.stat().st_size)
    with gzip.open(path) if path.suffix.lower() == ".gz" else open(path, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise UserError(f"{one_line(path)} unpacks to more than {most:,} bytes: a decompression bomb")
    marked = next((how for mark, how in ENCODINGS.items() if content.startswith(mark)), None)
    for how in [marked] if marked else ["utf-8", "cp1252", "latin-1"]:
        try:
            text = content.decode(how)
            return text[: max(_SNIFFED, text.find("\n"))], how  # the first line is whole
        except UnicodeDecodeError:
            continue
    raise UserError(f"{one_line(path)} is not text: give a CSV or parquet file")


def _delimiter(start: str) -> str:
    """The delimiter that splits all first lines into equally many fields; the comma for single columns."""
    lines = [line for line in start.splitlines()[:-1] or start.splitlines() if line.strip()][:200]
    parts = {d: _widths(lines, d) for d in DELIMITERS}
    even = {d: counts[0] for d, counts in parts.items() if counts and min(counts) == max(counts) > 1}
    return max(even, key=lambda d: even[d]) if even else max(DELIMITERS, key=lambda d: parts[d][0] if parts[d] else 0)


def _widths(lines: list[str], delimiter: str) -> list[int]:
    """Fields of each line; 1 for all if csv finds a field over its size limit."""
    try:
        return [len(cut) for cut in csv.reader(lines, delimiter=delimiter)]
    except csv.Error:
        return [1] * len(lines)


def write_table_file(table: Any, path: Path, form: str) -> None:
    """Writes an Arrow table; `form` is ".csv" or ".parquet"."""
    import pyarrow.parquet as parquet

    if form == ".csv":
        table.to_pandas().to_csv(path, index=False)
    else:
        parquet.write_table(table, path)


def schema_to_text(schema: Any) -> str:
    """Encodes an Arrow schema as base64 text."""
    import base64

    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def schema_from_text(text: str) -> Any:
    """Inverse of `schema_to_text`. Raises UserError for invalid text."""
    import base64

    _, arrow = libraries()
    try:
        return arrow.ipc.read_schema(arrow.py_buffer(base64.b64decode(text)))
    except (arrow.ArrowException, ValueError) as error:
        raise UserError(f"the table schema is damaged ({one_line(error)}): save the model again") from None


def image_column(schema: Any, path: Path) -> str:
    """Name of the first column of image bytes. Raises UserError if there is none."""
    import pyarrow.types as kinds

    def holds_bytes(kind: Any) -> bool:
        if kinds.is_struct(kind):
            return kind.get_field_index("bytes") >= 0 and holds_bytes(kind.field("bytes").type)
        return kinds.is_binary(kind) or kinds.is_large_binary(kind)

    found = next((field.name for field in schema if holds_bytes(field.type)), None)
    if found is None:
        columns = ", ".join(one_line(name) for name in schema.names[:8])
        raise UserError(f"{one_line(path)} has no column of image bytes, only {columns or 'none at all'}")
    return found
