"""Images of a Hugging Face data set: `hf:NAME` or `hf:FOLDER`.

Needs the package datasets (extra `hf`).
"""

import hashlib
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from sparring.data.files import FileItem, FileSource
from sparring.data.image.file import UnreadableImage
from sparring.data.sources.parquet import LABEL_COLUMNS, class_of
from sparring.errors import UserError, one_line

PREFIX, SPLIT = "hf:", "train"


def hub_source(name: str) -> FileSource:
    """Items of the first image column of the "train" split, with classes as in `parquet_source`.

    Raises:
        UserError: datasets is not installed, or the data set is missing or has no images.
    """
    try:
        import datasets  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise UserError("reading hf:… needs datasets: pip install 'sparring[hf]'") from None
    path = name.removeprefix(PREFIX)
    try:
        on_disk = Path(path).is_dir()
        loaded = datasets.load_from_disk(path) if on_disk else datasets.load_dataset(path, split=SPLIT)
    except Exception as error:  # the library raises network and file format errors of many types
        raise UserError(f"can't read {one_line(name)}: {one_line(error).partition('.')[0][:160]}") from None
    if isinstance(loaded, dict) and SPLIT not in loaded:
        raise UserError(
            f"{one_line(name)} has no split '{SPLIT}', only {one_line(', '.join(loaded))}: save one split by itself"
        )
    rows: Any = loaded[SPLIT] if isinstance(loaded, dict) else loaded
    column = next((key for key, kind in rows.features.items() if isinstance(kind, datasets.Image)), None)
    if column is None:
        raise UserError(f"{one_line(name)} has no image column, only {', '.join(rows.features)}")
    rows = rows.cast_column(column, datasets.Image(decode=False))
    label = next((key for key in LABEL_COLUMNS if key in rows.features), None)
    values = [None] * len(rows) if label is None else rows[label]
    names = [] if label is None else [one_line(each) for each in getattr(rows.features[label], "names", None) or ()]
    items = tuple(
        FileItem(f"row {i}", partial(_open_cell, rows, column, i), class_of(value, names))
        for i, value in enumerate(values)
    )
    stamp = (rows._fingerprint, hashlib.sha256(repr(rows.features).encode()).hexdigest())
    return FileSource(Path(name), items, (), stamp)


def _open_cell(rows: Any, column: str, i: int) -> BinaryIO:
    cell = rows[i][column]
    if cell.get("bytes") is not None:
        return BytesIO(cell["bytes"])
    if cell.get("path"):
        return open(cell["path"], "rb")
    raise UnreadableImage("no image in this row")
