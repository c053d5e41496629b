"""pandas frames: labels of columns, index and intervals, which Arrow has no types for, go into schema metadata."""

import json
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

_KEY = b"sparring"
"""Key of the schema metadata."""


def plain_frame(frame: Any) -> tuple[Any, dict[bytes, bytes]]:
    """The frame with text as column names, the index as columns, and intervals as categories of text; and the metadata
    by which `restored_frame` undoes that.

    An index of unnamed whole numbers counts the rows, and is left out.
    """
    import pandas

    about: dict[str, Any] = {}
    if not is_row_number(frame.index):
        names = [_index_name(frame, name, level) for level, name in enumerate(frame.index.names)]
        about["index"] = dict(zip(names, frame.index.names, strict=True))
        frame = frame.reset_index(names=names)
    labels = {str(label): label for label in frame.columns}
    if other := {name: label for name, label in labels.items() if name != label and _is_kept(label)}:
        about["labels"] = other
    frame = frame.set_axis([str(label) for label in frame.columns], axis=1)
    intervals = {name: _interval_type(frame[name].dtype) for name in labels if len(labels) == frame.shape[1]}
    for name, dtype in intervals.items():
        if dtype is not None:
            column = frame[name].astype("category")
            bounds = column.cat.categories
            about.setdefault("intervals", {})[name] = {
                "left": bounds.left.astype(str).tolist(),
                "right": bounds.right.astype(str).tolist(),
                "of": str(dtype.subtype),
                "closed": str(dtype.closed),
                "category": isinstance(frame[name].dtype, pandas.CategoricalDtype),
            }
            frame = frame.assign(**{name: column.cat.rename_categories(bounds.astype(str))})
    return frame, {_KEY: json.dumps(about).encode()} if about else {}


def restored_frame(table: Any) -> Any:
    """The pandas frame of an Arrow table whose schema has such metadata."""
    import pandas

    frame = table.to_pandas()
    about = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))
    for name, interval in about.get("intervals", {}).items():
        if name in frame:
            frame[name] = _restored_intervals(frame[name], interval)
    index = {name: label for name, label in about.get("index", {}).items() if name in frame}
    if index:
        frame = frame.set_index(list(index))
        frame.index.names = list(index.values())
    names = {name: _label(label) for name, label in about.get("labels", {}).items()}
    labels: Any = [names.get(name, name) for name in frame.columns]
    if labels and all(isinstance(label, tuple) for label in labels):
        labels = pandas.MultiIndex.from_tuples(labels)
    return frame.set_axis(labels, axis=1) if names else frame


def is_row_number(index: Any) -> bool:
    """Whether an index only counts the rows: whole numbers without a name."""
    import pandas

    return index.nlevels == 1 and index.name is None and pandas.api.types.is_integer_dtype(index.dtype)


def index_note(frame: Any) -> str:
    """What becomes of an index that is left out, unless it numbers the rows from 0; else ""."""
    if not is_row_number(frame.index) or (frame.index == np.arange(len(frame))).all():
        return ""
    return "the index of the table is unnamed whole numbers: it is left out (name it to learn it as a column)"


def _index_name(frame: Any, name: Hashable, level: int) -> str:
    """A name for the column of an index level that no other column has."""
    wanted, taken = "index" if name is None else str(name), {str(label) for label in frame.columns}
    taken |= {str(other) for k, other in enumerate(frame.index.names) if k < level}
    while wanted in taken:
        wanted += "_index"
    return wanted


def _is_kept(label: Hashable) -> bool:
    return all(isinstance(part, str | int | float | bool) for part in (label if isinstance(label, tuple) else (label,)))


def _label(label: Any) -> Hashable:
    """A label from JSON, where tuples are lists."""
    return tuple(label) if isinstance(label, list) else label


def _interval_type(dtype: Any) -> Any:
    """The type of intervals, or of categories that are intervals; None for other columns."""
    import pandas

    inner = dtype.categories.dtype if isinstance(dtype, pandas.CategoricalDtype) else dtype
    return inner if isinstance(inner, pandas.IntervalDtype) else None


def _restored_intervals(column: Any, interval: Mapping[str, Any]) -> Any:
    import pandas

    left, right = (pandas.Series(interval[side]).astype(interval["of"]) for side in ("left", "right"))
    bounds = pandas.IntervalIndex.from_arrays(left, right, interval["closed"])
    restored = column.cat.rename_categories(dict(zip(bounds.astype(str), bounds, strict=True)))
    return restored if interval["category"] else restored.astype(bounds.dtype)
