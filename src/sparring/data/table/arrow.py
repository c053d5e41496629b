"""Tables in and out: pandas and Arrow in memory, CSV and parquet on disk. All become an Arrow table and come back as
one of the same schema; pandas' own types are part of it. Needs the extra `tables`."""

import csv
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sparring.errors import UserError, one_line

_SNIFFED = 1 << 16
"""Bytes a delimiter is told by."""
DELIMITERS = ",;\t|"
ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
"""By the first bytes of a file."""
_MISSING_TEXTS = ["?", ""]
"""Texts that stand for no value in a CSV, beside those of pandas (NA, NaN, null, None, …)."""
MOST_COLUMNS = 10_000
"""What is learnt of a table grows with the square of its columns."""
BOMB_RATIO, HARMLESS = 200, 2**23
"""A file that unpacks to this many times its size is a bomb, unless that is no more than so many bytes."""
TABLE_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".parquet")


def libraries() -> tuple[Any, Any]:
    """pandas and pyarrow. Raises UserError where they are missing."""
    try:
        import pandas
        import pyarrow
    except ImportError:
        raise UserError("tables need pandas and pyarrow: pip install 'sparring[tables]'") from None
    return pandas, pyarrow


def arrow_compute() -> Any:
    """pyarrow's functions of arrays."""
    from importlib import import_module

    return import_module("pyarrow.compute")


def to_arrow(frame: Any) -> Any:
    """A pandas frame or Arrow table as an Arrow table.

    Raises:
        UserError: something else, two columns of one name, a column of several types.
    """
    pandas, arrow = libraries()
    if isinstance(frame, arrow.Table):
        _check_names(frame.column_names)
        return frame
    if not isinstance(frame, pandas.DataFrame):
        raise UserError(f"a {type(frame).__name__} is no table: give a pandas DataFrame or a pyarrow Table")
    _check_names([str(name) for name in frame.columns])
    for name in frame.columns:
        _check_types(str(name), frame[name])
    try:
        return arrow.Table.from_pandas(frame, preserve_index=False)
    except (arrow.ArrowException, ValueError, TypeError) as error:
        raise UserError(f"this table can't be read ({one_line(str(error).partition(chr(10))[0])})") from None
    except OverflowError:
        long = next(name for name in frame.columns if frame[name].dtype == object and _exceeds_64_bits(frame[name]))
        raise UserError(
            f"column '{one_line(long)}' holds whole numbers of more than 64 bits: make them texts, or drop it"
        ) from None


def _check_names(names: list[str]) -> None:
    if len(names) > MOST_COLUMNS:
        raise UserError(f"a table of {len(names):,} columns is too wide: give one of at most {MOST_COLUMNS:,}")
    if twice := sorted(name for name, count in Counter(names).items() if count > 1):
        raise UserError(f"two columns are called '{one_line(twice[0])}': give each a name of its own")


def _check_types(name: str, column: Any) -> None:
    """Refuses numbers among texts, and what is neither."""
    if column.dtype != object:
        return
    kinds = {type(value) for value in column if value is not None and value == value}
    numbers = {kind for kind in kinds if issubclass(kind, int | float) and kind is not bool}
    if len(kinds) > 1 and kinds != numbers:
        found = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise UserError(f"column '{one_line(name)}' holds values of several types ({found}): make them one")


def _exceeds_64_bits(column: Any) -> bool:
    """Whether it holds whole numbers that no type of numbers takes."""
    return any(isinstance(value, int) and value.bit_length() >= 64 for value in column)


def read_table_file(path: Path) -> Any:
    """A CSV or parquet file as an Arrow table.

    Of a CSV, the delimiter and the encoding are told by its first bytes, blanks around values are dropped, and "?"
    stands for no value.

    Raises:
        UserError: a file that is damaged, empty or of another kind.
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
    """Raises UserError for a parquet file that its own metadata call a bomb: by the bytes it unpacks to, or by its
    cells, which take a byte or more each and of which any number alike are packed into a few."""
    most = max(HARMLESS, BOMB_RATIO * path.stat().st_size)
    told = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
    if max(told, about.num_rows * about.num_columns) > most:
        raise UserError(f"{one_line(path)} unpacks to more than {most:,} bytes: a decompression bomb")


def _csv(path: Path) -> Any:
    import pandas

    start, how = _start(path)
    if not start.strip():
        raise UserError(f"{one_line(path)} is empty: give a table with a line of names and rows below")
    delimiter = _delimiter(start)
    about: dict[str, Any] = {"sep": delimiter, "encoding": how, "skipinitialspace": True, "index_col": False}
    _check_names(_names(start, delimiter))  # pandas gives names that come twice others
    with warnings.catch_warnings():
        warnings.simplefilter("error", pandas.errors.ParserWarning)  # what it warns of is that it leaves values out
        try:
            frame = pandas.read_csv(path, na_values=_MISSING_TEXTS, low_memory=False, **about)
        except pandas.errors.ParserWarning:
            raise UserError(f"{one_line(path)} has rows of more values than it has names: name every column") from None
    frame.columns = [str(name).strip() for name in frame.columns]
    _check_names(list(frame.columns))
    texts = [name for name in frame.columns if pandas.api.types.is_string_dtype(frame[name].dtype)]
    for name in texts:
        stripped = frame[name].map(lambda value: value.strip() if isinstance(value, str) else value)
        frame[name] = stripped.mask(stripped.isin(_MISSING_TEXTS))
    return to_arrow(frame)


def _names(start: str, delimiter: str) -> list[str]:
    """In the first line that is not blank."""
    rows = csv.reader(start.splitlines(keepends=True), delimiter=delimiter, skipinitialspace=True)
    return next(([name.strip() for name in row] for row in rows if len(row) > 1 or "".join(row).strip()), [])


def _start(path: Path) -> tuple[str, str]:
    """The file's first text, and its encoding: as its first bytes say, else UTF-8, else Windows' western one."""
    import gzip

    most = max(HARMLESS, BOMB_RATIO * path.stat().st_size)
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
    raise UserError(f"{one_line(path)} is no text: give a CSV or parquet file")


def _delimiter(start: str) -> str:
    """The one that cuts every line of the start into as many parts; the comma for tables of one column."""
    lines = [line for line in start.splitlines()[:-1] or start.splitlines() if line.strip()][:200]
    parts = {d: _widths(lines, d) for d in DELIMITERS}
    even = {d: counts[0] for d, counts in parts.items() if counts and min(counts) == max(counts) > 1}
    return max(even, key=lambda d: even[d]) if even else max(DELIMITERS, key=lambda d: parts[d][0] if parts[d] else 0)


def _widths(lines: list[str], delimiter: str) -> list[int]:
    """Parts of each line; one where csv finds a part too long to be any."""
    try:
        return [len(cut) for cut in csv.reader(lines, delimiter=delimiter)]
    except csv.Error:
        return [1] * len(lines)


def write_table_file(table: Any, path: Path, form: str) -> None:
    """An Arrow table as ".csv" or ".parquet"."""
    import pyarrow.parquet as parquet

    if form == ".csv":
        table.to_pandas().to_csv(path, index=False)
    else:
        parquet.write_table(table, path)


def schema_to_text(schema: Any) -> str:
    """An Arrow schema as text."""
    import base64

    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def schema_from_text(text: str) -> Any:
    """Its inverse. Raises UserError for a text that is none."""
    import base64

    _, arrow = libraries()
    try:
        return arrow.ipc.read_schema(arrow.py_buffer(base64.b64decode(text)))
    except (arrow.ArrowException, ValueError) as error:
        raise UserError(f"the columns' types can't be read ({one_line(error)}): save the model again") from None
