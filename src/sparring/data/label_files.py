"""Label files: CSV or JSON with each image's class or attributes."""

import csv
import io
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sparring.data.files import FileItem, FileSource, LabelFile
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
    if not table.labels:
        return [replace(item, label=None) for item in source.items], []
    labelled = [replace(item, label=table.labels[item.name]) for item in source.items if item.name in table.labels]
    if not labelled:
        first = next(iter(table.labels))
        raise UserError(
            f"{name} names no image of {one_line(source.path)}: its first entry is {first}, of {len(table.labels):,}"
        )
    known = {item.name for item in source.items} | {name for name, _ in source.skipped}
    unlabelled = [(item.name, f"no label in {name}") for item in source.items if item.name not in table.labels]
    return labelled, unlabelled + [(name, ABSENT) for name in table.labels if name not in known]


def _csv(text: str) -> LabelTable:
    reader = csv.reader(io.StringIO(text), strict=True)
    head = next(reader, [])
    if len(head) < 2:
        raise InvalidLabels("its header has fewer than two columns")
    of: dict[str, tuple[str, ...]] = {}
    for row in filter(None, reader):
        if len(row) != len(head):
            raise InvalidLabels(f"line {reader.line_num} has {len(row)} columns, the header has {len(head)}")
        _add(of, row[0], tuple(cell.strip() for cell in row[1:]), f"line {reader.line_num}")
    names = tuple(one_line(name) for name in head[1:])
    # A single column holds classes, unless it has fractional numbers.
    if len(names) == 1 and not _are_fractional(cell for (cell,) in of.values()):
        return LabelTable({file: one_line(cell) for file, (cell,) in _filled(of).items()})
    return LabelTable(
        {file: tuple(_number(cell, file) for cell in cells) for file, cells in _filled(of).items()}, names
    )


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
    if all(isinstance(label, (str, int)) for label in _filled(of).values()):
        return LabelTable({file: one_line(label) for file, label in of.items()})
    vectors = {file: _vector(label, file) for file, label in of.items()}
    width = len(next(iter(vectors.values())))
    if odd := next((file for file, vector in vectors.items() if len(vector) != width), None):
        raise InvalidLabels(f"{odd} has {len(vectors[odd])} numbers, the first entry has {width}")
    return LabelTable(vectors, tuple(map(str, range(width))))


_READERS: dict[str, Callable[[str], LabelTable]] = {".csv": _csv, ".json": _json}


def _add(of: dict[str, Any], file: str, label: Any, where: str) -> None:
    name = one_line(file.replace("\\", "/").strip().removeprefix("./"))
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
