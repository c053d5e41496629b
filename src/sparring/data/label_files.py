"""Label files: CSV or JSON with each image's class or attributes."""

import csv
import io
import math
import mimetypes
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from sparring.data.files import FileItem, FileSource, LabelFile, normal_name
from sparring.data.layout import wrapping_folders
from sparring.errors import UserError, one_line
from sparring.storage.atomic import from_json

ABSENT = "in the label file, but missing"
HELP = "write a CSV (header; file name, then a class or several numbers) or a JSON ({file: class or [numbers]})"


@dataclass(frozen=True)
class LabelTable:
    """Content of a label file."""

    labels: Mapping[str, str | tuple[float, ...]]
    """Class or attribute vector by file name, with forward slashes; empty if the file declares no labels."""
    attributes: tuple[str, ...] = ()
    """Attribute names; empty for classes."""
    empty: frozenset[str] = frozenset()
    """Files whose label is empty."""


class InvalidLabels(Exception):
    """A malformed label file; the message is the reason."""


def read_labels(path: Path) -> LabelFile:
    """Reads a label file without parsing it. Raises UserError if it is missing or unreadable."""
    try:
        if not os.path.isfile(path):
            raise UserError(f"no label file {one_line(path)}: {HELP}")
        return LabelFile(one_line(path), path.read_bytes())
    except (OSError, ValueError) as error:
        reason = one_line(getattr(error, "strerror", None) or error)
        raise UserError(f"can't read the label file {one_line(path)}: {reason}") from None


def parse_labels(file: LabelFile) -> LabelTable:
    """Parses a label file by its suffix. Raises UserError with the line, if known."""
    read = _READERS.get(os.path.splitext(file.name)[1].lower())
    if read is None:
        raise UserError(f"{file.name} is not a label file: {HELP}")
    try:
        return read(file.content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UserError(f"{file.name} is not UTF-8 text: {HELP}") from None
    except (InvalidLabels, csv.Error, ValueError) as error:
        raise UserError(f"{file.name}: {one_line(error)}; {HELP}") from None


def assign_labels(source: FileSource, table: LabelTable, name: str) -> tuple[list[FileItem], list[tuple[str, str]]]:
    """Labelled items, and what is skipped: items without a label, labels without a file.

    Returns all items unlabelled if the file declares no labels.

    Raises:
        UserError: no label matches an item.
    """
    if not table.labels and not table.empty:
        return [replace(item, label=None) for item in source.items], []
    names = _match_names(source, {*table.labels, *table.empty})
    labels = {item: table.labels[key] for item, key in names.items() if key in table.labels}
    labelled = [replace(item, label=labels[item.name]) for item in source.items if item.name in labels]
    if not labelled:
        first = next(iter([*table.labels, *table.empty]))
        raise UserError(
            f"{name} names no image of {one_line(source.path)}: its first entry is {first}, of {len(table.labels):,}"
        )
    matched = {*names.values(), *_match_names(replace(source, items=_unopened(source)), set(table.labels)).values()}
    reasons = {True: f"an empty label in {name}", False: f"no label in {name}"}
    unlabelled = [
        (item.name, reasons[names.get(item.name) in table.empty]) for item in source.items if item.name not in labels
    ]
    return labelled, unlabelled + [(key, ABSENT) for key in table.labels if key not in matched]


def _match_names(source: FileSource, keys: set[str]) -> dict[str, str]:
    """The label file's name of each item: of the same text in Unicode's form C, with or without wrapping folders."""
    for wrap in wrapping_folders([item.name for item in source.items]):
        names = {item.name: normal_name(item.name[len(wrap) :]) for item in source.items}
        if matched := {item: name for item, name in names.items() if name in keys}:
            return matched
    return {}


def _unopened(source: FileSource) -> tuple[FileItem, ...]:
    """The skipped files, which a label file may name."""
    return tuple(FileItem(name, BytesIO) for name, _ in source.skipped)


def _csv(text: str) -> LabelTable:
    lines = csv.reader(io.StringIO(text), strict=True)
    rows = [(lines.line_num, [cell.strip() for cell in row]) for row in lines if row]
    if not rows or len(rows[0][1]) < 2:
        raise InvalidLabels("its header has fewer than two columns")
    first = rows[0][1]
    start = int(len(first) > 2 and _is_index(rows))  # pandas writes one, with an empty name
    headless = (mimetypes.guess_type(first[start])[0] or "").startswith("image/")
    of: dict[str, tuple[str, ...]] = {}
    for line, row in rows[1 - headless :]:
        if len(row) != len(first):
            raise InvalidLabels(f"line {line} has {len(row)} columns, the {_FIRST[headless]} has {len(first)}")
        _add(of, row[start], tuple(row[start + 1 :]), f"line {line}")
    names = tuple(map(str, range(len(first) - start - 1))) if headless else tuple(map(one_line, first[start + 1 :]))
    empty = frozenset(file for file, cells in _filled(of).items() if not any(cells))
    of = {file: cells for file, cells in of.items() if file not in empty}
    # A single column holds classes, unless it has fractional numbers.
    if len(names) == 1 and not _are_fractional(cell for (cell,) in of.values()):
        classes = _class_names([cell for (cell,) in of.values()])
        return LabelTable(dict(zip(of, classes, strict=True)), empty=empty)
    return LabelTable({file: tuple(_number(cell, file) for cell in cells) for file, cells in of.items()}, names, empty)


_FIRST = {True: "first line", False: "header"}


def _is_index(rows: list[tuple[int, list[str]]]) -> bool:
    """Whether the first column numbers the rows, as pandas writes its index: without a name, 0 to n - 1."""
    (_, head), *rest = rows
    return head[0].removeprefix("Unnamed: 0") == "" and all(row[0] == str(i) for i, (_, row) in enumerate(rest))


def _class_names(cells: Sequence[str]) -> list[str]:
    """The classes as text; whole numbers without the fraction that pandas adds: 1.0 is 1."""
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return [one_line(cell) for cell in cells]
    if not any("." in cell for cell in cells) or not all(abs(number) < _EXACT for number in numbers):
        return [one_line(cell) for cell in cells]
    return [str(int(number)) for number in numbers]


_EXACT = 2.0**53
"""Whole numbers below this are exact as float64."""


def _json(text: str) -> LabelTable:
    """{file: class or [numbers]}, or StyleGAN's {"labels": [[file, class or [numbers]], …]}."""
    content = from_json(text)
    if not isinstance(content, dict):
        raise InvalidLabels("it is not a JSON object")
    if content.get("labels", content) is None:
        return LabelTable({})  # StyleGAN's notation for an unlabelled data set
    pairs = content["labels"] if isinstance(content.get("labels"), list) else list(content.items())
    of: dict[str, Any] = {}
    for i, pair in enumerate(pairs):
        if not (isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str)):
            raise InvalidLabels(f"label {i + 1} is not a file name and a label")
        _add(of, pair[0], pair[1], f"label {i + 1}")
    empty = frozenset(file for file, label in _filled(of).items() if label is None or label in ("", []))
    of = {file: label for file, label in of.items() if file not in empty}
    if all(isinstance(label, (str, int)) for label in of.values()):
        return LabelTable({file: one_line(label) for file, label in of.items()}, empty=empty)
    vectors = {file: _vector(label, file) for file, label in of.items()}
    width = len(next(iter(vectors.values())))
    if odd := next((file for file, vector in vectors.items() if len(vector) != width), None):
        raise InvalidLabels(f"{odd} has {len(vectors[odd])} numbers, the first entry has {width}")
    if width > 1 and all(_is_one_hot(vector) for vector in vectors.values()):
        return LabelTable({file: str(vector.index(1)) for file, vector in vectors.items()}, empty=empty)
    if width == 1 and all(isinstance(label, (int, float)) and _is_whole(label) for label in of.values()):
        return LabelTable({file: str(int(vector[0])) for file, vector in vectors.items()}, empty=empty)
    return LabelTable(vectors, tuple(map(str, range(width))), empty)


def _is_one_hot(vector: tuple[float, ...]) -> bool:
    return vector.count(1) == 1 and vector.count(0) == len(vector) - 1


def _is_whole(number: float) -> bool:
    return float(number).is_integer() and abs(number) < _EXACT


_READERS: dict[str, Callable[[str], LabelTable]] = {".csv": _csv, ".json": _json}


def _add(of: dict[str, Any], file: str, label: Any, where: str) -> None:
    name = normal_name(one_line(file.replace("\\", "/").strip().removeprefix("./")))
    if name in of:
        raise InvalidLabels(f"{where} repeats {name}")
    of[name] = label


def _filled(of: dict[str, Any]) -> dict[str, Any]:
    if not of:
        raise InvalidLabels("it holds no labels")
    return of


def _vector(label: Any, file: str) -> tuple[float, ...]:
    numbers = label if isinstance(label, list) else [label]
    if not numbers or not all(isinstance(number, (int, float)) for number in numbers):
        raise InvalidLabels(f"the label of {file} is not a list of numbers")
    return tuple(_number(number, file) for number in numbers)


def _number(text: str | float, file: str) -> float:
    try:
        number = float(text)
    except (ValueError, OverflowError):
        number = math.nan
    if not abs(number) < 3e38:  # the range of float32; false for NaN
        raise InvalidLabels(f"the label of {file} contains '{one_line(text)}', which is not a number")
    return number


def _are_fractional(cells: Iterable[str]) -> bool:
    """Whether all cells are numbers and some are fractional."""
    try:
        return not all(float(cell).is_integer() for cell in cells)
    except ValueError:
        return False
