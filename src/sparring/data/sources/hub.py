"""Images of a Hugging Face data set: the SPEC `hf:NAME`, or `hf:FOLDER` of one saved to disk. Needs datasets, the extra
`hf`."""

import hashlib
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from sparring.data.image.file import UnreadableImage
from sparring.data.sources.item import FileItem, FileSource
from sparring.data.sources.parquet import LABEL_COLUMNS, class_of
from sparring.errors import UserError, one_line

PREFIX, SPLIT = "hf:", "train"


def hub_source(name: str) -> FileSource:
    """The images of the first column of images; classes as those of a parquet file. Of several splits, "train".

    Raises UserError: datasets is missing, there is no such set, or it has no images.
    """
    try:
        import datasets  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise UserError("reading hf:… needs datasets: pip install 'sparring[hf]'") from None
    place = name.removeprefix(PREFIX)
    try:
        on_disk = Path(place).is_dir()
        held = datasets.load_from_disk(place) if on_disk else datasets.load_dataset(place, split=SPLIT)
    except Exception as error:  # the library raises its own, of the network and of every file format
        raise UserError(f"can't read {one_line(name)}: {one_line(error).partition('.')[0][:160]}") from None
    if isinstance(held, dict) and SPLIT not in held:
        raise UserError(
            f"{one_line(name)} has no part '{SPLIT}', only {one_line(', '.join(held))}: save that part alone"
        )
    rows: Any = held[SPLIT] if isinstance(held, dict) else held
    column = next((key for key, kind in rows.features.items() if isinstance(kind, datasets.Image)), None)
    if column is None:
        raise UserError(f"{one_line(name)} has no column of images, only {', '.join(rows.features)}")
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
    held = rows[i][column]
    if held.get("bytes") is not None:
        return BytesIO(held["bytes"])
    if held.get("path"):
        return open(held["path"], "rb")
    raise UnreadableImage("no image in this row")
